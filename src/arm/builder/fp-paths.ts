/**
 * Quick ways of floating-point operations in WebAssembly's own arithmetic, which rounds to nearest and tells no flags:
 * for the usual FPCR, results that are neither NaN nor out of range, and, where a result may be inexact, FPSR.IXC set
 * already. A result that meets its conditions is the pseudocode's to the bit and changes no flag. Everything else is
 * left to the pseudocode itself.
 *
 * With FPCR.FZ clear, operands that are denormal change nothing but through the result, and a result above the smallest
 * normal number was not tiny before rounding either.
 */

import { Rounding } from '../fp/format.ts';
import { type FpOperation, operandsOf } from '../fp/operation.ts';
import { type Float, Floats, type FloatUnary, type FloatVector, patternOf } from './float.ts';
import { Layout } from './layout.ts';
import type { Value, Values } from './values.ts';

/** A result, and whether it may be taken. */
interface Path {
  readonly holds: Value;
  readonly result: () => Value;
}

const RMode = 3 << 22;
const FZ = 1 << 24;
const IXC = 1 << 4;

const range = {
  32: { smallest: 2 ** -126, largest: 3.4028234663852886e38 },
  64: { smallest: 2 ** -1022, largest: Number.MAX_VALUE },
} as const;

/** The result, on a quick way where there is one. `slow` computes the same from the same operands. */
export function fpPath(
  b: Values,
  operation: FpOperation,
  inputs: readonly Value[],
  number: Value | undefined,
  slow: () => Value,
): Value {
  const { from, to, elements } = operation;
  if (from === 16 || to === 16) return slow();
  const paths =
    elements === 1
      ? new ScalarPaths(b, operation, inputs, number).paths()
      : new VectorPaths(b, operation, inputs, number).paths();
  const width = elements > 1 ? 128 : operation.name === 'FPCompare' ? 32 : to;
  return paths.reduceRight<() => Value>(
    (otherwise, { holds, result }) =>
      () =>
        b.choose(width, holds, result, otherwise),
    slow,
  )();
}

class Paths {
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

const arithmetic = {
  FPAdd: 'add',
  FPSub: 'sub',
  FPMul: 'mul',
  FPMulX: 'mul',
  FPDiv: 'div',
  FPSqrt: 'sqrt',
} as const satisfies Partial<Record<FpOperation['name'], FloatVector>>;
const extrema = {
  FPMax: 'max',
  FPMaxNum: 'max',
  FPMin: 'min',
  FPMinNum: 'min',
} as const satisfies Partial<Record<FpOperation['name'], FloatVector>>;
const comparisons = {
  FPCompareEQ: 'eq',
  FPCompareGE: 'ge',
  FPCompareGT: 'gt',
} as const satisfies Partial<Record<FpOperation['name'], FloatVector>>;
const roundings: Readonly<Partial<Record<Rounding, FloatUnary & FloatVector>>> = {
  [Rounding.tieEven]: 'nearest',
  [Rounding.positive]: 'ceil',
  [Rounding.negative]: 'floor',
  [Rounding.zero]: 'trunc',
};

class ScalarPaths extends Paths {
  /** In the order in which they are tried. */
  paths(): Path[] {
    const { name } = this.operation;
    switch (name) {
      case 'FPAdd':
      case 'FPSub':
      case 'FPMul':
      case 'FPMulX':
      case 'FPDiv':
      case 'FPSqrt':
        return this.#arithmetic(name);
      case 'FPMulAdd':
        return this.#bits === 64 ? this.#mulAdd() : this.#singleMulAdd();
      case 'FPMax':
      case 'FPMaxNum':
      case 'FPMin':
      case 'FPMinNum':
        return this.#exact(this.noFlush, this.f.binary(extrema[name], this.#input(0), this.#input(1)));
      case 'FPCompare':
        return this.#compare();
      case 'FPRoundInt':
        return this.#roundInt();
      case 'FPConvert':
        return this.#convert();
      case 'FPToFixed':
        return this.#toFixed();
      case 'FixedToFP':
        return this.#fromFixed();
      default:
        return [];
    }
  }

