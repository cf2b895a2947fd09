/** What a debugger edits, the running guest feels: the demo guest, by gdb and by lldb. */
import { describe, expect, test } from 'vitest';
import { Debugger } from './debugger.ts';
import { demoFile, demoSymbol, type Served, serveDemo } from './fixture.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const vectorsB = demoSymbol('vectors_b');
/** ASID 2 and the table whose window shows bb. */
const tableB = (2n << 48n) | demoSymbol('table_b');
const window = '0x80000000';
const shown = (letter: string): string => `0x${letter.repeat(16)}`;
const WXN = 1n << 19n;
/** EC of an instruction abort at the same level, IL, and a permission fault at level 2. */
const abortOfWritableCode = 0x8600_000en;

const letter = ({ memory }: Served): string => String.fromCharCode(Number(memory(demoSymbol('last_vector')) & 0xffn));
const variable = ({ memory }: Served, name: string): bigint => memory(demoSymbol(name));

describe('gdb', () => {
  async function atRound(fields?: string): Promise<{ served: Served; gdb: Debugger }> {
    const served = await serveDemo({ fields });
    const gdb = await Debugger.gdb(demoFile);
    // Twice: a whole round is done.
    await gdb.run(`target remote :${served.port}`, 'break one_round', 'continue', 'continue');
    return { served, gdb };
  }

  test('VBAR_EL1: the next exception goes through the new vectors', async () => {
    const { served, gdb } = await atRound();
    expect(letter(served)).toBe('A');
    await gdb.run(`set $VBAR_EL1 = ${hex(vectorsB)}`, `hbreak *${hex(vectorsB + 0x200n)}`);
    expect(await gdb.run('continue', 'info symbol $pc')).toContain('vectors_b + 512');
    expect(await gdb.run('print/x $ESR_EL1')).toContain('= 0x56000000');
    await gdb.run('continue');
    expect(letter(served)).toBe('B');
  });

  test('TTBR0_EL1: the next look at memory goes through the new table, and the guest too', async () => {
    const { served, gdb } = await atRound();
    expect(await gdb.run(`x/2gx ${window}`)).toContain(`${shown('a')}\t${shown('a')}`);
    await gdb.run(`set $TTBR0_EL1 = ${hex(tableB)}`);
    expect(await gdb.run(`x/4xw ${window}`)).toContain('0xbbbbbbbb\t0xbbbbbbbb\t0xbbbbbbbb\t0xbbbbbbbb');
    await gdb.run('continue');
    expect(hex(variable(served, 'word'))).toBe(shown('b'));
  });

  test('TTBR0_EL1 by its field', async () => {
    const { served, gdb } = await atRound();
    const table = demoSymbol('table_b') >> 1n;
    await gdb.run(`set $ttbr0_el1.BADDR = ${hex(table)}`);
    expect(hex(served.held('TTBR0_EL1'))).toBe(hex((1n << 48n) | demoSymbol('table_b')));
    expect(await gdb.run(`x/gx ${window}`)).toContain(shown('b'));
    expect(await gdb.run('print/x $TTBR0_EL1')).toContain(`= ${hex((1n << 48n) | demoSymbol('table_b'))}`);
  });

  test('SCTLR_EL1.WXN: the guest may no longer run code that it may write', async () => {
    const { served, gdb } = await atRound();
    const before = served.held('SCTLR_EL1');
    await gdb.run('set $sctlr_el1.WXN = 1');
    expect(hex(served.held('SCTLR_EL1'))).toBe(hex(before | WXN));
    expect(await gdb.run('print $sctlr_el1.WXN', 'print/x $SCTLR_EL1')).toBe(`$1 = true\n$2 = ${hex(before | WXN)}\n`);
    await gdb.run(`hbreak *${hex(demoSymbol('vectors_a') + 0x200n)}`);
    await gdb.run('continue');
    expect(hex(served.held('ESR_EL1'))).toBe(hex(abortOfWritableCode));
    expect(hex(served.held('FAR_EL1'))).toBe(hex(demoSymbol('writable_code')));
  });

  test('ESR_EL1 at the first instruction of a vector: the handler reads it', async () => {
    const { served, gdb } = await atRound();
    await gdb.run(`hbreak *${hex(demoSymbol('vectors_a') + 0x200n)}`, 'continue', 'set $ESR_EL1 |= 0x1234', 'continue');
    expect(hex(variable(served, 'last_esr'))).toBe('0x56001234');
  });

  test('SCTLR_EL1.M: without translation the window is not there', async () => {
    const { gdb } = await atRound('SCTLR_EL1,TCR_EL1');
    await gdb.run('set $sctlr_el1.M = 0');
    expect(await gdb.run(`x/gx ${window}`)).toContain('Cannot access memory at address 0x80000000');
    await gdb.run('set $sctlr_el1.M = 1');
    expect(await gdb.run(`x/gx ${window}`)).toContain(shown('a'));
    // A table for fewer bits than the window's address has.
    await gdb.run('set $tcr_el1.T0SZ = 33');
    expect(await gdb.run(`x/gx ${window}`)).toContain('Cannot access memory at address 0x80000000');
  });

  test('a write that takes the ground from under the pc is done, and warned about in the journal', async () => {
    const { served, gdb } = await atRound();
    await gdb.run('set $TTBR0_EL1 = 0');
    expect(served.held('TTBR0_EL1')).toBe(0n);
    expect(await gdb.run('monitor writes 1')).toMatch(/TTBR0_EL1 .* written: the pc is no longer mapped/);
  });

  test('both views are one register', async () => {
    const { served, gdb } = await atRound('all');
    await gdb.run('set $tcr_el1.A1 = 1', 'set $TCR_EL1 = $TCR_EL1 | 0x80', 'set $tcr_el1.A1 = 0');
    expect(await gdb.run('print $tcr_el1.A1', 'print $tcr_el1.EPD0')).toBe('$1 = false\n$2 = true\n');
    expect(served.held('TCR_EL1') & 0x40_0080n).toBe(0x80n);
    expect(await gdb.run('monitor writes')).toMatch(/3 so far/);
  });
});

