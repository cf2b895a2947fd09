/**
 * What integer SIMD instructions have in common, told in the Builder's vector operators. An element has `size`, log2 of
 * its bytes; an operation works on the low `bytes` of registers: 16, 8, or those of one element where it is scalar.
 *
 * Arm ARM DDI 0487, J1 "Armv8 Pseudocode".
 */
import type { Builder, Size, VectorOperand } from '../builder/builder.ts';
import type { VectorOperator } from '../builder/vectors.ts';

const shapes = ['i8x16', 'i16x8', 'i32x4', 'i64x2'] as const;

/** An operator on lanes of a size. The operator must exist: the analysis of a shape sees to that. */
export const lanes = <V>(b: Builder<V>, size: number, operation: string, ...inputs: V[]): V =>
  b.vector(`${shapes[size]}.${operation}` as VectorOperator, ...inputs);

export const letV = <V>(b: Builder<V>, value: V): V => b.let(128, value);

/** A constant in all elements. */
export function splat<V>(b: Builder<V>, size: number, value: bigint): V {
  const bits = 8 << size;
  let all = BigInt.asUintN(bits, value);
  for (let width = bits; width < 128; width *= 2) all |= all << BigInt(width);
  return b.vectorConstant(all);
}

/** The largest signed number of an element's size, and the smallest. */
export const largest = (size: number): bigint => (1n << BigInt((8 << size) - 1)) - 1n;
export const smallest = (size: number): bigint => 1n << BigInt((8 << size) - 1);

/** An element in all elements. */
export const splatElement = <V>(b: Builder<V>, size: Size, element: VectorOperand): V =>
  lanes(b, size, 'splat', b.readElement(size, element));

/** The low bytes of a vector; the others become zero. */
export function lowBytes<V>(b: Builder<V>, bytes: number, value: V): V {
  if (bytes === 16) return value;
  if (bytes === 8) return b.replaceLane(3, 1, value, b.constant(64, 0n));
  return b.vector('v128.and', value, b.vectorConstant((1n << BigInt(8 * bytes)) - 1n));
}

/** V[d]: the low bytes of a result, zeros above. */
export const writeBytes = <V>(b: Builder<V>, bytes: number, Rd: VectorOperand, value: V): void =>
  b.writeV(Rd, lowBytes(b, bytes, value));

/** FPSR.QC is set if any of the low bytes of `differs` is not zero. */
export function saturated<V>(b: Builder<V>, bytes: number, differs: V): void {
  const QC = 27n;
  b.accumulateFpsr(b.binary('shl', 32, b.vector('v128.any_true', lowBytes(b, bytes, differs)), b.constant(32, QC)));
}

/** Bytes of the elements by number, those of a second vector from `count` on. */
const bytesOf = (size: number, count: number, elements: readonly number[]): number[] =>
  elements.flatMap((element) =>
    Array.from({ length: 1 << size }, (_, i) => {
      const at = ((element % count) << size) + i;
      return element < count ? at : 16 + at;
    }),
  );

/** Fills up to 16 bytes with the first one. */
const fill = (bytes: readonly number[]): number[] => Array.from({ length: 16 }, (_, i) => bytes[i] ?? 0);

/** A vector of elements of Vm:Vn, whose low `bytes` are concatenated, by number. */
export const pick = <V>(b: Builder<V>, size: number, bytes: number, elements: readonly number[], n: V, m: V): V =>
  b.shuffle(fill(bytesOf(size, bytes >> size, elements)), n, m);

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The even elements of Vm:Vn, and the odd ones. */
export const evens = <V>(b: Builder<V>, size: number, bytes: number, n: V, m: V): V =>
  pick(
    b,
    size,
    bytes,
    range(bytes >> size).map((i) => 2 * i),
    n,
    m,
  );
export const odds = <V>(b: Builder<V>, size: number, bytes: number, n: V, m: V): V =>
  pick(
    b,
    size,
    bytes,
    range(bytes >> size).map((i) => 2 * i + 1),
    n,
    m,
  );

export const not = <V>(b: Builder<V>, value: V): V => b.vector('v128.not', value);
export const and = <V>(b: Builder<V>, x: V, y: V): V => b.vector('v128.and', x, y);
export const or = <V>(b: Builder<V>, x: V, y: V): V => b.vector('v128.or', x, y);
export const xor = <V>(b: Builder<V>, x: V, y: V): V => b.vector('v128.xor', x, y);
/** Bits of x where the mask has ones, of y elsewhere. */
export const select = <V>(b: Builder<V>, mask: V, x: V, y: V): V => b.vector('v128.bitselect', x, y, mask);

