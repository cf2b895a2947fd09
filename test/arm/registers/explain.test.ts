import { describe, expect, it } from 'vitest';
import {
  Esr,
  explainSyndrome,
  explainValue,
  findRegister,
  formatBrief,
  formatExplained,
  type SystemRegister,
  systemRegisters,
} from '../../../src/arm/index.ts';

const explain = (name: string, value: bigint) => explainValue(findRegister(name) as SystemRegister, value);

/** Fields by name, `value meaning`. */
const fieldsOf = (fields: readonly { name: string; value: bigint; meaning?: string }[]) =>
  Object.fromEntries(fields.map(({ name, value, meaning }) => [name, meaning ? `${value} ${meaning}` : `${value}`]));

describe('explaining a value', () => {
  it.each<[string, bigint, Record<string, string>]>([
    [
      'SCTLR_EL1',
      0x30d00800n,
      {
        M: '0 MMU off',
        LSMAOE: expect.stringMatching(/^1 /),
        SPAN: '1 exceptions leave PAN',
        EOS: expect.stringMatching(/^1 /),
        WXN: '0 no effect',
      },
    ],
    // What Linux with 4 KiB pages and 48-bit addresses writes.
    [
      'TCR_EL1',
      0x400005f5b5503510n,
      {
        T0SZ: '16 48 bits, 256 TiB',
        T1SZ: '16 48 bits, 256 TiB',
        TG0: '0 4 KiB',
        TG1: '2 4 KiB',
        SH0: '3 inner shareable',
        IPS: '5 48 bits, 256 TiB',
        AS: '1 16-bit ASID',
        A1: '1 ASID from TTBR1_EL1',
        TBI0: '1 ignored',
      },
    ],
    ['TCR_EL1', 25n | (1n << 14n), { T0SZ: '25 39 bits, 512 GiB', TG0: '1 64 KiB', T1SZ: '0 64 bits, 16 EiB' }],
    [
      'TTBR0_EL1',
      0x0003000041234001n,
      { ASID: '3', BADDR: expect.stringMatching(/ 0x41234000$/), CnP: expect.stringMatching(/^1 /) },
    ],
    ['VBAR_EL1', 0xffff800010010800n, { VBA: expect.stringMatching(/ 0xffff800010010800$/) }],
    [
      'MAIR_EL1',
      0xf0_bb_0c_08_04_00_44_ffn,
      {
        Attr7: '240 Normal, write-back, tagged',
        Attr6: '187 Normal, write-through read- and write-allocate',
        Attr5: '12 Device-GRE',
        Attr4: '8 Device-nGRE',
        Attr3: '4 Device-nGnRE',
        Attr2: '0 Device-nGnRnE',
        Attr1: '68 Normal, non-cacheable',
        Attr0: '255 Normal, write-back read- and write-allocate',
      },
    ],
    [
      'MAIR_EL1',
      0x4f_f4_02_10_01_40_a0_77n,
      {
        Attr7: '79 Normal, outer non-cacheable, inner write-back read- and write-allocate',
        Attr6: '244 Normal, outer write-back read- and write-allocate, inner non-cacheable',
        Attr5: '2',
        Attr4: '16',
        Attr3: '1 Device-nGnRnE, FEAT_XS',
        Attr2: '64 Normal, non-cacheable, FEAT_XS',
        Attr1: '160 Normal, write-through, FEAT_XS',
        Attr0: '119 Normal, write-back transient read- and write-allocate',
      },
    ],
    ['PAR_EL1', 0xff00000040080b80n, { F: '0 translation succeeded', PA: expect.stringMatching(/ 0x40080000$/) }],
    ['PAR_EL1', 0x80bn, { F: '1 translation failed', FST: '5 translation fault, level 1' }],
    ['SPSR_EL1', 0x600003c5n, { Z: '1', C: '1', N: '0', D: '1', M: '5 EL1h' }],
    ['SPSR_EL1', 0x600001f3n, { Z: '1', T: '1', E: '0', M: '19 AArch32 Supervisor' }],
    ['CPACR_EL1', 0x300000n, { FPEN: '3 no trap', TTA: '0 no trap' }],
    ['MIDR_EL1', 0x410fd034n, { Implementer: '65 Arm', PartNum: `${0xd03}`, Revision: '4' }],
    ['CTR_EL0', 0x8444c004n, { DminLine: '4 64 bytes', L1Ip: '3 PIPT', IminLine: '4 64 bytes' }],
    ['CCSIDR_EL1', 0x701fe00an, { NumSets: '255 256', Associativity: '1 2', LineSize: '2 64 bytes' }],
    ['CCSIDR_EL1', 0x000000ff0000001an, { NumSets: '255 256', Associativity: '3 4', LineSize: '2 64 bytes' }],
    ['ID_AA64MMFR0_EL1', 0x1125n, { PARange: '5 48 bits, 256 TiB', ASIDBits: '2 16 bits', TGran4: '0 implemented' }],
    [
      'DISR_EL1',
      0x80000c11n,
      { A: '1 an SError was deferred', AET: '3 recoverable state', DFSC: '17 asynchronous SError interrupt' },
    ],
    ['DISR_EL1', 0x81000c11n, { IDS: expect.stringMatching(/^1/), ISS: `${0xc11}` }],
    ['FPCR', 0x01c00000n, { FZ: '1 denormals flushed to zero', RMode: '3 towards zero' }],
    ['ZCR_EL1', 3n, { LEN: '3 512 bits' }],
  ])('%s %s', (name, value, expected) => {
    expect(fieldsOf(explain(name, value).fields)).toMatchObject(expected);
  });

  it('tells reserved bits that are not as they are reserved, and only those', () => {
    expect(explain('VBAR_EL1', 0x40000001n).reserved).toEqual([{ kind: 'res0', high: 10, low: 0, value: 1n }]);
    expect(explain('MPIDR_EL1', 0x0n).reserved).toEqual([{ kind: 'res1', high: 31, low: 31, value: 0n }]);
    expect(explain('MPIDR_EL1', 0x80000000n).reserved).toEqual([]);
    expect(explain('ESR_EL1', 0x56010000n).reserved).toEqual([{ kind: 'res0', high: 24, low: 16, value: 1n }]);
    expect(formatExplained(explain('VBAR_EL1', 0x40000001n)).at(-1)).toBe('  bits 10:0 are RES0 but hold 0x1');
  });

  it('says which of several layouts holds', () => {
    expect(explain('PAR_EL1', 1n).when).toBe('F = 1');
    expect(explain('PAR_EL1', 0n).when).toBeUndefined();
    expect(formatExplained(explain('PAR_EL1', 1n))[0]).toMatch(/^PAR_EL1 = 0x0{15}1 .*\(F = 1\)$/);
  });

  it('says so when only the name of a register is known', () => {
    const bare = systemRegisters.find(({ fields }) => fields.length === 0)!;
    expect(formatExplained(explainValue(bare, 1n)).slice(1)).toEqual(['  its fields are not described here']);
  });

  it('takes the value modulo 2^64', () => {
    expect(explain('TPIDR_EL0', -1n).value).toBe(2n ** 64n - 1n);
    expect(explain('TPIDR_EL0', 2n ** 64n + 5n).value).toBe(5n);
  });

  it('works for every register, whatever it holds', () => {
    for (const register of systemRegisters)
      for (const value of [0n, 1n, 2n ** 64n - 1n, 0x5555555555555555n, 0xaaaaaaaaaaaaaaaan]) {
        const { fields, reserved } = explainValue(register, value);
        for (const { high, low, value: content } of [...fields, ...reserved])
          if (content !== BigInt.asUintN(high - low + 1, value >> BigInt(low))) expect.fail(`${register.name} ${high}`);
      }
  });

  it('prints columns, and one line for lists', () => {
    expect(formatExplained(explain('CPACR_EL1', 0x10300000n))).toEqual([
      'CPACR_EL1 = 0x0000000010300000  Architectural Feature Access Control Register',
      '  E0POE  29     0  POR_EL0 traps at EL0',
      '  TTA    28     1  trace registers trap',
      '  SMEN   25:24  0  EL0 and EL1 trap',
      '  FPEN   21:20  3  no trap',
      '  ZEN    17:16  0  EL0 and EL1 trap',
    ]);
    expect(formatBrief(explain('CPACR_EL1', 0x10300000n))).toBe('TTA FPEN=3');
    expect(formatBrief(explain('SPSR_EL1', 0x600003c5n))).toBe('Z C D A I F M=EL1h');
    expect(formatBrief(explain('CPACR_EL1', 0n))).toBe('');
  });
});

