/**
 * Floating-point numbers as bit patterns, and what the instructions know of FPCR and FPSR.
 *
 * Arm ARM DDI 0487, A1.4 "Supported data types", C5.2 "FPCR" and "FPSR", J1 "FPUnpack".
 */

/** A binary interchange format of IEEE 754. */
export interface Format {
  readonly bits: 16 | 32 | 64;
  readonly exponentBits: number;
  readonly fractionBits: number;
  /** All ones: the exponent of infinities and NaNs. */
  readonly maximumExponent: number;
  /** The exponent of the smallest normal number, as a power of two: 2 - 2^(E-1). */
  readonly minimumExponent: number;
  readonly signBit: bigint;
  readonly fractionMask: bigint;
  /** The fraction's upper bit: set in a quiet NaN. */
  readonly quietBit: bigint;
}

function format(bits: 16 | 32 | 64, exponentBits: number): Format {
  const fractionBits = bits - 1 - exponentBits;
  return {
    bits,
    exponentBits,
    fractionBits,
    maximumExponent: 2 ** exponentBits - 1,
    minimumExponent: 2 - 2 ** (exponentBits - 1),
    signBit: 1n << BigInt(bits - 1),
    fractionMask: (1n << BigInt(fractionBits)) - 1n,
    quietBit: 1n << BigInt(fractionBits - 1),
  };
}

export const half = format(16, 5);
export const single = format(32, 8);
export const double = format(64, 11);
export const formats: Readonly<Record<16 | 32 | 64, Format>> = { 16: half, 32: single, 64: double };

/** Bits of FPCR; RMode is a field of two bits. */
export const Fpcr = { FZ16: 1 << 19, rmodeShift: 22, FZ: 1 << 24, DN: 1 << 25, AHP: 1 << 26 } as const;
/** Cumulative flags of FPSR. */
export const Fpsr = { IOC: 1, DZC: 2, OFC: 4, UFC: 8, IXC: 16, IDC: 128 } as const;

/** What operations obey and what they leave behind. */
export interface FpState {
  readonly fpcr: number;
  /** Operations only set flags. */
  fpsr: number;
}

/** FPRounding. The first four are FPCR.RMode's values. */
export const Rounding = { tieEven: 0, positive: 1, negative: 2, zero: 3, tieAway: 4, odd: 5 } as const;
export type Rounding = (typeof Rounding)[keyof typeof Rounding];

/** FPRoundingMode(). */
export const roundingMode = ({ fpcr }: FpState): Rounding => ((fpcr >>> Fpcr.rmodeShift) & 3) as Rounding;

/** FPFlushDenorm: results and operands of this format that are denormal become zero. */
export const flushes = (f: Format, { fpcr }: FpState): boolean => (fpcr & (f.bits === 16 ? Fpcr.FZ16 : Fpcr.FZ)) !== 0;

export type FpType = 'zero' | 'nonzero' | 'infinity' | 'quiet' | 'signaling';

/** A pattern taken apart: the number is (-1)^sign * mantissa * 2^exponent where the type is zero or nonzero. */
export interface Unpacked {
  readonly type: FpType;
  readonly sign: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
}

export const isNotANumber = ({ type }: Unpacked): boolean => type === 'quiet' || type === 'signaling';

export const signOf = (f: Format, op: bigint): boolean => (op & f.signBit) !== 0n;
export const exponentOf = (f: Format, op: bigint): number =>
  Number((op >> BigInt(f.fractionBits)) & BigInt(f.maximumExponent));

export function pack(f: Format, sign: boolean, exponent: number, fraction: bigint): bigint {
  return (sign ? f.signBit : 0n) | (BigInt(exponent) << BigInt(f.fractionBits)) | fraction;
}
export const fpZero = (f: Format, sign: boolean): bigint => (sign ? f.signBit : 0n);
export const fpInfinity = (f: Format, sign: boolean): bigint => pack(f, sign, f.maximumExponent, 0n);
export const fpMaxNormal = (f: Format, sign: boolean): bigint => pack(f, sign, f.maximumExponent - 1, f.fractionMask);
export const fpDefaultNaN = (f: Format): bigint => pack(f, false, f.maximumExponent, f.quietBit);
/** 1.5 or 1 times a power of two. */
export const fpConstant = (f: Format, sign: boolean, power: number, withHalf: boolean = false): bigint =>
  pack(f, sign, power + (f.maximumExponent >> 1), withHalf ? f.quietBit : 0n);
export const fpNeg = (f: Format, op: bigint): bigint => op ^ f.signBit;
export const fpAbs = (f: Format, op: bigint): bigint => op & ~f.signBit;

/** FPUnpack(): a denormal operand that is flushed is a zero, and sets IDC but for half precision. */
export function unpack(f: Format, op: bigint, fp: FpState): Unpacked {
  return unpackBase(f, op, fp, flushes(f, fp), false);
}

/** FPUnpackCV(), for conversions between formats: AHP counts, and FZ16 does not. */
export function unpackForConversion(f: Format, op: bigint, fp: FpState): Unpacked {
  const alternative = f.bits === 16 && (fp.fpcr & Fpcr.AHP) !== 0;
  return unpackBase(f, op, fp, f.bits !== 16 && flushes(f, fp), alternative);
}

function unpackBase(f: Format, op: bigint, fp: FpState, flush: boolean, alternative: boolean): Unpacked {
  const sign = signOf(f, op);
  const exponent = exponentOf(f, op);
  const fraction = op & f.fractionMask;
  if (exponent === f.maximumExponent && !alternative) {
    const type = fraction === 0n ? 'infinity' : (fraction & f.quietBit) !== 0n ? 'quiet' : 'signaling';
    return { type, sign, mantissa: 0n, exponent: 0 };
  }
  const lowest = f.minimumExponent - f.fractionBits;
  if (exponent !== 0)
    return { type: 'nonzero', sign, mantissa: fraction | (f.fractionMask + 1n), exponent: lowest + exponent - 1 };
  if (fraction === 0n) return { type: 'zero', sign, mantissa: 0n, exponent: 0 };
  if (!flush) return { type: 'nonzero', sign, mantissa: fraction, exponent: lowest };
  if (f.bits !== 16) fp.fpsr |= Fpsr.IDC;
  return { type: 'zero', sign, mantissa: 0n, exponent: 0 };
}
