/** `run` and `demo` as processes. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RemoteClient } from '../../src/gdbstub/index.ts';
import { builtCommand, type Finished, portIn, root, run, start, until } from './command.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'run-'));
const place = (name: string): string => path.join(directory, name);
const demo = path.join(root, 'demo/demo.elf');

const words = (...instructions: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * instructions.length);
  for (const [index, word] of instructions.entries()) bytes.writeUInt32LE(word, 4 * index);
  return bytes;
};

beforeAll(() => {
  builtCommand();
  // Sends "ok\n" to the PL011, then PSCI SYSTEM_OFF.
  const put = (character: string): number[] => [0x52800001 | (character.charCodeAt(0) << 5), 0xb9000001];
  const off = [0x52800100, 0x72b08000, 0xd4000002];
  writeFileSync(place('off.bin'), words(0xd2a12000, ...['o', 'k', '\n'].flatMap(put), ...off));
  // Sends back what it receives until that is a q: UARTFR.RXFE is bit 4.
  const echo = [0xd2a12000, 0xb9401801, 0x3727ffe1, 0xb9400001, 0xb9000001, 0x7101c43f, 0x54ffff61];
  writeFileSync(place('echo.bin'), words(...echo, ...off));
  // SYS_READC, and SYS_EXIT with what came.
  const read = [0xd28000e0, 0xd2800001, 0xd45e0000];
  const exit = [0xd28004c2, 0xf2a00042, 0xd2a80001, 0x91100021, 0xa9000022, 0xd2800300, 0xd45e0000];
  writeFileSync(place('semihosting.bin'), words(...read, ...exit));
  writeFileSync(place('empty'), '');
  const qcow2 = Buffer.alloc(512);
  qcow2.write('QFI\xfb', 'latin1');
  writeFileSync(place('qcow2'), qcow2);
  const linux = Buffer.alloc(4096);
  linux.writeUInt32LE(0x644d5241, 56);
  linux.writeBigUInt64LE(4096n, 16);
  writeFileSync(place('linux'), linux);
  writeFileSync(place('loop.bin'), words(0x14000000));
  writeFileSync(place('short.elf'), readFileSync(demo).subarray(0, 4000));
});
afterAll(() => rmSync(directory, { recursive: true }));

const connect = (port: number): RemoteClient => new RemoteClient(net.connect({ host: '127.0.0.1', port }));

describe('mistakes', () => {
  test.skipIf(process.arch === 'arm64')('run --backend kvm without it', async () => {
    const result = await run('run', `${directory}/off.bin`, '--backend', 'kvm');
    expect(result.stderr).toContain('KVM for Arm is there on Linux on arm64 only, and this is ');
    expect(result).toMatchObject({ code: 1, stdout: '' });
  });

  test.each<[args: string[], code: number, message: string]>([
    [[], 2, 'a file to run is missing'],
    [['nowhere.elf'], 1, 'nowhere.elf: there is no such file'],
    [['/'], 1, '/ is no regular file'],
    [['/dev/zero'], 1, '/dev/zero is no regular file'],
    [['@empty'], 1, 'empty: the file is empty'],
    [['@short.elf'], 1, 'short.elf: the ELF file is cut short'],
    [['@off.bin', '--gbd', 'tcp:1'], 2, 'there is no option --gbd; did you mean --gdb?'],
    [['@off.bin', '--gdb', 'tcp:99999'], 2, 'tcp:99999 is no address for a debugger'],
    [['@off.bin', '--gdb', 'unix:/nowhere/gdb'], 1, 'cannot listen at unix:/nowhere/gdb: there is no such directory'],
    [['@off.bin', '--gdb', 'unix:/dev/null'], 1, 'unix:/dev/null: the address is in use\n'],
    [['@off.bin', '--memory'], 2, '--memory needs a value'],
    [['@off.bin', '-m', '--timeout', '1'], 2, '-m needs a value'],
    [['@off.bin', '-nographics'], 2, 'there is no option -nographics; did you mean --nographic?'],
    [['@off.bin', '--bios', '@off.bin'], 2, 'Arguments bios and file are mutually exclusive'],
    [['--bios', '/nowhere/bios'], 1, '/nowhere/bios: there is no such file'],
    [['@off.bin', '--initrd', '/nowhere/initrd'], 1, '/nowhere/initrd: there is no such file'],
    [['@off.bin', '--drive', '/nowhere/disk'], 1, '/nowhere/disk: there is no such file'],
    [['@off.bin', '--drive', '@off.bin,format=qcow2'], 2, '--drive: format=qcow2 is not known; there is raw'],
    [['@off.bin', '--drive', '@qcow2'], 1, 'qcow2: it is a qcow2 image; make a raw one of it'],
    [['@off.bin', '--drive'], 2, '--drive needs a value'],
    [['--', '-strange'], 1, './-strange: there is no such file'],
    [['@off.bin', '--hold=maybe'], 2, '--hold=maybe: --hold and --no-hold have no value'],
    [['@off.bin', '--drive', '--hold'], 2, '--drive needs a value'],
    [['@off.bin', '--variables', '/nowhere/vars'], 1, 'there is no such file; truncate -s 64M makes one'],
    [['@off.bin', '--net', 'user'], 2, 'user is no network: write loopback or unix:PATH'],
    [['@off.bin', '--console', 'stdio'], 2, 'standard output is for one console'],
    [['@off.bin', '--rtc', 'noon'], 2, 'noon is no time'],
    [['@off.bin', '--gic-version', '4'], 2, 'Invalid values'],
    [
      ['@off.bin', '--cpu', 'pentium'],
      2,
      'Given: "pentium", Choices: "cortex-a53", "cortex-a57", "cortex-a72", "max", "host"',
    ],
    [['@off.bin', '--cpu', 'host'], 2, 'the simulator has no CPU of the host'],
    [['@off.bin', '-M', 'raspi3b'], 2, 'there is no machine raspi3b: write virt or virt,gic-version=2'],
    [['@off.bin', '--dtb', '@off.bin'], 1, 'the device tree cannot be used: it is no flattened device tree (.dtb)'],
    [['--dump-dtb', '/nowhere/tree'], 1, 'cannot write /nowhere/tree: there is no such directory'],
    [['@linux', '-m', '2M'], 1, 'kernel, device tree and RAM disk need 4 MiB of RAM'],
    [['@off.bin', '--gdb', 'tcp:192.0.2.1:0'], 1, 'cannot listen at tcp:192.0.2.1:0: this host has no such address'],
    [['@off.bin', '-s', '--gdb', 'tcp:0'], 2, 'Arguments s and gdb are mutually exclusive'],
    [['@off.bin', '--gdb', 'stdio', '--serial', 'stdio'], 2, '--gdb stdio takes standard output'],
    [['@off.bin', '--serial', 'pty'], 2, "pty is no place for the guest's console"],
    [['@off.bin', '--serial', 'file:/nowhere/log'], 1, 'cannot write /nowhere/log: there is no such directory'],
    [['@off.bin', '--port-file', '/nowhere/port', '--gdb', 'tcp:0', '-S'], 1, 'cannot write /nowhere/port: '],
    [['@off.bin', '-m', '1T'], 2, '1T is no size of memory'],
    [['@off.bin', '-m', '0'], 2, '0 of RAM is no multiple of 4 KiB'],
    [['@off.bin', '-m', '1000G'], 1, '1024000 MiB of RAM are more than the simulator can have here'],
    [['@off.bin', '-m', '4G'], 1, '4096 MiB of RAM are more than the simulator can have here'],
    [[demo, '-m', '1M'], 1, 'does not fit into the RAM at 0x40000000..0x400fffff'],
    [['@off.bin', '--timeout', '0'], 2, '0 is no number of seconds'],
    [['@off.bin', '--timeout', 'x'], 2, 'x is no number of seconds'],
    [['@off.bin', '--sysregs', 'NO*'], 2, '--sysregs NO* names no register'],
    [['@off.bin', '--fields', 'NO*'], 2, '--fields NO* names no register'],
    [['@off.bin', '--cpus', '9', '--backend', 'simulator'], 2, 'the simulator has at most 8 CPUs, not 9'],
    [['@off.bin', '--cpus', '0'], 2, '0 is no number of CPUs'],
    [['@off.bin', '--backend', 'bochs'], 2, 'Invalid values'],
    [['@off.bin', '-kernel', 'x'], 2, 'Arguments kernel and file are mutually exclusive'],
  ])('run %j', async (args, code, message) => {
    const result = await run('run', ...args.map((arg) => arg.replace(/^@/, `${directory}/`)));
    expect(result.stderr).toContain(message);
    expect(result.stderr).toContain('arm-gdbstub: ');
    expect(result.stderr).not.toMatch(/^ +at |node:/m);
    expect(result).toMatchObject({ code, stdout: '' });
  });

  test('an address that is in use', async () => {
    const listener = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as net.AddressInfo;
    const result = await run('run', place('off.bin'), '--gdb', `tcp:${port}`);
    listener.close();
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain(`cannot listen at tcp:127.0.0.1:${port}: the address is in use`);
  });
});

const quiet = ({ code, stdout }: Finished): object => ({ code, stdout });

test('standard output is the console alone, and power off ends it with 0', async () => {
  expect(quiet(await run('run', place('off.bin'), '--gdb', 'tcp:0'))).toEqual({ code: 0, stdout: 'ok\n' });
});

test("QEMU's spellings", async () => {
  const result = await run(
    'run',
    '-kernel',
    place('off.bin'),
    '-gdb',
    'tcp::0',
    '-m',
    '16',
    '-smp',
    '1',
    '-serial',
    'stdio',
    '-M',
    'virt,gic-version=2',
    '-nographic',
    '-drive',
    `file=${place('empty')},format=raw,if=none,id=one,readonly=on`,
    `-drive=${place('qcow2').replace('qcow2', 'linux')},snapshot=on`,
    '-rtc',
    'base=2026-01-01T00:00:00,clock=vm',
  );
  expect(quiet(result)).toEqual({ code: 0, stdout: 'ok\n' });
});

test('the console in a file, or nowhere', async () => {
  const file = place('console');
  expect(quiet(await run('run', place('off.bin'), '--gdb', 'tcp:0', '--serial', `file:${file}`))).toEqual({
    code: 0,
    stdout: '',
  });
  expect(readFileSync(file, 'latin1')).toBe('ok\n');
  expect(quiet(await run('run', place('off.bin'), '--gdb', 'tcp:0', '--serial', 'null'))).toEqual({
    code: 0,
    stdout: '',
  });
});

test('standard input is the keyboard of the guest', async () => {
  await using guest = start('run', place('echo.bin'), '--gdb', 'tcp:0');
  guest.child.stdin.end('hello, q');
  expect(quiet(await guest.finished)).toEqual({ code: 0, stdout: 'hello, q' });
});

test('semihosting: a key and an exit code', async () => {
  await using guest = start('run', place('semihosting.bin'), '--gdb', 'tcp:0', '--semihosting');
  guest.child.stdin.end('A');
  expect(quiet(await guest.finished)).toEqual({ code: 65, stdout: '' });
});

test('--timeout ends a guest that does not', async () => {
  expect(await run('run', place('loop.bin'), '--gdb', 'tcp:0', '--timeout', '0.2')).toMatchObject({ code: 124 });
});

test('a console that nobody reads does not keep it', async () => {
  writeFileSync(place('flood.bin'), words(0xd2a12000, 0x52800c21, 0xb9000001, 0x17ffffff));
  await using guest = start('run', place('flood.bin'), '--gdb', 'tcp:0', '--timeout', '0.3');
  guest.child.stdout.pause();
  await new Promise((resolve) => guest.child.once('exit', resolve));
  expect(guest.child.exitCode).toBe(124);
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s ends it, and its socket goes', async (signal, code) => {
  const socket = place(`socket-${signal}`);
  const file = place(`port-${signal}`);
  await using guest = start('run', place('loop.bin'), '--gdb', `unix:${socket}`, '--port-file', file);
  expect(await until(() => existsSync(file) && readFileSync(file, 'utf8'))).toBe(`${socket}\n`);
  guest.child.kill(signal);
  expect((await guest.finished).code).toBe(code);
  expect(existsSync(socket)).toBe(false);
});

test('--port-file tells the port that was chosen, and -S holds the guest', async () => {
  await using guest = start('run', place('off.bin'), '-S', '--gdb', 'tcp:0', '--port-file', place('port'));
  const client = connect(await portIn(place('port')));
  await client.start();
  expect(await client.readRegister('pc')).toBe(0x4000_0000n);
  expect(guest.output.stdout).toBe('');
  expect(await client.continue()).toMatchObject({ kind: 'W', signal: 0 });
  expect(quiet(await guest.finished)).toEqual({ code: 0, stdout: 'ok\n' });
});

test('--sysregs and --fields choose what gdb is shown', async () => {
  const file = place('port-sysregs');
  await using guest = start(
    ...['run', place('loop.bin'), '-S', '--gdb', 'tcp:0', '--port-file', file],
    ...['--sysregs', 'TTBR?_EL1', '--fields', 'none'],
  );
  const client = connect(await portIn(file));
  await client.start();
  const names = (await client.registers()).map(({ name }) => name).filter((name) => /_el/i.test(name));
  expect(names).toEqual(['TTBR0_EL1', 'TTBR1_EL1']);
  client.close();
  expect(guest.child.exitCode).toBeNull();
});

describe('a debugger that kills', () => {
  test('is only detached, so that the guest goes on', async () => {
    const file = place('port-kill');
    await using guest = start('run', place('loop.bin'), '--gdb', 'tcp:0', '--port-file', file);
    const port = await portIn(file);
    const client = connect(port);
    await client.start();
    await client.request('k').catch(() => undefined);
    const again = connect(port);
    await again.start();
    expect(await again.readRegister('pc')).toBe(0x4000_0000n);
    again.close();
    expect(guest.child.exitCode).toBeNull();
  });

  test('ends the guest where that is allowed', async () => {
    const file = place('port-killed');
    await using guest = start('run', place('loop.bin'), '--allow-kill', '--gdb', 'tcp:0', '--port-file', file);
    const client = connect(await portIn(file));
    await client.start();
    void client.request('k').catch(() => undefined);
    expect(await guest.finished).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('killed the guest') as string,
    });
  });
});

test('gdb at the other end of standard input and output', async () => {
  const command = `target remote | exec ${process.execPath} ${builtCommand()} run ${place('off.bin')} -S --gdb stdio 2>/dev/null`;
  const { stdout } = await promisify(execFile)(
    'gdb-multiarch',
    [
      '-nx',
      '-batch',
      '-ex',
      'set architecture aarch64',
      '-ex',
      command,
      '-ex',
      'stepi',
      '-ex',
      'print/x $x0',
      '-ex',
      'continue',
    ],
    { timeout: 60_000 },
  );
  expect(stdout).toContain('$1 = 0x9000000');
  expect(stdout).toContain('exited normally');
});

test('the end of standard input is the end of a debugger there, and Ctrl-C is none', async () => {
  await using guest = start('run', place('loop.bin'), '--gdb', 'stdio');
  await until(() => guest.output.stderr.includes('at standard input'));
  guest.child.kill('SIGINT');
  guest.child.stdin.write('$?#3f');
  await until(() => guest.output.stdout.includes('$T'));
  guest.child.stdin.end();
  expect((await guest.finished).code).toBe(0);
});

describe('demo', () => {
  test('--check shows that the guest felt every edit', async () => {
    const { code, stdout } = await run('demo', '--check');
    expect(stdout).not.toContain('FAIL');
    for (const register of ['ESR_EL1', 'VBAR_EL1', 'TTBR0_EL1', 'SCTLR_EL1', 'MIDR_EL1'])
      expect(stdout).toMatch(new RegExp(`^ok +${register} `, 'm'));
    expect(stdout).toMatch(/^ok +MIDR_EL1 .* refused: MIDR_EL1 is read-only/m);
    expect(code).toBe(0);
  });

  test.each([
    ['--gdb', 'stdio'],
    ['--check', '--port-file', 'x'],
  ])('%s %s is a mistake', async (...args) => {
    expect(await run('demo', ...args)).toMatchObject({ code: 2, stdout: '' });
  });

  test('waits, and the lines that it prints work', async () => {
    await using guest = start('demo', '--gdb', 'tcp:0');
    await until(() => guest.output.stderr.includes('Ctrl-C'));
    const line = (command: string): string =>
      guest.output.stderr
        .split('\n')
        .find((each) => each.startsWith(`  ${command} `))!
        .trim();
    const shell = async (command: string): Promise<string> =>
      (await promisify(execFile)('sh', ['-c', command], { timeout: 60_000 })).stdout;
    const gdb = line('gdb-multiarch').replace('-q', '-q -nx -batch');
    const condition = '$VBAR_EL1 == (unsigned long) vectors_a && rounds == 300';
    const printed = await shell(
      `${gdb} -ex 'set dprintf-style agent' -ex 'dprintf guest.c:137,"VBAR_EL1 %lx in %lu\\n", $VBAR_EL1, rounds' \
        -ex 'break one_round if ${condition}' -ex continue -ex 'list 137,137' -ex 'print rounds' -ex detach 2>&1`,
    );
    expect(printed).toContain('rounds++;');
    expect(printed).toContain('$1 = 300');
    expect(printed).toContain('VBAR_EL1 40080000 in 299');
    const lldb = line('lldb').replace('lldb ', 'lldb-19 -x -b ');
    const commands = ['breakpoint set -n one_round', 'continue', 'source list', 'process detach'];
    expect(await shell(lldb + commands.map((command) => ` -o '${command}'`).join(''))).toContain('rounds++;');
    expect(guest.output.stdout).toMatch(/^The demo guest runs/);
  });
});
