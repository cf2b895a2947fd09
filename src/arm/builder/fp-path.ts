/**
 * Quick ways of floating-point operations in WebAssembly's own arithmetic, which rounds to nearest and tells no flags:
 * for the usual FPCR, results that are neither NaN nor out of range, and, where a result may be inexact, FPSR.IXC set
 * already. A result that meets its conditions is the pseudocode's to the bit and changes no flag. Everything else is
 * left to the pseudocode itself. Where IXC is not set yet, a second way finds out whether the result is exact.
 *
 * With FPCR.FZ clear, operands that are denormal change nothing but through the result, and a result above the smallest
 * normal number was not tiny before rounding either.
 */

import { Rounding } from '../fp/format.ts';
import { type FpOperation, operandsOf } from '../fp/operation.ts';
import { Floats, type FloatUnary, type FloatVector } from './float.ts';
import { Layout } from './layout.ts';
import type { Value, Values } from './values.ts';

/** A result, and whether it may be taken. */
export interface Path {
  readonly holds: Value;
  readonly result: () => Value;
}

/** Fields of FPCR and FPSR. */
export const RMode = 3 << 22;
const FZ = 1 << 24;
const IXC = 1 << 4;

/** Of normal numbers. */
export const range = {
  32: { smallest: 2 ** -126, largest: 3.4028234663852886e38 },
  64: { smallest: 2 ** -1022, largest: Number.MAX_VALUE },
} as const;

export abstract class Paths {
  protected readonly b: Values;
  protected readonly f: Floats;
  protected readonly operation: FpOperation;
  protected readonly inputs: readonly Value[];
  protected readonly number: Value | undefined;

  constructor(b: Values, operation: FpOperation, inputs: readonly Value[], number: Value | undefined) {
    if (inputs.length !== operandsOf(operation)) throw new Error(`${operation.name}: ${inputs.length} operands`);
    this.b = b;
    this.f = new Floats(b);
    this.operation = operation;
    this.inputs = inputs;
    this.number = number;
  }

  /**
   * In the order in which they are tried. What a path evaluates it evaluates when it is asked for: in the place where
   * those before it have failed.
   */
  abstract paths(): (() => Path)[];

  protected all(...conditions: Value[]): Value {
    return conditions.reduce((x, y) => this.b.binary('and', 32, x, y));
  }
  protected any(...conditions: Value[]): Value {
    return conditions.reduce((x, y) => this.b.binary('or', 32, x, y));
  }

  /** Denormal numbers are kept. */
  protected get noFlush(): Value {
    const { b } = this;
    return b.not(b.binary('and', 32, b.readAt(2, Layout.fpcr), b.number(FZ)));
  }
  /** Besides, rounding to nearest. */
  protected get usual(): Value {
    const { b } = this;
    return b.not(b.binary('and', 32, b.readAt(2, Layout.fpcr), b.number(FZ | RMode)));
  }
  /** Besides, an inexact result changes no flag. */
  protected get usualInexact(): Value {
    return this.alreadyInexact(FZ | RMode);
  }
  protected alreadyInexact(excluded: number): Value {
    const { b } = this;
    const fpcr = b.binary('and', 32, b.readAt(2, Layout.fpcr), b.number(excluded));
    const fpsr = b.binary('and', 32, b.readAt(2, Layout.fpsr), b.number(IXC));
    return b.compare('eq', 32, b.binary('or', 32, fpcr, fpsr), b.number(IXC));
  }
}

export const arithmetic = {
  FPAdd: 'add',
  FPSub: 'sub',
  FPMul: 'mul',
  FPMulX: 'mul',
  FPDiv: 'div',
  FPSqrt: 'sqrt',
} as const satisfies Partial<Record<FpOperation['name'], FloatVector>>;
export const extrema = {
  FPMax: 'max',
  FPMaxNum: 'max',
  FPMin: 'min',
  FPMinNum: 'min',
} as const satisfies Partial<Record<FpOperation['name'], FloatVector>>;
export const comparisons = {
  FPCompareEQ: 'eq',
  FPCompareGE: 'ge',
  FPCompareGT: 'gt',
} as const satisfies Partial<Record<FpOperation['name'], FloatVector>>;
export const roundings: Readonly<Partial<Record<Rounding, FloatUnary & FloatVector>>> = {
  [Rounding.tieEven]: 'nearest',
  [Rounding.positive]: 'ceil',
  [Rounding.negative]: 'floor',
  [Rounding.zero]: 'trunc',
};
