/** Activity monitors. Arm ARM DDI 0487, "Activity Monitors registers" (D19.6). */
import { field, flag, res0, type SystemRegister, sysreg, sysregs } from '../register.ts';

const amu = { group: 'amu', feature: 'FEAT_AMUv1' } as const;
/** Only the highest exception level that is implemented may write these. */
const owned = { ...amu, access: 'RO', writeEl: 3 } as const;
const constant = { ...amu, access: 'RO', constant: true } as const;

const enables = (count: number) => [
  res0(63, count),
  ...Array.from({ length: count }, (_, n) => flag(`P${count - 1 - n}`, count - 1 - n)),
];
const eventType = [res0(63, 16), field('evtCount', 15, 0)];

const control = [
  sysreg(
    'AMCR_EL0',
    [3, 3, 13, 2, 0],
    'Activity Monitors Control Register',
    [res0(63, 18), flag('CG1RZ', 17), res0(16, 11), flag('HDBG', 10), res0(9, 0)],
    owned,
  ),
  sysreg(
    'AMCFGR_EL0',
    [3, 3, 13, 2, 1],
    'Activity Monitors Configuration Register',
    [
      res0(63, 32),
      field('NCG', 31, 28),
      res0(27, 25),
      flag('HDBG', 24),
      res0(23, 14),
      field('SIZE', 13, 8, { 63: '64 bits' }),
      field('N', 7, 0),
    ],
    constant,
  ),
  sysreg(
    'AMCGCR_EL0',
    [3, 3, 13, 2, 2],
    'Activity Monitors Counter Group Configuration Register',
    [res0(63, 16), field('CG1NC', 15, 8), field('CG0NC', 7, 0)],
    constant,
  ),
  sysreg(
    'AMUSERENR_EL0',
    [3, 3, 13, 2, 3],
    'Activity Monitors User Enable Register',
    [res0(63, 1), flag('EN', 0, { 0: 'EL0 access traps', 1: 'no trap' })],
    { ...amu, writeEl: 1 },
  ),
  sysreg(
    'AMCG1IDR_EL0',
    [3, 3, 13, 2, 6],
    'Activity Monitors Counter Group 1 Identification Register',
    [res0(63, 32), field('AMEVCNTOFF1', 31, 16), field('AMEVCNTR1', 15, 0)],
    { ...constant, feature: 'FEAT_AMUv1p1' },
  ),
];

/** Of each pair, writing ones to the first sets bits and to the second clears them; both read the same storage. */
const setAndClear = [
  sysreg('AMCNTENSET0_EL0', [3, 3, 13, 2, 5], 'Activity Monitors Count Enable Set Register 0', enables(4), owned),
  sysreg('AMCNTENCLR0_EL0', [3, 3, 13, 2, 4], 'Activity Monitors Count Enable Clear Register 0', enables(4), {
    ...owned,
    aliasOf: 'AMCNTENSET0_EL0',
  }),
  sysreg('AMCNTENSET1_EL0', [3, 3, 13, 3, 1], 'Activity Monitors Count Enable Set Register 1', enables(16), owned),
  sysreg('AMCNTENCLR1_EL0', [3, 3, 13, 3, 0], 'Activity Monitors Count Enable Clear Register 1', enables(16), {
    ...owned,
    aliasOf: 'AMCNTENSET1_EL0',
  }),
];

const counters = [
  ...sysregs(
    'AMEVCNTR0<n>_EL0',
    4,
    (n) => [3, 3, 13, 4, n],
    'Activity Monitors Event Counter Registers 0, <n>',
    [field('ACNT', 63, 0)],
    owned,
  ),
  ...sysregs(
    'AMEVTYPER0<n>_EL0',
    4,
    (n) => [3, 3, 13, 6, n],
    'Activity Monitors Event Type Registers 0, <n>',
    eventType,
    constant,
  ),
  ...sysregs(
    'AMEVCNTR1<n>_EL0',
    16,
    (n) => [3, 3, 13, 12 + (n >> 3), n & 7],
    'Activity Monitors Event Counter Registers 1, <n>',
    [field('ACNT', 63, 0)],
    owned,
  ),
  ...sysregs(
    'AMEVTYPER1<n>_EL0',
    16,
    (n) => [3, 3, 13, 14 + (n >> 3), n & 7],
    'Activity Monitors Event Type Registers 1, <n>',
    eventType,
    owned,
  ),
];

export const amuRegisters: readonly SystemRegister[] = [...control, ...setAndClear, ...counters];
