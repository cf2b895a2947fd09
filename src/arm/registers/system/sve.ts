/** The length of SVE vectors. Arm ARM DDI 0487, D19.2, ZCR_EL1. */
import { field, raz, res0, type SystemRegister, sysreg } from '../register.ts';

export const sveRegisters: readonly SystemRegister[] = [
  sysreg(
    'ZCR_EL1',
    [3, 0, 1, 2, 0],
    'SVE Control Register',
    [res0(63, 9), raz(8, 4), field('LEN', 3, 0, (value) => `${128n * (value + 1n)} bits`)],
    {
      group: 'sve',
      feature: 'FEAT_SVE',
    },
  ),
];
