/**
 * Speed of the protocol server beside QEMU and a server of fixed replies, in one run: every round visits each server in
 * turn, so that a slow spell of the machine hits all alike.
 */
import { performance } from 'node:perf_hooks';
import { Connection, frame } from './connection.ts';
import { type Server, startFixed, startOurs, startQemu, useOneProcessor } from './servers.ts';

const rounds = 5;
/** Milliseconds of one measurement. */
const spell = 250;
/** Packets in flight. */
const window = 32;
/** RAM that the guest does not use before its start. */
const scratch = 0x4200_0000;

interface Bench {
  readonly connection: Connection;
  readonly server: Server;
  /** Bytes of memory in one packet. */
  readonly chunk: number;
  readonly vbar: string | undefined;
  /** An address that the guest comes by again and again. */
  readonly loop: string;
}

/** One operation, told as a function that carries it out; undefined where the server cannot. */
interface Measurement {
  readonly name: string;
  readonly unit: '/s' | 'MB/s';
  readonly prepare: (bench: Bench) => (() => Promise<number>) | undefined;
}

const packet = (
  name: string,
  unit: '/s' | 'MB/s',
  of: (bench: Bench) => readonly [string | Buffer, number] | undefined,
): Measurement => ({
  name,
  unit,
  prepare: (bench) => {
    const made = of(bench);
    if (made === undefined) return undefined;
    const bytes = frame(made[0]);
    return async () => {
      const reply = await bench.connection.send(bytes);
      if (reply.length === 0 || (reply[0] === 0x45 && reply.length <= 3)) throw new Error(`${name}: ${reply}`);
      return made[1];
    };
  },
});

const address = scratch.toString(16);
const isFixed = ({ server }: Bench) => server.name === 'fixed reply';
const measurements: readonly Measurement[] = [
  packet('p of X1', '/s', () => ['p1', 1]),
  packet('p of VBAR_EL1', '/s', ({ vbar }) => (vbar === undefined ? undefined : [`p${vbar}`, 1])),
  {
    name: 'P of VBAR_EL1',
    unit: '/s',
    prepare: (bench) => {
      const { vbar, connection } = bench;
      if (vbar === undefined) return undefined;
      const writes = ['0000184000000000', '0000204000000000'].map((value) => frame(`P${vbar}=${value}`));
      let turn = 0;
      return async () => {
        const reply = await connection.send(writes[turn++ & 1]);
        if (!isFixed(bench) && reply.toString('latin1') !== 'OK') throw new Error(`P: ${reply}`);
        return 1;
      };
    },
  },
  packet('g', '/s', (bench) => (isFixed(bench) ? undefined : ['g', 1])),
  packet('m', 'MB/s', (bench) =>
    isFixed(bench) ? undefined : [`m${address},${bench.chunk.toString(16)}`, bench.chunk / 1e6],
  ),
  packet('x', 'MB/s', ({ server, chunk }) =>
    server.name === 'arm-gdbstub' ? [`x${address},${chunk.toString(16)}`, chunk / 1e6] : undefined,
  ),
  packet('X', 'MB/s', ({ server, chunk }) => {
    if (server.name !== 'arm-gdbstub') return undefined;
    const head = Buffer.from(`X${address},${chunk.toString(16)}:`);
    return [Buffer.concat([head, Buffer.alloc(chunk, 0x41)]), chunk / 1e6];
  }),
  packet('step', '/s', (bench) => (isFixed(bench) ? undefined : ['vCont;s:1', 1])),
  {
    name: 'break',
    unit: '/s',
    prepare: (bench) => {
      if (isFixed(bench)) return undefined;
      const { connection, loop } = bench;
      const hit = ['vCont;s:1', `Z0,${loop},4`, 'vCont;c', `z0,${loop},4`].map((text) => frame(text));
      return async () => {
        for (const bytes of hit) await connection.send(bytes);
        return 1;
      };
    },
  },
  {
    name: `p, ${window} in flight`,
    unit: '/s',
    prepare: ({ connection }) => {
      const many = Buffer.concat(Array.from({ length: window }, () => frame('p1')));
      return async () => {
        await connection.send(many, window);
        return window;
      };
    },
  },
];

