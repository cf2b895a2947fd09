/**
 * The quick ways of floating-point operations against the pseudocode's arithmetic, on operands that lie where quick ways
 * go wrong: whatever is not left to the pseudocode must be its result, and must leave FPSR as it would.
 */
import { expect, test } from 'vitest';
import { fpPath } from '../../../src/arm/builder/fp-paths.ts';
import { Layout } from '../../../src/arm/builder/layout.ts';
import { Values } from '../../../src/arm/builder/values.ts';
import { encodeModule } from '../../../src/arm/builder/wasm.ts';
import { type Format, Fpcr, Fpsr, formats, Rounding } from '../../../src/arm/fp/format.ts';
import {
  carryOut,
  type ElementBits,
  type FpFunction,
  type FpOperation,
  fpWidths,
  operandsOf,
} from '../../../src/arm/fp/operation.ts';
import { drawNumber, Random } from './random.ts';

/** Set where the quick way is not taken. */
const leftAt = 0;
const numberAt = 8;

/** A module that carries one operation out on Layout.fpOperands. */
function compile(operation: FpOperation, withNumber: boolean): { memory: DataView; run: () => void } {
  const b = new Values(0);
  const { inputs, output } = fpWidths(operation);
  const sizeOf = (width: number) => (width === 128 ? 4 : width === 64 ? 3 : 2);
  const operands = Array.from({ length: operandsOf(operation) }, (_, i) =>
    b.let(inputs, b.readAt(sizeOf(inputs), Layout.fpOperands + 16 * i)),
  );
  const slow = () => {
    b.writeAt(2, leftAt, b.number(1));
    return operands[0].width === output ? operands[0] : output === 64 ? b.constant(64, 0n) : b.number(0);
  };
  const number = withNumber ? b.let(32, b.readAt(2, numberAt)) : undefined;
  b.writeAt(sizeOf(output), Layout.fpOperands, b.let(output, fpPath(b, operation, operands, number, slow)));
  const bytes = encodeModule({
    types: [{ parameters: [], results: [] }],
    imports: [],
    functions: [{ type: 0, locals: b.locals, code: b.code.bytes }],
    table: [],
    exports: [{ name: 'run', index: 0 }],
    custom: [],
  });
  const memory = new WebAssembly.Memory({ initial: 2 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)), { host: { memory } });
  return { memory: new DataView(memory.buffer), run: instance.exports.run as () => void };
}

/** FPCR and FPSR with which most quick ways are open, and others. */
const states = [
  [0, Fpsr.IXC],
  [0, 0],
  [Fpcr.DN, Fpsr.IXC],
  [Fpcr.FZ, Fpsr.IXC],
  [1 << Fpcr.rmodeShift, Fpsr.IXC],
  [3 << Fpcr.rmodeShift, 0],
] as const;

const binary: readonly FpFunction[] = ['FPAdd', 'FPSub', 'FPMul', 'FPMulX', 'FPDiv', 'FPMulAdd', 'FPMax', 'FPMinNum'];

/** A power of two with its neighbours, where conversions overflow and results become tiny. */
function edge(random: Random, f: Format): bigint {
  const exponents = [
    31,
    32,
    63,
    64,
    0,
    -1,
    f.minimumExponent,
    f.minimumExponent + 1,
    f.minimumExponent + f.fractionBits,
  ];
  const biased = exponents[random.below(exponents.length)] + (f.maximumExponent >> 1);
  const middle = BigInt(biased) << BigInt(f.fractionBits);
  return (random.below(2) ? f.signBit : 0n) | (middle + BigInt(random.below(5) - 2));
}

