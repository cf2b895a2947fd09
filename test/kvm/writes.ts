/** System registers of a guest inside, written by debuggers outside, and read by the guest. */
import { expect, test } from 'vitest';
import { findRegister, genericName, hex, mask, maskOf, type SystemRegister } from '../../src/arm/index.ts';
import { RAM_BASE } from '../../src/backend/index.ts';
import { assemble } from '../backend/assembled.ts';
import { Debugger, gdbBatch } from '../clients/debugger.ts';
import type { KernelLine } from '../packages/packages.ts';
import type { Lab } from './lab.ts';
import { serveInside } from './served.ts';

/** Milliseconds. */
const PATIENCE = 150_000;

/** Bits that keep their value. */
const untouched: Readonly<Record<string, readonly [bits: bigint, reason: string]>> = {
  SCTLR_EL1: [1n, 'M: the next instruction would be fetched through tables that are not there'],
  MDSCR_EL1: [1n, 'SS: the guest would step itself'],
  CNTP_CTL_EL0: [5n, 'ENABLE: ISTATUS would be set at once. ISTATUS is computed'],
  CNTV_CTL_EL0: [5n, 'ENABLE: ISTATUS would be set at once. ISTATUS is computed'],
};

/** Bits that are zero, because this CPU or the kernel does not have them. */
const absent: readonly (readonly [name: RegExp, bits: bigint, reason: string])[] = [
  [/^SCTLR_EL1$/, mask(43, 37), 'TCF, TCF0, ITFSB and others of features that this CPU does not have'],
  [/^MDSCR_EL1$/, mask(63, 32), 'EHBWE and others of features that this CPU does not have'],
  [/^CSSELR_EL1$/, 1n << 4n, 'TnD: of FEAT_MTE2'],
  [/^PMUSERENR_EL0$/, mask(63, 4), 'the kernel knows four bits'],
  [/^PMEVCNTR/, mask(63, 32), 'the kernel counts events in 32 bits'],
];

/** Registers of which nothing is written, with the reason. */
const left: readonly (readonly [name: RegExp, reason: string])[] = [
  [/^(AFSR[01]|AMAIR)_EL1$/, 'this CPU has no bit of them'],
  [/^PM(CNTEN|INTEN|OVS)(SET|CLR)_EL[01]$/, 'from Linux 6.12 on ones only set or clear bits'],
  [/^PMCR_EL0$/, 'some bits act when they are written'],
  [/^PMSWINC_EL0$/, 'holds nothing'],
];

/** Bits that the machine computes. */
const computed: Readonly<Record<string, bigint>> = { CNTV_CTL_EL0: 4n, CNTP_CTL_EL0: 4n };

const place = (index: number): string => hex(BigInt(RAM_BASE + 4 * index));

/** Not read by the guest: it would read another register, this CPU has no such number of them, or no such feature. */
const noMrs =
  /^(SP_EL0|PMEV(CNTR|TYPER)([6-9]|\d\d)_EL0|DBGB[VC]R([6-9]|\d\d)_EL1|DBGW[VC]R([4-9]|\d\d)_EL1|TCR2_EL1|PIRE?0?_EL1)$/;
/** Linux 6.1 stores bits of them that its guests do not see. */
const filters = /^PM(EVTYPER\d+|CCFILTR)_EL0$/;

const hasMrs = (kernel: KernelLine, { readEl, name }: SystemRegister): boolean =>
  readEl <= 1 && !noMrs.test(name) && !(kernel === '6.1' && filters.test(name));

/** All system registers that gdb shows, with their values, from their list. */
const shown = (text: string): (readonly [SystemRegister, bigint])[] =>
  [...text.matchAll(/^(\w+) +(0x\w+)/gm)].flatMap(([, name, value]) => {
    const found = findRegister(name);
    return 'number' in found ? [[found, BigInt(value)] as const] : [];
  });

const writable = ({ access, name }: SystemRegister): boolean =>
  access === 'RW' && !left.some(([pattern]) => pattern.test(name));

/** Every bit that has a meaning, inverted. */
function otherValue({ fields, name }: SystemRegister, old: bigint): bigint {
  const free = maskOf(fields.filter(({ kind }) => kind === 'field' || kind === 'impdef'));
  const missing = absent.filter(([pattern]) => pattern.test(name)).reduce((bits, [, more]) => bits | more, 0n);
  const reserved = ~free & mask(63, 0);
  // What is RES1 or unknown after reset stays as it is, but where the CPU has nothing at all.
  const kept = (untouched[name]?.[0] ?? 0n) | (missing === 0n ? reserved : 0n);
  return ((old & kept) | (~old & free & ~kept)) & ~missing;
}

const dozen: readonly (readonly [name: string, value: bigint])[] = [
  ['esr_el1', 0x5600_1234n],
  ['far_el1', 0xffff_0000_1234_5678n],
  ['elr_el1', 0xffff_8000_1234_5678n],
  ['spsr_el1', 0x6000_03c5n],
  ['vbar_el1', 0x4000_0800n],
  ['ttbr0_el1', 0x1_0000_4000_1000n],
  ['ttbr1_el1', 0x4000_2000n],
  ['tcr_el1', 0x5_b519_3519n],
  ['mair_el1', 0x44ff_0400n],
  ['contextidr_el1', 0x1234n],
  ['tpidr_el1', 0x1234_5678_9abc_def0n],
  ['tpidrro_el0', 0xfedc_ba98_7654_3210n],
];

