/** gdb with U-Boot's symbols and lines, in flash and where it moves itself to. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { portIn, start, until } from '../bin/command.ts';
import { Debugger } from '../clients/debugger.ts';
import { uBootSymbols } from './symbols.ts';
import { uBoot, uBootStripped } from './u-boot.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'u-boot-gdb-'));
afterAll(() => rmSync(folder, { recursive: true }));

let symbols: string;
beforeAll(() => {
  symbols = uBootSymbols();
}, 300_000);

/** The bytes of a section of an ELF file. */
function section(file: string, name: string): Buffer {
  const into = path.join(folder, 'section');
  execFileSync('aarch64-linux-gnu-objcopy', ['-O', 'binary', '-j', name, file, into]);
  return readFileSync(into);
}

test.each(['.text', '.efi_runtime', '.text_rest', '.rodata', '.data', '.rela.dyn'])(
  'what is built for its symbols has the %s of what Debian built',
  (name) => {
    const debian = section(uBootStripped, name);
    expect(debian.length).toBeGreaterThan(0);
    expect(Buffer.compare(section(symbols, name), debian)).toBe(0);
  },
);

test('functions, lines, variables and system registers', async () => {
  const portFile = path.join(folder, 'port');
  await using guest = start('run', '--bios', uBoot, '-S', '--gdb', 'tcp:0', '--port-file', portFile);
  const gdb = await Debugger.gdb(symbols);
  await gdb.run(`target remote 127.0.0.1:${await portIn(portFile)}`);
  const value = async (expression: string): Promise<string> =>
    /= (.*)/.exec(await gdb.run(`p/x ${expression}`))?.[1] ?? '';

  // In flash, where no BRK can be written.
  expect(await gdb.run('break board_init_f', 'continue')).toMatch(/Breakpoint 1, .*board_init_f/);
  expect(await gdb.run('bt')).toMatch(/#1 .* _main \(\) at .*crt0_64\.S/);
  expect(await gdb.run('x/wx 0')).toContain('0x1400000a');
  expect(await gdb.run('delete', 'next', 'info line')).toMatch(/Line \d+ of ".*board_f\.c"/);
  const data = '((struct global_data *) $x18)';
  expect(await gdb.run('break relocate_code', 'continue')).toMatch(/relocate_code/);
  const offset = await value(`${data}->reloc_off`);
  expect(await value(`${data}->ram_size`)).toBe('0x10000000');
  expect(await value('$VBAR_EL1')).toBe(await value('(long) &vectors'));

  // Where it has moved itself to: the same file, `offset` further.
  await gdb.run('delete', `add-symbol-file ${symbols} -o ${offset}`);
  let running = gdb.start('continue');
  guest.child.stdin.write(' ');
  await until(() => guest.output.stdout.endsWith('=> '));
  gdb.interrupt();
  await running;
  expect(await gdb.run('bt')).toMatch(/cread_line[\s\S]*cli_loop[\s\S]*main_loop/);
  await gdb.run('break do_version');
  running = gdb.start('continue');
  guest.child.stdin.write('version\n');
  expect(await running).toMatch(/Breakpoint .*do_version/);
  expect(await gdb.run('bt')).toMatch(/cmd_call[\s\S]*cmd_process[\s\S]*cli_loop[\s\S]*main_loop/);
  expect(await gdb.run('p cmdtp->name', 'p argc')).toMatch(/"version"[\s\S]* = 1/);
  expect(await gdb.run('delete', 'finish')).toMatch(/Value returned is .* = 0/);

  // Its vectors moved, by the debugger: the next exception goes there.
  await gdb.run('set $old = $VBAR_EL1', 'set $VBAR_EL1 = $old + 0x1000', 'hbreak *($old + 0x1200)');
  running = gdb.start('continue');
  guest.child.stdin.write('md ffffffffffffff00 1\n');
  await running;
  expect(await value('$pc - $old')).toBe('0x1200');
  expect(await value('$ESR_EL1 >> 26')).toBe('0x25');
  expect(await value('$FAR_EL1')).toBe('0xffffffffffffff00');
  await gdb.run('delete', 'set $VBAR_EL1 = $old', 'set $pc = $ELR_EL1 + 4', 'set $cpsr = $SPSR_EL1');
  running = gdb.start('continue');
  guest.child.stdin.write('poweroff\n');
  expect(await running).toMatch(/exited normally/);
  expect((await guest.finished).code).toBe(0);
});
