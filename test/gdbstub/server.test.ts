import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import {
  formatAddress,
  parseAddress,
  RemoteClient,
  type ServeOptions,
  type Server,
  type Stop,
  serve,
} from '../../src/gdbstub/index.ts';
import { frameOf, framesOf } from './conversation.ts';
import { LineMachine } from './line-machine.ts';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function start(options: Partial<ServeOptions> = {}) {
  const machine = new LineMachine();
  const log: string[] = [];
  const server = await serve(machine, { listen: 'tcp:0', log: (line) => log.push(line), ...options });
  opened.push(server, { close: () => machine.execution.interrupt() });
  return { machine, log, server };
}

function connect({ address }: Server): net.Socket {
  if (address.kind === 'stdio') throw new Error('not a socket');
  const socket = address.kind === 'tcp' ? net.connect(address.port, address.host) : net.connect(address.path);
  socket.on('error', () => undefined);
  opened.push({ close: () => socket.destroy() });
  return socket;
}

async function debug(server: Server): Promise<RemoteClient> {
  const client = new RemoteClient(connect(server));
  await client.start();
  return client;
}

const closed = (socket: net.Socket): Promise<void> =>
  new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())));

/** Everything that comes until the other side has ended. */
const everything = async (socket: net.Socket): Promise<string> => {
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  await closed(socket);
  return text;
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('addresses', () => {
  test.each([
    ['1234', 'tcp:127.0.0.1:1234'],
    ['tcp:1234', 'tcp:127.0.0.1:1234'],
    ['tcp::1234', 'tcp:127.0.0.1:1234'],
    ['tcp:0.0.0.0:0', 'tcp:0.0.0.0:0'],
    ['tcp:localhost:1', 'tcp:localhost:1'],
    ['tcp:[::1]:65535', 'tcp:[::1]:65535'],
    ['unix:/tmp/x:1', 'unix:/tmp/x:1'],
    ['stdio', 'stdio'],
  ])('%s', (text, expected) => {
    expect(formatAddress(parseAddress(text)!)).toBe(expected);
  });

  test.each(['', 'tcp:', 'tcp:65536', 'tcp:x', 'unix:', 'udp:1', 'localhost:1', 'tcp:::1:1', '123456'])(
    '%s is none',
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );

  test('an address that is none, or taken, is an error', async () => {
    await expect(start({ listen: 'nowhere' })).rejects.toThrow('no address');
    const { server } = await start();
    await expect(start({ listen: server.address })).rejects.toThrow('EADDRINUSE');
  });
});

test('a debugger works over TCP, on loopback and a free port', async () => {
  const { server } = await start();
  expect(server.address).toMatchObject({ kind: 'tcp', host: '127.0.0.1' });
  const client = await debug(server);
  await client.writeRegister('VBAR_EL1', 0x1000n);
  expect(await client.readRegister('VBAR_EL1')).toBe(0x1000n);
  await expect(client.writeRegister('MIDR_EL1', 0n)).rejects.toThrow('MIDR_EL1 is read-only');
  await client.insertBreakpoint(0, 0x4000_0100n, 4);
  expect((await client.continue()).pairs.get('20')).toBe('0001004000000000');
  await client.removeBreakpoint(0, 0x4000_0100n, 4);
  const running = client.continue();
  client.interrupt();
  expect((await running).signal).toBe(2);
  expect(await client.monitor('hello')).toBe('Hello, world\n');
});

test('many packets in one write are answered in one chunk', async () => {
  const { server } = await start();
  const socket = connect(server);
  const chunks: string[] = [];
  socket.on('data', (bytes: Buffer) => chunks.push(bytes.toString('latin1')));
  socket.write(frameOf('QStartNoAckMode'));
  await until(() => chunks.join('').includes('OK'));
  chunks.length = 0;
  socket.write(frameOf('p1f').repeat(32));
  await until(() => chunks.join('').length === 32 * 20);
  expect(chunks.length).toBe(1);
});

describe('one debugger at a time', () => {
  test('a second one is told so and the first does not notice', async () => {
    const { server, log } = await start();
    const first = await debug(server);
    const second = connect(server);
    second.write(`+${frameOf('qSupported:swbreak+')}`);
    expect(framesOf(await everything(second))).toEqual(['+', frameOf('E.another debugger is attached')]);
    expect(log.some((line) => line.includes('refused'))).toBe(true);
    expect(await first.readRegister('sp')).toBe(0x4000_8000n);
  });

  test('a second one that says nothing is sent away too', async () => {
    const { server } = await start();
    await debug(server);
    expect(framesOf(await everything(connect(server)))).toHaveLength(2);
  });

  test('when the first has gone the next is welcome', async () => {
    const { server, machine } = await start();
    const first = await debug(server);
    await first.writeRegister('VBAR_EL1', 0x5000n);
    await first.insertBreakpoint(0, 0x4000_0100n, 4);
    await first.detach();
    await until(() => machine.journal.attached.at(-1) === false);
    expect(machine.points.size).toBe(0);
    const second = await debug(server);
    expect(await second.readRegister('VBAR_EL1')).toBe(0x5000n);
    expect(machine.journal.attached).toEqual([true, false, true]);
  });
});

describe('a connection that ends', () => {
  test('in the middle of a packet', async () => {
    const { server, machine } = await start();
    const socket = connect(server);
    socket.write('$m4000');
    await until(() => machine.journal.attached.length === 1);
    socket.destroy();
    await until(() => machine.journal.attached.length === 2);
    expect(await (await debug(server)).readRegister('sp')).toBe(0x4000_8000n);
  });

  test('while the machine runs: breakpoints go, the machine runs on, the next debugger halts it', async () => {
    const { server, machine } = await start();
    const client = await debug(server);
    await client.insertBreakpoint(1, 0x4000_0ffen, 2);
    const running = client.continue();
    running.catch(() => undefined);
    await until(() => machine.journal.resumes.length === 1);
    client.close();
    await expect(running).rejects.toThrow('closed');
    await until(() => machine.journal.resumes.length === 2);
    expect(machine.points.size).toBe(0);
    const next = await debug(server);
    expect(machine.journal.attached).toEqual([true, false, true]);
    expect(await next.request('?')).toMatch(/^T05/);
  });

  test('a half-closed client is answered what it asked before', async () => {
    const { server } = await start();
    const socket = connect(server);
    socket.end(`${frameOf('QStartNoAckMode')}${frameOf('qC')}`);
    expect(framesOf(await everything(socket))).toEqual(['+', frameOf('OK'), frameOf('QC1')]);
    await debug(server);
  });

  test('k ends the connection and not the machine', async () => {
    const { server, machine } = await start();
    const socket = connect(server);
    socket.write(frameOf('k'));
    expect(await everything(socket)).toBe('+');
    await until(() => machine.journal.resumes.length === 1);
    expect(machine.journal.kills).toBe(0);
    await debug(server);
  });

  test('k ends the machine where that is allowed', async () => {
    const ends: Stop[] = [];
    const { server, machine } = await start({ allowKill: true, ended: (stop) => ends.push(stop) });
    const socket = connect(server);
    socket.write(frameOf('k'));
    expect(await everything(socket)).toBe('+');
    expect(machine.journal.kills).toBe(1);
    expect(ends).toEqual([{ kind: 'terminated', signal: 9 }]);
  });

  test('the server closes while a debugger is there', async () => {
    const { server, machine } = await start();
    const socket = connect(server);
    socket.write(frameOf('Z0,40000100,4'));
    await until(() => machine.points.size === 1);
    const gone = closed(socket.resume());
    await server.close();
    await gone;
    expect(machine.points.size).toBe(0);
    expect(machine.journal.attached).toEqual([true, false]);
  });
});

describe('a client that does not read', () => {
  /** Asks for more than any buffer of the system holds. */
  const greedy = frameOf('m40000000,10000').repeat(2000);
  const fill = (machine: LineMachine): void => {
    for (let index = 0; index < machine.bytes.length; index++) machine.bytes[index] = index * 7 + (index >> 8);
  };

  test('takes no memory, and gets everything when it reads at last', async () => {
    const { server, machine } = await start();
    fill(machine);
    const socket = connect(server);
    socket.write(frameOf('QStartNoAckMode'));
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    socket.write(greedy);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20);
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.resume();
    const wanted = 2000 * (0x20000 + 4) - 0;
    await until(() => bytes >= wanted);
    expect(bytes).toBe(wanted);
  });

  test('is dropped after some time, and the next one is welcome', async () => {
    const { server, machine, log } = await start({ stallSeconds: 0.1 });
    fill(machine);
    const socket = connect(server);
    socket.write(frameOf('QStartNoAckMode'));
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    socket.write(greedy);
    await until(() => machine.journal.attached.length === 2);
    expect(log.at(-1)).toContain('does not read');
    await debug(server);
  });
});

