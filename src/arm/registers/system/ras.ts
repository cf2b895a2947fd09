/** Error records. Arm ARM DDI 0487, "RAS registers" (D19.7); fields of ERXSTATUS_EL1 and ERXADDR_EL1: Arm IHI 0100. */
import { field, flag, res0, type SystemRegister, sysreg, sysregs } from '../register.ts';

const ras = { group: 'ras', feature: 'FEAT_RAS' } as const;
/** The record that ERRSELR_EL1 selects: no storage of its own. */
const record = { ...ras, noRaw: true } as const;
const faultInjection = { group: 'ras', feature: 'FEAT_RASv1p1', noRaw: true } as const;

export const rasRegisters: readonly SystemRegister[] = [
  sysreg('ERRIDR_EL1', [3, 0, 5, 3, 0], 'Error Record ID Register', [res0(63, 16), field('NUM', 15, 0)], {
    ...ras,
    access: 'RO',
    constant: true,
  }),
  sysreg('ERRSELR_EL1', [3, 0, 5, 3, 1], 'Error Record Select Register', [res0(63, 16), field('SEL', 15, 0)], ras),
  sysreg('ERXFR_EL1', [3, 0, 5, 4, 0], 'Selected Error Record Feature Register', [field('ERRFR', 63, 0)], {
    ...record,
    access: 'RO',
  }),
  sysreg('ERXCTLR_EL1', [3, 0, 5, 4, 1], 'Selected Error Record Control Register', [field('ERRCTLR', 63, 0)], record),
  sysreg(
    'ERXSTATUS_EL1',
    [3, 0, 5, 4, 2],
    'Selected Error Record Primary Status Register',
    [
      res0(63, 32),
      flag('AV', 31, { 0: 'ERXADDR_EL1 not valid', 1: 'ERXADDR_EL1 valid' }),
      flag('V', 30, { 0: 'record not valid', 1: 'record valid' }),
      flag('UE', 29, { 0: 'no uncorrected error', 1: 'uncorrected error' }),
      flag('ER', 28, { 0: 'no abort reported', 1: 'reported to the bus master' }),
      flag('OF', 27, { 0: 'no overflow', 1: 'more than one error' }),
      flag('MV', 26, { 0: 'ERXMISC<m>_EL1 not valid', 1: 'ERXMISC<m>_EL1 valid' }),
      field('CE', 25, 24, { 0: 'none corrected', 1: 'transient', 2: 'at least one corrected', 3: 'persistent' }),
      flag('DE', 23, { 0: 'no deferred error', 1: 'deferred error' }),
      flag('PN', 22, { 0: 'not poison', 1: 'poison' }),
      field('UET', 21, 20, { 0: 'uncontainable', 1: 'unrecoverable', 2: 'latent or restartable', 3: 'signaled' }),
      flag('CI', 19),
      res0(18, 16),
      field('IERR', 15, 8),
      field('SERR', 7, 0),
    ],
    record,
  ),
  sysreg(
    'ERXADDR_EL1',
    [3, 0, 5, 4, 3],
    'Selected Error Record Address Register',
    [
      flag('NS', 63),
      flag('SI', 62),
      flag('AI', 61),
      flag('VA', 60),
      flag('NSE', 59),
      res0(58, 56),
      field('PADDR', 55, 0),
    ],
    record,
  ),
  ...sysregs(
    'ERXMISC<n>_EL1',
    2,
    (n) => [3, 0, 5, 5, n],
    'Selected Error Record Miscellaneous Register <n>',
    (n) => [field(`ERRMISC${n}`, 63, 0)],
    record,
  ),
  ...sysregs(
    'ERXMISC<n>_EL1',
    [2, 3],
    (n) => [3, 0, 5, 5, n],
    'Selected Error Record Miscellaneous Register <n>',
    (n) => [field(`ERRMISC${n}`, 63, 0)],
    faultInjection,
  ),
  sysreg(
    'ERXPFGF_EL1',
    [3, 0, 5, 4, 4],
    'Selected Pseudo-fault Generation Feature register',
    [field('ERRPFGF', 63, 0)],
    { ...faultInjection, access: 'RO' },
  ),
  sysreg(
    'ERXPFGCTL_EL1',
    [3, 0, 5, 4, 5],
    'Selected Pseudo-fault Generation Control register',
    [field('ERRPFGCTL', 63, 0)],
    faultInjection,
  ),
  sysreg(
    'ERXPFGCDN_EL1',
    [3, 0, 5, 4, 6],
    'Selected Pseudo-fault Generation Countdown register',
    [field('ERRPFGCDN', 63, 0)],
    faultInjection,
  ),
];
