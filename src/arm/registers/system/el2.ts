/**
 * Registers of EL2, most by name only: a guest at EL1 cannot reach them, but traps and messages name them. Those with
 * fields hold state of AArch32 at EL1, or appear in what an exception to EL2 reports. Arm ARM DDI 0487, D19.2.
 */
import { type Encoding, field, flag, impdef, res0, type SystemRegister, sysreg, sysregs } from '../register.ts';
import { esrFields, spsrFields, spsrVariants } from './exception.ts';

const el2 = { group: 'el2' } as const;
const gic = { group: 'el2', feature: 'FEAT_GICv3' } as const;

const address = [field('ADDR', 63, 0)];
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** State of AArch32 at EL1 and EL0, which lives in registers of EL2. */
const aarch32 = [
  sysreg(
    'DACR32_EL2',
    [3, 4, 3, 0, 0],
    'Domain Access Control Register',
    [
      res0(63, 32),
      ...range(16).map((n) =>
        field(`D${15 - n}`, 31 - 2 * n, 30 - 2 * n, { 0: 'no access', 1: 'client', 3: 'manager' }),
      ),
    ],
    el2,
  ),
  sysreg(
    'IFSR32_EL2',
    [3, 4, 5, 0, 1],
    'Instruction Fault Status Register (EL2)',
    [
      res0(63, 17),
      flag('FnV', 16, { 0: 'IFAR valid', 1: 'IFAR not valid' }),
      res0(15, 13),
      flag('ExT', 12),
      res0(11),
      flag('FS_4', 10),
      flag('LPAE', 9, { 0: 'Short-descriptor', 1: 'Long-descriptor' }),
      res0(8, 4),
      field('FS', 3, 0),
    ],
    {
      ...el2,
      variants: [
        {
          when: 'LPAE = 1',
          matches: (value) => (value & 0x200n) !== 0n,
          fields: [
            res0(63, 17),
            flag('FnV', 16, { 0: 'IFAR valid', 1: 'IFAR not valid' }),
            res0(15, 13),
            flag('ExT', 12),
            res0(11, 10),
            flag('LPAE', 9, { 0: 'Short-descriptor', 1: 'Long-descriptor' }),
            res0(8, 6),
            field('STATUS', 5, 0),
          ],
        },
      ],
    },
  ),
  sysreg(
    'FPEXC32_EL2',
    [3, 4, 5, 3, 0],
    'Floating-Point Exception Control register',
    [
      res0(63, 32),
      flag('EX', 31),
      flag('EN', 30, { 0: 'floating-point is UNDEFINED', 1: 'floating-point enabled' }),
      flag('DEX', 29),
      flag('FP2V', 28),
      flag('VV', 27),
      flag('TFV', 26),
      res0(25, 11),
      field('VECITR', 10, 8),
      flag('IDF', 7),
      res0(6, 5),
      flag('IXF', 4),
      flag('UFF', 3),
      flag('OFF', 2),
      flag('DZF', 1),
      flag('IOF', 0),
    ],
    el2,
  ),
  sysreg(
    'DBGVCR32_EL2',
    [2, 4, 0, 7, 0],
    'Debug Vector Catch Register',
    [
      res0(63, 32),
      flag('NSF', 31),
      flag('NSI', 30),
      res0(29),
      flag('NSD', 28),
      flag('NSP', 27),
      flag('NSS', 26),
      flag('NSU', 25),
      res0(24, 8),
      flag('SF', 7),
      flag('SI', 6),
      res0(5),
      flag('SD', 4),
      flag('SP', 3),
      flag('SS', 2),
      flag('SU', 1),
      res0(0),
    ],
    el2,
  ),
];

const HCR_EL2 = sysreg(
  'HCR_EL2',
  [3, 4, 1, 1, 0],
  'Hypervisor Configuration Register',
  [
    field('TWEDEL', 63, 60),
    ...[
      ...['TWEDEn', 'TID5', 'DCT', 'ATA', 'TTLBOS', 'TTLBIS', 'EnSCXT', 'TOCU', 'AMVOFFEN', 'TICAB', 'TID4', 'GPF'],
      ...['FIEN', 'FWB', 'NV2', 'AT', 'NV1', 'NV', 'API', 'APK', 'TME', 'MIOCNCE', 'TEA', 'TERR', 'TLOR', 'E2H'],
      ...['ID', 'CD', 'RW', 'TRVM', 'HCD', 'TDZ', 'TGE', 'TVM', 'TTLB', 'TPU', 'TPCP', 'TSW', 'TACR', 'TIDCP'],
      ...['TSC', 'TID3', 'TID2', 'TID1', 'TID0', 'TWE', 'TWI', 'DC'],
    ].map((name, n) => flag(name, 59 - n)),
    field('BSU', 11, 10, { 0: 'no effect', 1: 'Inner Shareable', 2: 'Outer Shareable', 3: 'full system' }),
    ...['FB', 'VSE', 'VI', 'VF', 'AMO', 'IMO', 'FMO', 'PTW', 'SWIO', 'VM'].map((name, n) => flag(name, 9 - n)),
  ],
  el2,
);