test('a machine whose text nobody reads waits, and goes on when it is read or the client has gone', async () => {
  const { server, machine } = await start();
  // const8 0, const8 0, printf without values, of 900 letters and their end; end.
  const command = `2200220034000385${'78'.repeat(900)}0027`;
  const socket = connect(server);
  socket.write(frameOf('QStartNoAckMode'));
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  socket.write(frameOf(`Z0,40000008,4;cmds:0,X${(command.length / 2).toString(16)},${command}`) + frameOf('c'));
  let before = -1;
  // Until it stands still: what is written goes to buffers of the system first.
  while (machine.journal.resumes.length !== before) {
    before = machine.journal.resumes.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(before).toBeGreaterThan(1000);
  socket.resume();
  await until(() => machine.journal.resumes.length > before + 1000);
  socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 200));
  socket.destroy();
  await until(() => machine.journal.attached.at(-1) === false);
  expect(machine.points.size).toBe(0);
});

describe('the machine without a debugger', () => {
  test('is held, or runs until one comes', async () => {
    const held = await start();
    expect(held.machine.journal.resumes.length).toBe(0);
    const { machine, server } = await start({ running: true });
    expect(machine.journal.resumes.length).toBe(1);
    expect(machine.journal.attached).toEqual([]);
    const client = await debug(server);
    expect(machine.journal.interrupts).toBe(1);
    expect(await client.request('?')).toMatch(/^T05/);
  });

  test('its end is told once, with and without a debugger', async () => {
    const ends: Stop[] = [];
    const machine = new LineMachine();
    machine.left = 50_000;
    const server = await serve(machine, { listen: 'tcp:0', running: true, ended: (stop) => ends.push(stop) });
    opened.push(server);
    await until(() => ends.length > 0);
    expect(ends).toEqual([{ kind: 'exited', code: 0 }]);
    const client = await debug(server);
    expect(await client.request('?')).toBe('W00');

    const second: Stop[] = [];
    const other = await start({ ended: (stop) => second.push(stop) });
    other.machine.left = 10;
    const debugger_ = await debug(other.server);
    expect((await debugger_.continue()).kind).toBe('W');
    expect(second).toEqual([{ kind: 'exited', code: 0 }]);
  });

  test('goes on after a reset of its own', async () => {
    const machine = new LineMachine();
    let resets = 0;
    const { resume } = machine.execution;
    const execution = {
      ...machine.execution,
      resume: (actions: Parameters<typeof resume>[0]) =>
        resets++ < 3 ? Promise.resolve<Stop>({ kind: 'reset', thread: 1 }) : resume(actions),
    };
    const server = await serve(Object.assign(machine, { execution }), { listen: 'tcp:0', running: true });
    opened.push(server, { close: () => machine.execution.interrupt() });
    await until(() => resets === 4);
  });

  test('a failure of the machine is its end', async () => {
    const machine = new LineMachine();
    const execution = { ...machine.execution, resume: () => Promise.reject(new Error('out of order')) };
    const log: string[] = [];
    const ends: Stop[] = [];
    const server = await serve(Object.assign(machine, { execution }), {
      listen: 'tcp:0',
      log: (line) => log.push(line),
      ended: (stop) => ends.push(stop),
    });
    opened.push(server);
    const client = await debug(server);
    expect((await client.continue()).kind).toBe('X');
    expect(log.join()).toContain('out of order');
    expect(ends).toEqual([{ kind: 'terminated', signal: 6 }]);
  });
});

