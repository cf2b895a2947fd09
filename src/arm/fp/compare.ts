/** Comparisons, maxima and minima of the Arm ARM's pseudocode (DDI 0487, J1 "Floating-point"), by its names. */
import {
  type Format,
  type FpState,
  Fpsr,
  fpAbs,
  fpInfinity,
  fpZero,
  isNotANumber,
  type Unpacked,
  unpack,
} from './format.ts';
import { processNaNs } from './nan.ts';

/** -1, 0 or 1 as a is less than, equal to or greater than b; neither is a NaN. Zeros are equal. */
function order(f: Format, op1: bigint, a: Unpacked, op2: bigint, b: Unpacked): number {
  // Bit patterns are in the order of magnitudes.
  const value = (op: bigint, { type, sign }: Unpacked) => (type === 'zero' ? 0n : sign ? -fpAbs(f, op) : fpAbs(f, op));
  const [x, y] = [value(op1, a), value(op2, b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** FPCompare(): NZCV. */
export function fpCompare(f: Format, op1: bigint, op2: bigint, signalNaNs: boolean, fp: FpState): number {
  const a = unpack(f, op1, fp);
  const b = unpack(f, op2, fp);
  if (isNotANumber(a) || isNotANumber(b)) {
    if (signalNaNs || a.type === 'signaling' || b.type === 'signaling') fp.fpsr |= Fpsr.IOC;
    return 0b0011;
  }
  return [0b1000, 0b0110, 0b0010][order(f, op1, a, op2, b) + 1];
}

/** FPCompareEQ(). */
export const fpCompareEQ = (f: Format, op1: bigint, op2: bigint, fp: FpState): boolean =>
  fpCompare(f, op1, op2, false, fp) === 0b0110;
/** FPCompareGE(). */
export const fpCompareGE = (f: Format, op1: bigint, op2: bigint, fp: FpState): boolean =>
  (fpCompare(f, op1, op2, true, fp) & 0b1001) === 0;
/** FPCompareGT(). */
export const fpCompareGT = (f: Format, op1: bigint, op2: bigint, fp: FpState): boolean =>
  fpCompare(f, op1, op2, true, fp) === 0b0010;

/** FPMax() and FPMin(). */
export function fpMaxMin(f: Format, op1: bigint, op2: bigint, minimum: boolean, fp: FpState): bigint {
  const a = unpack(f, op1, fp);
  const b = unpack(f, op2, fp);
  const nan = processNaNs(f, [[a, op1], [b, op2]], fp); // biome-ignore format: rows
  if (nan !== undefined) return nan;
  const comparison = order(f, op1, a, op2, b);
  // Of zeros of both signs the maximum is the positive one.
  if (comparison === 0 && a.type === 'zero') return fpZero(f, minimum ? a.sign || b.sign : a.sign && b.sign);
  const first = minimum ? comparison < 0 : comparison > 0;
  const [op, { type, sign }] = first ? [op1, a] : [op2, b];
  return type === 'zero' ? fpZero(f, sign) : op;
}

/** FPMaxNum() and FPMinNum(): a quiet NaN beside a number gives way. */
export function fpMaxMinNum(f: Format, op1: bigint, op2: bigint, minimum: boolean, fp: FpState): bigint {
  const isQuiet = [op1, op2].map((op) => unpack(f, op, fp).type === 'quiet');
  const weakest = fpInfinity(f, !minimum);
  const replaced = (op: bigint, i: number) => (isQuiet[i] && !isQuiet[1 - i] ? weakest : op);
  return fpMaxMin(f, replaced(op1, 0), replaced(op2, 1), minimum, fp);
}