const exceptions = [
  sysreg('ESR_EL2', [3, 4, 5, 2, 0], 'Exception Syndrome Register (EL2)', esrFields, { ...el2, syndrome: true }),
  sysreg('SPSR_EL2', [3, 4, 4, 0, 0], 'Saved Program Status Register (EL2)', spsrFields, {
    ...el2,
    variants: spsrVariants,
  }),
  sysreg('ELR_EL2', [3, 4, 4, 0, 1], 'Exception Link Register (EL2)', address, el2),
  sysreg('FAR_EL2', [3, 4, 6, 0, 0], 'Fault Address Register (EL2)', address, el2),
  sysreg('SP_EL1', [3, 4, 4, 1, 0], 'Stack Pointer (EL1)', address, el2),
  sysreg('VBAR_EL2', [3, 4, 12, 0, 0], 'Vector Base Address Register (EL2)', [field('VBA', 63, 11), res0(10, 0)], el2),
  sysreg(
    'ICC_SRE_EL2',
    [3, 4, 12, 9, 5],
    'Interrupt Controller System Register Enable register (EL2)',
    [res0(63, 4), flag('Enable', 3), flag('DIB', 2), flag('DFB', 1), flag('SRE', 0)],
    gic,
  ),
  sysreg('ACTLR_EL2', [3, 4, 1, 0, 1], 'Auxiliary Control Register (EL2)', [impdef(63, 0)], el2),
  sysreg('AFSR0_EL2', [3, 4, 5, 1, 0], 'Auxiliary Fault Status Register 0 (EL2)', [impdef(63, 0)], el2),
  sysreg('AFSR1_EL2', [3, 4, 5, 1, 1], 'Auxiliary Fault Status Register 1 (EL2)', [impdef(63, 0)], el2),
  sysreg('AMAIR_EL2', [3, 4, 10, 3, 0], 'Auxiliary Memory Attribute Indirection Register (EL2)', [impdef(63, 0)], el2),
  sysreg('HACR_EL2', [3, 4, 1, 1, 7], 'Hypervisor Auxiliary Control Register', [impdef(63, 0)], el2),
];

/** Name, encoding, title, and RO or WO where it is not RW. */
type Named = readonly [name: string, encoding: Encoding, title: string, access?: 'RO' | 'WO'];

