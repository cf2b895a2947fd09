/** The arithmetic of the Arm ARM's pseudocode (DDI 0487, J1 "Floating-point"), by its names, on bit patterns. */
import {
  type Format,
  type FpState,
  Fpsr,
  fpConstant,
  fpInfinity,
  fpNeg,
  fpZero,
  Rounding,
  roundingMode,
  type Unpacked,
  unpack,
} from './format.ts';
import { invalid, processNaNs } from './nan.ts';
import { bitLength, fpRound } from './round.ts';

/** An exact number that is not rounded yet. */
interface Exact {
  /** With its sign. */
  readonly mantissa: bigint;
  readonly exponent: number;
}

const exact = ({ sign, mantissa, exponent }: Unpacked): Exact => ({ mantissa: sign ? -mantissa : mantissa, exponent });

function sum(a: Exact, b: Exact): Exact {
  if (a.mantissa === 0n) return b;
  if (b.mantissa === 0n) return a;
  const exponent = Math.min(a.exponent, b.exponent);
  const aligned = (x: Exact) => x.mantissa << BigInt(x.exponent - exponent);
  return { mantissa: aligned(a) + aligned(b), exponent };
}

const product = (a: Exact, b: Exact): Exact => ({
  mantissa: a.mantissa * b.mantissa,
  exponent: a.exponent + b.exponent,
});

/** A result of a sum: a zero that comes of two numbers is negative only when rounding to negative infinity. */
function roundSum(f: Format, { mantissa, exponent }: Exact, fp: FpState): bigint {
  const rounding = roundingMode(fp);
  if (mantissa === 0n) return fpZero(f, rounding === Rounding.negative);
  const sign = mantissa < 0n;
  return fpRound(f, sign, sign ? -mantissa : mantissa, exponent, false, rounding, fp);
}

const round = (f: Format, sign: boolean, mantissa: bigint, exponent: number, sticky: boolean, fp: FpState) =>
  fpRound(f, sign, mantissa, exponent, sticky, roundingMode(fp), fp);

export function fpAdd(f: Format, op1: bigint, op2: bigint, fp: FpState): bigint {
  return addSubtract(f, op1, op2, false, fp);
}

export function fpSub(f: Format, op1: bigint, op2: bigint, fp: FpState): bigint {
  return addSubtract(f, op1, op2, true, fp);
}

function addSubtract(f: Format, op1: bigint, op2: bigint, subtract: boolean, fp: FpState): bigint {
  const a = unpack(f, op1, fp);
  const second = unpack(f, op2, fp);
  const nan = processNaNs(f, [[a, op1], [second, op2]], fp); // biome-ignore format: rows
  if (nan !== undefined) return nan;
  const b = subtract ? { ...second, sign: !second.sign } : second;
  const infinite = [a, b].filter(({ type }) => type === 'infinity');
  if (infinite.length === 2 && a.sign !== b.sign) return invalid(f, fp);
  if (infinite.length > 0) return fpInfinity(f, infinite[0].sign);
  if (a.type === 'zero' && b.type === 'zero' && a.sign === b.sign) return fpZero(f, a.sign);
  return roundSum(f, sum(exact(a), exact(b)), fp);
}

export function fpMul(f: Format, op1: bigint, op2: bigint, fp: FpState): bigint {
  return multiply(f, op1, op2, fp, (_sign) => invalid(f, fp));
}

/** FPMulX(): zero times infinity is two. */
export function fpMulX(f: Format, op1: bigint, op2: bigint, fp: FpState): bigint {
  return multiply(f, op1, op2, fp, (sign) => fpConstant(f, sign, 1));
}

function multiply(
  f: Format,
  op1: bigint,
  op2: bigint,
  fp: FpState,
  zeroTimesInfinity: (sign: boolean) => bigint,
): bigint {
  const a = unpack(f, op1, fp);
  const b = unpack(f, op2, fp);
  const nan = processNaNs(f, [[a, op1], [b, op2]], fp); // biome-ignore format: rows
  if (nan !== undefined) return nan;
  const sign = a.sign !== b.sign;
  const infinite = a.type === 'infinity' || b.type === 'infinity';
  const zero = a.type === 'zero' || b.type === 'zero';
  if (infinite && zero) return zeroTimesInfinity(sign);
  if (infinite) return fpInfinity(f, sign);
  if (zero) return fpZero(f, sign);
  return round(f, sign, a.mantissa * b.mantissa, a.exponent + b.exponent, false, fp);
}

