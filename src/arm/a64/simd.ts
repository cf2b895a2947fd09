/** Words of Arm ARM DDI 0487, C4.1 "Data Processing -- Scalar Floating-Point and Advanced SIMD" that have no definition yet. */
import { a64 } from './definition.ts';

export const simd = [
  a64('SIMD and floating-point', 'xxxx11xxxxxxxxxxxxxxxxxxxxxxxxxx', { immediates: { zero: () => 0 } }, (b, { zero }) =>
    b.raise('undefined', zero),
  ),
];