const named: readonly Named[] = [
  ['VPIDR_EL2', [3, 4, 0, 0, 0], 'Virtualization Processor ID Register'],
  ['VMPIDR_EL2', [3, 4, 0, 0, 5], 'Virtualization Multiprocessor ID Register'],
  ['SCTLR_EL2', [3, 4, 1, 0, 0], 'System Control Register (EL2)'],
  ['MDCR_EL2', [3, 4, 1, 1, 1], 'Monitor Debug Configuration Register (EL2)'],
  ['CPTR_EL2', [3, 4, 1, 1, 2], 'Architectural Feature Trap Register (EL2)'],
  ['HSTR_EL2', [3, 4, 1, 1, 3], 'Hypervisor System Trap Register'],
  ['HFGRTR_EL2', [3, 4, 1, 1, 4], 'Hypervisor Fine-Grained Read Trap Register'],
  ['HFGWTR_EL2', [3, 4, 1, 1, 5], 'Hypervisor Fine-Grained Write Trap Register'],
  ['HFGITR_EL2', [3, 4, 1, 1, 6], 'Hypervisor Fine-Grained Instruction Trap Register'],
  ['ZCR_EL2', [3, 4, 1, 2, 0], 'SVE Control Register (EL2)'],
  ['TRFCR_EL2', [3, 4, 1, 2, 1], 'Trace Filter Control Register (EL2)'],
  ['HCRX_EL2', [3, 4, 1, 2, 2], 'Extended Hypervisor Configuration Register'],
  ['SMPRIMAP_EL2', [3, 4, 1, 2, 5], 'Streaming Mode Priority Mapping Register'],
  ['SMCR_EL2', [3, 4, 1, 2, 6], 'SME Control Register (EL2)'],
  ['SDER32_EL2', [3, 4, 1, 3, 1], 'AArch32 Secure Debug Enable Register'],
  ['TTBR0_EL2', [3, 4, 2, 0, 0], 'Translation Table Base Register 0 (EL2)'],
  ['TTBR1_EL2', [3, 4, 2, 0, 1], 'Translation Table Base Register 1 (EL2)'],
  ['TCR_EL2', [3, 4, 2, 0, 2], 'Translation Control Register (EL2)'],
  ['VTTBR_EL2', [3, 4, 2, 1, 0], 'Virtualization Translation Table Base Register'],
  ['VTCR_EL2', [3, 4, 2, 1, 2], 'Virtualization Translation Control Register'],
  ['VNCR_EL2', [3, 4, 2, 2, 0], 'Virtual Nested Control Register'],
  ['VSTTBR_EL2', [3, 4, 2, 6, 0], 'Virtualization Secure Translation Table Base Register'],
  ['VSTCR_EL2', [3, 4, 2, 6, 2], 'Virtualization Secure Translation Control Register'],
  ['HDFGRTR_EL2', [3, 4, 3, 1, 4], 'Hypervisor Debug Fine-Grained Read Trap Register'],
  ['HDFGWTR_EL2', [3, 4, 3, 1, 5], 'Hypervisor Debug Fine-Grained Write Trap Register'],
  ['HAFGRTR_EL2', [3, 4, 3, 1, 6], 'Hypervisor Activity Monitors Fine-Grained Read Trap Register'],
  ['VSESR_EL2', [3, 4, 5, 2, 3], 'Virtual SError Exception Syndrome Register'],
  ['TFSR_EL2', [3, 4, 5, 6, 0], 'Tag Fault Status Register (EL2)'],
  ['HPFAR_EL2', [3, 4, 6, 0, 4], 'Hypervisor IPA Fault Address Register'],
  ['PMSCR_EL2', [3, 4, 9, 9, 0], 'Statistical Profiling Control Register (EL2)'],
  ['MAIR_EL2', [3, 4, 10, 2, 0], 'Memory Attribute Indirection Register (EL2)'],
  ['MPAMHCR_EL2', [3, 4, 10, 4, 0], 'MPAM Hypervisor Control Register'],
  ['MPAMVPMV_EL2', [3, 4, 10, 4, 1], 'MPAM Virtual Partition Mapping Valid Register'],
  ['MPAM2_EL2', [3, 4, 10, 5, 0], 'MPAM2 Register (EL2)'],
  ['RVBAR_EL2', [3, 4, 12, 0, 1], 'Reset Vector Base Address Register (EL2)', 'RO'],
  ['RMR_EL2', [3, 4, 12, 0, 2], 'Reset Management Register (EL2)'],
  ['VDISR_EL2', [3, 4, 12, 1, 1], 'Virtual Deferred Interrupt Status Register'],
  ['ICH_HCR_EL2', [3, 4, 12, 11, 0], 'Interrupt Controller Hyp Control Register'],
  ['ICH_VTR_EL2', [3, 4, 12, 11, 1], 'Interrupt Controller VGIC Type Register', 'RO'],
  ['ICH_MISR_EL2', [3, 4, 12, 11, 2], 'Interrupt Controller Maintenance Interrupt State Register', 'RO'],
  ['ICH_EISR_EL2', [3, 4, 12, 11, 3], 'Interrupt Controller End of Interrupt Status Register', 'RO'],
  ['ICH_ELRSR_EL2', [3, 4, 12, 11, 5], 'Interrupt Controller Empty List Register Status Register', 'RO'],
  ['ICH_VMCR_EL2', [3, 4, 12, 11, 7], 'Interrupt Controller Virtual Machine Control Register'],
  ['CONTEXTIDR_EL2', [3, 4, 13, 0, 1], 'Context ID Register (EL2)'],
  ['TPIDR_EL2', [3, 4, 13, 0, 2], 'Software Thread ID Register (EL2)'],
  ['SCXTNUM_EL2', [3, 4, 13, 0, 7], 'Read/Write Software Context Number (EL2)'],
  ['CNTVOFF_EL2', [3, 4, 14, 0, 3], 'Counter-timer Virtual Offset Register'],
  ['CNTPOFF_EL2', [3, 4, 14, 0, 6], 'Counter-timer Physical Offset Register'],
  ['CNTHCTL_EL2', [3, 4, 14, 1, 0], 'Counter-timer Hypervisor Control Register'],
];

const timers: readonly [name: string, CRm: number, title: string][] = [
  ['CNTHP', 2, 'Physical'],
  ['CNTHV', 3, 'Virtual'],
  ['CNTHVS', 4, 'Secure Virtual'],
  ['CNTHPS', 5, 'Secure Physical'],
];
const timerParts = ['TVAL', 'CTL', 'CVAL'] as const;
const timerTitles = { TVAL: 'TimerValue', CTL: 'Control', CVAL: 'CompareValue' };