export function fpDiv(f: Format, op1: bigint, op2: bigint, fp: FpState): bigint {
  const a = unpack(f, op1, fp);
  const b = unpack(f, op2, fp);
  const nan = processNaNs(f, [[a, op1], [b, op2]], fp); // biome-ignore format: rows
  if (nan !== undefined) return nan;
  const sign = a.sign !== b.sign;
  if (a.type === b.type && a.type !== 'nonzero') return invalid(f, fp);
  if (a.type === 'infinity') return fpInfinity(f, sign);
  if (b.type === 'zero') {
    fp.fpsr |= Fpsr.DZC;
    return fpInfinity(f, sign);
  }
  if (a.type === 'zero' || b.type === 'infinity') return fpZero(f, sign);
  // Two bits more than the fraction has, however long the operands are.
  const shift = f.fractionBits + 3 + bitLength(b.mantissa);
  const dividend = a.mantissa << BigInt(shift);
  const quotient = dividend / b.mantissa;
  return round(f, sign, quotient, a.exponent - b.exponent - shift, quotient * b.mantissa !== dividend, fp);
}

export function fpSqrt(f: Format, op: bigint, fp: FpState): bigint {
  const a = unpack(f, op, fp);
  const nan = processNaNs(f, [[a, op]], fp);
  if (nan !== undefined) return nan;
  if (a.type === 'zero') return fpZero(f, a.sign);
  if (a.sign) return invalid(f, fp);
  if (a.type === 'infinity') return fpInfinity(f, false);
  // An even exponent, and enough bits that the root has two more than the fraction.
  const shift = 2 * (f.fractionBits + 3) + (a.exponent & 1);
  const radicand = a.mantissa << BigInt(shift);
  const root = squareRoot(radicand);
  return round(f, false, root, (a.exponent - shift) / 2, root * root !== radicand, fp);
}

/** The root of a positive number below 2^1000, rounded down: Newton's iteration from above. */
function squareRoot(value: bigint): bigint {
  // A little more than what doubles say of it, which are wrong by less than 2^-51 of it.
  let root = BigInt(Math.ceil(Math.sqrt(Number(value)) * (1 + 2 ** -50))) + 1n;
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** FPMulAdd(): addend + op1 * op2, rounded once. */
export function fpMulAdd(f: Format, addend: bigint, op1: bigint, op2: bigint, fp: FpState): bigint {
  const c = unpack(f, addend, fp);
  const a = unpack(f, op1, fp);
  const b = unpack(f, op2, fp);
  const infinite = a.type === 'infinity' || b.type === 'infinity';
  const zero = a.type === 'zero' || b.type === 'zero';
  const nan = processNaNs(f, [[c, addend], [a, op1], [b, op2]], fp); // biome-ignore format: rows
  if (c.type === 'quiet' && infinite && zero) return invalid(f, fp);
  if (nan !== undefined) return nan;
  const sign = a.sign !== b.sign;
  if (infinite && (zero || (c.type === 'infinity' && c.sign !== sign))) return invalid(f, fp);
  if (infinite) return fpInfinity(f, sign);
  if (c.type === 'infinity') return fpInfinity(f, c.sign);
  if (c.type === 'zero' && zero && c.sign === sign) return fpZero(f, sign);
  return roundSum(f, sum(exact(c), product(exact(a), exact(b))), fp);
}

/** FPRecipStepFused(): 2 - op1 * op2. */
export function fpRecipStep(f: Format, op1: bigint, op2: bigint, fp: FpState): bigint {
  return step(f, op1, op2, fp, { mantissa: 2n, exponent: 0 }, 0, fpConstant(f, false, 1));
}

/** FPRSqrtStepFused(): (3 - op1 * op2) / 2. */
export function fpRSqrtStep(f: Format, op1: bigint, op2: bigint, fp: FpState): bigint {
  return step(f, op1, op2, fp, { mantissa: 3n, exponent: 0 }, 1, fpConstant(f, false, 0, true));
}

/** (minuend - op1 * op2) / 2^halvings. */
function step(
  f: Format,
  op1: bigint,
  op2: bigint,
  fp: FpState,
  minuend: Exact,
  halvings: number,
  zeroTimesInfinity: bigint,
): bigint {
  const negated = fpNeg(f, op1);
  const a = unpack(f, negated, fp);
  const b = unpack(f, op2, fp);
  const nan = processNaNs(f, [[a, negated], [b, op2]], fp); // biome-ignore format: rows
  if (nan !== undefined) return nan;
  const infinite = a.type === 'infinity' || b.type === 'infinity';
  if (infinite && (a.type === 'zero' || b.type === 'zero')) return zeroTimesInfinity;
  if (infinite) return fpInfinity(f, a.sign !== b.sign);
  const { mantissa, exponent } = sum(minuend, product(exact(a), exact(b)));
  return roundSum(f, { mantissa, exponent: exponent - halvings }, fp);
}
