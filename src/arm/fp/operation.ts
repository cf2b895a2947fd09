/**
 * Floating-point operations as values: which one, on elements of which format, and how many of them. The instructions
 * are told in them; `carryOut` does what they say.
 */
import { fpAdd, fpDiv, fpMul, fpMulAdd, fpMulX, fpRecipStep, fpRSqrtStep, fpSqrt, fpSub } from './arithmetic.ts';
import { fpCompare, fpCompareEQ, fpCompareGE, fpCompareGT, fpMaxMin, fpMaxMinNum } from './compare.ts';
import { fixedToFp, fpConvert, fpRoundInt, fpRoundIntN, fpToFixed, fpToFixedJS, fpWidenHalf } from './convert.ts';
import { fpRecipEstimate, fpRecpX, fpRSqrtEstimate, unsignedRecipEstimate, unsignedRSqrtEstimate } from './estimate.ts';
import { type Format, type FpState, formats, type Rounding, roundingMode } from './format.ts';

/** The element: its operands, and a number that only some operations have. */
type Element = (
  operation: FpOperation,
  f: Format,
  fp: FpState,
  number: number,
  a: bigint,
  b: bigint,
  c: bigint,
) => bigint;

const ones = (f: Format, condition: boolean): bigint => (condition ? 2n * f.signBit - 1n : 0n);
/** By NZCV. */
const orders: Readonly<Record<number, bigint>> = { 3: 0n, 2: 1n, 8: 2n, 6: 3n };
const modeOf = ({ rounding }: FpOperation, fp: FpState): Rounding => rounding ?? roundingMode(fp);

/** By the pseudocode's names: how many operands there are, and what is done. */
const elements = {
  FPAdd: [2, (_o, f, fp, _n, a, b) => fpAdd(f, a, b, fp)],
  FPSub: [2, (_o, f, fp, _n, a, b) => fpSub(f, a, b, fp)],
  FPMul: [2, (_o, f, fp, _n, a, b) => fpMul(f, a, b, fp)],
  FPMulX: [2, (_o, f, fp, _n, a, b) => fpMulX(f, a, b, fp)],
  FPDiv: [2, (_o, f, fp, _n, a, b) => fpDiv(f, a, b, fp)],
  FPSqrt: [1, (_o, f, fp, _n, a) => fpSqrt(f, a, fp)],
  /** The addend comes first. */
  FPMulAdd: [3, (_o, f, fp, _n, a, b, c) => fpMulAdd(f, a, b, c, fp)],
  FPMax: [2, (_o, f, fp, _n, a, b) => fpMaxMin(f, a, b, false, fp)],
  FPMin: [2, (_o, f, fp, _n, a, b) => fpMaxMin(f, a, b, true, fp)],
  FPMaxNum: [2, (_o, f, fp, _n, a, b) => fpMaxMinNum(f, a, b, false, fp)],
  FPMinNum: [2, (_o, f, fp, _n, a, b) => fpMaxMinNum(f, a, b, true, fp)],
  FPRecipEstimate: [1, (_o, f, fp, _n, a) => fpRecipEstimate(f, a, fp)],
  FPRSqrtEstimate: [1, (_o, f, fp, _n, a) => fpRSqrtEstimate(f, a, fp)],
  FPRecipStepFused: [2, (_o, f, fp, _n, a, b) => fpRecipStep(f, a, b, fp)],
  FPRSqrtStepFused: [2, (_o, f, fp, _n, a, b) => fpRSqrtStep(f, a, b, fp)],
  FPRecpX: [1, (_o, f, fp, _n, a) => fpRecpX(f, a, fp)],
  /** Bit 0: greater or equal, bit 1: less or equal. With `variant` quiet NaNs are signaled, too. */
  FPCompare: [2, (o, f, fp, _n, a, b) => orders[fpCompare(f, a, b, o.variant, fp)]],
  /** All ones for true. */
  FPCompareEQ: [2, (_o, f, fp, _n, a, b) => ones(f, fpCompareEQ(f, a, b, fp))],
  FPCompareGE: [2, (_o, f, fp, _n, a, b) => ones(f, fpCompareGE(f, a, b, fp))],
  FPCompareGT: [2, (_o, f, fp, _n, a, b) => ones(f, fpCompareGT(f, a, b, fp))],
  /** With `variant`, inexact results are told: FRINTX. */
  FPRoundInt: [1, (o, f, fp, _n, a) => fpRoundInt(f, a, modeOf(o, fp), o.variant, fp)],
  /** The number is the integer's bits. */
  FPRoundIntN: [1, (o, f, fp, n, a) => fpRoundIntN(f, a, modeOf(o, fp), n, fp)],
  FPWidenHalf: [1, (_o, _f, fp, _n, a) => fpWidenHalf(a, fp)],
  /** From `from` to an integer of `to` bits, unsigned with `variant`; the number is fbits. */
  FPToFixed: [1, (o, f, fp, n, a) => fpToFixed(f, a, o.to, n, o.variant, modeOf(o, fp), fp)],
  /** The other way round. */
  FixedToFP: [1, (o, _f, fp, n, a) => fixedToFp(formats[o.to], a, o.from, n, o.variant, modeOf(o, fp), fp)],
  FPConvert: [1, (o, f, fp, _n, a) => fpConvert(f, formats[o.to], a, modeOf(o, fp), fp)],
  UnsignedRecipEstimate: [1, (_o, _f, _fp, _n, a) => BigInt(unsignedRecipEstimate(Number(a)))],
  UnsignedRSqrtEstimate: [1, (_o, _f, _fp, _n, a) => BigInt(unsignedRSqrtEstimate(Number(a)))],
  /** Bit 32 of the result is Z. */
  FPToFixedJS: [
    1,
    (_o, f, fp, _n, a) => {
      const { result, z } = fpToFixedJS(a, f, fp);
      return z ? result | (1n << 32n) : result;
    },
  ],
} as const satisfies Readonly<Record<string, readonly [operands: 1 | 2 | 3, element: Element]>>;

