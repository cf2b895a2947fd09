/** Taking exceptions and returning from them. Arm ARM DDI 0487, D19.2 and C5.2 "Special-purpose registers". */
import { hex } from '../../bits.ts';
import { exceptionClassNames } from '../exception-class.ts';
import { asynchronousErrorType, serrorStatus } from '../fault-status.ts';
import { type Field, field, flag, impdef, res0, type SystemRegister, sysreg, type Values } from '../register.ts';

/** M[4:0] of a saved program status. */
const mode: Values = {
  0: 'EL0t',
  4: 'EL1t',
  5: 'EL1h',
  8: 'EL2t',
  9: 'EL2h',
  12: 'EL3t',
  13: 'EL3h',
  16: 'AArch32 User',
  17: 'AArch32 FIQ',
  18: 'AArch32 IRQ',
  19: 'AArch32 Supervisor',
  22: 'AArch32 Monitor',
  23: 'AArch32 Abort',
  26: 'AArch32 Hyp',
  27: 'AArch32 Undefined',
  31: 'AArch32 System',
};

/** PSTATE as SPSR_EL1 holds it when the exception came from AArch64. */
export const spsrFields: readonly Field[] = [
  res0(63, 36),
  flag('PACM', 35),
  flag('EXLOCK', 34),
  flag('PPEND', 33),
  flag('PM', 32),
  flag('N', 31),
  flag('Z', 30),
  flag('C', 29),
  flag('V', 28),
  res0(27, 26),
  flag('TCO', 25),
  flag('DIT', 24),
  flag('UAO', 23),
  flag('PAN', 22),
  flag('SS', 21),
  flag('IL', 20),
  res0(19, 14),
  flag('ALLINT', 13),
  flag('SSBS', 12),
  field('BTYPE', 11, 10),
  flag('D', 9),
  flag('A', 8),
  flag('I', 7),
  flag('F', 6),
  res0(5),
  field('M', 4, 0, mode),
];

/** The layout when the exception came from AArch32, also that of the banked SPSRs of AArch32. */
export const spsrAArch32Fields: readonly Field[] = [
  res0(63, 32),
  flag('N', 31),
  flag('Z', 30),
  flag('C', 29),
  flag('V', 28),
  flag('Q', 27),
  field('IT_1_0', 26, 25),
  flag('DIT', 24),
  flag('SSBS', 23),
  flag('PAN', 22),
  flag('SS', 21),
  flag('IL', 20),
  field('GE', 19, 16),
  field('IT_7_2', 15, 10),
  flag('E', 9),
  flag('A', 8),
  flag('I', 7),
  flag('F', 6),
  flag('T', 5),
  field('M', 4, 0, mode),
];

export const spsrVariants: SystemRegister['variants'] = [
  { when: 'M[4] = 1 (from AArch32)', matches: (value) => (value & 0x10n) !== 0n, fields: spsrAArch32Fields },
];

const exception = { group: 'exception' } as const;
const address = [field('ADDR', 63, 0)];

const SPSR_EL1 = sysreg('SPSR_EL1', [3, 0, 4, 0, 0], 'Saved Program Status Register', spsrFields, {
  ...exception,
  variants: spsrVariants,
});

const bankedModes = { irq: 'IRQ', abt: 'Abort', und: 'Undefined', fiq: 'FIQ' } as const;
const bankedSpsrs = (['irq', 'abt', 'und', 'fiq'] as const).map((bank, op2) =>
  sysreg(
    `SPSR_${bank}`,
    [3, 4, 4, 3, op2],
    `Saved Program Status Register (${bankedModes[bank]} mode)`,
    spsrAArch32Fields,
    exception,
  ),
);

/** ESR_EL1, and the same of EL2 and EL3. */
export const esrFields: readonly Field[] = [
  res0(63, 56),
  field('ISS2', 55, 32),
  field('EC', 31, 26, exceptionClassNames),
  flag('IL', 25, { 0: '16-bit instruction', 1: '32-bit instruction' }),
  field('ISS', 24, 0),
];

const ESR_EL1 = sysreg('ESR_EL1', [3, 0, 5, 2, 0], 'Exception Syndrome Register', esrFields, {
  ...exception,
  syndrome: true,
});

const ISR_EL1 = sysreg(
  'ISR_EL1',
  [3, 0, 12, 1, 0],
  'Interrupt Status Register',
  [res0(63, 11), flag('IS', 10), flag('FS', 9), flag('A', 8), flag('I', 7), flag('F', 6), res0(5, 0)],
  { ...exception, access: 'RO' },
);

const DISR_EL1 = sysreg(
  'DISR_EL1',
  [3, 0, 12, 1, 1],
  'Deferred Interrupt Status Register',
  [
    res0(63, 32),
    flag('A', 31, { 0: 'no SError deferred', 1: 'an SError was deferred' }),
    res0(30, 25),
    flag('IDS', 24, { 0: 'architected syndrome', 1: 'implementation defined syndrome' }),
    res0(23, 13),
    field('AET', 12, 10, asynchronousErrorType),
    flag('EA', 9),
    res0(8, 6),
    field('DFSC', 5, 0, serrorStatus),
  ],
  {
    ...exception,
    feature: 'FEAT_RAS',
    variants: [
      {
        when: 'IDS = 1',
        matches: (value) => (value & (1n << 24n)) !== 0n,
        fields: [res0(63, 32), flag('A', 31), res0(30, 25), flag('IDS', 24), field('ISS', 23, 0)],
      },
    ],
  },
);

export const exceptionRegisters: readonly SystemRegister[] = [
  SPSR_EL1,
  ...bankedSpsrs,
  sysreg('ELR_EL1', [3, 0, 4, 0, 1], 'Exception Link Register', address, exception),
  sysreg('SP_EL0', [3, 0, 4, 1, 0], 'Stack Pointer of EL0', address, exception),
  ESR_EL1,
  sysreg('AFSR0_EL1', [3, 0, 5, 1, 0], 'Auxiliary Fault Status Register 0', [impdef(63, 0)], exception),
  sysreg('AFSR1_EL1', [3, 0, 5, 1, 1], 'Auxiliary Fault Status Register 1', [impdef(63, 0)], exception),
  sysreg('FAR_EL1', [3, 0, 6, 0, 0], 'Fault Address Register', address, exception),
  sysreg(
    'VBAR_EL1',
    [3, 0, 12, 0, 0],
    'Vector Base Address Register',
    [field('VBA', 63, 11, (value) => hex(value << 11n)), res0(10, 0)],
    exception,
  ),
  sysreg('RVBAR_EL1', [3, 0, 12, 0, 1], 'Reset Vector Base Address Register', address, {
    ...exception,
    access: 'RO',
    constant: true,
  }),
  sysreg(
    'RMR_EL1',
    [3, 0, 12, 0, 2],
    'Reset Management Register',
    [res0(63, 2), flag('RR', 1), flag('AA64', 0)],
    exception,
  ),
  ISR_EL1,
  DISR_EL1,
];
