/** All A64 instructions that are known, in the groups of the Arm ARM's encoding index. */
import { atomics } from './atomics.ts';
import { branches } from './branches.ts';
import { dataProcessingImmediate } from './data-processing-immediate.ts';
import { dataProcessingRegister } from './data-processing-register.ts';
import { exclusives } from './exclusives.ts';
import { fpConvert } from './fp-convert.ts';
import { fpExtensions } from './fp-extensions.ts';
import { fpScalar } from './fp-scalar.ts';
import { fpVector } from './fp-vector.ts';
import { fpVectorConvert } from './fp-vector-convert.ts';
import type { A64Instruction } from './instruction.ts';
import { loadsAndStores } from './loads-and-stores.ts';
import { simdAcrossLanes } from './simd-across-lanes.ts';
import { simdByElement } from './simd-by-element.ts';
import { simdCopy } from './simd-copy.ts';
import { simdCrypto } from './simd-crypto.ts';
import { simdDotProduct } from './simd-dot-product.ts';
import { simdLoadsAndStores } from './simd-loads-and-stores.ts';
import { simdPermute } from './simd-permute.ts';
import { simdShift } from './simd-shift.ts';
import { simdStructures } from './simd-structures.ts';
import { simdThreeDifferent } from './simd-three-different.ts';
import { simdThreeSame } from './simd-three-same.ts';
import { simdTwo } from './simd-two.ts';
import { system } from './system.ts';

export const a64Groups: readonly { readonly title: string; readonly instructions: readonly A64Instruction[] }[] = [
  { title: 'Data processing, immediate', instructions: dataProcessingImmediate },
  { title: 'Data processing, register', instructions: dataProcessingRegister },
  { title: 'Branches', instructions: branches },
  { title: 'Exceptions and system', instructions: system },
  { title: 'Loads and stores', instructions: loadsAndStores },
  { title: 'Exclusive and ordered loads and stores', instructions: exclusives },
  { title: 'Atomic memory operations (FEAT_LSE)', instructions: atomics },
  { title: 'Floating-point', instructions: fpScalar },
  { title: 'Conversions between floating-point and integers', instructions: fpConvert },
  { title: 'Advanced SIMD, floating-point', instructions: fpVector },
  { title: 'Advanced SIMD, floating-point conversions and comparisons with zero', instructions: fpVectorConvert },
  { title: 'Advanced SIMD, floating-point extensions', instructions: fpExtensions },
  { title: 'SIMD: dot products', instructions: simdDotProduct },
  { title: 'SIMD and floating-point loads and stores', instructions: [...simdLoadsAndStores, ...simdStructures] },
  { title: 'SIMD: copies and permutations', instructions: [...simdCopy, ...simdPermute] },
  { title: 'SIMD: integers of two vectors', instructions: [...simdThreeSame, ...simdThreeDifferent, ...simdByElement] },
  { title: 'SIMD: integers of one vector', instructions: [...simdTwo, ...simdAcrossLanes] },
  { title: 'SIMD: shifts by immediate', instructions: simdShift },
  { title: 'SIMD: cryptography (FEAT_AES, FEAT_SHA1, FEAT_SHA256)', instructions: simdCrypto },
];

export const a64Instructions: readonly A64Instruction[] = a64Groups.flatMap((group) => group.instructions);