export type FpFunction = keyof typeof elements;
export type ElementBits = 16 | 32 | 64;

export interface FpOperation {
  readonly name: FpFunction;
  /** Bits of the operands' elements and of the result's. */
  readonly from: ElementBits;
  readonly to: ElementBits;
  /** How many. They are the lowest ones; what lies above them in a result is zero. */
  readonly elements: 1 | 2 | 4 | 8;
  /** Undefined: as FPCR says. */
  readonly rounding: Rounding | undefined;
  readonly variant: boolean;
}

const names = Object.keys(elements) as readonly FpFunction[];
const sizes = [16, 32, 64] as const;
const byFpcr = 7;

/** How many operands an operation has. */
export const operandsOf = ({ name }: FpOperation): 1 | 2 | 3 => elements[name][0];

/** Bits of the values that operands and result are. */
export function fpWidths({ name, from, to, elements: count }: FpOperation): {
  inputs: 32 | 64 | 128;
  output: 32 | 64 | 128;
} {
  if (count > 1) return { inputs: 128, output: 128 };
  return { inputs: from === 64 ? 64 : 32, output: name === 'FPToFixedJS' || to === 64 ? 64 : 32 };
}

/** An operation as a number: 16 bits. */
export const numberOf = ({ name, from, to, elements: count, rounding, variant }: FpOperation): number =>
  names.indexOf(name) |
  (sizes.indexOf(from) << 6) |
  (sizes.indexOf(to) << 8) |
  (Math.log2(count) << 10) |
  ((rounding ?? byFpcr) << 12) |
  ((variant ? 1 : 0) << 15);

export function operationOf(number: number): FpOperation {
  const rounding = (number >> 12) & 7;
  return {
    name: names[number & 63],
    from: sizes[(number >> 6) & 3],
    to: sizes[(number >> 8) & 3],
    elements: (1 << ((number >> 10) & 3)) as FpOperation['elements'],
    rounding: rounding === byFpcr ? undefined : (rounding as Rounding),
    variant: ((number >> 15) & 1) !== 0,
  };
}

/** One element. `number` is fbits where there are such. */
export function carryOutElement(
  operation: FpOperation,
  fp: FpState,
  number: number,
  a: bigint,
  b = 0n,
  c = 0n,
): bigint {
  return elements[operation.name][1](operation, formats[operation.from], fp, number, a, b, c);
}

/** All elements: operands and result are patterns of up to 128 bits. */
export function carryOut(operation: FpOperation, fp: FpState, number: number, a: bigint, b = 0n, c = 0n): bigint {
  const from = BigInt(operation.from);
  const to = BigInt(operation.to);
  const element = (value: bigint, i: bigint) => BigInt.asUintN(operation.from, value >> (i * from));
  let result = 0n;
  for (let i = 0n; i < BigInt(operation.elements); i++)
    result |= carryOutElement(operation, fp, number, element(a, i), element(b, i), element(c, i)) << (i * to);
  return result;
}
