/** Registers that belong to no other group. Arm ARM DDI 0487, D19.2. */
import { field, type SystemRegister, sysreg } from '../register.ts';

/** Each read draws a new number and sets the flags. */
const random = { group: 'other', feature: 'FEAT_RNG', access: 'RO', noRaw: true } as const;

export const otherRegisters: readonly SystemRegister[] = [
  sysreg('RNDR', [3, 3, 2, 4, 0], 'Random Number', [field('RNDR', 63, 0)], random),
  sysreg('RNDRRS', [3, 3, 2, 4, 1], 'Reseeded Random Number', [field('RNDRRS', 63, 0)], random),
];
