/** Conversions of the Arm ARM's pseudocode (DDI 0487, J1 "Floating-point"), by its names, on bit patterns. */
import {
  type Format,
  Fpcr,
  type FpState,
  Fpsr,
  fpConstant,
  fpDefaultNaN,
  fpInfinity,
  fpZero,
  half,
  isNotANumber,
  pack,
  Rounding,
  single,
  type Unpacked,
  unpack,
  unpackForConversion,
} from './format.ts';
import { processNaN } from './nan.ts';
import { fpRound, fpRoundForConversion, roundsUp, splitAt } from './round.ts';

/** The magnitude rounded to an integer, and whether it was one. */
function roundToInteger({ sign, mantissa, exponent }: Unpacked, fbits: number, rounding: Rounding) {
  const { whole, rest } = splitAt(mantissa, -(exponent + fbits), false);
  return { integer: roundsUp(rounding, sign, whole, rest) ? whole + 1n : whole, inexact: rest !== 'none' };
}

/** FPRoundInt(). */
export function fpRoundInt(f: Format, op: bigint, rounding: Rounding, exact: boolean, fp: FpState): bigint {
  const a = unpack(f, op, fp);
  if (isNotANumber(a)) return processNaN(f, a, op, fp);
  if (a.type === 'infinity') return fpInfinity(f, a.sign);
  if (a.type === 'zero') return fpZero(f, a.sign);
  const { integer, inexact } = roundToInteger(a, 0, rounding);
  if (exact && inexact) fp.fpsr |= Fpsr.IXC;
  return integer === 0n ? fpZero(f, a.sign) : fpRound(f, a.sign, integer, 0, false, Rounding.zero, fp);
}

/** FPRoundIntN(): to an integer of `intsize` bits; what does not fit becomes the least one. */
export function fpRoundIntN(f: Format, op: bigint, rounding: Rounding, intsize: number, fp: FpState): bigint {
  const a = unpack(f, op, fp);
  if (a.type === 'zero') return fpZero(f, a.sign);
  const limit = 1n << BigInt(intsize - 1);
  if (a.type === 'nonzero' && a.exponent < 128) {
    const { integer, inexact } = roundToInteger(a, 0, rounding);
    if (integer < limit || (integer === limit && a.sign)) {
      if (inexact) fp.fpsr |= Fpsr.IXC;
      return integer === 0n ? fpZero(f, a.sign) : fpRound(f, a.sign, integer, 0, false, Rounding.zero, fp);
    }
  }
  fp.fpsr |= Fpsr.IOC;
  return fpConstant(f, true, intsize - 1);
}

/** FPToFixed(): an integer of M bits, as an unsigned number. */
export function fpToFixed(
  f: Format,
  op: bigint,
  M: number,
  fbits: number,
  unsigned: boolean,
  rounding: Rounding,
  fp: FpState,
): bigint {
  const a = unpack(f, op, fp);
  const lowest = unsigned ? 0n : -(1n << BigInt(M - 1));
  const highest = unsigned ? (1n << BigInt(M)) - 1n : (1n << BigInt(M - 1)) - 1n;
  const saturated = (value: bigint) => {
    fp.fpsr |= Fpsr.IOC;
    return BigInt.asUintN(M, value);
  };
  if (isNotANumber(a)) return saturated(0n);
  // What is that large would only make the numbers below long.
  if (a.type === 'infinity' || a.exponent > 128) return saturated(a.sign ? lowest : highest);
  const { integer, inexact } = roundToInteger(a, fbits, rounding);
  const value = a.sign ? -integer : integer;
  if (value < lowest) return saturated(lowest);
  if (value > highest) return saturated(highest);
  if (inexact) fp.fpsr |= Fpsr.IXC;
  return BigInt.asUintN(M, value);
}

/** FPToFixedJS(), FJCVTZS: 32 bits of a double, modulo 2^32; and the flag Z, which says that nothing was lost. */
export function fpToFixedJS(op: bigint, f: Format, fp: FpState): { result: bigint; z: boolean } {
  const a = unpack(f, op, fp);
  if (isNotANumber(a) || a.type === 'infinity') {
    fp.fpsr |= Fpsr.IOC;
    return { result: 0n, z: false };
  }
  const { integer, inexact } = roundToInteger(a, 0, Rounding.zero);
  const value = a.sign ? -integer : integer;
  const overflow = value !== BigInt.asIntN(32, value);
  if (overflow) fp.fpsr |= Fpsr.IOC;
  else if (inexact) fp.fpsr |= Fpsr.IXC;
  const minusZero = a.sign && a.type === 'zero';
  return { result: BigInt.asUintN(32, value), z: !overflow && !inexact && !minusZero };
}

/** FixedToFP(): of an integer of M bits. */
export function fixedToFp(
  f: Format,
  op: bigint,
  M: number,
  fbits: number,
  unsigned: boolean,
  rounding: Rounding,
  fp: FpState,
): bigint {
  const value = unsigned ? BigInt.asUintN(M, op) : BigInt.asIntN(M, op);
  if (value === 0n) return fpZero(f, false);
  return fpRound(f, value < 0n, value < 0n ? -value : value, -fbits, false, rounding, fp);
}

/** FPConvert(), from one format to another. */
export function fpConvert(from: Format, to: Format, op: bigint, rounding: Rounding, fp: FpState): bigint {
  const a = unpackForConversion(from, op, fp);
  const alternative = to.bits === 16 && (fp.fpcr & Fpcr.AHP) !== 0;
  if (isNotANumber(a)) {
    if (a.type === 'signaling' || alternative) fp.fpsr |= Fpsr.IOC;
    if (alternative) return fpZero(to, a.sign);
    return fp.fpcr & Fpcr.DN ? fpDefaultNaN(to) : convertNaN(from, to, op, a.sign);
  }
  if (a.type === 'infinity') {
    if (!alternative) return fpInfinity(to, a.sign);
    fp.fpsr |= Fpsr.IOC;
    return pack(to, a.sign, to.maximumExponent, to.fractionMask);
  }
  if (a.type === 'zero') return fpZero(to, a.sign);
  return fpRoundForConversion(to, a.sign, a.mantissa, a.exponent, rounding, fp);
}

/** A half as FPMulAddH() takes it into single precision: nothing is lost, and a NaN is not made quiet. */
export function fpWidenHalf(op: bigint, fp: FpState): bigint {
  const a = unpack(half, op, fp);
  if (a.type === 'infinity') return fpInfinity(single, a.sign);
  if (a.type === 'zero') return fpZero(single, a.sign);
  if (isNotANumber(a)) return pack(single, a.sign, single.maximumExponent, (op & half.fractionMask) << 13n);
  return fpRound(single, a.sign, a.mantissa, a.exponent, false, Rounding.zero, fp);
}

/** FPConvertNaN(): quiet, with the upper bits of the fraction. */
function convertNaN(from: Format, to: Format, op: bigint, sign: boolean): bigint {
  const shift = BigInt(Math.abs(to.fractionBits - from.fractionBits));
  const fraction = op & from.fractionMask;
  const kept = to.fractionBits > from.fractionBits ? fraction << shift : fraction >> shift;
  return pack(to, sign, to.maximumExponent, kept | to.quietBit);
}
