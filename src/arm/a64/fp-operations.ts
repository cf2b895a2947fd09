/** What the floating-point instructions share: formats of fields, operations, and the pseudocode's sign changes. */
import type { Builder, VectorOperand, Width } from '../builder/builder.ts';
import type { ElementBits, FpFunction, FpOperation } from '../fp/operation.ts';

export const Rounding = { tieEven: 0, positive: 1, negative: 2, zero: 3, tieAway: 4, odd: 5 } as const;

type Options = Partial<Pick<FpOperation, 'to' | 'rounding' | 'variant'>>;

/** One element. */
export function scalar(name: FpFunction, from: ElementBits, options: Options = {}): FpOperation {
  return { name, from, to: from, elements: 1, rounding: undefined, variant: false, ...options };
}

/** The elements of a vector: of 64 bits with `sz`, else of 32, and half as many of these without Q. */
export function vectorOf(name: FpFunction, Q: number, sz: number, options: Options = {}): FpOperation {
  const from = sz ? 64 : 32;
  return { name, from, to: from, elements: sz || !Q ? 2 : 4, rounding: undefined, variant: false, ...options };
}

/** log2 of the bytes of an element of 32 or 64 bits. */
export const sizeOf = (sz: number): 2 | 3 => (sz ? 3 : 2);
export const bitsOf = (sz: number): Width => (sz ? 64 : 32);

/** The ftype field: 0 single, 1 double, 3 half. */
export const formatOf = (ftype: number): ElementBits => ([32, 64, 32, 16] as const)[ftype];

/** An operand in the low element of a register. */
export const readFp = <V>(b: Builder<V>, sz: number, register: VectorOperand): V => b.readElement(sizeOf(sz), register);

export const signBit = (bits: ElementBits): bigint => 1n << BigInt(bits - 1);
const widthOf = (bits: ElementBits): Width => (bits === 64 ? 64 : 32);

/** FPNeg() */
export const fpNeg = <V>(b: Builder<V>, bits: ElementBits, a: V): V =>
  b.binary('xor', widthOf(bits), a, b.constant(widthOf(bits), signBit(bits)));
/** FPAbs() */
export const fpAbs = <V>(b: Builder<V>, bits: ElementBits, a: V): V =>
  b.binary('and', widthOf(bits), a, b.constant(widthOf(bits), signBit(bits) - 1n));

/** The same value in all elements of 128 bits. */
export function splat(bits: ElementBits, value: bigint): bigint {
  let all = 0n;
  for (let low = 0; low < 128; low += bits) all |= value << BigInt(low);
  return all;
}
/** FPNeg() and FPAbs() of all elements. */
export const fpNegVector = <V>(b: Builder<V>, sz: number, a: V): V =>
  b.vector('v128.xor', a, b.vectorConstant(splat(bitsOf(sz), signBit(bitsOf(sz)))));
export const fpAbsVector = <V>(b: Builder<V>, sz: number, a: V): V =>
  b.vector('v128.and', a, b.vectorConstant(splat(bitsOf(sz), signBit(bitsOf(sz)) - 1n)));

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
