/** Holds the arithmetic against the host's own, which rounds to nearest. */
import { expect, test } from 'vitest';
import { fpAdd, fpDiv, fpMul, fpMulAdd, fpSqrt, fpSub } from '../../../src/arm/fp/arithmetic.ts';
import { fpCompare } from '../../../src/arm/fp/compare.ts';
import { fixedToFp, fpConvert, fpRoundInt, fpToFixed } from '../../../src/arm/fp/convert.ts';
import {
  double,
  type Format,
  Fpcr,
  type FpState,
  Fpsr,
  fpDefaultNaN,
  Rounding,
  single,
  unpack,
} from '../../../src/arm/fp/format.ts';
import { drawNumber, Random } from './random.ts';

const buffer = new DataView(new ArrayBuffer(8));
function numberOf(f: Format, bits: bigint): number {
  buffer.setBigUint64(0, f === double ? bits : bits << 32n);
  return f === double ? buffer.getFloat64(0) : buffer.getFloat32(0);
}
function bitsOf(f: Format, value: number): bigint {
  if (f === double) buffer.setFloat64(0, value);
  else buffer.setFloat32(0, value);
  return f === double ? buffer.getBigUint64(0) : BigInt(buffer.getUint32(0));
}
const state = (fpcr = 0): FpState => ({ fpcr, fpsr: 0 });
const toNearest = Rounding.tieEven;

/** The exact value as a fraction of 2^1200: long division is not for tests that should be quick. */
function exactly(f: Format, bits: bigint): bigint {
  const { sign, mantissa, exponent } = unpack(f, bits, state());
  const magnitude = mantissa << BigInt(exponent + 1200);
  return sign ? -magnitude : magnitude;
}
const isNumber = (f: Format, bits: bigint) => Number.isFinite(numberOf(f, bits));

for (const f of [single, double])
  test(`${f.bits} bits: the results are the host's, and inexact ones are told`, () => {
    const random = new Random(f.bits);
    for (let i = 0; i < 20_000; i++) {
      const [a, b] = [drawNumber(random, f), drawNumber(random, f)];
      const [x, y] = [numberOf(f, a), numberOf(f, b)];
      const check = (
        name: string,
        value: number,
        operation: (fp: FpState) => bigint,
        exact?: (r: bigint) => boolean,
      ) => {
        const fp = state();
        const result = operation(fp);
        const wanted = f === double ? value : Math.fround(value);
        const text = `${name} ${a.toString(16)} ${b.toString(16)}`;
        if (Number.isNaN(wanted)) {
          expect(numberOf(f, result), text).toBeNaN();
          return;
        }
        if (result !== bitsOf(f, wanted)) expect.fail(`${text}: ${result.toString(16)}, not ${wanted}`);
        if (exact && Number.isFinite(x) && Number.isFinite(y) && isNumber(f, result))
          if (((fp.fpsr & Fpsr.IXC) === 0) !== exact(result)) expect.fail(`${text}: FPSR ${fp.fpsr}`);
      };
      const [p, q] = [exactly(f, a), exactly(f, b)];
      const one = 1n << 1200n;
      check(
        'add',
        x + y,
        (fp) => fpAdd(f, a, b, fp),
        (r) => exactly(f, r) === p + q,
      );
      check(
        'sub',
        x - y,
        (fp) => fpSub(f, a, b, fp),
        (r) => exactly(f, r) === p - q,
      );
      check(
        'mul',
        x * y,
        (fp) => fpMul(f, a, b, fp),
        (r) => exactly(f, r) * one === p * q,
      );
      check(
        'div',
        x / y,
        (fp) => fpDiv(f, a, b, fp),
        (r) => exactly(f, r) * q === p * one || q === 0n,
      );
      check(
        'sqrt',
        Math.sqrt(x),
        (fp) => fpSqrt(f, a, fp),
        (r) => exactly(f, r) ** 2n === p * one,
      );
      check(
        'mulAdd',
        x * y,
        (fp) => fpMulAdd(f, bitsOf(f, -0), a, b, fp),
        (r) => exactly(f, r) * one === p * q,
      );
      const flags = Number.isNaN(x) || Number.isNaN(y) ? 3 : x === y ? 6 : x < y ? 8 : 2;
      expect(fpCompare(f, a, b, false, state())).toBe(flags);
    }
  });

test('single from double and back', () => {
  const random = new Random(1);
  for (let i = 0; i < 20_000; i++) {
    const a = drawNumber(random, double);
    const x = numberOf(double, a);
    if (Number.isNaN(x)) continue;
    expect(fpConvert(double, single, a, toNearest, state())).toBe(bitsOf(single, x));
    const b = drawNumber(random, single);
    const y = numberOf(single, b);
    if (!Number.isNaN(y)) expect(fpConvert(single, double, b, toNearest, state())).toBe(bitsOf(double, y));
  }
});

