/**
 * The operators of `Builder.vector`, named after WebAssembly's: a shape of lanes, then what is done. What a
 * narrowing or widening operator reads has lanes of the other size; its name does not repeat it.
 *
 * WebAssembly Core Specification, 5.4.8 "Vector Instructions".
 */
/** Opcodes behind the prefix of vector instructions. */
const opcodes = {
  not: { v128: 77 },
  and: { v128: 78 },
  /** a and not b */
  andnot: { v128: 79 },
  or: { v128: 80 },
  xor: { v128: 81 },
  /** Bits of the first where the third has ones, of the second elsewhere. */
  bitselect: { v128: 82 },
  any_true: { v128: 83 },

  /** Bytes of the first by number; zero for numbers beyond 15. */
  swizzle: { i8x16: 14 },
  splat: { i8x16: 15, i16x8: 16, i32x4: 17, i64x2: 18 },
  eq: { i8x16: 35, i16x8: 45, i32x4: 55, i64x2: 214 },
  ne: { i8x16: 36, i16x8: 46, i32x4: 56, i64x2: 215 },
  lt_s: { i8x16: 37, i16x8: 47, i32x4: 57, i64x2: 216 },
  lt_u: { i8x16: 38, i16x8: 48, i32x4: 58 },
  gt_s: { i8x16: 39, i16x8: 49, i32x4: 59, i64x2: 217 },
  gt_u: { i8x16: 40, i16x8: 50, i32x4: 60 },
  le_s: { i8x16: 41, i16x8: 51, i32x4: 61, i64x2: 218 },
  le_u: { i8x16: 42, i16x8: 52, i32x4: 62 },
  ge_s: { i8x16: 43, i16x8: 53, i32x4: 63, i64x2: 219 },
  ge_u: { i8x16: 44, i16x8: 54, i32x4: 64 },
  abs: { i8x16: 96, i16x8: 128, i32x4: 160, i64x2: 192 },
  neg: { i8x16: 97, i16x8: 129, i32x4: 161, i64x2: 193 },
  popcnt: { i8x16: 98 },
  /** Whether all lanes differ from zero. */
  all_true: { i8x16: 99, i16x8: 131, i32x4: 163, i64x2: 195 },
  /** The lanes' uppermost bits. */
  bitmask: { i8x16: 100, i16x8: 132, i32x4: 164, i64x2: 196 },
  /** Signed lanes of twice the size, those of the first below those of the second, saturated. */
  narrow_s: { i8x16: 101, i16x8: 133 },
  narrow_u: { i8x16: 102, i16x8: 134 },
  /** The lower or the upper lanes of half the size. */
  extend_low_s: { i16x8: 135, i32x4: 167, i64x2: 199 },
  extend_high_s: { i16x8: 136, i32x4: 168, i64x2: 200 },
  extend_low_u: { i16x8: 137, i32x4: 169, i64x2: 201 },
  extend_high_u: { i16x8: 138, i32x4: 170, i64x2: 202 },
  /** Products of such lanes. */
  extmul_low_s: { i16x8: 156, i32x4: 188, i64x2: 220 },
  extmul_high_s: { i16x8: 157, i32x4: 189, i64x2: 221 },
  extmul_low_u: { i16x8: 158, i32x4: 190, i64x2: 222 },
  extmul_high_u: { i16x8: 159, i32x4: 191, i64x2: 223 },
  /** Sums of neighbours of half the size. */
  extadd_pairwise_s: { i16x8: 124, i32x4: 126 },
  extadd_pairwise_u: { i16x8: 125, i32x4: 127 },
  /** Sums of the products of neighbours of half the size. */
  dot_s: { i32x4: 186 },
  /** Shifts take the amount, a 32-bit value, modulo the lane's bits. */
  shl: { i8x16: 107, i16x8: 139, i32x4: 171, i64x2: 203 },
  shr_s: { i8x16: 108, i16x8: 140, i32x4: 172, i64x2: 204 },
  shr_u: { i8x16: 109, i16x8: 141, i32x4: 173, i64x2: 205 },
  add: { i8x16: 110, i16x8: 142, i32x4: 174, i64x2: 206 },
  sub: { i8x16: 113, i16x8: 145, i32x4: 177, i64x2: 209 },
  mul: { i16x8: 149, i32x4: 181, i64x2: 213 },
  add_sat_s: { i8x16: 111, i16x8: 143 },
  add_sat_u: { i8x16: 112, i16x8: 144 },
  sub_sat_s: { i8x16: 114, i16x8: 146 },
  sub_sat_u: { i8x16: 115, i16x8: 147 },
  min_s: { i8x16: 118, i16x8: 150, i32x4: 182 },
  min_u: { i8x16: 119, i16x8: 151, i32x4: 183 },
  max_s: { i8x16: 120, i16x8: 152, i32x4: 184 },
  max_u: { i8x16: 121, i16x8: 153, i32x4: 185 },
  /** (a + b + 1) >> 1, unsigned. */
  avgr_u: { i8x16: 123, i16x8: 155 },
  /** (a * b + 2^14) >> 15, saturated. */
  q15mulr_sat_s: { i16x8: 130 },
} as const;

type Operation = keyof typeof opcodes;
export type VectorOperator = {
  [Name in Operation]: `${keyof (typeof opcodes)[Name] & string}.${Name}`;
}[Operation];

/** Bits of a lane, by the shape's name; a v128 is one lane. */
export const laneBits: Readonly<Record<string, number>> = { v128: 128, i8x16: 8, i16x8: 16, i32x4: 32, i64x2: 64 };

export interface VectorOperation {
  readonly opcode: number;
  /** Bits of each. */
  readonly inputs: readonly (32 | 64 | 128)[];
  readonly output: 32 | 128;
}

const unary = /^(not|abs|neg|popcnt|extend|extadd)/;

/** What the operators take and give. A splat takes 32 bits for lanes that are narrower. */
function signature(operation: string, bits: number): Omit<VectorOperation, 'opcode'> {
  if (/^(any_true|all_true|bitmask)$/.test(operation)) return { inputs: [128], output: 32 };
  if (operation === 'splat') return { inputs: [bits === 64 ? 64 : 32], output: 128 };
  if (/^sh[lr]/.test(operation)) return { inputs: [128, 32], output: 128 };
  if (operation === 'bitselect') return { inputs: [128, 128, 128], output: 128 };
  return { inputs: unary.test(operation) ? [128] : [128, 128], output: 128 };
}

export const vectorOperations = Object.fromEntries(
  Object.entries(opcodes).flatMap(([operation, byShape]) =>
    Object.entries(byShape).map(([shape, opcode]) => [
      `${shape}.${operation}`,
      { opcode, ...signature(operation, laneBits[shape]) },
    ]),
  ),
) as Readonly<Record<VectorOperator, VectorOperation>>;

export const vectorOperators = Object.keys(vectorOperations) as readonly VectorOperator[];
