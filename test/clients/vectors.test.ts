/** The SIMD&FP registers in the hands of gdb and lldb: whole, by elements, and the trap that guards them. */
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/arm/index.ts';
import { RAM_BASE } from '../../src/backend/index.ts';
import { assemble } from '../backend/assembled.ts';
import { Debugger, gdbBatch } from './debugger.ts';
import { serveGuest } from './fixture.ts';

/** FP and SIMD are switched on by the first three instructions. */
const guest = assemble(`
    mov x0, #(3 << 20)
    msr cpacr_el1, x0
    isb
    fmov x1, d0
    umov x2, v0.d[1]
    sqadd v3.16b, v1.16b, v2.16b
    mrs x4, fpsr
    mrs x5, fpcr
    fadd s6, s7, s8
    ldp q9, q10, [x11]
    b .
`).elf;
const place = (instruction: number): string => hex(BigInt(RAM_BASE + 4 * instruction));
const vector = /\{d = .*\}/;

describe('gdb', () => {
  test('shows and writes vectors whole, by elements and as numbers', async () => {
    const { port } = await serveGuest(guest, { stays: true });
    const text = await gdbBatch([
      `target remote :${port}`,
      'stepi 3',
      'set $v0.d.u[0] = 0x1122334455667788',
      'set $v0.b.u[15] = 0x80',
      'stepi 2',
      'printf "elements 0x%lx 0x%lx\\n", $x1, $x2',
      'set $v1.b.s = {127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127}',
      'set $v2.b.u[4] = 1',
      'set $q3.u = 5',
      'set $fpcr = 3 << 22',
      'stepi 3',
      'printf "saturated 0x%lx 0x%lx 0x%lx\\n", $v3.d.u[0], $x4, $x5',
      'set $s7.f = 1.25',
      'set $v8.s.f[0] = 2.5',
      'stepi',
      'printf "sum %g\\n", $s6.f',
      `set $x11 = ${place(0)}`,
      'stepi',
      `printf "loaded %d\\n", $v9.s.u[0] == *(unsigned int *)${place(0)} && $v10.s.u[2] == *(unsigned int *)${place(6)}`,
      'print $v0',
      'info registers fpsr fpcr',
    ]);
    expect(text).toContain('elements 0x1122334455667788 0x8000000000000000');
    expect(text).toContain('saturated 0x7f7f7f7f7f7f7f7f 0x8000000 0xc00000');
    expect(text).toContain('sum 3.75');
    expect(text).toContain('loaded 1');
    expect(text).toMatch(vector);
    expect(text).toMatch(/^fpsr +0x8000000/m);
    expect(text).toMatch(/^fpcr +0xc00000/m);
    expect(text).not.toContain('Could not write');
  });

  test('is told of bits of FPCR and FPSR that the CPU does not keep', async () => {
    const { port } = await serveGuest(guest, { stays: true });
    const text = await gdbBatch([
      `target remote :${port}`,
      'set $fpcr = 1',
      'set $fpsr = 0xf0000000',
      'printf "kept 0x%x 0x%x\\n", $fpcr, $fpsr',
    ]);
    expect(text.match(/^Could not write register "fp[cs]r"/gm)).toHaveLength(2);
    expect(text).toContain('kept 0x0 0x0');
  });

  test('opens and closes the trap of CPACR_EL1', async () => {
    const { port } = await serveGuest(guest, { stays: true });
    const text = await gdbBatch([
      `target remote :${port}`,
      'stepi 3',
      // What has run once is decoded: it traps all the same.
      'stepi',
      `set $pc = ${place(3)}`,
      'set $CPACR_EL1 = 0',
      'stepi',
      'printf "trapped 0x%lx 0x%lx\\n", $ESR_EL1, $ELR_EL1',
      `set $pc = ${place(3)}`,
      'set $CPACR_EL1 = 3 << 20',
      'stepi',
      'printf "goes on 0x%lx\\n", $pc',
      `set $pc = ${place(4)}`,
      'set $CPACR_EL1 = 0',
      'stepi',
      'printf "trapped 0x%lx 0x%lx\\n", $ESR_EL1, $ELR_EL1',
    ]);
    expect(text).toContain(`trapped 0x1fe00000 ${place(3)}`);
    expect(text).toContain(`goes on ${place(4)}`);
    expect(text).toContain(`trapped 0x1fe00000 ${place(4)}`);
  });
});

describe('lldb', () => {
  test('shows and writes vectors', async () => {
    const { port } = await serveGuest(guest, { stays: true });
    const lldb = await Debugger.lldb();
    const bytes = (n: number) => `{${Array.from({ length: 16 }, (_, i) => hex(n + i, 2)).join(' ')}}`;
    await lldb.run(`gdb-remote ${port}`, 'thread step-inst --count 3');
    expect(await lldb.run(`register write v0 "${bytes(0x10)}"`, 'register read v0')).toContain(`v0 = ${bytes(0x10)}`);
    await lldb.run('thread step-inst --count 2');
    expect(await lldb.run('register read x1 x2')).toMatch(/x1 = 0x1716151413121110\n +x2 = 0x1f1e1d1c1b1a1918/);
    await lldb.run('register write fpcr 0x400000');
    await lldb.run('thread step-inst --count 3');
    expect(await lldb.run('register read x5 fpcr')).toMatch(/x5 = 0x0+400000\n +fpcr = 0x00400000/);
  });
});
