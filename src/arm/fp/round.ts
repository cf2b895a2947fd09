/** From exact numbers to bit patterns. Arm ARM DDI 0487, J1 "FPRound". */
import {
  type Format,
  Fpcr,
  type FpState,
  Fpsr,
  flushes,
  fpInfinity,
  fpMaxNormal,
  fpZero,
  pack,
  Rounding,
} from './format.ts';

/** The upper word of a double that is infinite: the number was too large. */
const infinity = 0x7ff0_0000;
const scratch = new DataView(new ArrayBuffer(8));

/** Bits of a positive number. */
export function bitLength(value: bigint): number {
  scratch.setFloat64(0, Number(value));
  const high = scratch.getUint32(0);
  if (high === infinity) return bitLength(value >> 1000n) + 1000;
  const length = (high >>> 20) - 1022;
  // A power of two may have come of rounding up.
  const isPower = (high & 0xf_ffff) === 0 && scratch.getUint32(4) === 0;
  return isPower && value >> BigInt(length - 1) === 0n ? length - 1 : length;
}

/** How much of a number lies below the last place that is kept, against half of that place. */
export type Remainder = 'none' | 'less' | 'half' | 'more';

/** RoundDown(mantissa * 2^-shift), and the rest. `sticky`: the number is a little more than the mantissa says. */
export function splitAt(mantissa: bigint, shift: number, sticky: boolean): { whole: bigint; rest: Remainder } {
  if (shift <= 0) return { whole: mantissa << BigInt(-shift), rest: sticky ? 'less' : 'none' };
  const at = BigInt(shift);
  const whole = mantissa >> at;
  const low = mantissa - (whole << at);
  const half = 1n << (at - 1n);
  if (low === 0n) return { whole, rest: sticky ? 'less' : 'none' };
  if (low === half) return { whole, rest: sticky ? 'more' : 'half' };
  return { whole, rest: low < half ? 'less' : 'more' };
}

/** Whether the magnitude is rounded up, away from zero. Rounding to odd is left to the caller. */
export function roundsUp(rounding: Rounding, sign: boolean, whole: bigint, rest: Remainder): boolean {
  switch (rounding) {
    case Rounding.tieEven:
      return rest === 'more' || (rest === 'half' && (whole & 1n) === 1n);
    case Rounding.tieAway:
      return rest === 'more' || rest === 'half';
    case Rounding.positive:
      return rest !== 'none' && !sign;
    case Rounding.negative:
      return rest !== 'none' && sign;
    default:
      return false;
  }
}

/** FPRound(): of (-1)^sign * mantissa * 2^exponent, which is not zero. */
export const fpRound = (
  f: Format,
  sign: boolean,
  mantissa: bigint,
  exponent: number,
  sticky: boolean,
  rounding: Rounding,
  fp: FpState,
): bigint => roundBase(f, sign, mantissa, exponent, sticky, rounding, fp, flushes(f, fp), false);

/** FPRoundCV(), for conversions between formats: AHP counts, and FZ16 does not. */
export function fpRoundForConversion(
  f: Format,
  sign: boolean,
  mantissa: bigint,
  exponent: number,
  rounding: Rounding,
  fp: FpState,
): bigint {
  const isHalf = f.bits === 16;
  const alternative = isHalf && (fp.fpcr & Fpcr.AHP) !== 0;
  return roundBase(f, sign, mantissa, exponent, false, rounding, fp, !isHalf && flushes(f, fp), alternative);
}

function roundBase(
  f: Format,
  sign: boolean,
  mantissa: bigint,
  exponent: number,
  sticky: boolean,
  rounding: Rounding,
  fp: FpState,
  flush: boolean,
  alternative: boolean,
): bigint {
  const power = exponent + bitLength(mantissa) - 1;
  const isTiny = power < f.minimumExponent;
  if (flush && isTiny) {
    fp.fpsr |= Fpsr.UFC;
    return fpZero(f, sign);
  }
  const lastPlace = Math.max(power, f.minimumExponent) - f.fractionBits;
  const { whole, rest } = splitAt(mantissa, lastPlace - exponent, sticky);
  let inexact = rest !== 'none';
  if (isTiny && inexact) fp.fpsr |= Fpsr.UFC;
  let rounded = roundsUp(rounding, sign, whole, rest) ? whole + 1n : whole;
  if (rounding === Rounding.odd && inexact) rounded |= 1n;
  // The hidden bit counts as one in the field of the exponent; a carry out of the fraction does the rest.
  const biased = isTiny ? 0 : power - f.minimumExponent;
  const magnitude = (BigInt(biased) << BigInt(f.fractionBits)) + rounded;
  const limit = BigInt(f.maximumExponent + (alternative ? 1 : 0)) << BigInt(f.fractionBits);
  let result = (sign ? f.signBit : 0n) | magnitude;
  if (magnitude >= limit && alternative) {
    fp.fpsr |= Fpsr.IOC;
    inexact = false;
    result = pack(f, sign, f.maximumExponent, f.fractionMask);
  } else if (magnitude >= limit) {
    result = overflowsToInfinity(rounding, sign) ? fpInfinity(f, sign) : fpMaxNormal(f, sign);
    fp.fpsr |= Fpsr.OFC;
    inexact = true;
  }
  if (inexact) fp.fpsr |= Fpsr.IXC;
  return result;
}

/** What a result too large becomes: infinity, or else the largest number. */
export function overflowsToInfinity(rounding: Rounding, sign: boolean): boolean {
  if (rounding === Rounding.positive) return !sign;
  if (rounding === Rounding.negative) return sign;
  return rounding === Rounding.tieEven || rounding === Rounding.tieAway;
}