const handler = `
  adr x0, vectors
  msr vbar_el1, x0
  isb
  brk #0x123
  .balign 2048
vectors:
  .space 0x200
vector:
  mrs x20, esr_el1
  mrs x21, far_el1
told:
  b told
`;

interface Write {
  readonly one: SystemRegister;
  readonly old: bigint;
  readonly value: bigint;
}

const withoutComputed = ({ name }: SystemRegister, value: bigint): string => hex(value & ~(computed[name] ?? 0n));

export function writeTests(kernel: KernelLine, lab: () => Lab): void {
  const isRead = (one: SystemRegister): boolean => hasMrs(kernel, one);

  test('gdb writes every writable register; the value is there after a step, and the guest reads it', async () => {
    const first = await serveInside(lab(), assemble('b .').elf);
    const list = await gdbBatch([`target remote 127.0.0.1:${first.port}`, 'info registers system']);
    await first.end();
    const writes = shown(list)
      .filter(([one]) => writable(one))
      .map(([one, old]): Write => ({ one, old, value: otherValue(one, old) }));

    const row = writes.map(({ one }) => (isRead(one) ? `mrs x0, ${genericName(one.encoding)}` : 'mov x0, #0'));
    const { elf, symbols } = assemble(`${row.join('\n')}\n .balign 2048\n vectors: .fill 512, 4, 0xd503201f`);
    const { port } = await serveInside(lab(), elf);
    const commands = writes.flatMap(({ one: { name }, old, value }) => [
      `set $${name} = ${hex(value)}`,
      'stepi',
      `printf "${name} 0x%lx 0x%lx 0x%lx\\n", $${name}, $x0, $pc`,
      `set $${name} = ${hex(old)}`,
    ]);
    const said = await gdbBatch(
      // What is not there for the guest shows by its pc.
      [`target remote 127.0.0.1:${port}`, `set $VBAR_EL1 = ${hex(symbols.vectors)}`, ...commands],
      undefined,
      PATIENCE,
    );
    const seen = [...said.matchAll(/^(\w+) (0x\w+) (0x\w+) (0x\w+)$/gm)].map(([, name, held, read, pc], index) =>
      [name, ...[held, read].map((text) => withoutComputed(writes[index].one, BigInt(text))), pc].join(' '),
    );
    const wanted = writes.map(({ one, value }, index) => {
      const clean = withoutComputed(one, value);
      return [one.name, clean, isRead(one) ? clean : '0x0', place(index + 1)].join(' ');
    });
    const read = writes.filter(({ one }) => isRead(one)).length;
    process.stdout.write(`${kernel}: gdb wrote ${writes.length} registers, of which the guest read ${read}\n`);
    expect(seen.filter((line, index) => line !== wanted[index])).toEqual([]);
    expect(seen.length).toBe(wanted.length);
    expect(said).not.toContain('Could not write');
    expect(read).toBeGreaterThan(60);
  });

  test('lldb writes a dozen registers; the values are there after a step, and the guest reads them', async () => {
    const program = assemble(dozen.map(([name]) => `mrs x0, ${name}`).join('\n'));
    const { port } = await serveInside(lab(), program.elf);
    const lldb = await Debugger.lldb();
    await lldb.run(`gdb-remote 127.0.0.1:${port}`);
    const seen: string[] = [];
    for (const [name, value] of dozen) {
      const said = await lldb.run(`register write ${name} ${hex(value)}`, 'thread step-inst');
      const read = await lldb.run(`register read --format hex ${name} x0`);
      const [held, x0] = [...read.matchAll(/= (0x\w+)/g)].map(([, text]) => hex(BigInt(text)));
      seen.push(`${name} ${held} ${x0}${/error:.*/.exec(said)?.[0] ?? ''}`);
    }
    expect(seen).toEqual(dozen.map(([name, value]) => `${name} ${hex(value)} ${hex(value)}`));
  });

  test("the RFC's purpose: ESR_EL1 edited by gdb in a stopped exception handler is what the guest's mrs reads", async () => {
    const { elf, symbols } = assemble(handler);
    const { port } = await serveInside(lab(), elf);
    const said = await gdbBatch(
      [
        `target remote 127.0.0.1:${port}`,
        `hbreak *${hex(symbols.vector)}`,
        `break *${hex(symbols.told)}`,
        'continue',
        'printf "before %lx\\n", $ESR_EL1',
        'set $ESR_EL1 = 0xf2000abc',
        'set $FAR_EL1 = 0x123456789abc',
        'continue',
        'printf "the guest read %lx %lx at %lx\\n", $x20, $x21, $pc',
        'set $MIDR_EL1 = 0',
      ],
      undefined,
      PATIENCE,
    );
    expect(said).toContain('before f2000123\n');
    expect(said).toContain(`the guest read f2000abc 123456789abc at ${symbols.told.toString(16)}\n`);
    expect(said).toMatch(/Could not write register "MIDR_EL1".*is read-only.*EINVAL/);
  });
}