/** The sign of each element, in all its bits. */
export const signs = <V>(b: Builder<V>, size: number, value: V): V =>
  lanes(b, size, 'shr_s', value, b.constant(32, BigInt((8 << size) - 1)));

/** x > y; values used once each. */
export function greater<V>(b: Builder<V>, size: number, unsigned: boolean, x: V, y: V): V {
  if (!unsigned) return lanes(b, size, 'gt_s', x, y);
  if (size < 3) return lanes(b, size, 'gt_u', x, y);
  const biased = (value: V) => xor(b, value, splat(b, 3, smallest(3)));
  return lanes(b, 3, 'gt_s', biased(x), biased(y));
}

/** x >= y. */
export const greaterOrEqual = <V>(b: Builder<V>, size: number, unsigned: boolean, x: V, y: V): V =>
  unsigned && size === 3 ? not(b, greater(b, 3, true, y, x)) : lanes(b, size, unsigned ? 'ge_u' : 'ge_s', x, y);

/** Products, modulo the element. x and y are used twice. */
export function multiply<V>(b: Builder<V>, size: number, x: V, y: V): V {
  if (size > 0) return lanes(b, size, 'mul', x, y);
  const products = (part: string) => lanes(b, 1, `extmul_${part}_u`, x, y);
  return evens(b, 0, 16, products('low'), products('high'));
}

/** (x + y) >> 1 or, with rounding, (x + y + 1) >> 1 without overflow. x and y are used twice. */
export function halvingAdd<V>(b: Builder<V>, size: number, unsigned: boolean, rounding: boolean, x: V, y: V): V {
  if (rounding && unsigned && size < 2) return lanes(b, size, 'avgr_u', x, y);
  const half = lanes(b, size, unsigned ? 'shr_u' : 'shr_s', xor(b, x, y), b.constant(32, 1n));
  return rounding ? lanes(b, size, 'sub', or(b, x, y), half) : lanes(b, size, 'add', and(b, x, y), half);
}

/** (x - y) >> 1 without overflow: x - y = (x ^ y) - 2 (~x & y). x and y are used twice. */
export function halvingSubtract<V>(b: Builder<V>, size: number, unsigned: boolean, x: V, y: V): V {
  const half = lanes(b, size, unsigned ? 'shr_u' : 'shr_s', xor(b, x, y), b.constant(32, 1n));
  return lanes(b, size, 'sub', half, b.vector('v128.andnot', y, x));
}

/** A saturated result, and a vector that is zero where nothing was saturated. */
export interface Saturated<V> {
  readonly result: V;
  readonly differs: V;
}

/**
 * The result saturated wherever the mask has ones: to the largest number or, where the signed x is negative, the smallest.
 * A signed x may be used more than once.
 */
export function saturateLike<V>(
  b: Builder<V>,
  size: number,
  unsigned: boolean,
  mask: V,
  x: V,
  result: V,
): Saturated<V> {
  const differs = letV(b, mask);
  if (unsigned) return { result: or(b, result, differs), differs };
  const limit = xor(b, signs(b, size, x), splat(b, size, largest(size)));
  return { result: select(b, differs, limit, result), differs };
}

/** x + y or x - y, saturated. x and y are used more than once. */
export function addSaturated<V>(
  b: Builder<V>,
  operation: 'add' | 'sub',
  size: number,
  unsigned: boolean,
  x: V,
  y: V,
): Saturated<V> {
  const wrapped = letV(b, lanes(b, size, operation, x, y));
  if (size < 2) {
    const result = letV(b, lanes(b, size, `${operation}_sat_${unsigned ? 'u' : 's'}`, x, y));
    return { result, differs: xor(b, result, wrapped) };
  }
  if (unsigned) {
    const [more, less] = operation === 'add' ? [x, wrapped] : [wrapped, x];
    const differs = letV(b, greater(b, size, true, more, less));
    return {
      result: operation === 'add' ? or(b, wrapped, differs) : b.vector('v128.andnot', wrapped, differs),
      differs,
    };
  }
  // The sign of the result is wrong: it differs from x's, and y's says that it should not.
  const other = operation === 'add' ? xor(b, y, wrapped) : xor(b, x, y);
  const overflow = signs(b, size, and(b, xor(b, x, wrapped), other));
  return saturateLike(b, size, false, overflow, x, wrapped);
}