  get #bits(): 32 | 64 {
    return this.operation.from === 64 ? 64 : 32;
  }
  #input(i: number): Float {
    return this.f.of(this.#bits, this.inputs[i]);
  }

  /** Not a NaN. */
  #exact(condition: Value, value: Float): Path[] {
    const r = this.f.let(value);
    return [{ holds: this.all(condition, this.f.compare('eq', r, r)), result: () => this.f.patternOf(r) }];
  }

  #isFinite(value: Float): Value {
    return this.f.compare('lt', this.f.unary('abs', value), this.f.constant(value.bits, Number.POSITIVE_INFINITY));
  }

  /** Finite, and larger than the smallest normal number. */
  #isNormal(bits: 32 | 64, pattern: Value): Value {
    const { b } = this;
    const smallest = 2n * patternOf(bits, range[bits].smallest) + 1n;
    const largest = 2n * patternOf(bits, range[bits].largest) + 1n;
    const doubled = b.binary('shl', bits, pattern, b.constant(bits, 1n));
    const above = b.binary('sub', bits, doubled, b.constant(bits, smallest + 1n));
    return b.compare('lt_u', bits, above, b.constant(bits, largest - smallest));
  }

  #arithmetic(name: keyof typeof arithmetic): Path[] {
    const { f } = this;
    const operator = arithmetic[name];
    const r = f.let(
      operator === 'sqrt' ? f.unary('sqrt', this.#input(0)) : f.binary(operator, this.#input(0), this.#input(1)),
    );
    const result = () => f.patternOf(r);
    // Sums are never inexact and tiny at once; roots are never tiny.
    if (operator !== 'mul' && operator !== 'div')
      return [{ holds: this.all(this.usualInexact, this.#isFinite(r)), result }];
    const zero = f.constant(this.#bits, 0);
    const isZero = (i: number) => f.compare('eq', this.#input(i), zero);
    const operandIsZero = operator === 'div' ? isZero(0) : this.any(isZero(0), isZero(1));
    return [
      { holds: this.all(this.usualInexact, this.#isNormal(this.#bits, this.b.let(this.#bits, result()))), result },
      { holds: this.all(this.noFlush, f.compare('eq', r, zero), operandIsZero), result },
    ];
  }

  /** x + y = sum + rest, whatever their order: Knuth's TwoSum. */
  #twoSum(x: Float, y: Float): [sum: Float, rest: Float] {
    const { f } = this;
    const sum = f.let(f.binary('add', x, y));
    const z = f.let(f.binary('sub', sum, x));
    const restOfX = f.binary('sub', x, f.binary('sub', sum, z));
    return [sum, f.let(f.binary('add', restOfX, f.binary('sub', y, z)))];
  }

  /** x = high + low, of 26 bits each: Veltkamp. */
  #split(x: Float): [high: Float, low: Float] {
    const { f } = this;
    const scaled = f.let(f.binary('mul', x, f.constant(64, 2 ** 27 + 1)));
    const high = f.let(f.binary('sub', scaled, f.binary('sub', scaled, x)));
    return [high, f.let(f.binary('sub', x, high))];
  }

  /**
   * Doubles: x * y = p + e by Dekker's product, p + c = s + t, and s + (t + e) rounds to the result unless t + e, which
   * is rounded itself, lies at the middle between two numbers: then both sides of it give another sum (Ziv's test).
   */
  #mulAdd(): Path[] {
    const { f, b } = this;
    const [c, x, y] = [0, 1, 2].map((i) => f.let(this.#input(i)));
    const minus = (p: Float, q: Float) => f.binary('sub', p, q);
    const times = (p: Float, q: Float) => f.binary('mul', p, q);
    const plus = (p: Float, q: Float) => f.binary('add', p, q);
    const p = f.let(times(x, y));
    const [xh, xl] = this.#split(x);
    const [yh, yl] = this.#split(y);
    const e = f.let(minus(times(xl, yl), minus(minus(minus(p, times(xh, yh)), times(xl, yh)), times(xh, yl))));
    const [s, t] = this.#twoSum(p, c);
    const w = f.let(plus(t, e));
    const beside = (factor: number) => plus(s, times(w, f.constant(64, factor)));
    const r = f.let(beside(1 + 2 ** -52));
    const zero = f.constant(64, 0);
    const noError = b.let(32, f.compare('eq', e, zero));
    const agrees = f.compare('eq', r, beside(1 - 2 ** -52));
    // What the product's error may lose below the smallest number is out of reach.
    const largeProduct = f.compare('gt', f.unary('abs', p), f.constant(64, 2 ** -960));
    const result = f.let(f.select(noError, s, r));
    const pattern = b.let(64, f.patternOf(result));
    const isZero = (v: Float) => f.compare('eq', v, zero);
    return [
      {
        holds: this.all(this.usualInexact, this.#isNormal(64, pattern), largeProduct, this.any(noError, agrees)),
        result: () => pattern,
      },
      // A zero product, or an exact one that the addend cancels.
      {
        holds: this.all(
          this.usualInexact,
          this.#isFinite(s),
          this.any(this.all(isZero(p), this.any(isZero(x), isZero(y))), this.all(largeProduct, noError, isZero(s))),
        ),
        result: () => f.patternOf(s),
      },
    ];
  }

  /** Singles: the product is exact as a double; the sum is rounded twice, which matters at the middle of two singles. */
  #singleMulAdd(): Path[] {
    const { f, b } = this;
    const [c, x, y] = [0, 1, 2].map((i) => f.let(f.promote(this.#input(i))));
    const p = f.let(f.binary('mul', x, y));
    const sum = f.let(f.binary('add', p, c));
    const low = b.binary('and', 64, f.patternOf(sum), b.constant(64, 0x1fff_ffffn));
    const middle = b.compare('eq', 64, low, b.constant(64, 0x1000_0000n));
    const moved = b.choose(
      64,
      middle,
      () => {
        const [, rest] = this.#twoSum(p, c);
        const away = b.binary('xor', 64, f.patternOf(rest), f.patternOf(sum));
        const step = b.binary('or', 64, b.binary('shr_s', 64, away, b.constant(64, 63n)), b.constant(64, 1n));
        const exact = f.compare('eq', rest, f.constant(64, 0));
        const stepped = b.binary('add', 64, f.patternOf(sum), step);
        return b.select(64, exact, f.patternOf(sum), stepped);
      },
      () => f.patternOf(sum),
    );
    const pattern = b.let(32, f.patternOf(f.demote(f.of(64, moved))));
    const isZero = f.compare('eq', sum, f.constant(64, 0));
    return [
      { holds: this.all(this.usualInexact, this.any(this.#isNormal(32, pattern), isZero)), result: () => pattern },
    ];
  }

  /** Bit 0: greater or equal, bit 1: less or equal. */
  #compare(): Path[] {
    const { f, b } = this;
    const [x, y] = [f.let(this.#input(0)), f.let(this.#input(1))];
    const le = b.binary('shl', 32, f.compare('le', x, y), b.number(1));
    const order = b.let(32, b.binary('or', 32, f.compare('ge', x, y), le));
    const ordered = b.compare('ne', 32, order, b.number(0));
    return [{ holds: this.all(this.noFlush, ordered), result: () => order }];
  }

  /** To an integer, as a number; undefined where FPCR decides. */
  #rounded(x: Float, rounding: Rounding | undefined): Float | undefined {
    const { f } = this;
    if (rounding === Rounding.tieAway) {
      const whole = f.let(f.unary('trunc', x));
      const isHalf = f.compare('ge', f.unary('abs', f.binary('sub', x, whole)), f.constant(x.bits, 0.5));
      const one = f.select(isHalf, f.constant(x.bits, 1), f.constant(x.bits, 0));
      return f.binary('add', whole, f.binary('copysign', one, x));
    }
    const operator = rounding === undefined ? 'nearest' : roundings[rounding];
    return operator && f.unary(operator, x);
  }

  #roundInt(): Path[] {
    const { rounding, variant } = this.operation;
    const x = this.f.let(this.#input(0));
    const rounded = this.#rounded(x, rounding);
    if (rounded === undefined) return [];
    const r = this.f.let(rounded);
    const mode = rounding === undefined ? this.usual : this.noFlush;
    if (!variant) return this.#exact(mode, r);
    const quiet = this.any(this.f.compare('eq', r, x), this.usualInexact);
    return this.#exact(this.all(mode, quiet), r);
  }

  #convert(): Path[] {
    const { f, b } = this;
    const { from, to, rounding } = this.operation;
    if (rounding !== undefined) return [];
    if (from === 32 && to === 64) return this.#exact(this.noFlush, f.promote(this.#input(0)));
    const pattern = b.let(32, f.patternOf(f.demote(this.#input(0))));
    return [
      { holds: this.all(this.usualInexact, this.#isNormal(32, pattern)), result: () => pattern },
      {
        holds: this.all(this.noFlush, f.compare('eq', this.#input(0), f.constant(64, 0))),
        result: () => pattern,
      },
    ];
  }

  /** 2^(number * sign), as a double. */
  #power(sign: 1 | -1): Float {
    const { b } = this;
    const bias = b.number(1023);
    const exponent = b.binary(sign > 0 ? 'add' : 'sub', 32, bias, this.number!);
    return this.f.of(64, b.binary('shl', 64, b.zeroExtend(exponent), b.constant(64, 52n)));
  }

  #toFixed(): Path[] {
    const { f } = this;
    const { to, rounding, variant: unsigned } = this.operation;
    const input = this.#input(0);
    const wide = input.bits === 32 ? f.promote(input) : input;
    const x = f.let(this.number === undefined ? wide : f.binary('mul', wide, this.#power(1)));
    const rounded = this.#rounded(x, rounding);
    if (rounded === undefined || to === 16) return [];
    const r = f.let(rounded);
    const limit = 2 ** (unsigned ? to : to - 1);
    const fits = this.all(
      f.compare('ge', r, f.constant(64, unsigned ? 0 : -limit)),
      f.compare('lt', r, f.constant(64, limit)),
    );
    const quiet = this.any(f.compare('eq', r, x), this.alreadyInexact(0));
    return [{ holds: this.all(this.noFlush, fits, quiet), result: () => f.truncate(to, unsigned, r) }];
  }

  #fromFixed(): Path[] {
    const { f, b } = this;
    const { from, to, variant: unsigned } = this.operation;
    const bits = to === 64 ? 64 : 32;
    const [integer] = this.inputs;
    const converted = f.convert(bits, unsigned, integer);
    const scale = () => (bits === 64 ? this.#power(-1) : f.demote(this.#power(-1)));
    const result = () => f.patternOf(this.number === undefined ? converted : f.binary('mul', converted, scale()));
    if (from === 32 && to === 64) return [{ holds: b.number(1), result }];
    const width = from === 64 ? 64 : 32;
    const limit = 1n << (bits === 64 ? 53n : 24n);
    const offset = unsigned ? integer : b.binary('add', width, integer, b.constant(width, limit));
    const small = b.compare('lt_u', width, offset, b.constant(width, unsigned ? limit : 2n * limit));
    return [{ holds: this.any(small, this.alreadyInexact(RMode)), result }];
  }
}

/** Where the lanes that count are all of a vector or its lower half; lanes above them are zero in a result. */
class VectorPaths extends Paths {
  paths(): Path[] {
    const { name, from, to } = this.operation;
    switch (name) {
      case 'FPAdd':
      case 'FPSub':
      case 'FPMul':
      case 'FPMulX':
      case 'FPDiv':
      case 'FPSqrt':
        return this.#arithmetic(name);
      case 'FPMulAdd':
        return from === 64 ? this.#mulAdd() : this.#singleMulAdd();
      case 'FPMax':
      case 'FPMaxNum':
      case 'FPMin':
      case 'FPMinNum':
        return this.#exact(this.noFlush, this.#vector(extrema[name], ...this.inputs));
      case 'FPCompareEQ':
      case 'FPCompareGE':
      case 'FPCompareGT': {
        const ordered = this.inputs.map((x) => this.#vector('eq', x, x));
        const both = this.b.vector('v128.and', ordered[0], ordered[1]);
        const result = () => this.#cleared(this.#vector(comparisons[name], ...this.inputs));
        return [{ holds: this.all(this.noFlush, this.#every(both)), result }];
      }
      case 'FPRoundInt':
        return this.#roundInt();
      case 'FPConvert':
        return this.#convert();
      case 'FPToFixed':
        return from === 32 && to === 32 ? this.#toFixed() : [];
      case 'FixedToFP':
        return from === 32 && to === 32 ? this.#fromFixed() : [];
      default:
        return [];
    }
  }

  get #bits(): 32 | 64 {
    return this.operation.from === 64 ? 64 : 32;
  }
  #vector(operator: FloatVector, ...inputs: Value[]): Value {
    return this.f.vector(operator, this.#bits, ...inputs);
  }
  #constant(value: number): Value {
    return this.f.vectorConstant(this.#bits, value);
  }
  #and(x: Value, y: Value): Value {
    return this.b.vector('v128.and', x, y);
  }
  #or(x: Value, y: Value): Value {
    return this.b.vector('v128.or', x, y);
  }

  /** The result has all its lanes, or the upper half is cut off. */
  #cleared(value: Value): Value {
    const { elements, to } = this.operation;
    return elements * to === 128 ? value : this.#and(value, this.b.vectorConstant((1n << 64n) - 1n));
  }
  /** All lanes that count are ones. */
  #every(mask: Value): Value {
    const { b } = this;
    if (this.operation.elements * this.#bits === 128) return b.vector('i32x4.all_true', mask);
    return b.compare('eq', 64, b.extractLane(3, 0, mask), b.constant(64, -1n));
  }

  #exact(condition: Value, value: Value): Path[] {
    const r = this.b.let(128, value);
    return [{ holds: this.all(condition, this.#every(this.#vector('eq', r, r))), result: () => this.#cleared(r) }];
  }

  #isFinite(value: Value): Value {
    return this.#vector('lt', this.#vector('abs', value), this.#constant(Number.POSITIVE_INFINITY));
  }
  #isNormal(bits: 32 | 64, value: Value): Value {
    const { f } = this;
    const magnitude = this.b.let(128, f.vector('abs', bits, value));
    return this.#and(
      f.vector('gt', bits, magnitude, f.vectorConstant(bits, range[bits].smallest)),
      f.vector('lt', bits, magnitude, f.vectorConstant(bits, Number.POSITIVE_INFINITY)),
    );
  }
  #isZero(value: Value): Value {
    return this.#vector('eq', value, this.b.vectorConstant(0n));
  }

  #arithmetic(name: keyof typeof arithmetic): Path[] {
    const operator = arithmetic[name];
    const r = this.b.let(128, this.#vector(operator, ...this.inputs));
    const result = () => this.#cleared(r);
    if (operator !== 'mul' && operator !== 'div')
      return [{ holds: this.all(this.usualInexact, this.#every(this.#isFinite(r))), result }];
    const [x, y] = this.inputs.map((input) => this.#isZero(input));
    const exactZero = this.#and(this.#isZero(r), operator === 'div' ? x : this.#or(x, y));
    return [
      { holds: this.all(this.usualInexact, this.#every(this.#isNormal(this.#bits, r))), result },
      { holds: this.all(this.usualInexact, this.#every(this.#or(this.#isNormal(this.#bits, r), exactZero))), result },
    ];
  }

  #twoSum(x: Value, y: Value): [sum: Value, rest: Value] {
    const { b, f } = this;
    const double = (operator: FloatVector, p: Value, q: Value) => f.vector(operator, 64, p, q);
    const sum = b.let(128, double('add', x, y));
    const z = b.let(128, double('sub', sum, x));
    const restOfX = double('sub', x, double('sub', sum, z));
    return [sum, b.let(128, double('add', restOfX, double('sub', y, z)))];
  }

  /** As ScalarPaths, in both lanes. */
  #mulAdd(): Path[] {
    const { b, f } = this;
    const minus = (p: Value, q: Value) => f.vector('sub', 64, p, q);
    const times = (p: Value, q: Value) => f.vector('mul', 64, p, q);
    const split = (x: Value): [Value, Value] => {
      const scaled = b.let(128, times(x, this.#constant(2 ** 27 + 1)));
      const high = b.let(128, minus(scaled, minus(scaled, x)));
      return [high, b.let(128, minus(x, high))];
    };
    const [c, x, y] = this.inputs;
    const p = b.let(128, times(x, y));
    const [xh, xl] = split(x);
    const [yh, yl] = split(y);
    const e = b.let(128, minus(times(xl, yl), minus(minus(minus(p, times(xh, yh)), times(xl, yh)), times(xh, yl))));
    const [s, t] = this.#twoSum(p, c);
    const w = b.let(128, f.vector('add', 64, t, e));
    const beside = (factor: number) => f.vector('add', 64, s, times(w, this.#constant(factor)));
    const rounded = b.let(128, beside(1 + 2 ** -52));
    const noError = b.let(128, this.#isZero(e));
    const agrees = this.#vector('eq', rounded, beside(1 - 2 ** -52));
    const r = b.let(128, b.vector('v128.bitselect', s, rounded, noError));
    const largeProduct = b.let(128, this.#vector('gt', this.#vector('abs', p), this.#constant(2 ** -960)));
    const isRounded = b.let(128, this.#and(this.#isNormal(64, r), this.#and(largeProduct, this.#or(noError, agrees))));
    const zeroProduct = this.#and(this.#isZero(p), this.#or(this.#isZero(x), this.#isZero(y)));
    const cancels = this.#and(largeProduct, this.#and(noError, this.#isZero(s)));
    const isExact = this.#and(this.#isFinite(s), this.#or(zeroProduct, cancels));
    return [
      { holds: this.all(this.usualInexact, this.#every(isRounded)), result: () => r },
      {
        holds: this.all(this.usualInexact, this.#every(this.#or(isRounded, isExact))),
        result: () => b.vector('v128.bitselect', r, s, isRounded),
      },
    ];
  }

  /** As ScalarPaths: two lanes at a time, as doubles. */
  #singleMulAdd(): Path[] {
    const { b, f } = this;
    const whole = this.operation.elements === 4;
    const upper = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
    const halves = (input: Value): Value[] => [
      f.vectorConversion('promote', input),
      ...(whole ? [f.vectorConversion('promote', b.shuffle(upper, input, input))] : []),
    ];
    const [addends, xs, ys] = this.inputs.map((input) => halves(input).map((half) => b.let(128, half)));
    const products = xs.map((x, i) => b.let(128, f.vector('mul', 64, x, ys[i])));
    const sums = products.map((p, i) => b.let(128, f.vector('add', 64, p, addends[i])));
    const middle = (sum: Value) => {
      const low = this.#and(sum, this.#lanes(0x1fff_ffffn));
      return b.vector('i64x2.eq', low, this.#lanes(0x1000_0000n));
    };
    const rounded = sums.map((sum, i) => {
      const moved = () => {
        const [, rest] = this.#twoSum(products[i], addends[i]);
        const away = b.vector('i64x2.shr_s', b.vector('v128.xor', rest, sum), b.number(63));
        const isExact = f.vector('eq', 64, rest, b.vectorConstant(0n));
        const step = b.vector('v128.andnot', this.#or(away, this.#lanes(1n)), isExact);
        return b.vector('i64x2.add', sum, this.#and(step, middle(sum)));
      };
      return b.let(
        128,
        b.choose(128, b.vector('v128.any_true', middle(sum)), moved, () => sum),
      );
    });
    const demoted = rounded.map((sum) => f.vectorConversion('demote', sum));
    const lower = [0, 1, 2, 3, 4, 5, 6, 7];
    const joined = whole ? b.shuffle([...lower, ...lower.map((i) => i + 16)], demoted[0], demoted[1]) : demoted[0];
    const r = b.let(128, joined);
    const normal = b.let(128, this.#isNormal(32, r));
    const zeroSums = sums.map((sum) => f.vector('eq', 64, sum, b.vectorConstant(0n)));
    const evenWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
    const zero = b.shuffle(evenWords, zeroSums[0], zeroSums[1] ?? zeroSums[0]);
    return [
      { holds: this.all(this.usualInexact, this.#every(normal)), result: () => r },
      { holds: this.all(this.usualInexact, this.#every(this.#or(normal, zero))), result: () => r },
    ];
  }
  #lanes(value: bigint): Value {
    return this.b.vectorConstant(value * ((1n << 64n) | 1n));
  }

  #rounded(x: Value, rounding: Rounding | undefined): Value | undefined {
    const operator = rounding === undefined ? 'nearest' : roundings[rounding];
    return operator && this.#vector(operator, x);
  }

  #roundInt(): Path[] {
    const { rounding, variant } = this.operation;
    const [x] = this.inputs;
    const rounded = this.#rounded(x, rounding);
    if (rounded === undefined) return [];
    const r = this.b.let(128, rounded);
    const mode = rounding === undefined ? this.usual : this.noFlush;
    if (!variant) return this.#exact(mode, r);
    return this.#exact(this.all(mode, this.any(this.#every(this.#vector('eq', r, x)), this.usualInexact)), r);
  }

  /** Between the lower two singles and two doubles. */
  #convert(): Path[] {
    const { f, b } = this;
    const { from, to, rounding } = this.operation;
    if (rounding !== undefined || from === to) return [];
    const [x] = this.inputs;
    const r = b.let(128, f.vectorConversion(to === 64 ? 'promote' : 'demote', x));
    if (to === 64) {
      const same = b.vector('i64x2.all_true', f.vector('eq', 64, r, r));
      return [{ holds: this.all(this.noFlush, same), result: () => r }];
    }
    // The upper lanes of what was demoted are zero, and so not normal.
    const normal = b.extractLane(3, 0, this.#isNormal(32, r));
    const holds = this.all(this.usualInexact, b.compare('eq', 64, normal, b.constant(64, -1n)));
    return [{ holds, result: () => r }];
  }

  #power(sign: 1 | -1): Value {
    const { b } = this;
    const exponent = b.binary(sign > 0 ? 'add' : 'sub', 32, b.number(127), this.number!);
    return b.vector('i32x4.splat', b.binary('shl', 32, exponent, b.number(23)));
  }

  #toFixed(): Path[] {
    const { f, b } = this;
    const { rounding, variant: unsigned } = this.operation;
    const [input] = this.inputs;
    const x = b.let(128, this.number === undefined ? input : this.#vector('mul', input, this.#power(1)));
    const rounded = this.#rounded(x, rounding);
    if (rounded === undefined) return [];
    const r = b.let(128, rounded);
    const limit = 2 ** (unsigned ? 32 : 31);
    const fits = this.#and(
      this.#vector('ge', r, this.#constant(unsigned ? 0 : -limit)),
      this.#vector('lt', r, this.#constant(limit)),
    );
    const quiet = this.any(this.#every(this.#vector('eq', r, x)), this.alreadyInexact(0));
    const result = () => this.#cleared(f.vectorConversion(unsigned ? 'truncUnsigned' : 'truncSigned', r));
    return [{ holds: this.all(this.noFlush, this.#every(fits), quiet), result }];
  }

  #fromFixed(): Path[] {
    const { f, b } = this;
    const { variant: unsigned } = this.operation;
    const [integers] = this.inputs;
    const converted = f.vectorConversion(unsigned ? 'convertUnsigned' : 'convertSigned', integers);
    const scaled = this.number === undefined ? converted : f.vector('mul', 32, converted, this.#power(-1));
    const limit = b.vectorConstant((1n << 24n) * 0x1_0000_0001_0000_0001_0000_0001n);
    const magnitude = unsigned ? integers : b.vector('i32x4.abs', integers);
    const small = this.#every(b.vector('i32x4.le_u', magnitude, limit));
    return [{ holds: this.any(small, this.alreadyInexact(RMode)), result: () => this.#cleared(scaled) }];
  }
}
