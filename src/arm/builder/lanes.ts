/** The vector operators on BigInts of 128 bits, lane by lane. */
import { laneBits, type VectorOperator } from './vectors.ts';

/** The lanes of a value, the lowest first, unsigned. */
export function lanesOf(value: bigint, bits: number): bigint[] {
  return Array.from({ length: 128 / bits }, (_, i) => BigInt.asUintN(bits, value >> BigInt(i * bits)));
}

/** The value of such lanes; what does not fit a lane is cut off. */
export function fromLanes(lanes: readonly bigint[], bits: number): bigint {
  return lanes.reduce((value, lane, i) => value | (BigInt.asUintN(bits, lane) << BigInt(i * bits)), 0n);
}

const signed = (bits: number, lane: bigint) => BigInt.asIntN(bits, lane);
const mask = (condition: boolean) => (condition ? -1n : 0n);
const clamp = (value: bigint, low: bigint, high: bigint) => (value < low ? low : value > high ? high : value);
const saturateSigned = (bits: number, value: bigint) =>
  clamp(value, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n);
const saturateUnsigned = (bits: number, value: bigint) => clamp(value, 0n, (1n << BigInt(bits)) - 1n);
const least = (a: bigint, b: bigint) => (a < b ? a : b);
const greatest = (a: bigint, b: bigint) => (a > b ? a : b);

/** On two lanes, unsigned, and with `_s` on signed ones; the result is cut to the lane. */
const binaryLanes: Readonly<Record<string, (a: bigint, b: bigint, bits: number) => bigint>> = {
  and: (a, b) => a & b,
  andnot: (a, b) => a & ~b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  eq: (a, b) => mask(a === b),
  ne: (a, b) => mask(a !== b),
  lt_s: (a, b) => mask(a < b),
  lt_u: (a, b) => mask(a < b),
  gt_s: (a, b) => mask(a > b),
  gt_u: (a, b) => mask(a > b),
  le_s: (a, b) => mask(a <= b),
  le_u: (a, b) => mask(a <= b),
  ge_s: (a, b) => mask(a >= b),
  ge_u: (a, b) => mask(a >= b),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  add_sat_s: (a, b, bits) => saturateSigned(bits, a + b),
  add_sat_u: (a, b, bits) => saturateUnsigned(bits, a + b),
  sub_sat_s: (a, b, bits) => saturateSigned(bits, a - b),
  sub_sat_u: (a, b, bits) => saturateUnsigned(bits, a - b),
  min_s: least,
  min_u: least,
  max_s: greatest,
  max_u: greatest,
  avgr_u: (a, b) => (a + b + 1n) >> 1n,
  q15mulr_sat_s: (a, b, bits) => saturateSigned(bits, (a * b + 0x4000n) >> 15n),
};

/** On one lane, which is signed. */
const unaryLanes: Readonly<Record<string, (a: bigint, bits: number) => bigint>> = {
  not: (a) => ~a,
  abs: (a) => (a < 0n ? -a : a),
  neg: (a) => -a,
  popcnt: (a, bits) => BigInt(BigInt.asUintN(bits, a).toString(2).replaceAll('0', '').length),
};

/** On one lane and an amount below its bits. */
const shifts: Readonly<Record<string, (a: bigint, amount: bigint, bits: number) => bigint>> = {
  shl: (a, amount) => a << amount,
  shr_u: (a, amount) => a >> amount,
  shr_s: (a, amount, bits) => signed(bits, a) >> amount,
};

type Whole = (bits: number, a: bigint, b: bigint, c: bigint) => bigint;

/** Lanes of half the size, from the lower or the upper half, widened. */
function widened(operation: string, bits: number, value: bigint): bigint[] {
  const half = bits / 2;
  const lanes = lanesOf(value, half);
  const part = operation.includes('high') ? lanes.slice(lanes.length / 2) : lanes.slice(0, lanes.length / 2);
  return operation.endsWith('_s') ? part.map((lane) => signed(half, lane)) : part;
}

const sumOfNeighbours = (lanes: readonly bigint[]) =>
  Array.from({ length: lanes.length / 2 }, (_, i) => lanes[2 * i] + lanes[2 * i + 1]);

/** What is not the same for each lane. */
const wholes: Readonly<Record<string, (operation: string) => Whole>> = {
  bitselect: () => (_, a, b, c) => (a & c) | (b & ~c),
  any_true: () => (_, a) => (a === 0n ? 0n : 1n),
  all_true: () => (bits, a) => (lanesOf(a, bits).includes(0n) ? 0n : 1n),
  bitmask: () => (bits, a) =>
    lanesOf(a, bits).reduce((all, lane, i) => all | ((lane >> BigInt(bits - 1)) << BigInt(i)), 0n),
  splat: () => (bits, a) => fromLanes(new Array<bigint>(128 / bits).fill(a), bits),
  swizzle: () => (bits, a, b) => {
    const bytes = lanesOf(a, bits);
    return fromLanes(
      lanesOf(b, bits).map((i) => bytes[Number(i)] ?? 0n),
      bits,
    );
  },
  narrow: (operation) => (bits, a, b) => {
    const saturate = operation.endsWith('_s') ? saturateSigned : saturateUnsigned;
    const lanes = [...lanesOf(a, 2 * bits), ...lanesOf(b, 2 * bits)];
    return fromLanes(
      lanes.map((lane) => saturate(bits, signed(2 * bits, lane))),
      bits,
    );
  },
  extend: (operation) => (bits, a) => fromLanes(widened(operation, bits, a), bits),
  extmul: (operation) => (bits, a, b) => {
    const others = widened(operation, bits, b);
    return fromLanes(
      widened(operation, bits, a).map((lane, i) => lane * others[i]),
      bits,
    );
  },
  extadd: (operation) => (bits, a) => {
    const both = ['low', 'high'].flatMap((half) => widened(half + operation.slice(-2), bits, a));
    return fromLanes(sumOfNeighbours(both), bits);
  },
  dot: (operation) => (bits, a, b) => {
    const all = (value: bigint) => ['low', 'high'].flatMap((half) => widened(half + operation.slice(-2), bits, value));
    const others = all(b);
    return fromLanes(sumOfNeighbours(all(a).map((lane, i) => lane * others[i])), bits);
  },
};

/** Carries an operator out. */
export function evaluateVector(operator: VectorOperator, a: bigint, b = 0n, c = 0n): bigint {
  const [shape, operation] = operator.split('.');
  const bits = laneBits[shape];
  const whole = wholes[operation] ?? wholes[operation.split('_')[0]];
  if (whole !== undefined) return whole(operation)(bits, a, b, c);
  const lanes = lanesOf(a, bits);
  const one = unaryLanes[operation];
  if (one !== undefined)
    return fromLanes(
      lanes.map((lane) => one(signed(bits, lane), bits)),
      bits,
    );
  const shift = shifts[operation];
  if (shift !== undefined)
    return fromLanes(
      lanes.map((lane) => shift(lane, b % BigInt(bits), bits)),
      bits,
    );
  const two = binaryLanes[operation];
  const others = lanesOf(b, bits);
  const extended = (lane: bigint) => (operation.endsWith('_s') ? signed(bits, lane) : lane);
  return fromLanes(
    lanes.map((lane, i) => two(extended(lane), extended(others[i]), bits)),
    bits,
  );
}
