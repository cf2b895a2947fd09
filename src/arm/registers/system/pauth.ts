/** Keys of pointer authentication: 128 bits each, in two halves. Arm ARM DDI 0487, D19.2 and D8 "Pointer authentication". */
import { type Encoding, field, type SystemRegister, sysreg } from '../register.ts';

const keys = [
  ['APIA', 1, 0, 'A for instructions'],
  ['APIB', 1, 2, 'B for instructions'],
  ['APDA', 2, 0, 'A for data'],
  ['APDB', 2, 2, 'B for data'],
  ['APGA', 3, 0, 'A for code'],
] as const;

export const pauthRegisters: readonly SystemRegister[] = keys.flatMap(([name, CRm, op2, use]) =>
  (['Lo', 'Hi'] as const).map((half, n) => {
    const encoding: Encoding = [3, 0, 2, CRm, op2 + n];
    const title = `Pointer Authentication Key ${use} (bits ${n === 0 ? '63:0' : '127:64'})`;
    return sysreg(`${name}Key${half}_EL1`, encoding, title, [field('KEY', 63, 0)], {
      group: 'pauth',
      feature: 'FEAT_PAuth',
    });
  }),
);
