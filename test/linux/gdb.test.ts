/** gdb with the kernel's symbols at Debian's kernel on the simulator, from before its MMU is on to its user space. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { portIn, type Started, start, until } from '../bin/command.ts';
import { Debugger } from '../clients/debugger.ts';
import { fetchParts, fetchSymbols, find } from '../packages/packages.ts';
import { linuxFiles } from './linux.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'linux-gdb-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Where a program that is not position-independent begins. */
function entryOf(file: string): bigint {
  const bytes = readFileSync(file);
  expect(bytes.toString('latin1', 1, 4), file).toBe('ELF');
  return bytes.readBigUInt64LE(24);
}

/** A program that reads the counter as user space may, and exits. */
const readsCounter = '.global _start\n_start: mrs x1, cntvct_el0\n mov x0, #0\n mov x8, #93\n svc #0\n';

class Console {
  readonly #guest: Started;
  #read = 0;

  constructor(guest: Started) {
    this.#guest = guest;
  }

  type(line: string): void {
    this.#read = this.#guest.output.stdout.length;
    this.#guest.child.stdin.write(`${line}\n`);
  }

  /** What the guest has printed since the last line was typed, once this is in it. */
  answer(wanted: RegExp): Promise<RegExpExecArray> {
    return until(() => wanted.exec(this.#guest.output.stdout.slice(this.#read)) ?? undefined);
  }

  prompt = () => this.answer(/guest# \S*$/);
}

async function begin(): Promise<{ readonly guest: Started & AsyncDisposable; readonly gdb: Debugger }> {
  const counter = path.join(folder, 'counter');
  execFileSync('aarch64-linux-gnu-gcc', ['-nostdlib', '-static', '-x', 'assembler', '-', '-o', counter], {
    input: readsCounter,
  });
  const { kernel, initramfs } = linuxFiles('6.12', { files: { '/counter': counter } });
  const initrd = path.join(folder, 'initrd');
  writeFileSync(initrd, initramfs);
  const portFile = path.join(folder, 'port');
  rmSync(portFile, { force: true });
  const guest = start(
    ...['run', '--kernel', kernel, '--initrd', initrd, '-m', '512M', '-S', '--gdb', 'tcp:0', '--port-file', portFile],
    ...['--backend', 'simulator', '--net', 'loopback', '--append', 'console=ttyAMA0 quiet nokaslr'],
  );
  const port = await portIn(portFile);
  const gdb = await Debugger.gdb(find([fetchSymbols('6.12')], /^vmlinux-/));
  gdb.patience = 120_000;
  await gdb.run(`target remote 127.0.0.1:${port}`);
  return { guest, gdb };
}

const addressIn = (said: string): bigint => BigInt(/= (0x[0-9a-f]+)/.exec(said)?.[1] ?? -1);

test('breakpoints, backtraces, watchpoints and live edits of system registers', { timeout: 600_000 }, async () => {
  const started = await begin();
  await using guest = started.guest;
  const { gdb } = started;
  const console_ = new Console(guest);
  const value = async (expression: string) => addressIn(await gdb.run(`p/x ${expression}`));

  // Before the MMU is on, at an address that only the MMU will know.
  expect(await gdb.run('break start_kernel', 'continue')).toMatch(/Breakpoint 1.*start_kernel/);
  expect(guest.output.stderr).toContain('the breakpoint there is a hardware one');
  expect(await gdb.run('bt')).toContain('__primary_switched');
  expect(await gdb.run('delete', 'break do_sys_openat2', 'continue')).toContain('do_sys_openat2');
  expect(await gdb.run('bt')).toMatch(/__arm64_sys_openat[\s\S]*invoke_syscall[\s\S]*el0t_64_sync/);
  expect(await gdb.run('delete', 'finish')).toMatch(/Run till exit|Value returned/);
  expect(await gdb.run('printf "%s\\n", init_uts_ns.name.release')).toMatch(/^6\.12\./);

  // A variable of the kernel.
  expect(await gdb.run('watch jiffies', 'continue')).toMatch(/Old value = (\d+)\nNew value = \d+\n[\s\S]*jiffies/);
  await gdb.run('delete');
  let running = gdb.start('continue');
  await console_.prompt();

  // A function of a module, and user space.
  console_.type('cat /sys/module/virtio_net/sections/.text');
  const [text] = await console_.answer(/0x[0-9a-f]{16}/);
  await console_.prompt();
  gdb.interrupt();
  await running;
  const module = find([fetchSymbols('6.12')], 'virtio_net.ko');
  await gdb.run(`add-symbol-file ${module} ${text}`);
  await gdb.run('break virtnet_open');
  running = gdb.start('continue');
  console_.type('ifconfig eth0 10.0.0.1 up; echo is "up"');
  expect(await running).toMatch(/Breakpoint .*virtnet_open/);
  expect(await gdb.run('bt')).toMatch(/__dev_open[\s\S]*dev_ioctl|devinet_ioctl/);
  running = gdb.start('delete\ncontinue');
  await console_.answer(/is up\r?\n/);
  await console_.prompt();
  gdb.interrupt();
  await running;
  const entry = entryOf(find([fetchParts('6.12').busybox], 'busybox'));
  await gdb.run(`hbreak *0x${entry.toString(16)}`);
  running = gdb.start('continue');
  console_.type('/bin/ls /payload');
  await running;
  expect(await gdb.run('info registers pc', 'p $cpsr & 0xf')).toMatch(
    new RegExp(`0x${entry.toString(16)}[\\s\\S]*= 0`),
  );
  running = gdb.start('delete\ncontinue');
  await console_.answer(/\/payload\r?\n/);
  await console_.prompt();

  // CNTKCTL_EL1: the counter is no longer for user space, and the kernel has to answer for it. Linux sets the register
  // whenever it goes to another task, so the program stands at its first instruction.
  gdb.interrupt();
  await running;
  await gdb.run(`hbreak *0x${entryOf(path.join(folder, 'counter')).toString(16)}`);
  running = gdb.start('continue');
  console_.type('/counter && echo "read"');
  expect(await running).toContain('Breakpoint');
  await gdb.run('delete', 'break cntvct_read_handler', 'set $CNTKCTL_EL1 = $CNTKCTL_EL1 & ~3');
  expect(await gdb.run('continue')).toContain('cntvct_read_handler');
  running = gdb.start('delete\ncontinue');
  await console_.answer(/read\r?\n/);
  await console_.prompt();

  // VBAR_EL1: the next exception, an interrupt of the idle kernel, goes where it says.
  gdb.interrupt();
  await running;
  const vectors = await value('$VBAR_EL1');
  const others = vectors + 0x10_0000n;
  const irq = (table_: bigint) => `0x${(table_ + 0x280n).toString(16)}`;
  await gdb.run(`hbreak *${irq(others)}`, `set $VBAR_EL1 = 0x${others.toString(16)}`);
  running = gdb.start('continue');
  console_.type('');
  expect(await running).toContain(`Breakpoint`);
  expect(await value('$pc')).toBe(BigInt(irq(others)));
  await gdb.run('delete', `set $VBAR_EL1 = 0x${vectors.toString(16)}`, `set $pc = ${irq(vectors)}`);

  // TTBR1_EL1: what the debugger sees of the kernel goes through it.
  const table = await value('$TTBR1_EL1');
  expect(await gdb.run('x/1x &jiffies')).toMatch(/0x[0-9a-f]{8}$/m);
  await gdb.run('set $TTBR1_EL1 = 0x40000000');
  expect(await gdb.run('x/1x &jiffies')).toContain('Cannot access memory');
  await gdb.run(`set $TTBR1_EL1 = 0x${table.toString(16)}`);
  expect(await gdb.run('x/1x &jiffies')).toMatch(/0x[0-9a-f]{8}$/m);

  // TPIDR_EL1: the base of the CPU's variables is what the next MRS reads.
  const mrs = /(0x[0-9a-f]+) <[^>]*>:\s+mrs\s+(x\d+), tpidr_el1/.exec(await gdb.run('x/40i hrtimer_interrupt'));
  await gdb.run(`hbreak *${mrs?.[1]}`);
  running = gdb.start('continue');
  console_.type('/bin/true');
  expect(await running).toContain('Breakpoint');
  const base = await value('$TPIDR_EL1');
  await gdb.run('delete', 'set $TPIDR_EL1 = 0x123456', 'stepi');
  expect(await value(`$${mrs?.[2]}`)).toBe(0x123456n);
  await gdb.run(`set $TPIDR_EL1 = 0x${base.toString(16)}`, `set $${mrs?.[2]} = 0x${base.toString(16)}`);

  // SCTLR_EL1.A: unaligned accesses fault.
  await gdb.run('break do_alignment_fault', 'set $SCTLR_EL1 = $SCTLR_EL1 | 2');
  running = gdb.start('continue');
  console_.type('ls -l /');
  expect(await running).toContain('do_alignment_fault');
  await gdb.run('delete', 'set $SCTLR_EL1 = $SCTLR_EL1 & ~2', 'set $x0 = 0', 'set $pc = $lr');

  // Left alone, the kernel goes on.
  await gdb.run('detach');
  await console_.answer(/payload/);
  await console_.prompt();
  console_.type('exit');
  expect((await guest.finished).code).toBe(0);
});
