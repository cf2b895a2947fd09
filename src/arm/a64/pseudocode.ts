/**
 * What the Arm ARM's shared pseudocode and the instructions' own need beyond the Builder's primitives, told in them.
 *
 * Arm ARM DDI 0487, J1 "Armv8 Pseudocode".
 */
import type { BinaryOperator, Builder, ImmediateOperand, RegisterOperand, Width } from '../builder/builder.ts';

/** The width that a field `sf` asks for. */
export const datasize = (sf: number): Width => (sf === 1 ? 64 : 32);

export const not = <V>(b: Builder<V>, width: Width, a: V): V => b.binary('xor', width, a, b.constant(width, -1n));

export const negate = <V>(b: Builder<V>, width: Width, a: V): V => b.binary('sub', width, b.constant(width, 0n), a);

export const extendTo64 = <V>(b: Builder<V>, width: Width, a: V): V => (width === 64 ? a : b.zeroExtend(a));

/** value<width-1> as 0 or 1, 32 bits wide. */
const isNegative = <V>(b: Builder<V>, width: Width, a: V): V => b.compare('lt_s', width, a, b.constant(width, 0n));

/** N:Z:C:V in bits 3..0. C and V are truth values. */
function packNzcv<V>(b: Builder<V>, width: Width, result: V, carry: V, overflow: V): V {
  const at = (bit: bigint, flag: V) => b.binary('shl', 32, flag, b.constant(32, bit));
  const or = (x: V, y: V) => b.binary('or', 32, x, y);
  const zero = b.compare('eq', width, result, b.constant(width, 0n));
  return or(or(at(3n, isNegative(b, width, result)), at(2n, zero)), or(at(1n, carry), overflow));
}

/** AddWithCarry(): x, y and carry (0 or 1, 32 bits wide) must be evaluated once. The result is. */
export function addWithCarry<V>(b: Builder<V>, width: Width, x: V, y: V, carry: V): { result: V; nzcv: () => V } {
  const carryIn = width === 64 ? b.zeroExtend(carry) : carry;
  const result = b.let(width, b.binary('add', width, b.binary('add', width, x, y), carryIn));
  const nzcv = () => {
    // With a carry coming in, a sum equal to an operand has wrapped all the way round.
    const carryOut = b.select(32, carry, b.compare('le_u', width, result, x), b.compare('lt_u', width, result, x));
    const changed = (operand: V) => b.binary('xor', width, operand, result);
    return packNzcv(b, width, result, carryOut, isNegative(b, width, b.binary('and', width, changed(x), changed(y))));
  };
  return { result, nzcv };
}

export type ShiftType = 'LSL' | 'LSR' | 'ASR' | 'ROR';
/** DecodeShift(). */
export const shiftTypes: readonly ShiftType[] = ['LSL', 'LSR', 'ASR', 'ROR'];
const shiftOperators: Readonly<Record<ShiftType, BinaryOperator>> = {
  LSL: 'shl',
  LSR: 'shr_u',
  ASR: 'shr_s',
  ROR: 'rotr',
};

/** ShiftReg(), by an amount modulo the width. */
export const shift = <V>(b: Builder<V>, width: Width, type: ShiftType, value: V, amount: V): V =>
  b.binary(shiftOperators[type], width, value, amount);

/** ExtendReg(): option is UXTB 0, UXTH, UXTW, UXTX, SXTB 4 ..., then a shift left. */
export function extendReg<V>(
  b: Builder<V>,
  width: Width,
  option: number,
  register: RegisterOperand,
  amount: ImmediateOperand,
): V {
  return b.binary('shl', width, extend(b, width, option, register), b.immediate(width, amount));
}

function extend<V>(b: Builder<V>, width: Width, option: number, register: RegisterOperand): V {
  const bits = ([8, 16, 32, 64] as const)[option & 3];
  const isSigned = option >= 4;
  if (bits >= width) return b.readX(width, register);
  if (bits === 32) {
    const word = b.readX(32, register);
    return isSigned ? b.signExtend(word) : b.zeroExtend(word);
  }
  const value = b.readX(width, register);
  if (isSigned) return b.signExtendFrom(width, bits as 8 | 16, value);
  return b.binary('and', width, value, b.constant(width, (1n << BigInt(bits)) - 1n));
}

/** The high half of an unsigned 64 by 64 product, from four 32-bit ones. x and y must be evaluated once. */
export function unsignedMultiplyHigh<V>(b: Builder<V>, x: V, y: V): V {
  const low = (v: V) => b.binary('and', 64, v, b.constant(64, 0xffff_ffffn));
  const high = (v: V) => b.binary('shr_u', 64, v, b.constant(64, 32n));
  const multiply = (u: V, v: V) => b.binary('mul', 64, u, v);
  const add = (u: V, v: V) => b.binary('add', 64, u, v);
  const middle = b.let(64, add(multiply(high(x), low(y)), high(multiply(low(x), low(y)))));
  const cross = b.let(64, add(multiply(low(x), high(y)), low(middle)));
  return add(add(multiply(high(x), high(y)), high(middle)), high(cross));
}

/** The same, signed: each negative factor took 2^64 too much of the other. */
export function signedMultiplyHigh<V>(b: Builder<V>, x: V, y: V): V {
  const ifNegative = (sign: V, v: V) => b.binary('and', 64, b.binary('shr_s', 64, sign, b.constant(64, 63n)), v);
  const unsigned = unsignedMultiplyHigh(b, x, y);
  return b.binary('sub', 64, b.binary('sub', 64, unsigned, ifNegative(x, y)), ifNegative(y, x));
}