test('integers', () => {
  const random = new Random(2);
  const roundings: readonly (readonly [Rounding, (x: number) => number])[] = [
    [Rounding.positive, Math.ceil],
    [Rounding.negative, Math.floor],
    [Rounding.zero, Math.trunc],
    [Rounding.tieAway, (x) => Math.trunc(x) + (Math.abs(x - Math.trunc(x)) >= 0.5 ? Math.sign(x) : 0)],
  ];
  for (let i = 0; i < 5_000; i++) {
    const a = drawNumber(random, double);
    const x = numberOf(double, a);
    if (!Number.isFinite(x)) continue;
    for (const [rounding, of] of roundings) {
      const wanted = of(x) === 0 ? (x < 0 || Object.is(x, -0) ? -0 : 0) : of(x);
      const fp = state();
      expect(fpRoundInt(double, a, rounding, true, fp)).toBe(bitsOf(double, wanted));
      expect(fp.fpsr).toBe(wanted === x ? 0 : Fpsr.IXC);
      const clamped = wanted < -(2 ** 63) ? -(2n ** 63n) : wanted >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(wanted);
      const fixed = state();
      expect(fpToFixed(double, a, 64, 0, false, rounding, fixed)).toBe(BigInt.asUintN(64, clamped));
      const overflow = wanted < -(2 ** 63) || wanted >= 2 ** 63;
      expect(fixed.fpsr).toBe(overflow ? Fpsr.IOC : wanted === x ? 0 : Fpsr.IXC);
    }
    const integer = random.bits(64);
    expect(fixedToFp(double, integer, 64, 0, true, toNearest, state())).toBe(bitsOf(double, Number(integer)));
    const signed = BigInt.asIntN(64, integer);
    expect(fixedToFp(double, integer, 64, 0, false, toNearest, state())).toBe(bitsOf(double, Number(signed)));
  }
});

test('directed rounding brackets the exact result', () => {
  const random = new Random(3);
  for (let i = 0; i < 5_000; i++) {
    const [a, b] = [drawNumber(random, double), drawNumber(random, double)];
    if (![a, b].every((bits) => isNumber(double, bits))) continue;
    const exact = exactly(double, a) * exactly(double, b);
    const [nearest, up, down, zero] = [0, 1, 2, 3].map((mode) => fpMul(double, a, b, state(mode << Fpcr.rmodeShift)));
    const values = [down, up].map((bits) => (isNumber(double, bits) ? exactly(double, bits) << 1200n : undefined));
    if (values[0] !== undefined) expect(values[0] <= exact).toBe(true);
    if (values[1] !== undefined) expect(values[1] >= exact).toBe(true);
    expect([up, down]).toContain(nearest);
    expect(zero).toBe(numberOf(double, a) < 0 === numberOf(double, b) < 0 ? down : up);
  }
});

test('NaNs: the first signaling one, else the first quiet one; the default NaN with FPCR.DN', () => {
  const [quiet, quiet2] = [0x7fc0_0001n, 0xffc0_0002n];
  const [signaling, one] = [0xff80_0003n, 0x3f80_0000n];
  const rows: readonly (readonly [a: bigint, b: bigint, result: bigint, flags: number])[] = [
    [quiet, one, quiet, 0],
    [one, quiet2, quiet2, 0],
    [quiet, quiet2, quiet, 0],
    [quiet, signaling, 0xffc0_0003n, Fpsr.IOC],
    [0x7f80_0000n, 0xff80_0000n, fpDefaultNaN(single), Fpsr.IOC],
  ];
  for (const [a, b, result, flags] of rows) {
    const fp = state();
    expect(fpAdd(single, a, b, fp)).toBe(result);
    expect(fp.fpsr).toBe(flags);
    expect(fpAdd(single, a, b, state(Fpcr.DN))).toBe(fpDefaultNaN(single));
  }
  const fp = state();
  expect(fpMulAdd(single, quiet, 0x7f80_0000n, 0n, fp)).toBe(fpDefaultNaN(single));
  expect(fp.fpsr).toBe(Fpsr.IOC);
});

test('denormal numbers are flushed with FPCR.FZ; tininess is found before rounding', () => {
  const smallest = 1n;
  const one = 0x3f80_0000n;
  const flushed = state(Fpcr.FZ);
  expect(fpMul(single, smallest, one, flushed)).toBe(0n);
  expect(flushed.fpsr).toBe(Fpsr.IDC);
  const halved = state(Fpcr.FZ);
  expect(fpMul(single, 0x8080_0000n, 0x3f00_0000n, halved)).toBe(0x8000_0000n);
  expect(halved.fpsr).toBe(Fpsr.UFC);
  // The product lies just below the smallest normal number, and is rounded to it.
  const rounded = state();
  expect(fpMul(single, 0x0080_0001n, 0x3f7f_ffffn, rounded)).toBe(0x0080_0000n);
  expect(rounded.fpsr & Fpsr.UFC).toBe(0);
  const tiny = state();
  expect(fpMul(single, 0x00ff_ffffn, 0x3f00_0000n, tiny)).toBe(0x0080_0000n);
  expect(tiny.fpsr).toBe(Fpsr.UFC | Fpsr.IXC);
});
