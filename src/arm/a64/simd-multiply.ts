/** Products that saturate, and polynomial ones, of vectors of integers. Vectors may be used more than once. */
import type { Builder } from '../builder/builder.ts';
import { bitReverse } from './pseudocode.ts';
import {
  addSaturated,
  and,
  evens,
  lanes,
  letV,
  narrowSaturated,
  odds,
  or,
  type Saturated,
  signs,
  smallest,
  splat,
  xor,
} from './simd-pseudocode.ts';

/** Products of the signed elements of one half. */
const products = <V>(b: Builder<V>, size: number, part: 'low' | 'high', x: V, y: V): V =>
  lanes(b, size + 1, `extmul_${part}_s`, x, y);

/** 2 * x * y in elements of twice the size. Only the square of the smallest number is too large for one. */
export function doublingMultiplyLong<V>(b: Builder<V>, size: number, high: number, x: V, y: V): Saturated<V> {
  const product = products(b, size, high ? 'high' : 'low', x, y);
  const doubled = letV(b, lanes(b, size + 1, 'shl', product, b.constant(32, 1n)));
  const differs = letV(b, lanes(b, size + 1, 'eq', doubled, splat(b, size + 1, smallest(size + 1))));
  return { result: xor(b, doubled, differs), differs };
}

/** z + 2 * x * y or z - 2 * x * y, both steps saturated. */
export function accumulateSaturated<V>(
  b: Builder<V>,
  operation: 'add' | 'sub',
  size: number,
  high: number,
  x: V,
  y: V,
  z: V,
): Saturated<V> {
  const doubled = doublingMultiplyLong(b, size, high, x, y);
  const sum = addSaturated(b, operation, size + 1, false, z, letV(b, doubled.result));
  return { result: sum.result, differs: or(b, doubled.differs, sum.differs) };
}

/** The high halves of 2 * x * y, rounded or not. */
export function doublingMultiplyHigh<V>(b: Builder<V>, size: number, rounding: boolean, x: V, y: V): Saturated<V> {
  const isSmallest = (value: V) => lanes(b, size, 'eq', value, splat(b, size, smallest(size)));
  const differs = letV(b, and(b, isSmallest(x), isSmallest(y)));
  if (size === 1 && rounding) return { result: lanes(b, 1, 'q15mulr_sat_s', x, y), differs };
  const doubled = (part: 'low' | 'high') => {
    const product = lanes(b, size + 1, 'shl', products(b, size, part, x, y), b.constant(32, 1n));
    return rounding ? lanes(b, size + 1, 'add', product, splat(b, size + 1, smallest(size))) : product;
  };
  return { result: xor(b, odds(b, size, 16, doubled('low'), doubled('high')), differs), differs };
}

/** (z << esize +- 2 * x * y + rounding) >> esize, computed as half of it, which fits elements of twice the size. */
export function multiplyAccumulateHigh<V>(
  b: Builder<V>,
  size: number,
  subtract: boolean,
  x: V,
  y: V,
  z: V,
): Saturated<V> {
  const wide = size + 1;
  const shift = b.constant(32, BigInt((8 << size) - 1));
  const part = (half: 'low' | 'high') => {
    const accumulated = lanes(b, wide, 'shl', lanes(b, wide, `extend_${half}_s`, z), shift);
    const sum = lanes(b, wide, subtract ? 'sub' : 'add', accumulated, products(b, size, half, x, y));
    const rounded = lanes(b, wide, 'add', sum, splat(b, wide, smallest(size) >> 1n));
    return narrowSaturated(b, size, 's', 's', letV(b, lanes(b, wide, 'shr_s', rounded, shift)));
  };
  const [low, high] = [part('low'), part('high')];
  const halves = (l: V, h: V) => b.shuffle(lowHalves, l, h);
  // What the narrowing changed shows anywhere in the wider elements.
  const changed = (differs: V) => lanes(b, wide, 'ne', differs, b.vectorConstant(0n));
  const differs = evens(b, size, 16, changed(low.differs), changed(high.differs));
  return { result: halves(low.result, high.result), differs };
}
const lowHalves = Array.from({ length: 16 }, (_, i) => (i < 8 ? i : 8 + i));

/** Bit i of each element, in all its bits. */
const bitMask = <V>(b: Builder<V>, size: number, value: V, i: number): V =>
  signs(b, size, lanes(b, size, 'shl', value, b.constant(32, BigInt((8 << size) - 1 - i))));

/** Sum without carries of `bits` shifted copies of x, those for which y has a one. */
function polynomialSum<V>(b: Builder<V>, size: number, x: V, y: V): V {
  let sum = and(b, x, bitMask(b, size, y, 0));
  for (let i = 1; i < 8; i++)
    sum = xor(b, sum, and(b, lanes(b, size, 'shl', x, b.constant(32, BigInt(i))), bitMask(b, size, y, i)));
  return sum;
}

/** PolynomialMult(), of bytes, modulo the byte. */
export const polynomialMultiply = <V>(b: Builder<V>, x: V, y: V): V => polynomialSum(b, 0, x, y);

/** PolynomialMult() of bytes (size 0) or of 64 bits (size 3), in elements of twice the size. */
export function polynomialMultiplyLong<V>(b: Builder<V>, size: 0 | 3, high: number, x: V, y: V): V {
  if (size === 3) return carrylessMultiply(b, b.extractLane(3, high, x), b.extractLane(3, high, y));
  const half = (value: V) => letV(b, lanes(b, 1, `extend_${high ? 'high' : 'low'}_u`, value));
  return polynomialSum(b, 1, half(x), half(y));
}

const everyFourth = 0x1111_1111_1111_1111n;

/** The low 64 bits of the product without carries: bits four apart leave room for the carries of ordinary products. */
function carrylessLow<V>(b: Builder<V>, x: readonly V[], y: readonly V[]): V {
  const sums = [0, 1, 2, 3].map((i) => {
    const terms = [0, 1, 2, 3].map((j) => b.binary('mul', 64, x[j], y[(i - j) & 3]));
    const sum = terms.reduce((a, c) => b.binary('xor', 64, a, c));
    return b.binary('and', 64, sum, b.constant(64, BigInt.asUintN(64, everyFourth << BigInt(i))));
  });
  return sums.reduce((a, c) => b.binary('or', 64, a, c));
}

/** 128 bits: the high half is the low half of the product of the operands with their bits reversed. */
function carrylessMultiply<V>(b: Builder<V>, x: V, y: V): V {
  const parts = (value: V) =>
    [0, 1, 2, 3].map((i) =>
      b.let(64, b.binary('and', 64, value, b.constant(64, BigInt.asUintN(64, everyFourth << BigInt(i))))),
    );
  const [a, c] = [b.let(64, x), b.let(64, y)];
  const low = carrylessLow(b, parts(a), parts(c));
  const reversed = carrylessLow(b, parts(b.let(64, bitReverse(b, 64, a))), parts(b.let(64, bitReverse(b, 64, c))));
  const high = b.binary('shr_u', 64, bitReverse(b, 64, reversed), b.constant(64, 1n));
  return b.replaceLane(3, 1, lanes(b, 3, 'splat', low), high);
}
