/** The GIC's CPU interface at EL1. Arm IHI 0069 (GICv3 and GICv4), "AArch64 System register descriptions" (12.2). */
import { field, flag, impdef, res0, type SystemRegister, sysreg, sysregs } from '../register.ts';

const gic = { group: 'gic', feature: 'FEAT_GICv3' } as const;
/** Reading acknowledges an interrupt, writing ends or raises one: nothing is stored. */
const acknowledge = { ...gic, access: 'RO', noRaw: true } as const;
const command = { ...gic, access: 'WO', noRaw: true } as const;

const intid = [
  res0(63, 24),
  field('INTID', 23, 0, { 1020: 'Group 0 of another security state', 1021: 'Group 1', 1022: 'NMI', 1023: 'none' }),
];
const binaryPoint = [res0(63, 3), field('BinaryPoint', 2, 0)];
const enable = [res0(63, 1), flag('Enable', 0, { 0: 'disabled', 1: 'enabled' })];
const softwareInterrupt = [
  res0(63, 56),
  field('Aff3', 55, 48),
  field('RS', 47, 44),
  res0(43, 41),
  flag('IRM', 40, { 0: 'the listed CPUs', 1: 'all CPUs but this one' }),
  field('Aff2', 39, 32),
  res0(31, 28),
  field('INTID', 27, 24),
  field('Aff1', 23, 16),
  field('TargetList', 15, 0),
];

const groups = [
  sysreg('ICC_IAR0_EL1', [3, 0, 12, 8, 0], 'Interrupt Controller Interrupt Acknowledge Register 0', intid, acknowledge),
  sysreg('ICC_EOIR0_EL1', [3, 0, 12, 8, 1], 'Interrupt Controller End Of Interrupt Register 0', intid, command),
  sysreg(
    'ICC_HPPIR0_EL1',
    [3, 0, 12, 8, 2],
    'Interrupt Controller Highest Priority Pending Interrupt Register 0',
    intid,
    {
      ...gic,
      access: 'RO',
    },
  ),
  sysreg('ICC_BPR0_EL1', [3, 0, 12, 8, 3], 'Interrupt Controller Binary Point Register 0', binaryPoint, gic),
  ...sysregs(
    'ICC_AP0R<n>_EL1',
    4,
    (n) => [3, 0, 12, 8, 4 + n],
    'Interrupt Controller Active Priorities Group 0 Register <n>',
    [res0(63, 32), impdef(31, 0)],
    gic,
  ),
  sysreg('ICC_IGRPEN0_EL1', [3, 0, 12, 12, 6], 'Interrupt Controller Interrupt Group 0 Enable register', enable, gic),
  sysreg(
    'ICC_IAR1_EL1',
    [3, 0, 12, 12, 0],
    'Interrupt Controller Interrupt Acknowledge Register 1',
    intid,
    acknowledge,
  ),
  sysreg('ICC_EOIR1_EL1', [3, 0, 12, 12, 1], 'Interrupt Controller End Of Interrupt Register 1', intid, command),
  sysreg(
    'ICC_HPPIR1_EL1',
    [3, 0, 12, 12, 2],
    'Interrupt Controller Highest Priority Pending Interrupt Register 1',
    intid,
    {
      ...gic,
      access: 'RO',
    },
  ),
  sysreg('ICC_BPR1_EL1', [3, 0, 12, 12, 3], 'Interrupt Controller Binary Point Register 1', binaryPoint, gic),
  ...sysregs(
    'ICC_AP1R<n>_EL1',
    4,
    (n) => [3, 0, 12, 9, n],
    'Interrupt Controller Active Priorities Group 1 Register <n>',
    (n) => [n === 0 ? flag('NMI', 63) : res0(63), res0(62, 32), impdef(31, 0)],
    gic,
  ),
  sysreg('ICC_IGRPEN1_EL1', [3, 0, 12, 12, 7], 'Interrupt Controller Interrupt Group 1 Enable register', enable, gic),
  sysreg(
    'ICC_NMIAR1_EL1',
    [3, 0, 12, 9, 5],
    'Interrupt Controller Non-maskable Interrupt Acknowledge Register 1',
    intid,
    { ...acknowledge, feature: 'FEAT_GICv3_NMI' },
  ),
];

const common = [
  sysreg(
    'ICC_PMR_EL1',
    [3, 0, 4, 6, 0],
    'Interrupt Controller Interrupt Priority Mask Register',
    [res0(63, 8), field('Priority', 7, 0)],
    gic,
  ),
  sysreg(
    'ICC_RPR_EL1',
    [3, 0, 12, 11, 3],
    'Interrupt Controller Running Priority Register',
    [flag('NMI', 63), flag('NMI_NS', 62), res0(61, 8), field('Priority', 7, 0, { 255: 'idle' })],
    { ...gic, access: 'RO' },
  ),
  sysreg('ICC_DIR_EL1', [3, 0, 12, 11, 1], 'Interrupt Controller Deactivate Interrupt Register', intid, command),
  sysreg(
    'ICC_SGI1R_EL1',
    [3, 0, 12, 11, 5],
    'Interrupt Controller Software Generated Interrupt Group 1 Register',
    softwareInterrupt,
    command,
  ),
  sysreg(
    'ICC_ASGI1R_EL1',
    [3, 0, 12, 11, 6],
    'Interrupt Controller Alias Software Generated Interrupt Group 1 Register',
    softwareInterrupt,
    command,
  ),
  sysreg(
    'ICC_SGI0R_EL1',
    [3, 0, 12, 11, 7],
    'Interrupt Controller Software Generated Interrupt Group 0 Register',
    softwareInterrupt,
    command,
  ),
  sysreg(
    'ICC_CTLR_EL1',
    [3, 0, 12, 12, 4],
    'Interrupt Controller Control Register (EL1)',
    [
      res0(63, 20),
      flag('ExtRange', 19, { 0: 'no INTIDs 1024..8191', 1: 'INTIDs 1024..8191' }),
      flag('RSS', 18, { 0: 'targets with Aff0 0..15', 1: 'targets with Aff0 0..255' }),
      res0(17, 16),
      flag('A3V', 15, { 0: 'Aff3 is zero', 1: 'Aff3 may be used' }),
      flag('SEIS', 14, { 0: 'no local SEIs', 1: 'local SEIs' }),
      field('IDbits', 13, 11, { 0: '16 bits', 1: '24 bits' }),
      field('PRIbits', 10, 8),
      res0(7),
      flag('PMHE', 6),
      res0(5, 2),
      flag('EOImode', 1, { 0: 'EOIR drops priority and deactivates', 1: 'EOIR drops priority, DIR deactivates' }),
      flag('CBPR', 0, { 0: 'BPR0 for Group 0, BPR1 for Group 1', 1: 'BPR0 for both groups' }),
    ],
    gic,
  ),
  sysreg(
    'ICC_SRE_EL1',
    [3, 0, 12, 12, 5],
    'Interrupt Controller System Register Enable register (EL1)',
    [
      res0(63, 3),
      flag('DIB', 2),
      flag('DFB', 1),
      flag('SRE', 0, { 0: 'memory-mapped interface', 1: 'System register interface' }),
    ],
    gic,
  ),
];

export const gicRegisters: readonly SystemRegister[] = [...groups, ...common];
