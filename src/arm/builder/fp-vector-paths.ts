/** Quick ways for vectors. */
import type { Rounding } from '../fp/format.ts';
import { leastProduct, type Numbers, twoProduct, twoSum } from './error-free.ts';
import type { FloatVector } from './float.ts';
import { arithmetic, comparisons, extrema, type Path, Paths, RMode, range, roundings } from './fp-path.ts';
import type { Value } from './values.ts';

/**
 * 1.5 * 2^52: the last place of doubles near it is one. Added to a double that is a small integer it leaves that integer
 * in the lower bits of the pattern, and the other way round.
 */
const shifter = 1.5 * 2 ** 52;

/** Where the lanes that count are all of a vector or its lower half; lanes above them are zero in a result. */
export class VectorPaths extends Paths {
  paths(): (() => Path)[] {
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
        return [() => ({ holds: this.all(this.noFlush, this.#every(both)), result })];
      }
      case 'FPRoundInt':
        return this.#roundInt();
      case 'FPConvert':
        return this.#convert();
      case 'FPToFixed':
        return from === to ? this.#toFixed() : [];
      case 'FixedToFP':
        return from !== to ? [] : from === 64 ? this.#fromWideFixed() : this.#fromFixed();
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

  #numbers(bits: 32 | 64): Numbers<Value> {
    const { b, f } = this;
    return {
      bits,
      let: (value) => b.let(128, value),
      binary: (operator, x, y) => f.vector(operator, bits, x, y),
      constant: (value) => f.vectorConstant(bits, value),
    };
  }

  #exact(condition: Value, value: Value): (() => Path)[] {
    return [
      () => {
        const r = this.b.let(128, value);
        return { holds: this.all(condition, this.#every(this.#equal(r, r))), result: () => this.#cleared(r) };
      },
    ];
  }

  #equal(x: Value, y: Value): Value {
    return this.#vector('eq', x, y);
  }
  #isLarge(product: Value): Value {
    return this.#vector('gt', this.#vector('abs', product), this.#constant(leastProduct[this.#bits]));
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

  #arithmetic(name: keyof typeof arithmetic): (() => Path)[] {
    const operator = arithmetic[name];
    const numbers = this.#numbers(this.#bits);
    const [x, y] = this.inputs;
    const r = this.b.let(128, this.#vector(operator, ...this.inputs));
    const result = () => this.#cleared(r);
    switch (operator) {
      case 'add':
      case 'sub':
        return [
          () => ({ holds: this.all(this.usualInexact, this.#every(this.#isFinite(r))), result }),
          () => {
            const second = operator === 'sub' ? this.b.let(128, this.#vector('neg', y)) : y;
            const [, rest] = twoSum(numbers, x, second);
            return {
              holds: this.all(this.usual, this.#every(this.#and(this.#isFinite(r), this.#isZero(rest)))),
              result,
            };
          },
        ];
      case 'sqrt':
        return [() => ({ holds: this.all(this.usualInexact, this.#every(this.#isFinite(r))), result })];
      case 'mul':
      case 'div': {
        const normal = this.b.let(128, this.#isNormal(this.#bits, r));
        return [
          () => ({ holds: this.all(this.usualInexact, this.#every(normal)), result }),
          () => {
            const zeroOperand = operator === 'div' ? this.#isZero(x) : this.#or(this.#isZero(x), this.#isZero(y));
            const exactZero = this.b.let(128, this.#and(this.#isZero(r), zeroOperand));
            const rounded = this.all(this.usualInexact, this.#every(this.#or(normal, exactZero)));
            if (operator === 'div') return { holds: rounded, result };
            const [product, rest] = twoProduct(numbers, x, y);
            const isExact = this.#and(this.#isLarge(product), this.#isZero(rest));
            const exact = this.all(this.usual, this.#every(this.#or(isExact, exactZero)));
            return { holds: this.any(rounded, exact), result };
          },
        ];
      }
    }
  }

  /** As ScalarPaths, in both lanes. */
  #mulAdd(): (() => Path)[] {
    const { b } = this;
    const numbers = this.#numbers(64);
    const [c, x, y] = this.inputs;
    const [p, e] = twoProduct(numbers, x, y);
    const [s, t] = twoSum(numbers, p, c);
    const noError = b.let(128, this.#isZero(e));
    const large = b.let(128, this.#isLarge(p));
    const w = b.let(128, this.#vector('add', t, e));
    const beside = (factor: number) => this.#vector('add', s, this.#vector('mul', w, this.#constant(factor)));
    const nudged = b.let(128, beside(1 + 2 ** -52));
    const agrees = this.#equal(nudged, beside(1 - 2 ** -52));
    const r = b.let(128, b.vector('v128.bitselect', s, nudged, noError));
    const isRounded = b.let(128, this.#and(this.#isNormal(64, r), this.#and(large, this.#or(noError, agrees))));
    return [
      () => ({ holds: this.all(this.usualInexact, this.#every(isRounded)), result: () => r }),
      // In some lanes, or in all, the product is zero or exact, and the sum is exact.
      () => {
        const zeroProduct = this.#and(this.#isZero(p), this.#or(this.#isZero(x), this.#isZero(y)));
        const exactProduct = this.#or(zeroProduct, this.#and(large, noError));
        const isExact = b.let(128, this.#and(this.#and(this.#isFinite(s), this.#isZero(t)), exactProduct));
        const rounded = this.all(this.usualInexact, this.#every(this.#or(isRounded, isExact)));
        return {
          holds: this.any(rounded, this.all(this.usual, this.#every(isExact))),
          result: () => b.vector('v128.bitselect', s, r, isExact),
        };
      },
    ];
  }

  /** As ScalarPaths: two lanes at a time, as doubles. */
  #singleMulAdd(): (() => Path)[] {
    const { b, f } = this;
    const numbers = this.#numbers(64);
    const whole = this.operation.elements === 4;
    const upper = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
    const halves = (input: Value): Value[] => [
      f.vectorConversion('promote', input),
      ...(whole ? [f.vectorConversion('promote', b.shuffle(upper, input, input))] : []),
    ];
    const [addends, xs, ys] = this.inputs.map((input) => halves(input).map((half) => b.let(128, half)));
    const products = xs.map((x, i) => b.let(128, f.vector('mul', 64, x, ys[i])));
    const sums = products.map((p, i) => b.let(128, f.vector('add', 64, p, addends[i])));
    const isZero = (x: Value) => f.vector('eq', 64, x, b.vectorConstant(0n));
    const restOf = (i: number) => twoSum(numbers, products[i], addends[i])[1];
    const isMiddle = (sum: Value) =>
      b.vector('i64x2.eq', this.#and(sum, this.#lanes(0x1fff_ffffn)), this.#lanes(0x1000_0000n));
    const once = sums.map((sum, i) => {
      const middle = b.let(128, isMiddle(sum));
      const moved = () => {
        const rest = restOf(i);
        const away = b.vector('i64x2.shr_s', b.vector('v128.xor', rest, sum), b.number(63));
        const step = b.vector('v128.andnot', this.#or(away, this.#lanes(1n)), isZero(rest));
        return b.vector('i64x2.add', sum, this.#and(step, middle));
      };
      return b.let(
        128,
        b.choose(128, b.vector('v128.any_true', middle), moved, () => sum),
      );
    });
    const singles = once.map((sum) => f.vectorConversion('demote', sum));
    const lower = [0, 1, 2, 3, 4, 5, 6, 7];
    const joined = whole ? b.shuffle([...lower, ...lower.map((i) => i + 16)], singles[0], singles[1]) : singles[0];
    const r = b.let(128, joined);
    const normal = b.let(128, this.#isNormal(32, r));
    /** From masks of doubles to one of singles. */
    const evenWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
    const narrow = (masks: Value[]) => b.shuffle(evenWords, masks[0], masks[1] ?? masks[0]);
    const result = () => r;
    return [
      () => ({ holds: this.all(this.usualInexact, this.#every(normal)), result }),
      () => {
        const rounded = this.all(this.usualInexact, this.#every(this.#or(normal, narrow(sums.map(isZero)))));
        const same = (sum: Value, i: number) => {
          const half = whole && i === 1 ? b.shuffle(upper, r, r) : r;
          return this.#and(f.vector('eq', 64, f.vectorConversion('promote', half), sum), isZero(restOf(i)));
        };
        const isExact = this.#and(this.#isFinite(r), narrow(sums.map((sum, i) => b.let(128, same(sum, i)))));
        return { holds: this.any(rounded, this.all(this.usual, this.#every(isExact))), result };
      },
    ];
  }
  #lanes(value: bigint): Value {
    return this.b.vectorConstant(value * ((1n << 64n) | 1n));
  }

  #rounded(x: Value, rounding: Rounding | undefined): Value | undefined {
    const operator = rounding === undefined ? 'nearest' : roundings[rounding];
    return operator && this.#vector(operator, x);
  }

  #roundInt(): (() => Path)[] {
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
  #convert(): (() => Path)[] {
    const { f, b } = this;
    const { from, to, rounding } = this.operation;
    if (rounding !== undefined || from === to) return [];
    const [x] = this.inputs;
    const r = b.let(128, f.vectorConversion(to === 64 ? 'promote' : 'demote', x));
    if (to === 64) {
      const same = b.vector('i64x2.all_true', f.vector('eq', 64, r, r));
      return [() => ({ holds: this.all(this.noFlush, same), result: () => r })];
    }
    // The upper lanes of what was demoted are zero, and so not normal.
    const lower = (mask: Value) => b.compare('eq', 64, b.extractLane(3, 0, mask), b.constant(64, -1n));
    const result = () => r;
    return [
      () => ({ holds: this.all(this.usualInexact, lower(this.#isNormal(32, r))), result }),
      () => {
        const same = f.vector('eq', 64, f.vectorConversion('promote', r), x);
        return { holds: this.all(this.noFlush, b.vector('i64x2.all_true', same)), result };
      },
    ];
  }

  /** 2^(fbits * sign) in all lanes. */
  #power(sign: 1 | -1): Value {
    const { b } = this;
    const [bias, fractionBits] = this.#bits === 64 ? [1023, 52] : [127, 23];
    const exponent = b.binary(sign > 0 ? 'add' : 'sub', 32, b.number(bias), this.number!);
    if (this.#bits === 32) return b.vector('i32x4.splat', b.binary('shl', 32, exponent, b.number(fractionBits)));
    const shifted = b.binary('shl', 64, b.zeroExtend(exponent), b.constant(64, BigInt(fractionBits)));
    return b.vector('i64x2.splat', shifted);
  }

  /** Integers of 64 bits have a quick way only where they are small: see `shifter`. */
  #toFixed(): (() => Path)[] {
    const { f, b } = this;
    const { rounding, variant: unsigned } = this.operation;
    const isWide = this.#bits === 64;
    const [input] = this.inputs;
    const x = b.let(128, this.number === undefined ? input : this.#vector('mul', input, this.#power(1)));
    const rounded = this.#rounded(x, rounding);
    if (rounded === undefined) return [];
    const r = b.let(128, rounded);
    const limit = isWide ? 2 ** 51 : 2 ** (unsigned ? 32 : 31);
    const fits = this.#and(
      this.#vector('ge', r, this.#constant(unsigned ? 0 : -limit)),
      this.#vector('lt', r, this.#constant(limit)),
    );
    const quiet = this.any(this.#every(this.#equal(r, x)), this.alreadyInexact(0));
    const narrow = () => f.vectorConversion(unsigned ? 'truncUnsigned' : 'truncSigned', r);
    const wide = () => b.vector('i64x2.sub', this.#vector('add', r, this.#constant(shifter)), this.#constant(shifter));
    const result = () => (isWide ? wide() : this.#cleared(narrow()));
    return [() => ({ holds: this.all(this.noFlush, this.#every(fits), quiet), result })];
  }

  /** Of 64 bits, where they are small: their doubles are exact. */
  #fromWideFixed(): (() => Path)[] {
    const { b } = this;
    const [integers] = this.inputs;
    const { variant: unsigned } = this.operation;
    const offset = unsigned ? integers : b.vector('i64x2.add', integers, this.#lanes(1n << 51n));
    const high = b.vector('i64x2.shr_u', offset, b.number(unsigned ? 51 : 52));
    const small = this.#every(b.vector('i64x2.eq', high, b.vectorConstant(0n)));
    const moved = b.vector('i64x2.add', integers, this.#constant(shifter));
    const converted = this.#vector('sub', moved, this.#constant(shifter));
    const scaled = () => (this.number === undefined ? converted : this.#vector('mul', converted, this.#power(-1)));
    return [() => ({ holds: small, result: scaled })];
  }

  #fromFixed(): (() => Path)[] {
    const { f, b } = this;
    const { variant: unsigned } = this.operation;
    const [integers] = this.inputs;
    const converted = f.vectorConversion(unsigned ? 'convertUnsigned' : 'convertSigned', integers);
    const scaled = this.number === undefined ? converted : f.vector('mul', 32, converted, this.#power(-1));
    const limit = b.vectorConstant((1n << 24n) * 0x1_0000_0001_0000_0001_0000_0001n);
    const magnitude = unsigned ? integers : b.vector('i32x4.abs', integers);
    const small = this.#every(b.vector('i32x4.le_u', magnitude, limit));
    return [() => ({ holds: this.any(small, this.alreadyInexact(RMode)), result: () => this.#cleared(scaled) })];
  }
}
