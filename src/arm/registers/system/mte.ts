/** Memory tagging. Arm ARM DDI 0487, D19.2 "General system control registers" and D10. */
import { field, flag, res0, type SystemRegister, sysreg, type Values } from '../register.ts';

const mte = { group: 'mte', feature: 'FEAT_MTE2' } as const;
const tagFault: Values = { 0: 'none', 1: 'an asynchronous tag check fault occurred' };

export const mteRegisters: readonly SystemRegister[] = [
  sysreg(
    'RGSR_EL1',
    [3, 0, 1, 0, 5],
    'Random Allocation Tag Seed Register',
    // SEED is 23:8 while GCR_EL1.RRND is 0; the bits above it then are RES0.
    [res0(63, 56), field('SEED', 55, 8), res0(7, 4), field('TAG', 3, 0)],
    mte,
  ),
  sysreg(
    'GCR_EL1',
    [3, 0, 1, 0, 6],
    'Tag Control Register',
    [
      res0(63, 17),
      flag('RRND', 16, { 0: 'tags from RGSR_EL1', 1: 'implementation defined random tags' }),
      field('Exclude', 15, 0),
    ],
    mte,
  ),
  sysreg(
    'TFSR_EL1',
    [3, 0, 5, 6, 0],
    'Tag Fault Status Register of EL1',
    [res0(63, 2), flag('TF1', 1, tagFault), flag('TF0', 0, tagFault)],
    mte,
  ),
  sysreg(
    'TFSRE0_EL1',
    [3, 0, 5, 6, 1],
    'Tag Fault Status Register of EL0',
    [res0(63, 2), flag('TF1', 1, tagFault), flag('TF0', 0, tagFault)],
    mte,
  ),
  sysreg(
    'GMID_EL1',
    [3, 1, 0, 0, 4],
    'Multiple Tag Transfer ID Register',
    [res0(63, 4), field('BS', 3, 0, (value) => `${4n << value} bytes`)],
    {
      ...mte,
      access: 'RO',
      constant: true,
    },
  ),
];
