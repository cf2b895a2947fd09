/** `run --snapshot` as a process. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { RemoteClient } from '../../src/gdbstub/index.ts';
import { builtCommand, portIn, run, start } from './command.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'run-snapshot-'));
const place = (name: string): string => path.join(directory, name);
afterAll(() => rmSync(directory, { recursive: true }));

const RAM = 0x4000_0000n;
const words = (...instructions: number[]): Buffer => Buffer.from(Uint32Array.from(instructions).buffer);
/** add x0, x0, #1; str x0, [x1]; b .-8 */
const counting = words(0x91000400, 0xf9000020, 0x17fffffe);
let ports = 0;

/** A debugger at the command, and what the command says. */
async function debugged(...args: readonly string[]) {
  const file = place(`port-${ports++}`);
  const command = start('run', ...args, '-S', '--gdb', 'tcp:0', '--port-file', file);
  onTestFinished(() => command[Symbol.asyncDispose]());
  const client = new RemoteClient(net.connect({ host: '127.0.0.1', port: await portIn(file) }));
  await client.start();
  return { client, command };
}

beforeAll(async () => {
  builtCommand();
  writeFileSync(place('count.bin'), counting);
});

/** A guest of 8 MiB that has counted to 7, and has a sentence behind. */
async function saved(name: string, ...options: readonly string[]): Promise<string> {
  const { client } = await debugged(place('count.bin'), '-m', '8M', ...options);
  await client.writeRegister('x1', RAM + 0x1000n);
  for (let i = 0; i < 20; i++) await client.step();
  expect(await client.readRegister('x0')).toBe(7n);
  await client.writeRegister('VBAR_EL1', 0x4000_0800n);
  expect(await client.monitor(`snapshot save ${place(name)}`)).toContain(`saved in ${place(name)}: 0.0 MiB`);
  client.close();
  return place(name);
}

test('a guest goes on from a file, without an image, with the RAM and the CPU that it had', async () => {
  const file = await saved('a.snap', '--cpu', 'cortex-a72');
  const { client, command } = await debugged('--snapshot', file);
  expect(command.output.stderr).toContain('a.snap (snapshot) is held;');
  expect(await client.monitor('info')).toContain('simulator, cortex-a72: RAM 0x40000000..0x407fffff');
  const seen = async () => [
    await client.readRegister('x0'),
    await client.readRegister('pc'),
    await client.readRegister('VBAR_EL1'),
    await client.readInteger(RAM + 0x1000n, 8),
  ];
  expect(await seen()).toEqual([7n, RAM + 8n, 0x4000_0800n, 7n]);
  for (let i = 0; i < 3; i++) await client.step();
  expect(await seen()).toEqual([8n, RAM + 8n, 0x4000_0800n, 8n]);
  // Without an image this is where it starts.
  expect(await client.monitor('reset')).toContain('halted: cpu0 EL1h pc 0x0000000040000008');
  expect(await seen()).toEqual([7n, RAM + 8n, 0x4000_0800n, 7n]);
});

test('on top of an image, which a reset goes back to', async () => {
  const file = await saved('b.snap');
  writeFileSync(place('other.bin'), words(0x14000000));
  const { client } = await debugged(place('other.bin'), '--snapshot', file);
  expect(await client.readInteger(RAM, 4)).toBe(0x91000400n);
  expect(await client.readRegister('x0')).toBe(7n);
  expect(await client.monitor('reset')).toContain('halted: cpu0 EL1h pc 0x0000000040000000');
  expect(await client.readInteger(RAM, 4)).toBe(0x14000000n);
  expect(await client.readRegister('x0')).toBe(0n);
});

describe('mistakes', () => {
  test('of the file, of the RAM and of the CPUs', async () => {
    const file = await saved('c.snap');
    const short = place('short.snap');
    writeFileSync(short, readFileSync(file));
    truncateSync(short, 6000);
    const rows: readonly (readonly [args: readonly string[], code: number, message: string])[] = [
      [['--snapshot', place('nowhere.snap')], 1, 'nowhere.snap cannot be read: there is no such file'],
      [['--snapshot', place('count.bin')], 1, 'count.bin is no snapshot: it is too short'],
      [['--snapshot', directory], 1, 'is no regular file'],
      [['--snapshot', short], 1, 'short.snap is cut short: 6000 of '],
      [
        ['--snapshot', file, '-m', '16M'],
        1,
        "does not fit this machine: its RAM is 0x40000000..0x407fffff, the machine's 0x40000000..0x40ffffff",
      ],
      [['--snapshot', file, '--cpus', '2'], 1, 'it has 1 CPUs, the machine 2'],
      [['--snapshot', file, '--cpu', 'cortex-a53'], 1, 'MIDR_EL1 0xfa640 (here 0x410fd034)'],
      [['--snapshot'], 2, 'snapshot'],
    ];
    for (const [args, code, message] of rows) {
      const finished = await run('run', '--backend', 'simulator', ...args);
      expect(finished.stderr, args.join(' ')).toContain(message);
      expect(finished).toMatchObject({ code, stdout: '' });
      expect(finished.stderr).not.toContain('    at ');
    }
  });
});

test('a disk that is full leaves the snapshot that was there', async () => {
  const file = await saved('full.snap');
  const before = readFileSync(file);
  // A limit on the size of files is as good: 8 blocks of 512 bytes.
  const module = path.join(path.dirname(path.dirname(builtCommand())), 'src/backend/index.js');
  const script = `
    const { readSnapshot, writeSnapshot } = await import(${JSON.stringify(module)});
    const snapshot = readSnapshot(${JSON.stringify(file)}, 1e9);
    const pieces = [{ offset: 0, data: new Uint8Array(65536).fill(1) }];
    const result = writeSnapshot(${JSON.stringify(file)}, { ...snapshot, ram: [{ ...snapshot.ram[0], pieces }] });
    process.stdout.write(result.message);
  `;
  const limited = `trap '' XFSZ; ulimit -f 8; exec "$0" "$@"`;
  const finished = spawnSync('sh', ['-c', limited, process.execPath, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(finished.stdout).toMatch(/^cannot be written: EFBIG/);
  expect(readFileSync(file)).toEqual(before);
  expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([]);
});