describe('lldb', () => {
  async function atRound(): Promise<{ served: Served; lldb: Debugger }> {
    const served = await serveDemo();
    const lldb = await Debugger.lldb(demoFile);
    await lldb.run(`gdb-remote ${served.port}`, 'breakpoint set --name one_round', 'continue', 'continue');
    return { served, lldb };
  }

  test('VBAR_EL1: the next exception goes through the new vectors', async () => {
    const { served, lldb } = await atRound();
    expect(letter(served)).toBe('A');
    await lldb.run(
      `register write VBAR_EL1 ${hex(vectorsB)}`,
      `breakpoint set --hardware --address ${hex(vectorsB + 0x200n)}`,
    );
    await lldb.run('continue');
    expect(hex(served.held('PC'))).toBe(hex(vectorsB + 0x200n));
    await lldb.run('continue');
    expect(letter(served)).toBe('B');
  });

  test('TTBR0_EL1: the next look at memory goes through the new table, and the guest too', async () => {
    const { served, lldb } = await atRound();
    // It keeps what it has read until the guest runs.
    await lldb.run('settings set target.process.disable-memory-cache true');
    const look = `memory read --format x --size 8 --count 1 ${window}`;
    expect(await lldb.run(look)).toContain(shown('a'));
    await lldb.run(`register write ttbr0_el1 ${hex(tableB)}`);
    expect(await lldb.run(look)).toContain(shown('b'));
    await lldb.run('continue');
    expect(hex(variable(served, 'word'))).toBe(shown('b'));
  });

  test('SCTLR_EL1.WXN: the guest may no longer run code that it may write', async () => {
    const { served, lldb } = await atRound();
    const wanted = served.held('SCTLR_EL1') | WXN;
    await lldb.run(`register write sctlr_el1 ${hex(wanted)}`);
    expect(await lldb.run('register read sctlr_el1')).toMatch(/^ +WXN = writable is execute-never$/m);
    await lldb.run(`breakpoint set --hardware --address ${hex(demoSymbol('vectors_a') + 0x200n)}`, 'continue');
    expect(hex(served.held('SCTLR_EL1'))).toBe(hex(wanted));
    expect(hex(served.held('ESR_EL1'))).toBe(hex(abortOfWritableCode));
  });
});
