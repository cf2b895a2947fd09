/** Performance monitors. Arm ARM DDI 0487, "Performance Monitors registers" (D19.5). */
import { action, type Field, field, flag, readOnly, res0, type SystemRegister, sysreg, sysregs } from '../register.ts';

const pmu = { group: 'pmu', feature: 'FEAT_PMUv3' } as const;

/** One bit for each of the 31 event counters. */
const eventCounters = Array.from({ length: 31 }, (_, n) => flag(`P${30 - n}`, 30 - n));
/** F0 is the instruction counter, C the cycle counter. */
const allCounters = [res0(63, 33), flag('F0', 32), flag('C', 31), ...eventCounters];

/** A filter is inverted by its neighbour in another security state: they count together when both are equal. */
const counts = { 0: 'counted', 1: 'not counted' };
const filters = (multithreading: Field): Field[] => [
  flag('P', 31, counts),
  flag('U', 30, counts),
  flag('NSK', 29),
  flag('NSU', 28),
  flag('NSH', 27, { 0: 'EL2 not counted', 1: 'EL2 counted' }),
  flag('M', 26),
  multithreading,
  flag('SH', 24),
  flag('T', 23),
  flag('RLK', 22),
  flag('RLU', 21),
  flag('RLH', 20),
];
const streamingMode = field('VS', 57, 56, {
  0: 'all',
  1: 'not in Streaming SVE mode',
  2: 'only in Streaming SVE mode',
});

const eventType = [
  field('TC', 63, 61),
  flag('TE', 60),
  res0(59),
  flag('SYNC', 58),
  streamingMode,
  res0(55, 44),
  field('TH', 43, 32),
  ...filters(flag('MT', 25)),
  res0(19, 16),
  field('evtCount', 15, 0),
];

const trapped = { 0: 'EL0 access traps', 1: 'no trap' };

const control = [
  sysreg(
    'PMCR_EL0',
    [3, 3, 9, 12, 0],
    'Performance Monitors Control Register',
    [
      res0(63, 33),
      flag('FZS', 32),
      readOnly('IMP', 31, 24),
      readOnly('IDCODE', 23, 16),
      readOnly('N', 15, 11),
      res0(10),
      flag('FZO', 9),
      res0(8),
      flag('LP', 7, { 0: 'event counters overflow from bit 31', 1: 'from bit 63' }),
      flag('LC', 6, { 0: 'cycle counter overflows from bit 31', 1: 'from bit 63' }),
      flag('DP', 5, { 0: 'cycle counter always counts', 1: 'not where events must not be counted' }),
      flag('X', 4, { 0: 'no export of events', 1: 'events exported' }),
      flag('D', 3, { 0: 'every cycle', 1: 'every 64 cycles' }),
      action('C', 2, { 1: 'resets the cycle counter' }),
      action('P', 1, { 1: 'resets the event counters' }),
      flag('E', 0, { 0: 'counters off', 1: 'counters on' }),
    ],
    pmu,
  ),
  sysreg(
    'PMUSERENR_EL0',
    [3, 3, 9, 14, 0],
    'Performance Monitors User Enable Register',
    [
      res0(63, 7),
      flag('TID', 6),
      flag('IR', 5),
      flag('UEN', 4),
      flag('ER', 3, trapped),
      flag('CR', 2, trapped),
      flag('SW', 1, trapped),
      flag('EN', 0, trapped),
    ],
    { ...pmu, writeEl: 1 },
  ),
  sysreg(
    'PMSELR_EL0',
    [3, 3, 9, 12, 5],
    'Performance Monitors Event Counter Selection Register',
    [res0(63, 5), field('SEL', 4, 0, { 31: 'cycle counter' })],
    pmu,
  ),
  sysreg(
    'PMSWINC_EL0',
    [3, 3, 9, 12, 4],
    'Performance Monitors Software Increment Register',
    [res0(63, 31), ...eventCounters],
    { ...pmu, access: 'WO', noRaw: true },
  ),
  sysreg(
    'PMMIR_EL1',
    [3, 0, 9, 14, 6],
    'Performance Monitors Machine Identification Register',
    [
      res0(63, 29),
      flag('SME', 28),
      field('EDGE', 27, 24),
      field('THWIDTH', 23, 20),
      field('BUS_WIDTH', 19, 16),
      field('BUS_SLOTS', 15, 8),
      field('SLOTS', 7, 0),
    ],
    { group: 'pmu', feature: 'FEAT_PMUv3p4', access: 'RO', constant: true },
  ),
  ...sysregs(
    'PMCEID<n>_EL0',
    2,
    (n) => [3, 3, 9, 12, 6 + n],
    'Performance Monitors Common Event Identification Register <n>',
    [field('IDhi', 63, 32), field('ID', 31, 0)],
    { ...pmu, access: 'RO', constant: true },
  ),
];

