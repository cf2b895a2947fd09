/** Packets that set and clear breakpoints and watchpoints. */
import { type BreakpointOptions, noOptions, parseOptions } from '../breakpoints.ts';
import { hex } from '../output.ts';
import { packet, type Reply, unsupported } from '../packet.ts';
import { type BreakpointKind, type Breakpoints, type Result, TargetError } from '../target.ts';

/** By the number behind Z. */
const kinds: readonly BreakpointKind[] = ['software', 'hardware', 'write', 'read', 'access'];

const kindOf = ({ kinds: known }: Breakpoints, number: number): BreakpointKind | undefined =>
  known.find((kind) => kind === kinds[number]);

export const breakpointPackets = [
  packet('Z{type:int},{address:address},{length:int}[;{options:text}]', {
    doc: 'Set a breakpoint: 0 software, 1 hardware; or a watchpoint: 2 write, 3 read, 4 access. Conditions and commands are run by the stub.',
    needs: 'breakpoints',
    features: ['swbreak+', 'hwbreak+', 'ConditionalBreakpoints+', 'BreakpointCommands+'],
    run: ({ type, address, length, options: text }, { target, breakpoints }): Reply => {
      const kind = kindOf(target.breakpoints, type);
      if (kind === undefined) return unsupported;
      if (kind !== 'software' && kind !== 'hardware' && length === 0)
        return new TargetError('a watchpoint needs a length', 22);
      const options: Result<BreakpointOptions> = text ? parseOptions(text) : noOptions;
      return options instanceof TargetError ? options : breakpoints.insert(kind, address, length, options);
    },
  }),

  packet('z{type:int},{address:address},{length:int}[;{options:text}]', {
    doc: 'Clear a breakpoint or watchpoint. One that is not set is cleared already.',
    needs: 'breakpoints',
    run: ({ type, address, length }, { target, breakpoints }): Reply => {
      const kind = kindOf(target.breakpoints, type);
      return kind === undefined ? unsupported : breakpoints.remove(kind, address, length);
    },
  }),

  packet('qWatchpointSupportInfo[:]', {
    doc: 'How many watchpoints there are, for lldb.',
    needs: 'breakpoints',
    when: 'connected',
    run: (_, { target }) => `num:${hex(target.breakpoints.watchpointCount)};`,
  }),
];