/** Division by zero gives zero. */
export function unsignedDivide<V>(b: Builder<V>, width: Width, x: V, y: V): V {
  const divisor = b.let(width, y);
  const isZero = b.let(32, b.compare('eq', width, divisor, b.constant(width, 0n)));
  const quotient = b.binary('div_u', width, x, b.select(width, isZero, b.constant(width, 1n), divisor));
  return b.select(width, isZero, b.constant(width, 0n), quotient);
}

/** Division by zero gives zero; the lowest number by -1 gives itself, as any division by -1 is a negation. */
export function signedDivide<V>(b: Builder<V>, width: Width, x: V, y: V): V {
  const dividend = b.let(width, x);
  const divisor = b.let(width, y);
  const isZero = b.let(32, b.compare('eq', width, divisor, b.constant(width, 0n)));
  const isMinusOne = b.let(32, b.compare('eq', width, divisor, b.constant(width, -1n)));
  const isSpecial = b.binary('or', 32, isZero, isMinusOne);
  const quotient = b.binary('div_s', width, dividend, b.select(width, isSpecial, b.constant(width, 1n), divisor));
  const special = b.select(width, isMinusOne, negate(b, width, dividend), quotient);
  return b.select(width, isZero, b.constant(width, 0n), special);
}

/** Swaps neighbouring groups of `group` bits; `low` masks the lower group of each two. */
function swapGroups<V>(b: Builder<V>, width: Width, value: V, group: number, low: bigint): V {
  const v = b.let(width, value);
  const by = b.constant(width, BigInt(group));
  const lowMask = b.constant(width, BigInt.asUintN(width, low));
  const down = b.binary('and', width, b.binary('shr_u', width, v, by), lowMask);
  return b.binary('or', width, down, b.binary('shl', width, b.binary('and', width, v, lowMask), by));
}

/** Reverses the bytes of each container of 2^log2Bytes bytes. */
export function reverseBytes<V>(b: Builder<V>, width: Width, value: V, log2Bytes: 1 | 2 | 3): V {
  let v = swapGroups(b, width, value, 8, 0x00ff_00ff_00ff_00ffn);
  if (log2Bytes === 1) return v;
  if (width === 32) return shift(b, 32, 'ROR', v, b.constant(32, 16n));
  v = swapGroups(b, 64, v, 16, 0x0000_ffff_0000_ffffn);
  return log2Bytes === 2 ? v : shift(b, 64, 'ROR', v, b.constant(64, 32n));
}

/** BitReverse(). */
export function bitReverse<V>(b: Builder<V>, width: Width, value: V): V {
  let v = swapGroups(b, width, value, 1, 0x5555_5555_5555_5555n);
  v = swapGroups(b, width, v, 2, 0x3333_3333_3333_3333n);
  v = swapGroups(b, width, v, 4, 0x0f0f_0f0f_0f0f_0f0fn);
  return reverseBytes(b, width, v, width === 64 ? 3 : 2);
}

/** CountLeadingSignBits(), the sign itself not counted. */
export function countLeadingSignBits<V>(b: Builder<V>, width: Width, value: V): V {
  const v = b.let(width, value);
  const sign = b.binary('shr_s', width, v, b.constant(width, BigInt(width - 1)));
  const zeros = b.countLeadingZeros(width, b.binary('xor', width, v, sign));
  return b.binary('sub', width, zeros, b.constant(width, 1n));
}

/** One CRC32 or CRC32C step over the low `bits` bits of a 32-bit value, in the reflected form that the bit order calls for. */
export function crc32<V>(b: Builder<V>, polynomial: bigint, accumulator: V, value: V, bits: 8 | 16 | 32): V {
  const mask = b.constant(32, (1n << BigInt(bits)) - 1n);
  let crc = b.let(32, b.binary('xor', 32, accumulator, b.binary('and', 32, value, mask)));
  for (let i = 0; i < bits; i++) {
    const lowest = b.binary('and', 32, crc, b.constant(32, 1n));
    const addend = b.binary('and', 32, negate(b, 32, lowest), b.constant(32, polynomial));
    crc = b.let(32, b.binary('xor', 32, b.binary('shr_u', 32, crc, b.constant(32, 1n)), addend));
  }
  return crc;
}

const bitMasks = new Map<number, bigint | undefined>();

/** DecodeBitMasks(immN, imms, immr, TRUE): the mask replicated to 64 bits; undefined where it is reserved. */
export function decodeBitMasks(N: number, imms: number, immr: number): bigint | undefined {
  const key = (N << 12) | (immr << 6) | imms;
  // Kept, so that decoding makes no number anew.
  if (!bitMasks.has(key)) bitMasks.set(key, makeBitMask(N, imms, immr));
  return bitMasks.get(key);
}

function makeBitMask(N: number, imms: number, immr: number): bigint | undefined {
  const len = 31 - Math.clz32((N << 6) | (~imms & 63));
  if (len < 1) return undefined;
  const esize = 1 << len;
  const levels = esize - 1;
  const S = imms & levels;
  if (S === levels) return undefined;
  const R = BigInt(immr & levels);
  const ones = (1n << BigInt(S + 1)) - 1n;
  let element = BigInt.asUintN(esize, (ones >> R) | (ones << (BigInt(esize) - R)));
  for (let width = esize; width < 64; width *= 2) element |= element << BigInt(width);
  return element;
}
