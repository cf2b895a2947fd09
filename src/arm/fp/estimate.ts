/** Estimates of reciprocals and their roots: Arm ARM DDI 0487, J1 "FPRecipEstimate" and its like, by the names there. */
import {
  exponentOf,
  type Format,
  type FpState,
  Fpsr,
  flushes,
  fpInfinity,
  fpMaxNormal,
  fpZero,
  isNotANumber,
  pack,
  roundingMode,
  unpack,
} from './format.ts';
import { invalid, processNaN } from './nan.ts';
import { overflowsToInfinity } from './round.ts';

/** The fraction as if it had a double's 52 bits. */
const wide = (f: Format, op: bigint): bigint => (op & f.fractionMask) << BigInt(52 - f.fractionBits);
const narrow = (f: Format, fraction: bigint): bigint => fraction >> BigInt(52 - f.fractionBits);
const fractionTop = 1n << 51n;
const wideMask = (1n << 52n) - 1n;

/** RecipEstimate(): of 256 to 511, which stand for 0.5 to 1; 256 to 511 again, for 1 to 2. */
function recipEstimate(a: number): number {
  const middle = 2 * a + 1;
  return (Math.floor(2 ** 19 / middle) + 1) >> 1;
}

/** RecipSqrtEstimate(): of 128 to 511, which stand for 0.25 to 1; 256 to 511, for 1 to 2. */
function recipSqrtEstimate(a: number): number {
  const middle = a < 256 ? 2 * a + 1 : 2 * ((a >> 1) * 2 + 1);
  let b = 512;
  while (middle * (b + 1) * (b + 1) < 2 ** 28) b++;
  return (b + 1) >> 1;
}

export function fpRecipEstimate(f: Format, op: bigint, fp: FpState): bigint {
  const a = unpack(f, op, fp);
  if (isNotANumber(a)) return processNaN(f, a, op, fp);
  if (a.type === 'infinity') return fpZero(f, a.sign);
  if (a.type === 'zero') {
    fp.fpsr |= Fpsr.DZC;
    return fpInfinity(f, a.sign);
  }
  let exponent = exponentOf(f, op);
  let fraction = wide(f, op);
  // Below 2^-16, 2^-128, 2^-1024: the reciprocal is too large.
  if (exponent === 0 && fraction < 1n << 50n) {
    fp.fpsr |= Fpsr.OFC | Fpsr.IXC;
    return overflowsToInfinity(roundingMode(fp), a.sign) ? fpInfinity(f, a.sign) : fpMaxNormal(f, a.sign);
  }
  // From 2^14, 2^126, 2^1022 on the reciprocal is denormal.
  if (flushes(f, fp) && exponent >= f.maximumExponent - 2) {
    fp.fpsr |= Fpsr.UFC;
    return fpZero(f, a.sign);
  }
  if (exponent === 0) {
    const shift = fraction < fractionTop ? 2n : 1n;
    exponent = 1 - Number(shift);
    fraction = (fraction << shift) & wideMask;
  }
  const estimate = recipEstimate(256 + Number(fraction >> 44n));
  let resultExponent = f.maximumExponent - 2 - exponent;
  let resultFraction = BigInt(estimate & 255) << 44n;
  if (resultExponent <= 0) {
    resultFraction = (resultFraction | (1n << 52n)) >> BigInt(1 - resultExponent);
    resultExponent = 0;
  }
  return pack(f, a.sign, resultExponent, narrow(f, resultFraction));
}

export function fpRSqrtEstimate(f: Format, op: bigint, fp: FpState): bigint {
  const a = unpack(f, op, fp);
  if (isNotANumber(a)) return processNaN(f, a, op, fp);
  if (a.type === 'zero') {
    fp.fpsr |= Fpsr.DZC;
    return fpInfinity(f, a.sign);
  }
  if (a.sign) return invalid(f, fp);
  if (a.type === 'infinity') return fpZero(f, false);
  let exponent = exponentOf(f, op);
  let fraction = wide(f, op);
  if (exponent === 0) {
    for (; fraction < fractionTop; fraction <<= 1n) exponent--;
    fraction = (fraction << 1n) & wideMask;
  }
  const top = 256 + Number(fraction >> 44n);
  const estimate = recipSqrtEstimate((exponent & 1) === 0 ? top : top >> 1);
  // 44, 380 and 3068.
  const resultExponent = Math.floor((3 * (f.maximumExponent >> 1) - 1 - exponent) / 2);
  return pack(f, false, resultExponent, narrow(f, BigInt(estimate & 255) << 44n));
}

/** FPRecpX(): the exponent's reciprocal. */
export function fpRecpX(f: Format, op: bigint, fp: FpState): bigint {
  const a = unpack(f, op, fp);
  if (isNotANumber(a)) return processNaN(f, a, op, fp);
  const exponent = exponentOf(f, op);
  return pack(f, a.sign, exponent === 0 ? f.maximumExponent - 1 : f.maximumExponent - exponent, 0n);
}

/** UnsignedRecipEstimate(): of a fixed-point number from 0.5 to 1; less than that gives all ones. */
export const unsignedRecipEstimate = (op: number): number =>
  op >>> 31 === 0 ? 0xffff_ffff : recipEstimate(op >>> 23) * 2 ** 23;

/** UnsignedRSqrtEstimate(): of a fixed-point number from 0.25 to 1; less than that gives all ones. */
export const unsignedRSqrtEstimate = (op: number): number =>
  op >>> 30 === 0 ? 0xffff_ffff : recipSqrtEstimate(op >>> 23) * 2 ** 23;
