/** Quick ways for single elements. */
import { Rounding } from '../fp/format.ts';
import { leastProduct, type Numbers, twoProduct, twoSum } from './error-free.ts';
import { type Float, patternOf } from './float.ts';
import { arithmetic, extrema, type Path, Paths, RMode, range, roundings } from './fp-path.ts';
import type { Value } from './values.ts';

export class ScalarPaths extends Paths {
  paths(): (() => Path)[] {
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

  #numbers(bits: 32 | 64): Numbers<Float> {
    const { f } = this;
    return {
      bits,
      let: (value) => f.let(value),
      binary: (operator, x, y) => f.binary(operator, x, y),
      constant: (value) => f.constant(bits, value),
    };
  }

  /** Not a NaN. */
  #exact(condition: Value, value: Float): (() => Path)[] {
    return [
      () => {
        const r = this.f.let(value);
        return { holds: this.all(condition, this.f.compare('eq', r, r)), result: () => this.f.patternOf(r) };
      },
    ];
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

  #equal(x: Float, y: Float): Value {
    return this.f.compare('eq', x, y);
  }
  #isZero(x: Float): Value {
    return this.#equal(x, this.f.constant(x.bits, 0));
  }
  #isLarge(product: Float): Value {
    return this.f.compare(
      'gt',
      this.f.unary('abs', product),
      this.f.constant(product.bits, leastProduct[product.bits]),
    );
  }

  #arithmetic(name: keyof typeof arithmetic): (() => Path)[] {
    const { f, b } = this;
    const operator = arithmetic[name];
    const numbers = this.#numbers(this.#bits);
    const isRoot = operator === 'sqrt';
    const [x, y] = this.inputs.map((_, i) => f.let(this.#input(i)));
    const r = f.let(isRoot ? f.unary('sqrt', x) : f.binary(operator, x, y));
    const pattern = b.let(this.#bits, f.patternOf(r));
    const result = () => pattern;
    switch (operator) {
      // Sums are never inexact and tiny at once; roots are never tiny.
      case 'add':
      case 'sub':
        return [
          () => ({ holds: this.all(this.usualInexact, this.#isFinite(r)), result }),
          () => {
            const [, rest] = twoSum(numbers, x, operator === 'sub' ? f.let(f.unary('neg', y)) : y);
            return { holds: this.all(this.usual, this.#isFinite(r), this.#isZero(rest)), result };
          },
        ];
      case 'sqrt':
        return [
          () => ({ holds: this.all(this.usualInexact, this.#isFinite(r)), result }),
          () => {
            const [square, rest] = twoProduct(numbers, r, r);
            const isExact = this.all(this.#isLarge(square), this.#equal(square, x), this.#isZero(rest));
            return { holds: this.all(this.usual, this.any(isExact, this.#isZero(x))), result };
          },
        ];
      case 'mul':
        return [
          () => ({ holds: this.all(this.usualInexact, this.#isNormal(this.#bits, pattern)), result }),
          () => {
            const [product, rest] = twoProduct(numbers, x, y);
            const exactZero = this.all(this.#isZero(r), this.any(this.#isZero(x), this.#isZero(y)));
            return {
              holds: this.all(this.usual, this.any(exactZero, this.all(this.#isLarge(product), this.#isZero(rest)))),
              result,
            };
          },
        ];
      case 'div':
        return [
          () => ({ holds: this.all(this.usualInexact, this.#isNormal(this.#bits, pattern)), result }),
          () => {
            const [product, rest] = twoProduct(numbers, r, y);
            const normal = this.all(this.#isNormal(this.#bits, pattern), this.#isLarge(product));
            const isExact = this.all(normal, this.#equal(product, x), this.#isZero(rest));
            return {
              holds: this.all(this.usual, this.any(isExact, this.all(this.#isZero(r), this.#isZero(x)))),
              result,
            };
          },
        ];
    }
  }

  /**
   * Doubles: x * y = p + e, p + c = s + t, and s + (t + e) rounds to the result unless t + e, which is rounded itself,
   * lies at the middle between two numbers: then both sides of it give another sum (Ziv's test).
   */
  #mulAdd(): (() => Path)[] {
    const { f, b } = this;
    const numbers = this.#numbers(64);
    const [c, x, y] = [0, 1, 2].map((i) => f.let(this.#input(i)));
    const [p, e] = twoProduct(numbers, x, y);
    const [s, t] = twoSum(numbers, p, c);
    const noError = b.let(32, this.#isZero(e));
    return [
      () => {
        const w = f.let(f.binary('add', t, e));
        const beside = (factor: number) => f.binary('add', s, f.binary('mul', w, f.constant(64, factor)));
        const r = f.let(beside(1 + 2 ** -52));
        const agrees = this.#equal(r, beside(1 - 2 ** -52));
        const pattern = b.let(64, f.patternOf(f.select(noError, s, r)));
        const isRounded = this.all(this.#isNormal(64, pattern), this.#isLarge(p), this.any(noError, agrees));
        return { holds: this.all(this.usualInexact, isRounded), result: () => pattern };
      },
      // A product that is zero or exact, and a sum that is exact.
      () => {
        const zeroProduct = this.all(this.#isZero(p), this.any(this.#isZero(x), this.#isZero(y)));
        const isExact = this.any(zeroProduct, this.all(this.#isLarge(p), noError));
        return {
          holds: this.all(this.usual, this.#isFinite(s), isExact, this.#isZero(t)),
          result: () => f.patternOf(s),
        };
      },
    ];
  }

  /** Singles: the product is exact as a double; the sum is rounded twice, which matters at the middle of two singles. */
  #singleMulAdd(): (() => Path)[] {
    const { f, b } = this;
    const [c, x, y] = [0, 1, 2].map((i) => f.let(f.promote(this.#input(i))));
    const p = f.let(f.binary('mul', x, y));
    const sum = f.let(f.binary('add', p, c));
    const isZero = () => this.#isZero(sum);
    const restOf = () => twoSum(this.#numbers(64), p, c)[1];
    const moved = () => {
      const rest = restOf();
      const away = b.binary('xor', 64, f.patternOf(rest), f.patternOf(sum));
      const step = b.binary('or', 64, b.binary('shr_s', 64, away, b.constant(64, 63n)), b.constant(64, 1n));
      return b.select(64, this.#isZero(rest), f.patternOf(sum), b.binary('add', 64, f.patternOf(sum), step));
    };
    const low = b.binary('and', 64, f.patternOf(sum), b.constant(64, 0x1fff_ffffn));
    const isMiddle = b.compare('eq', 64, low, b.constant(64, 0x1000_0000n));
    const once = b.choose(64, isMiddle, moved, () => f.patternOf(sum));
    const pattern = b.let(32, f.patternOf(f.demote(f.of(64, once))));
    const result = () => pattern;
    return [
      () => ({ holds: this.all(this.usualInexact, this.any(this.#isNormal(32, pattern), isZero())), result }),
      () => {
        const isSame = this.#equal(f.promote(f.of(32, pattern)), sum);
        return { holds: this.all(this.usual, this.#isFinite(sum), isSame, this.#isZero(restOf())), result };
      },
    ];
  }

  /** Bit 0: greater or equal, bit 1: less or equal. */
  #compare(): (() => Path)[] {
    const { f, b } = this;
    const [x, y] = [f.let(this.#input(0)), f.let(this.#input(1))];
    const le = b.binary('shl', 32, f.compare('le', x, y), b.number(1));
    const order = b.let(32, b.binary('or', 32, f.compare('ge', x, y), le));
    const ordered = b.compare('ne', 32, order, b.number(0));
    return [() => ({ holds: this.all(this.noFlush, ordered), result: () => order })];
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

  #roundInt(): (() => Path)[] {
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

  #convert(): (() => Path)[] {
    const { f, b } = this;
    const { from, to, rounding } = this.operation;
    if (rounding !== undefined) return [];
    if (from === 32 && to === 64) return this.#exact(this.noFlush, f.promote(this.#input(0)));
    const x = f.let(this.#input(0));
    const pattern = b.let(32, f.patternOf(f.demote(x)));
    const result = () => pattern;
    return [
      () => ({ holds: this.all(this.usualInexact, this.#isNormal(32, pattern)), result }),
      () => ({ holds: this.all(this.noFlush, this.#equal(f.promote(f.of(32, pattern)), x)), result }),
    ];
  }

  /** 2^(number * sign), as a double. */
  #power(sign: 1 | -1): Float {
    const { b } = this;
    const bias = b.number(1023);
    const exponent = b.binary(sign > 0 ? 'add' : 'sub', 32, bias, this.number!);
    return this.f.of(64, b.binary('shl', 64, b.zeroExtend(exponent), b.constant(64, 52n)));
  }

  #toFixed(): (() => Path)[] {
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
    return [() => ({ holds: this.all(this.noFlush, fits, quiet), result: () => f.truncate(to, unsigned, r) })];
  }

  #fromFixed(): (() => Path)[] {
    const { f, b } = this;
    const { from, to, variant: unsigned } = this.operation;
    const bits = to === 64 ? 64 : 32;
    const [integer] = this.inputs;
    const converted = f.convert(bits, unsigned, integer);
    const scale = () => (bits === 64 ? this.#power(-1) : f.demote(this.#power(-1)));
    const result = () => f.patternOf(this.number === undefined ? converted : f.binary('mul', converted, scale()));
    if (from === 32 && to === 64) return [() => ({ holds: b.number(1), result })];
    const width = from === 64 ? 64 : 32;
    const limit = 1n << (bits === 64 ? 53n : 24n);
    const offset = unsigned ? integer : b.binary('add', width, integer, b.constant(width, limit));
    const small = b.compare('lt_u', width, offset, b.constant(width, unsigned ? limit : 2n * limit));
    return [() => ({ holds: this.any(small, this.alreadyInexact(RMode)), result })];
  }
}
