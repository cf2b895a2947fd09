/** Arithmetic on bits. Bit ranges are (high, low), both included, as the Arm ARM writes them. */

/** value<high:low> as an unsigned number. */
export const bits = (value: bigint, high: number, low: number): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);

/** A mask of ones at <high:low>. */
export const mask = (high: number, low: number): bigint => ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);

/** value with <high:low> replaced. */
export const replaceBits = (value: bigint, high: number, low: number, field: bigint): bigint =>
  (value & ~mask(high, low)) | ((field << BigInt(low)) & mask(high, low));

/** The low `width` bits of an instruction field (width <= 32) as a signed number. */
export const signed = (field: number, width: number): number => (field << (32 - width)) >> (32 - width);

/** 0x and at least `digits` digits. */
export const hex = (value: bigint | number, digits = 1): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** All bits of these fields. */
export const maskOf = (fields: readonly { readonly high: number; readonly low: number }[]): bigint =>
  fields.reduce((all, { high, low }) => all | mask(high, low), 0n);