/** Of each pair, writing ones to the first sets bits and to the second clears them; both read the same storage. */
const setAndClear = [
  sysreg('PMCNTENSET_EL0', [3, 3, 9, 12, 1], 'Performance Monitors Count Enable Set Register', allCounters, pmu),
  sysreg('PMCNTENCLR_EL0', [3, 3, 9, 12, 2], 'Performance Monitors Count Enable Clear Register', allCounters, {
    ...pmu,
    aliasOf: 'PMCNTENSET_EL0',
  }),
  sysreg('PMOVSSET_EL0', [3, 3, 9, 14, 3], 'Performance Monitors Overflow Flag Status Set Register', allCounters, pmu),
  sysreg('PMOVSCLR_EL0', [3, 3, 9, 12, 3], 'Performance Monitors Overflow Flag Status Clear Register', allCounters, {
    ...pmu,
    aliasOf: 'PMOVSSET_EL0',
  }),
  sysreg('PMINTENSET_EL1', [3, 0, 9, 14, 1], 'Performance Monitors Interrupt Enable Set Register', allCounters, pmu),
  sysreg('PMINTENCLR_EL1', [3, 0, 9, 14, 2], 'Performance Monitors Interrupt Enable Clear Register', allCounters, {
    ...pmu,
    aliasOf: 'PMINTENSET_EL1',
  }),
];

const counters = [
  sysreg('PMCCNTR_EL0', [3, 3, 9, 13, 0], 'Performance Monitors Cycle Count Register', [field('CCNT', 63, 0)], pmu),
  sysreg(
    'PMCCFILTR_EL0',
    [3, 3, 14, 15, 7],
    'Performance Monitors Cycle Count Filter Register',
    [res0(63, 58), streamingMode, res0(55, 32), ...filters(res0(25)), res0(19, 0)],
    pmu,
  ),
  ...sysregs(
    'PMEVCNTR<n>_EL0',
    31,
    (n) => [3, 3, 14, 8 + (n >> 3), n & 7],
    'Performance Monitors Event Count Register <n>',
    [field('EVCNT', 63, 0)],
    pmu,
  ),
  ...sysregs(
    'PMEVTYPER<n>_EL0',
    31,
    (n) => [3, 3, 14, 12 + (n >> 3), n & 7],
    'Performance Monitors Event Type Register <n>',
    eventType,
    pmu,
  ),
  // The counter and type that PMSELR_EL0 selects: no storage of their own.
  sysreg('PMXEVTYPER_EL0', [3, 3, 9, 13, 1], 'Performance Monitors Selected Event Type Register', eventType, {
    ...pmu,
    noRaw: true,
  }),
  sysreg(
    'PMXEVCNTR_EL0',
    [3, 3, 9, 13, 2],
    'Performance Monitors Selected Event Count Register',
    [field('EVCNT', 63, 0)],
    { ...pmu, noRaw: true },
  ),
];

export const pmuRegisters: readonly SystemRegister[] = [...control, ...setAndClear, ...counters];