/** Operations or megabytes in a second, by the median time of one call. */
async function measure(operation: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  let amount = 0;
  const end = performance.now() + spell;
  do {
    const begin = performance.now();
    amount = await operation();
    times.push(performance.now() - begin);
  } while (performance.now() < end);
  return (amount * 1000) / median(times);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

async function attach(server: Server): Promise<Bench> {
  const connection = await Connection.open(server.port);
  await connection.start();
  if (server.name === 'fixed reply') return { connection, server, chunk: 0, vbar: 'c600', loop: '0' };
  const features = await connection.ask('qSupported:xmlRegisters=aarch64');
  const packetSize = Number.parseInt(/PacketSize=([0-9a-f]+)/.exec(features)?.[1] ?? '400', 16);
  const chunk = Math.min(65_536, Math.floor((packetSize - 32) / 2));
  return { connection, server, chunk, vbar: await vbarOf(connection), loop: await loopOf(connection) };
}

/** The number of VBAR_EL1 as the server's description tells it. QEMU calls the register VBAR. */
async function vbarOf(connection: Connection): Promise<string | undefined> {
  const texts: string[] = [];
  const names = ['target.xml'];
  for (const name of names) {
    const text = await object(connection, name);
    texts.push(text);
    for (const [, included] of text.matchAll(/<xi:include href="([^"]+)"/g)) names.push(included);
  }
  let number = 0;
  for (const [element] of texts
    .slice(texts.length > 1 ? 1 : 0)
    .join('')
    .matchAll(/<reg [^>]*>/g)) {
    const given = /regnum="(\d+)"/.exec(element)?.[1];
    if (given !== undefined) number = Number(given);
    if (/name="VBAR(_EL1)?"/.test(element)) return number.toString(16);
    number++;
  }
  return undefined;
}

async function object(connection: Connection, name: string): Promise<string> {
  let text = '';
  for (;;) {
    const part = await connection.ask(`qXfer:features:read:${name}:${text.length.toString(16)},ff0`);
    text += part.slice(1);
    if (part[0] !== 'm') return text;
  }
}

/** Steps a while and takes the place that was come by most often. */
async function loopOf(connection: Connection): Promise<string> {
  const visits = new Map<string, number>();
  for (let i = 0; i < 2000; i++) {
    await connection.ask('vCont;s:1');
    const pc = (await connection.ask('p20')).match(/../g)?.reverse().join('') ?? '';
    visits.set(pc, (visits.get(pc) ?? 0) + 1);
  }
  const [loop] = [...visits].reduce((most, one) => (one[1] > most[1] ? one : most));
  return loop.replace(/^0+/, '');
}

export async function benchProtocol(): Promise<void> {
  const pinned = useOneProcessor();
  const servers = [await startFixed(), await startOurs(), await startQemu()].filter((server) => server !== undefined);
  try {
    const benches: Bench[] = [];
    for (const server of servers) benches.push(await attach(server));
    const where = pinned ? 'all on one processor' : 'on any processor, so not steady: there is no taskset';
    console.log(`protocol: median of ${rounds} rounds, ${where}; ratios of arm-gdbstub to the others`);
    for (const measurement of measurements) console.log(await line(measurement, benches));
    for (const { connection } of benches) connection.close();
  } finally {
    for (const { process: child } of servers) child.kill();
  }
}

async function line({ name, unit, prepare }: Measurement, benches: readonly Bench[]): Promise<string> {
  const operations = benches.map(prepare);
  const figures: number[][] = benches.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, operation] of operations.entries()) if (operation) figures[index].push(await measure(operation));
  const medians = figures.map((values) => (values.length > 0 ? median(values) : undefined));
  const ours = medians[1] ?? 0;
  const columns = benches.map(({ server }, index) => {
    const value = medians[index];
    if (value === undefined) return `${server.name} -`.padEnd(34);
    const ratio = index === 1 ? '' : ` (${(ours / value).toFixed(2)})`;
    return `${server.name} ${value < 1000 ? value.toFixed(1) : Math.round(value).toLocaleString('en')} ${unit}${ratio}`.padEnd(
      34,
    );
  });
  return `  ${name.padEnd(18)}${columns.join('').trimEnd()}`;
}
