/**
 * Arm ARM DDI 0487, C4.1 "Data Processing -- Scalar Floating-Point and Advanced SIMD" and the SIMD&FP loads and stores:
 * the words with bits 27 and 26 set. None is carried out yet; the CPU traps them as CPACR_EL1.FPEN says or takes them
 * as UNDEFINED.
 */
import { a64 } from './definition.ts';

export const simd = [
  a64(
    'SIMD and floating-point',
    'xxxx11xxxxxxxxxxxxxxxxxxxxxxxxxx',
    { immediates: { word: (_fields, _context, word) => word >>> 0 } },
    (b, { word }) => b.system(word),
  ),
];