const families = [
  ...timers.flatMap(([name, CRm, title]) =>
    timerParts.map((part, op2) =>
      sysreg(
        `${name}_${part}_EL2`,
        [3, 4, 14, CRm, op2],
        `Counter-timer ${title} Timer ${timerTitles[part]} Register (EL2)`,
        [],
        el2,
      ),
    ),
  ),
  ...sysregs('MPAMVPM<n>_EL2', 8, (n) => [3, 4, 10, 6, n], 'MPAM Virtual PARTID Mapping Register <n>', [], el2),
  ...sysregs(
    'ICH_AP0R<n>_EL2',
    4,
    (n) => [3, 4, 12, 8, n],
    'Interrupt Controller Hyp Active Priorities Group 0 Register <n>',
    [],
    gic,
  ),
  ...sysregs(
    'ICH_AP1R<n>_EL2',
    4,
    (n) => [3, 4, 12, 9, n],
    'Interrupt Controller Hyp Active Priorities Group 1 Register <n>',
    [],
    gic,
  ),
  ...sysregs(
    'ICH_LR<n>_EL2',
    16,
    (n) => [3, 4, 12, 12 + (n >> 3), n & 7],
    'Interrupt Controller List Register <n>',
    [],
    gic,
  ),
  ...sysregs(
    'AMEVCNTVOFF0<n>_EL2',
    16,
    (n) => [3, 4, 13, 8 + (n >> 3), n & 7],
    'Activity Monitors Event Counter Virtual Offset Registers 0, <n>',
    [],
    el2,
  ),
  ...sysregs(
    'AMEVCNTVOFF1<n>_EL2',
    16,
    (n) => [3, 4, 13, 10 + (n >> 3), n & 7],
    'Activity Monitors Event Counter Virtual Offset Registers 1, <n>',
    [],
    el2,
  ),
];

/** Names by which a hypervisor with HCR_EL2.E2H set reaches registers of EL1 and EL0. FEAT_VHE. */
const hostAliases: readonly [name: string, encoding: Encoding][] = [
  ['SCTLR_EL1', [3, 5, 1, 0, 0]],
  ['CPACR_EL1', [3, 5, 1, 0, 2]],
  ['ZCR_EL1', [3, 5, 1, 2, 0]],
  ['TRFCR_EL1', [3, 5, 1, 2, 1]],
  ['TTBR0_EL1', [3, 5, 2, 0, 0]],
  ['TTBR1_EL1', [3, 5, 2, 0, 1]],
  ['TCR_EL1', [3, 5, 2, 0, 2]],
  ['SPSR_EL1', [3, 5, 4, 0, 0]],
  ['ELR_EL1', [3, 5, 4, 0, 1]],
  ['AFSR0_EL1', [3, 5, 5, 1, 0]],
  ['AFSR1_EL1', [3, 5, 5, 1, 1]],
  ['ESR_EL1', [3, 5, 5, 2, 0]],
  ['TFSR_EL1', [3, 5, 5, 6, 0]],
  ['FAR_EL1', [3, 5, 6, 0, 0]],
  ['PMSCR_EL1', [3, 5, 9, 9, 0]],
  ['MAIR_EL1', [3, 5, 10, 2, 0]],
  ['AMAIR_EL1', [3, 5, 10, 3, 0]],
  ['MPAM1_EL1', [3, 5, 10, 5, 0]],
  ['VBAR_EL1', [3, 5, 12, 0, 0]],
  ['CONTEXTIDR_EL1', [3, 5, 13, 0, 1]],
  ['SCXTNUM_EL1', [3, 5, 13, 0, 7]],
  ['CNTKCTL_EL1', [3, 5, 14, 1, 0]],
  ['CNTP_TVAL_EL0', [3, 5, 14, 2, 0]],
  ['CNTP_CTL_EL0', [3, 5, 14, 2, 1]],
  ['CNTP_CVAL_EL0', [3, 5, 14, 2, 2]],
  ['CNTV_TVAL_EL0', [3, 5, 14, 3, 0]],
  ['CNTV_CTL_EL0', [3, 5, 14, 3, 1]],
  ['CNTV_CVAL_EL0', [3, 5, 14, 3, 2]],
];

export const el2Registers: readonly SystemRegister[] = [
  ...aarch32,
  HCR_EL2,
  ...exceptions,
  ...named.map(([name, encoding, title, access]) => sysreg(name, encoding, title, [], { ...el2, access })),
  ...families,
  ...hostAliases.map(([aliasOf, encoding]) =>
    sysreg(`${aliasOf}2`, encoding, `${aliasOf} as a host at EL2 reaches it`, [], {
      ...el2,
      feature: 'FEAT_VHE',
      aliasOf,
    }),
  ),
];
