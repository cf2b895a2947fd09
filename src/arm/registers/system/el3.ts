/** Registers of EL3, most by name only. Arm ARM DDI 0487, D19.2. */
import { type Encoding, field, flag, impdef, res0, res1, type SystemRegister, sysreg } from '../register.ts';
import { esrFields, spsrFields, spsrVariants } from './exception.ts';

const el3 = { group: 'el3' } as const;

const address = [field('ADDR', 63, 0)];

const SCR_EL3 = sysreg(
  'SCR_EL3',
  [3, 6, 1, 1, 0],
  'Secure Configuration Register',
  [
    res0(63),
    ...['NSE', 'HACDBSEn', 'HDBSSEn', 'FGTEn2', 'EnDSE', 'DSE'].map((name, n) => flag(name, 62 - n)),
    res0(56),
    ...[
      ...['EnIDCP128', 'SRMASKEn', 'PFAREn', 'TWERR', 'TMEA', 'EnFPM', 'MECEn', 'GPF', 'D128En', 'AIEn', 'PIEn'],
      ...['SCTLR2En', 'TCR2En', 'RCWMASKEn', 'EnTP2', 'TRNDR', 'GCSEn', 'HXEn', 'ADEn', 'EnAS0', 'AMVOFFEN', 'TME'],
    ].map((name, n) => flag(name, 55 - n)),
    field('TWEDEL', 33, 30),
    ...['TWEDEn', 'ECVEn', 'FGTEn', 'ATA', 'EnSCXT'].map((name, n) => flag(name, 29 - n)),
    res0(24),
    ...['TID5', 'TID3', 'FIEN', 'NMEA', 'EASE', 'EEL2', 'API', 'APK'].map((name, n) => flag(name, 23 - n)),
    ...['TERR', 'TLOR', 'TWE', 'TWI', 'ST', 'RW', 'SIF', 'HCE', 'SMD'].map((name, n) => flag(name, 15 - n)),
    res0(6),
    res1(5, 4),
    ...['EA', 'FIQ', 'IRQ', 'NS'].map((name, n) => flag(name, 3 - n)),
  ],
  el3,
);

const exceptions = [
  sysreg('ESR_EL3', [3, 6, 5, 2, 0], 'Exception Syndrome Register (EL3)', esrFields, { ...el3, syndrome: true }),
  sysreg('SPSR_EL3', [3, 6, 4, 0, 0], 'Saved Program Status Register (EL3)', spsrFields, {
    ...el3,
    variants: spsrVariants,
  }),
  sysreg('ELR_EL3', [3, 6, 4, 0, 1], 'Exception Link Register (EL3)', address, el3),
  sysreg('FAR_EL3', [3, 6, 6, 0, 0], 'Fault Address Register (EL3)', address, el3),
  sysreg('SP_EL2', [3, 6, 4, 1, 0], 'Stack Pointer (EL2)', address, el3),
  sysreg('VBAR_EL3', [3, 6, 12, 0, 0], 'Vector Base Address Register (EL3)', [field('VBA', 63, 11), res0(10, 0)], el3),
  sysreg('ACTLR_EL3', [3, 6, 1, 0, 1], 'Auxiliary Control Register (EL3)', [impdef(63, 0)], el3),
  sysreg('AFSR0_EL3', [3, 6, 5, 1, 0], 'Auxiliary Fault Status Register 0 (EL3)', [impdef(63, 0)], el3),
  sysreg('AFSR1_EL3', [3, 6, 5, 1, 1], 'Auxiliary Fault Status Register 1 (EL3)', [impdef(63, 0)], el3),
  sysreg('AMAIR_EL3', [3, 6, 10, 3, 0], 'Auxiliary Memory Attribute Indirection Register (EL3)', [impdef(63, 0)], el3),
];

const named: readonly [name: string, encoding: Encoding, title: string, access?: 'RO'][] = [
  ['SCTLR_EL3', [3, 6, 1, 0, 0], 'System Control Register (EL3)'],
  ['SDER32_EL3', [3, 6, 1, 1, 1], 'AArch32 Secure Debug Enable Register'],
  ['CPTR_EL3', [3, 6, 1, 1, 2], 'Architectural Feature Trap Register (EL3)'],
  ['ZCR_EL3', [3, 6, 1, 2, 0], 'SVE Control Register (EL3)'],
  ['SMCR_EL3', [3, 6, 1, 2, 6], 'SME Control Register (EL3)'],
  ['MDCR_EL3', [3, 6, 1, 3, 1], 'Monitor Debug Configuration Register (EL3)'],
  ['TTBR0_EL3', [3, 6, 2, 0, 0], 'Translation Table Base Register 0 (EL3)'],
  ['TCR_EL3', [3, 6, 2, 0, 2], 'Translation Control Register (EL3)'],
  ['GPTBR_EL3', [3, 6, 2, 1, 4], 'Granule Protection Table Base Register'],
  ['GPCCR_EL3', [3, 6, 2, 1, 6], 'Granule Protection Check Control Register (EL3)'],
  ['TFSR_EL3', [3, 6, 5, 6, 0], 'Tag Fault Status Register (EL3)'],
  ['MFAR_EL3', [3, 6, 6, 0, 5], 'Physical Fault Address Register (EL3)'],
  ['MAIR_EL3', [3, 6, 10, 2, 0], 'Memory Attribute Indirection Register (EL3)'],
  ['MPAM3_EL3', [3, 6, 10, 5, 0], 'MPAM3 Register (EL3)'],
  ['RVBAR_EL3', [3, 6, 12, 0, 1], 'Reset Vector Base Address Register (EL3)', 'RO'],
  ['RMR_EL3', [3, 6, 12, 0, 2], 'Reset Management Register (EL3)'],
  ['ICC_CTLR_EL3', [3, 6, 12, 12, 4], 'Interrupt Controller Control Register (EL3)'],
  ['ICC_SRE_EL3', [3, 6, 12, 12, 5], 'Interrupt Controller System Register Enable register (EL3)'],
  ['ICC_IGRPEN1_EL3', [3, 6, 12, 12, 7], 'Interrupt Controller Interrupt Group 1 Enable register (EL3)'],
  ['TPIDR_EL3', [3, 6, 13, 0, 2], 'Software Thread ID Register (EL3)'],
  ['SCXTNUM_EL3', [3, 6, 13, 0, 7], 'Read/Write Software Context Number (EL3)'],
];

export const el3Registers: readonly SystemRegister[] = [
  SCR_EL3,
  ...exceptions,
  ...named.map(([name, encoding, title, access]) => sysreg(name, encoding, title, [], { ...el3, access })),
];
