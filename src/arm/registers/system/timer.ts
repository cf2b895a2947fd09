/** The generic timer at EL0 and EL1. Arm ARM DDI 0487, "Generic Timer registers" (D19.12). */
import { field, flag, res0, type SystemRegister, sysreg } from '../register.ts';

const group = 'timer';

const control = [
  res0(63, 3),
  flag('ISTATUS', 2, { 0: 'condition not met', 1: 'condition met' }),
  flag('IMASK', 1, { 0: 'interrupt not masked', 1: 'interrupt masked' }),
  flag('ENABLE', 0, { 0: 'off', 1: 'on' }),
];
/** CVAL - count, as a signed number: no storage of its own. */
const timerValue = [res0(63, 32), field('TimerValue', 31, 0)];
const compareValue = [field('CompareValue', 63, 0)];
const noTrap = { 0: 'EL0 access traps', 1: 'no trap' };

const counters = [
  sysreg(
    'CNTFRQ_EL0',
    [3, 3, 14, 0, 0],
    'Counter-timer Frequency Register',
    [res0(63, 32), field('ClockFreq', 31, 0)],
    // Only the highest exception level that is implemented may write it.
    { group, access: 'RO', writeEl: 3 },
  ),
  sysreg('CNTPCT_EL0', [3, 3, 14, 0, 1], 'Counter-timer Physical Count Register', [field('PhysicalCount', 63, 0)], {
    group,
    access: 'RO',
    level: 'full',
  }),
  sysreg('CNTVCT_EL0', [3, 3, 14, 0, 2], 'Counter-timer Virtual Count Register', [field('VirtualCount', 63, 0)], {
    group,
    access: 'RO',
    level: 'full',
  }),
  sysreg(
    'CNTPCTSS_EL0',
    [3, 3, 14, 0, 5],
    'Counter-timer Self-Synchronized Physical Count Register',
    [field('SSPhysicalCount', 63, 0)],
    { group, access: 'RO', feature: 'FEAT_ECV', aliasOf: 'CNTPCT_EL0' },
  ),
  sysreg(
    'CNTVCTSS_EL0',
    [3, 3, 14, 0, 6],
    'Counter-timer Self-Synchronized Virtual Count Register',
    [field('SSVirtualCount', 63, 0)],
    { group, access: 'RO', feature: 'FEAT_ECV', aliasOf: 'CNTVCT_EL0' },
  ),
];

const timers = [
  sysreg('CNTP_TVAL_EL0', [3, 3, 14, 2, 0], 'Counter-timer Physical Timer TimerValue Register', timerValue, {
    group,
    noRaw: true,
  }),
  sysreg('CNTP_CTL_EL0', [3, 3, 14, 2, 1], 'Counter-timer Physical Timer Control Register', control, { group }),
  sysreg('CNTP_CVAL_EL0', [3, 3, 14, 2, 2], 'Counter-timer Physical Timer CompareValue Register', compareValue, {
    group,
  }),
  sysreg('CNTV_TVAL_EL0', [3, 3, 14, 3, 0], 'Counter-timer Virtual Timer TimerValue Register', timerValue, {
    group,
    noRaw: true,
  }),
  sysreg('CNTV_CTL_EL0', [3, 3, 14, 3, 1], 'Counter-timer Virtual Timer Control Register', control, { group }),
  sysreg('CNTV_CVAL_EL0', [3, 3, 14, 3, 2], 'Counter-timer Virtual Timer CompareValue Register', compareValue, {
    group,
  }),
  // In Secure state only, and at EL1 only if EL3 lets it.
  sysreg('CNTPS_TVAL_EL1', [3, 7, 14, 2, 0], 'Counter-timer Physical Secure Timer TimerValue Register', timerValue, {
    group,
    noRaw: true,
  }),
  sysreg('CNTPS_CTL_EL1', [3, 7, 14, 2, 1], 'Counter-timer Physical Secure Timer Control Register', control, { group }),
  sysreg(
    'CNTPS_CVAL_EL1',
    [3, 7, 14, 2, 2],
    'Counter-timer Physical Secure Timer CompareValue Register',
    compareValue,
    { group },
  ),
];

export const timerRegisters: readonly SystemRegister[] = [
  ...counters,
  ...timers,
  sysreg(
    'CNTKCTL_EL1',
    [3, 0, 14, 1, 0],
    'Counter-timer Kernel Control Register',
    [
      res0(63, 20),
      // 19, 18 and 16..10 only hold what a guest hypervisor keeps there (FEAT_NV2).
      flag('CNTPMASK', 19),
      flag('CNTVMASK', 18),
      flag('EVNTIS', 17, { 0: 'event stream from bit EVNTI', 1: 'event stream from bit EVNTI + 8' }),
      flag('EL1NVVCT', 16),
      flag('EL1NVPCT', 15),
      flag('EL1TVCT', 14),
      flag('EL1TVT', 13),
      flag('ECV', 12),
      flag('EL1PTEN', 11),
      flag('EL1PCTEN', 10),
      flag('EL0PTEN', 9, noTrap),
      flag('EL0VTEN', 8, noTrap),
      field('EVNTI', 7, 4),
      flag('EVNTDIR', 3, { 0: 'event on 0 to 1', 1: 'event on 1 to 0' }),
      flag('EVNTEN', 2, { 0: 'no event stream', 1: 'event stream' }),
      flag('EL0VCTEN', 1, noTrap),
      flag('EL0PCTEN', 0, noTrap),
    ],
    { group },
  ),
];
