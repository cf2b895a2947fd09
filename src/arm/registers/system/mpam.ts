/** Memory partitioning and monitoring at EL1. Arm ARM DDI 0487, "MPAM registers" (D19.4). */
import { field, flag, res0, type SystemRegister, sysreg } from '../register.ts';

const mpam = { group: 'mpam', feature: 'FEAT_MPAM' } as const;

const labels = [field('PMG_D', 47, 40), field('PMG_I', 39, 32), field('PARTID_D', 31, 16), field('PARTID_I', 15, 0)];

export const mpamRegisters: readonly SystemRegister[] = [
  sysreg('MPAM0_EL1', [3, 0, 10, 5, 1], 'MPAM0 Register (EL1)', [res0(63, 48), ...labels], mpam),
  sysreg(
    'MPAM1_EL1',
    [3, 0, 10, 5, 0],
    'MPAM1 Register (EL1)',
    [
      flag('MPAMEN', 63, { 0: 'default labels', 1: 'labels as below' }),
      res0(62, 61),
      flag('FORCED_NS', 60),
      res0(59, 55),
      flag('ALTSP_FRCD', 54),
      res0(53, 48),
      ...labels,
    ],
    mpam,
  ),
  sysreg(
    'MPAMIDR_EL1',
    [3, 0, 10, 4, 4],
    'MPAM ID Register (EL1)',
    [
      res0(63, 62),
      flag('HAS_SDEFLT', 61),
      flag('HAS_FORCE_NS', 60),
      flag('SP4', 59),
      flag('HAS_TIDR', 58),
      flag('HAS_ALTSP', 57),
      flag('HAS_BW_CTRL', 56),
      res0(55, 40),
      field('PMG_MAX', 39, 32),
      res0(31, 21),
      field('VPMR_MAX', 20, 18),
      flag('HAS_HCR', 17),
      res0(16),
      field('PARTID_MAX', 15, 0),
    ],
    { ...mpam, access: 'RO', constant: true },
  ),
];
