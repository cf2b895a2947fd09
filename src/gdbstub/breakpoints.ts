/**
 * The breakpoints and watchpoints that this debugger has set, and what is to be decided or done at each without asking it.
 *
 * GDB manual, Packets, Z0: conditions and commands are agent expressions.
 */
import { AgentExpression } from './agent.ts';
import { type BreakpointKind, type Breakpoints, type Outcome, type Result, TargetError } from './target.ts';

export interface BreakpointOptions {
  /** The machine stops if one of them is not 0, or cannot be evaluated. Empty: it always stops. */
  readonly conditions: readonly AgentExpression[];
  /** Run in place of stopping. */
  readonly commands: readonly AgentExpression[];
  /** What they were made of, in bytes. */
  readonly size: number;
}

export interface Breakpoint extends BreakpointOptions {
  readonly kind: BreakpointKind;
  readonly address: bigint;
  readonly length: number;
}

export const noOptions: BreakpointOptions = { conditions: [], commands: [], size: 0 };

const mostBreakpoints = 65_536;
/** Of all conditions and commands together, in bytes. */
const mostOptions = 1 << 20;

export class BreakpointTable {
  readonly #target: Breakpoints | undefined;
  readonly #byAddress = new Map<bigint, Breakpoint[]>();
  #count = 0;
  #size = 0;

  constructor(target: Breakpoints | undefined) {
    this.#target = target;
  }

  /** Whether some of them have conditions or commands. */
  get decide(): boolean {
    return this.#size > 0;
  }

  /** A second time with other conditions or commands: they take the place of the first ones. */
  insert(kind: BreakpointKind, address: bigint, length: number, options: BreakpointOptions): Outcome {
    const here = this.#byAddress.get(address);
    const index = here ? here.findIndex((other) => other.kind === kind && other.length === length) : -1;
    const before = here?.[index]?.size ?? 0;
    if (this.#size - before + options.size > mostOptions)
      return new TargetError('there is no room for more conditions and commands', 12);
    if (index < 0) {
      if (this.#count === mostBreakpoints) return new TargetError('there is no room for more breakpoints', 12);
      const error = this.#target?.insert(kind, address, length);
      if (error) return error;
      this.#count++;
    }
    const breakpoint = { kind, address, length, ...options };
    this.#size += options.size - before;
    if (!here) this.#byAddress.set(address, [breakpoint]);
    else if (index < 0) here.push(breakpoint);
    else here[index] = breakpoint;
    return undefined;
  }

  /** One that is not there is removed already. */
  remove(kind: BreakpointKind, address: bigint, length: number): Outcome {
    const here = this.#byAddress.get(address);
    const index = here ? here.findIndex((other) => other.kind === kind && other.length === length) : -1;
    if (!here || index < 0) return undefined;
    const error = this.#target?.remove(kind, address, length);
    if (error) return error;
    const [{ size }] = here.splice(index, 1);
    if (here.length === 0) this.#byAddress.delete(address);
    this.#size -= size;
    this.#count--;
    return undefined;
  }

  /** Removes all, those too that the machine does not let go of gladly. */
  clear(): void {
    for (const { kind, address, length } of [...this.#byAddress.values()].flat())
      this.#target?.remove(kind, address, length);
    this.#byAddress.clear();
    this.#count = 0;
    this.#size = 0;
  }

  /** Those at which execution stops, not those that watch data. */
  at(address: bigint): readonly Breakpoint[] {
    return this.#byAddress.get(address)?.filter(({ kind }) => kind === 'software' || kind === 'hardware') ?? [];
  }

  /** Takes those at an address out of the machine for the time of one step. */
  lift(address: bigint): void {
    for (const { kind, length } of this.at(address)) this.#target?.remove(kind, address, length);
  }

  /** Puts back what was lifted. */
  lower(address: bigint): void {
    for (const { kind, length } of this.at(address)) this.#target?.insert(kind, address, length);
  }
}

/** `X5,2201000027` one after the other, then `;cmds:0,X...`. */
export function parseOptions(text: string): Result<BreakpointOptions> {
  const conditions: AgentExpression[] = [];
  const commands: AgentExpression[] = [];
  let list = conditions;
  let size = 0;
  let at = 0;
  while (at < text.length) {
    const commandsStart = /cmds:[0-9a-fA-F]+,/y;
    commandsStart.lastIndex = at;
    if (text[at] === ';') at++;
    else if (commandsStart.test(text)) {
      list = commands;
      at = commandsStart.lastIndex;
    } else {
      const head = /X([0-9a-fA-F]{1,6}),/y;
      head.lastIndex = at;
      const length = Number.parseInt(head.exec(text)?.[1] ?? '', 16);
      const digits = text.slice(head.lastIndex, head.lastIndex + 2 * length);
      if (Number.isNaN(length) || !/^([0-9a-fA-F]{2})*$/.test(digits) || digits.length !== 2 * length)
        return new TargetError('the conditions or commands are not of the form X length,bytes', 22);
      const expression = AgentExpression.parse(bytesOf(digits));
      if (expression instanceof TargetError) return expression;
      list.push(expression);
      size += length;
      at = head.lastIndex + 2 * length;
    }
  }
  return { conditions, commands, size };
}

const bytesOf = (digits: string): Uint8Array =>
  Uint8Array.from({ length: digits.length >> 1 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
