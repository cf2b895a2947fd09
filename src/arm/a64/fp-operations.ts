/** What the floating-point instructions share: formats of fields, operations, and the pseudocode's sign changes. */
import type { Builder, Width } from '../builder/builder.ts';
import type { ElementBits, FpFunction, FpOperation } from '../fp/operation.ts';

type Options = Partial<Pick<FpOperation, 'to' | 'rounding' | 'variant'>>;

/** log2 of the bytes of an element: half, single and double precision. */
export type FpSize = 1 | 2 | 3;
export const bitsOf = (size: FpSize): ElementBits => ([16, 32, 64] as const)[size - 1];
/** Of an element as a value. */
export const widthOf = (size: FpSize): Width => (size === 3 ? 64 : 32);

/** One element. */
export function scalar(name: FpFunction, size: FpSize, options: Options = {}): FpOperation {
  const from = bitsOf(size);
  return { name, from, to: from, elements: 1, rounding: undefined, variant: false, ...options };
}

/** The elements of a vector of 128 bits, or without Q of 64. */
export function vectorOf(name: FpFunction, Q: number, size: FpSize, options: Options = {}): FpOperation {
  const from = bitsOf(size);
  const elements = ((Q ? 16 : 8) >> size) as FpOperation['elements'];
  return { name, from, to: from, elements, rounding: undefined, variant: false, ...options };
}

/**
 * How definitions tell single precision and double precision apart, by a field sz, and those of half precision, which
 * FEAT_FP16 adds in encodings of their own.
 */
export interface Precision {
  readonly half: boolean;
  readonly feature: string | undefined;
  /** The shape's part of it. Half precision has no sz. */
  readonly shape: readonly 'sz'[];
  readonly sizeOf: (sz: number) => FpSize;
  /** Doubles need Q: there is no vector of one. */
  readonly arranged: (f: { readonly Q: number; readonly sz: number }) => boolean;
  readonly name: (text: string) => string;
}

/** The definitions for single and double precision, and those for half precision. */
export function forPrecisions<T>(define: (precision: Precision) => readonly T[]): readonly T[] {
  return [
    ...define({
      half: false,
      feature: undefined,
      shape: ['sz'],
      sizeOf: (sz) => (sz ? 3 : 2),
      arranged: ({ Q, sz }) => Q === 1 || sz === 0,
      name: (text) => text,
    }),
    ...define({
      half: true,
      feature: 'FEAT_FP16',
      shape: [],
      sizeOf: () => 1,
      arranged: () => true,
      name: (text) => `${text} (half precision)`,
    }),
  ];
}

/** The value in all elements of 128 bits. */
export const splatValue = <V>(b: Builder<V>, size: FpSize, value: V): V =>
  b.vector((['i16x8.splat', 'i32x4.splat', 'i64x2.splat'] as const)[size - 1], value);

const signBit = (size: FpSize): bigint => 1n << BigInt(bitsOf(size) - 1);

/** FPNeg() */
export const fpNeg = <V>(b: Builder<V>, size: FpSize, a: V): V =>
  b.binary('xor', widthOf(size), a, b.constant(widthOf(size), signBit(size)));
/** FPAbs() */
export const fpAbs = <V>(b: Builder<V>, size: FpSize, a: V): V =>
  b.binary('and', widthOf(size), a, b.constant(widthOf(size), signBit(size) - 1n));

/** A constant in all elements of 128 bits. */
export function splat(size: FpSize, value: bigint): bigint {
  let all = 0n;
  for (let low = 0; low < 128; low += bitsOf(size)) all |= value << BigInt(low);
  return all;
}
/** FPNeg() and FPAbs() of all elements. */
export const fpNegVector = <V>(b: Builder<V>, size: FpSize, a: V): V =>
  b.vector('v128.xor', a, b.vectorConstant(splat(size, signBit(size))));
export const fpAbsVector = <V>(b: Builder<V>, size: FpSize, a: V): V =>
  b.vector('v128.and', a, b.vectorConstant(splat(size, signBit(size) - 1n)));

/** What lies above 64 bits becomes zero without Q. */
export const clearUpper = <V>(b: Builder<V>, Q: number, a: V): V =>
  Q ? a : b.vector('v128.and', a, b.vectorConstant((1n << 64n) - 1n));

/** VFPExpandImm() */
export function vfpExpandImm(bits: ElementBits, imm8: number): bigint {
  const exponentBits = { 16: 5, 32: 8, 64: 11 }[bits];
  const fractionBits = bits - 1 - exponentBits;
  const sign = BigInt(imm8 >> 7);
  const b6 = (imm8 >> 6) & 1;
  const repeated = b6 ? (1n << BigInt(exponentBits - 3)) - 1n : 0n;
  const exponent = (BigInt(1 - b6) << BigInt(exponentBits - 1)) | (repeated << 2n) | BigInt((imm8 >> 4) & 3);
  return (
    (sign << BigInt(bits - 1)) | (exponent << BigInt(fractionBits)) | (BigInt(imm8 & 15) << BigInt(fractionBits - 4))
  );
}