/** Elements of twice the size to `size`, in the low half. wide is used more than once. */
export function narrowSaturated<V>(b: Builder<V>, size: number, from: 's' | 'u', to: 's' | 'u', wide: V): Saturated<V> {
  const result = letV(b, size === 2 ? narrowWords(b, from, to, wide) : narrowLanes(b, size, from, to, wide));
  return { result, differs: xor(b, lanes(b, size + 1, `extend_low_${to}`, result), wide) };
}

function narrowLanes<V>(b: Builder<V>, size: number, from: 's' | 'u', to: 's' | 'u', wide: V): V {
  if (from === 's') return lanes(b, size, `narrow_${to}`, wide, wide);
  const limited = letV(b, lanes(b, size + 1, 'min_u', wide, splat(b, size + 1, 2n * largest(size) + 1n)));
  return evens(b, size, 16, limited, limited);
}

/** 64 to 32 bits, which WebAssembly has not. */
function narrowWords<V>(b: Builder<V>, from: 's' | 'u', to: 's' | 'u', wide: V): V {
  const low = letV(b, evens(b, 2, 16, wide, wide));
  const high = letV(b, odds(b, 2, 16, wide, wide));
  const zero = b.vectorConstant(0n);
  if (to === 's') {
    const limit = xor(b, signs(b, 2, high), splat(b, 2, largest(2)));
    return select(b, lanes(b, 2, 'eq', high, signs(b, 2, low)), low, limit);
  }
  const fitting = or(b, low, lanes(b, 2, 'ne', high, zero));
  return from === 'u' ? fitting : b.vector('v128.andnot', fitting, signs(b, 2, high));
}

/** The lower or the upper half of a vector, its elements extended to twice their size. */
export const extend = <V>(b: Builder<V>, size: number, unsigned: boolean, high: number, value: V): V =>
  lanes(b, size + 1, `extend_${high ? 'high' : 'low'}_${unsigned ? 'u' : 's'}`, value);

/** V[d] or its upper half (the lower stays) from the low half of a vector: the end of XTN and XTN2. */
export function writeNarrow<V>(b: Builder<V>, high: number, Rd: VectorOperand, value: V): void {
  if (high) b.writeV(Rd, pick(b, 3, 8, [0, 1], b.readV(Rd), value));
  else b.writeV(Rd, lowBytes(b, 8, value));
}

/** The result; FPSR.QC is set where the low bytes of it were saturated. */
export function keepQc<V>(b: Builder<V>, bytes: number, { result, differs }: Saturated<V>): V {
  saturated(b, bytes, differs);
  return result;
}

/** |x - y|. x and y are used twice. */
export const difference = <V>(b: Builder<V>, size: number, unsigned: boolean, x: V, y: V): V => {
  const suffix = unsigned ? 'u' : 's';
  return lanes(b, size, 'sub', lanes(b, size, `max_${suffix}`, x, y), lanes(b, size, `min_${suffix}`, x, y));
};

/** value >> 1, and one more if what was cut off was half. value is used twice. */
export const roundedHalf = <V>(b: Builder<V>, size: number, suffix: string, value: V): V => {
  const half = lanes(b, size, `shr_${suffix}`, value, b.constant(32, 1n));
  return lanes(b, size, 'add', half, and(b, value, splat(b, size, 1n)));
};

export const zeros = <V>(b: Builder<V>): V => b.vectorConstant(0n);

/** Sums of neighbours, in elements of twice the size. x may be used twice. */
export function pairwiseLong<V>(b: Builder<V>, size: number, unsigned: boolean, x: V): V {
  if (size < 2) return lanes(b, size + 1, `extadd_pairwise_${unsigned ? 'u' : 's'}`, x);
  // The even words and the odd ones, both as 64 bits.
  const words = (first: number) => extend(b, 2, unsigned, 0, b.shuffle(wordBytes(first), x, x));
  return lanes(b, 3, 'add', words(0), words(1));
}
const wordBytes = (first: number): number[] => range(16).map((i) => ((((i >> 2) * 2 + first) % 4) << 2) | (i & 3));