describe('explaining a syndrome', () => {
  it.each<[string, bigint, string, Record<string, string>, string?]>([
    [
      'a store to an unmapped page',
      0x96000045n,
      'Data Abort taken without a change in Exception level',
      { ISV: '0 the access is not told', WnR: '1 write', DFSC: '5 translation fault, level 1' },
    ],
    [
      'a load that tells its register',
      0x93930007n,
      'Data Abort from a lower Exception level',
      {
        ISV: '1 the access is told',
        SAS: '2 word',
        SSE: '0 zero-extended',
        SRT: '19 X19',
        SF: '0 32-bit register',
        WnR: '0 read',
        DFSC: '7 translation fault, level 3',
      },
    ],
    ['SVC #42', 0x5600002an, 'SVC in AArch64 state', { imm16: '42 #42' }],
    ['BRK #0', 0xf2000000n, 'BRK in AArch64 state', { Comment: '0 #0' }],
    ['BRK #0xf000', 0xf200f000n, 'BRK in AArch64 state', { Comment: '61440 #61440' }],
    [
      'a jump to nowhere',
      0x86000006n,
      'Instruction Abort taken without a change in Exception level',
      { IFSC: '6 translation fault, level 2' },
    ],
    [
      'a permission fault of EL0',
      0x8200000fn,
      'Instruction Abort from a lower Exception level',
      { IFSC: '15 permission fault, level 3' },
    ],
    ['an undefined instruction', 0x02000000n, 'Unknown reason', {}],
    [
      'WFI at EL0',
      0x07e00000n,
      'Trapped WFI, WFE, WFIT or WFET',
      { CV: '1 COND is valid', COND: '14 AL', TI: '0 WFI' },
    ],
    ['FP while CPACR_EL1 traps', 0x1fe00000n, 'Trapped SVE, Advanced SIMD or floating-point access', { COND: '14 AL' }],
    [
      'an SError',
      0xbe000011n,
      'SError',
      { IDS: '0 architected syndrome', AET: '0 uncontainable', DFSC: '17 asynchronous SError interrupt' },
    ],
    [
      'an implementation defined SError',
      0xbf000002n,
      'SError',
      { IDS: '1 implementation defined syndrome', IMPDEF: '2' },
    ],
    [
      'a software step',
      0xcf000062n,
      'Software Step taken without a change in Exception level',
      { ISV: '1 EX is valid', EX: '1 a load-exclusive was stepped', IFSC: '34 debug exception' },
    ],
    [
      'a watchpoint',
      0xd2000062n,
      'Watchpoint from a lower Exception level',
      { WnR: '1 write', DFSC: '34 debug exception' },
    ],
    [
      'an alignment fault',
      0x96000021n,
      'Data Abort taken without a change in Exception level',
      { WnR: '0 read', DFSC: '33 alignment fault' },
    ],
    [
      'MRS X2, MDSCR_EL1',
      0x62240045n,
      'Trapped MSR, MRS or System instruction',
      { Op0: '2', Rt: '2 X2', CRm: '2', Direction: '1 read' },
    ],
    ['a reserved class', 0xfe000001n, '', { ISS: '1' }],
  ])('%s', (_, esr, name, fields) => {
    const syndrome = explainSyndrome(esr);
    expect(syndrome.name ?? '').toBe(name);
    expect(fieldsOf(syndrome.fields)).toMatchObject(fields);
    expect(explain('ESR_EL1', esr).syndrome).toEqual(syndrome);
  });

  /** ISS of a trapped MSR or MRS. */
  const trap = (op0: number, op1: number, CRn: number, CRm: number, op2: number, Rt: number, read: number) =>
    BigInt(
      ((0x18 << 26) >>> 0) +
        0x2000000 +
        ((op0 << 20) | (op2 << 17) | (op1 << 14) | (CRn << 10) | (Rt << 5) | (CRm << 1) | read),
    );

  it.each([
    [trap(2, 0, 0, 2, 2, 2, 1), 'MRS X2, MDSCR_EL1'],
    [trap(3, 0, 1, 0, 0, 31, 0), 'MSR SCTLR_EL1, XZR'],
    [trap(3, 7, 15, 15, 7, 30, 1), 'MRS X30, S3_7_C15_C15_7'],
    [trap(1, 3, 7, 11, 1, 5, 0), 'SYS #3, C7, C11, #1, X5'],
    [trap(1, 3, 7, 11, 1, 5, 1), 'SYSL X5, #3, C7, C11, #1'],
    [
      BigInt(0x0e000000 | (1 << 24) | (14 << 20) | (1 << 17) | (3 << 14) | (13 << 10) | (4 << 5) | (2 << 1) | 1),
      'MRC p15, #3, R4, c13, c2, #1',
    ],
    [BigInt(0x16000000 | (5 << 14) | (1 << 10) | (9 << 5)), 'MCR p14, #5, R9, c1, c0, #0'],
    [BigInt(0x12000000 | (1 << 16) | (7 << 10) | (6 << 5) | (14 << 1) | 1), 'MRRC p15, #1, R6, R7, c14'],
    [0x5600002an, undefined],
  ])('names the trapped instruction of %#', (esr, instruction) => {
    expect(explainSyndrome(esr).instruction).toBe(instruction);
  });

  it('agrees with the syndromes that exception entry makes', () => {
    const named = (esr: number) => explainSyndrome(BigInt(esr)).name;
    expect(named(Esr.svc(1))).toBe('SVC in AArch64 state');
    expect(named(Esr.brk(1))).toBe('BRK in AArch64 state');
    expect(named(Esr.hvc(1))).toBe('HVC in AArch64 state');
    expect(named(Esr.smc(1))).toBe('SMC in AArch64 state');
    expect(named(Esr.illegalState())).toBe('Illegal Execution state');
    expect(named(Esr.pcAlignment())).toBe('PC alignment fault');
    expect(named(Esr.spAlignment())).toBe('SP alignment fault');
    expect(named(Esr.breakpoint(0))).toBe('Breakpoint from a lower Exception level');
    expect(named(Esr.softwareStep(1))).toBe('Software Step taken without a change in Exception level');
    expect(named(Esr.watchpoint(1, true))).toBe('Watchpoint taken without a change in Exception level');
    // mrs x3, tpidr_el1
    expect(explainSyndrome(BigInt(Esr.msr(0xd538d083))).instruction).toBe('MRS X3, TPIDR_EL1');
  });

  it('stands under ISS when printed', () => {
    expect(formatExplained(explain('ESR_EL1', 0x5600002an))).toEqual([
      'ESR_EL1 = 0x000000005600002a  Exception Syndrome Register',
      '  ISS2     55:32  0x0',
      '  EC       31:26  0x15  SVC in AArch64 state',
      '  IL       25     1     32-bit instruction',
      '  ISS      24:0   0x2a',
      '    imm16  15:0   0x2a  #42',
    ]);
    expect(formatExplained(explain('ESR_EL1', trap(2, 0, 0, 2, 2, 2, 1))).at(-1)).toBe(
      '  the instruction: MRS X2, MDSCR_EL1',
    );
  });
});