/** Operands of which the exact result is near the middle of two numbers, or tiny. */
function related(random: Random, f: Format, tame: boolean): bigint[] {
  const p = f.fractionBits + 1;
  const one = BigInt(f.maximumExponent >> 1) << BigInt(f.fractionBits);
  const scaled = (bits: bigint, power: number) => bits + (BigInt(power) << BigInt(f.fractionBits));
  const sign = () => (random.below(2) ? f.signBit : 0n);
  switch (tame ? 2 * random.below(2) : random.below(4)) {
    case 0: {
      // (1 + d) (1 - d) is a little less than one, and the addend makes one the half of its last place.
      const k = 1 + random.below(p - 1);
      const [i, j] = [random.below(9) - 4, random.below(9) - 4];
      const up = one | (1n << BigInt(f.fractionBits - k));
      const down = one - (1n << BigInt(f.fractionBits + 1 - k));
      const addend = one | (random.bits(f.fractionBits) & (random.below(2) ? 3n : f.fractionMask));
      return [
        sign() | scaled(addend, p + i + j + random.below(3) - 1),
        sign() | scaled(up, i),
        sign() | scaled(down, j),
      ];
    }
    case 1: {
      // Ones times a power of two: rounded up to the smallest normal number, or just not.
      const power = f.minimumExponent - 2 + random.below(4);
      const half = power >> 1;
      return [
        sign() | BigInt(random.below(4)),
        sign() | scaled(one | f.fractionMask, half),
        sign() | scaled(one, power - half),
      ];
    }
    case 2: {
      // An addend that takes away most of the product.
      const [x, y] = [one | random.bits(f.fractionBits), one | random.bits(f.fractionBits)];
      const product = carryOut(operationOf('FPMul', f.bits as ElementBits, 1), { fpcr: 0, fpsr: 0 }, 0, x, y);
      return [(product ^ f.signBit) + BigInt(random.below(3) - 1), x, y];
    }
    default:
      return [edge(random, f), edge(random, f), edge(random, f)];
  }
}

/** Numbers near one: of vectors all elements must be quick. */
const nearOne = (random: Random, f: Format): bigint => {
  const exponent = BigInt((f.maximumExponent >> 1) + random.below(8) - 3);
  const sign = random.below(4) === 0 ? f.signBit : 0n;
  return (
    sign |
    (exponent << BigInt(f.fractionBits)) |
    ((random.bits(f.fractionBits) << BigInt(random.below(f.fractionBits))) & f.fractionMask)
  );
};

function draw(random: Random, f: Format, tame: boolean): bigint[] {
  const number = tame ? nearOne : drawNumber;
  if (random.below(2)) return [number(random, f), number(random, f), number(random, f)];
  return related(random, f, tame);
}

const operationOf = (
  name: FpFunction,
  from: ElementBits,
  elements: FpOperation['elements'],
  more = {},
): FpOperation => ({
  name,
  from,
  to: from,
  elements,
  rounding: undefined,
  variant: false,
  ...more,
});

interface Case {
  readonly operation: FpOperation;
  /** Numbers of fractional bits to try; none: the operation has none. */
  readonly numbers?: number;
  /** Its operands are integers. */
  readonly integers?: boolean;
}

const cases: Case[] = [32, 64].flatMap((bits) => {
  const from = bits as 32 | 64;
  const other = from === 32 ? 64 : 32;
  const shapes = from === 32 ? ([1, 2, 4] as const) : ([1, 2] as const);
  const roundings = [Rounding.tieEven, Rounding.positive, Rounding.negative, Rounding.zero, Rounding.tieAway];
  const of = (name: FpFunction, more = {}) => shapes.map((n) => ({ operation: operationOf(name, from, n, more) }));
  return [
    ...[...binary, 'FPSqrt' as const].flatMap((name) => of(name)),
    ...(['FPCompareEQ', 'FPCompareGE', 'FPCompareGT'] as const).flatMap((name) => of(name)),
    { operation: operationOf('FPCompare', from, 1, { to: 32 }) },
    ...[...roundings, undefined].flatMap((rounding) =>
      [false, true].flatMap((variant) => of('FPRoundInt', { rounding, variant })),
    ),
    { operation: operationOf('FPConvert', from, 1, { to: other }) },
    { operation: operationOf('FPConvert', from, 2, { to: other }) },
    ...roundings.flatMap((rounding) =>
      [false, true].flatMap((variant) => [
        ...([32, 64] as const).map((to) => ({
          operation: operationOf('FPToFixed', from, 1, { to, rounding, variant }),
        })),
        ...of('FPToFixed', { rounding, variant }).filter(({ operation }) => operation.elements > 1),
        { operation: operationOf('FPToFixed', from, shapes[1], { rounding, variant }), numbers: from },
      ]),
    ),
    ...[false, true].flatMap((variant) => [
      ...([32, 64] as const).map((to) => ({
        operation: operationOf('FixedToFP', from, 1, { to, variant }),
        numbers: from,
        integers: true,
      })),
      ...shapes.slice(1).map((n) => ({
        operation: operationOf('FixedToFP', from, n, { variant }),
        numbers: from,
        integers: true,
      })),
    ]),
  ];
});

