import { expect, test } from 'vitest';
import type { Target } from '../../src/gdbstub/index.ts';
import { checkPackets, PacketTable, packet } from '../../src/gdbstub/packet.ts';
import { packets } from '../../src/gdbstub/packets/index.ts';
import { latin1 } from './conversation.ts';
import { LineMachine } from './line-machine.ts';

const whole = new PacketTable(packets, new LineMachine());

/** The notation of the packet that is found; behind it `!` if its arguments are wrong. */
function found(text: string, table = whole): string | undefined {
  const bytes = latin1(text);
  const match = table.find(bytes, 0, bytes.length);
  return match && match.packet.pattern.head + (match.fields ? '' : '!');
}

test.each([
  ['qC', 'qC'],
  ['qCRC:0,4', 'qCRC:'],
  ['qCRC:0', 'qCRC:!'],
  ['qCRC', 'qCRC:!'],
  ['qCfoo', undefined],
  ['qC:1', 'qC!'],
  ['vCont?', 'vCont?'],
  ['vCont;c', 'vCont;'],
  ['vContinue', undefined],
  ['qXfer:threads:read::0,4', 'qXfer:threads:read::'],
  ['qXfer:threads:read:x:0,4', 'qXfer:threads:read::!'],
  ['qXfer:auxv:read::0,4', undefined],
  ['qThreadStopInfo1', 'qThreadStopInfo'],
  ['qThreadStopInfoX', 'qThreadStopInfo!'],
  ['p', 'p!'],
  ['', undefined],
  ['\xff', undefined],
])('%s is %s', (text, expected) => {
  expect(found(text)).toBe(expected);
});

test('what the target cannot do is not known', () => {
  const machine = new LineMachine();
  const { describe: _, ...bare } = machine;
  const poor: Target = {
    ...bare,
    describe: (client) => machine.describe(client),
    breakpoints: undefined,
    monitor: undefined,
    memoryMap: undefined,
    memoryRegion: undefined,
    host: undefined,
    reset: undefined,
  };
  const table = new PacketTable(packets, poor);
  for (const text of ['Z0,0,4', 'z0,0,4', 'qRcmd,00', 'qXfer:memory-map:read::0,4', 'qHostInfo', 'R00'])
    expect([text, found(text), found(text, table)]).toEqual([text, expect.any(String), undefined]);
  expect(found('m0,4', table)).toBe('m');
});

test('the table refuses packets that cannot be told apart, and packets without a doc', () => {
  const run = () => undefined;
  const one = packet('m{a:int},{b:int}', { doc: 'One.', run });
  const other = packet('m{from:address},{to:text}', { doc: 'Other.', run });
  expect(() => checkPackets([one, other])).toThrow('defined twice');
  expect(() => packet('q', { doc: 'no sentence', run })).toThrow('sentences');
});

test('a handler that touches what its packet does not need does not compile', () => {
  const doc = 'A test.';
  packet('qA', { doc, needs: 'monitor', run: (_, { target }) => target.monitor.run('', 1) as string });
  // @ts-expect-error monitor may be missing
  packet('qB', { doc, run: (_, { target }) => target.monitor.run('', 1) as string });
  // @ts-expect-error there is no field of this name
  packet('qC{a:int}', { doc, run: ({ b }) => String(b) });
  // @ts-expect-error a number is no reply
  packet('qD{a:int}', { doc, run: ({ a }) => a });
});