test('conditions that are false for ever leave time for an interrupt', async () => {
  const { server } = await start();
  const client = await debug(server);
  await client.command('Z0,40000008,4;X3,220027');
  const running = client.continue();
  setTimeout(() => client.interrupt(), 50);
  expect((await running).signal).toBe(2);
});

test('an error in the target ends the session, not the server', async () => {
  const { server, machine, log } = await start();
  const { read } = machine.registers;
  let broken = true;
  Object.assign(machine.registers, {
    read: (thread: number, register: number) => {
      if (broken && register === 0) throw new Error('broken');
      return read(thread, register);
    },
  });
  const socket = connect(server);
  socket.write(frameOf('p0'));
  await everything(socket);
  expect(log.join('\n')).toContain('broken');
  broken = false;
  expect(await (await debug(server)).readRegister('x0')).toBe(0n);
});

describe('a Unix socket', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gdbstub-'));
  const file = path.join(folder, 'socket');
  afterEach(() => rmSync(file, { force: true }));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is made, used, and removed', async () => {
    const { server } = await start({ listen: `unix:${file}` });
    expect(await (await debug(server)).readRegister('sp')).toBe(0x4000_8000n);
    await server.close();
    expect(existsSync(file)).toBe(false);
  });

  test('that a dead server left behind is taken over, one that is served is not', async () => {
    // A socket whose server is gone: bound in a process that ends without removing it.
    const { spawnSync } = await import('node:child_process');
    spawnSync(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(existsSync(file)).toBe(true);
    await start({ listen: `unix:${file}` });
    await expect(start({ listen: `unix:${file}` })).rejects.toThrow('EADDRINUSE');
  });
});