function drawInteger(random: Random, bits: number): bigint {
  const any = random.bits(bits);
  const short = any >> BigInt(random.below(bits));
  return BigInt.asUintN(bits, random.below(2) ? short : -short);
}

test.each(cases.map((one) => [describeOperation(one), one] as const))(
  '%s',
  (name, { operation, numbers, integers }) => {
    const { memory, run } = compile(operation, numbers !== undefined);
    const f = formats[operation.from];
    const random = new Random(name.length + operation.from);
    const rounds = operation.name === 'FPMulAdd' ? 20_000 : 2000;
    let taken = 0;
    for (let i = 0; i < rounds; i++) {
      const [fpcr, fpsr] = states[random.below(states.length)];
      const tame = operation.elements > 1 && random.below(4) > 0;
      const lanes = Array.from({ length: operation.elements }, () =>
        integers ? [drawInteger(random, operation.from), 0n, 0n] : draw(random, f, tame),
      );
      const operands = [0, 1, 2].map((n) =>
        lanes.reduce((all, lane, k) => all | (lane[n] << BigInt(k * operation.from)), 0n),
      );
      const number = numbers === undefined ? 0 : 1 + random.below(numbers);
      memory.setUint32(leftAt, 0);
      memory.setUint32(numberAt, number, true);
      memory.setUint32(Layout.fpcr, fpcr, true);
      memory.setUint32(Layout.fpsr, fpsr, true);
      operands.forEach((operand, n) => {
        memory.setBigUint64(Layout.fpOperands + 16 * n, BigInt.asUintN(64, operand), true);
        memory.setBigUint64(Layout.fpOperands + 16 * n + 8, operand >> 64n, true);
      });
      run();
      if (memory.getUint32(leftAt) !== 0) continue;
      taken++;
      const fp = { fpcr, fpsr };
      const wanted = carryOut(operation, fp, number, operands[0], operands[1], operands[2]);
      const low = memory.getBigUint64(Layout.fpOperands, true);
      const whole = low | (memory.getBigUint64(Layout.fpOperands + 8, true) << 64n);
      const found = BigInt.asUintN(operation.elements > 1 ? 128 : fpWidths(operation).output, whole);
      if (found !== wanted || fp.fpsr !== fpsr) {
        const hex = operands.map((operand) => operand.toString(16)).join(' ');
        const state = `FPCR ${fpcr.toString(16)}, FPSR ${fpsr.toString(16)}, ${number}`;
        expect.fail(
          `${hex}, ${state}: ${found.toString(16)}, not ${wanted.toString(16)} with FPSR ${fp.fpsr.toString(16)}`,
        );
      }
    }
    // Ways that nobody takes would prove nothing.
    if (hasPath(operation)) expect(taken).toBeGreaterThan(rounds / 100);
  },
);

function describeOperation({ operation: o, numbers }: Case): string {
  const rounding = o.rounding === undefined ? '' : `, rounding ${o.rounding}`;
  return `${o.name}: ${o.elements} of ${o.from} to ${o.to} bits${rounding}${o.variant ? ', variant' : ''}${numbers ? ', fixed point' : ''}`;
}

/** Comparisons to a mask are quick for vectors only, and vectors do not know how to round ties away from zero. */
const hasPath = ({ name, elements, rounding }: FpOperation): boolean =>
  elements === 1 ? !/^FPCompare../.test(name) : rounding !== Rounding.tieAway;
