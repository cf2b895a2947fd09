/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD two-register miscellaneous", "shift by immediate" and their scalar forms: the
 * floating-point instructions among them.
 */
import type { Builder, VectorOperand } from '../builder/builder.ts';
import { Rounding } from '../fp/format.ts';
import type { FpFunction, FpOperation } from '../fp/operation.ts';
import { a64, element } from './definition.ts';
import {
  bitsOf,
  clearUpper,
  type FpSize,
  forPrecisions,
  fpAbsVector,
  fpNegVector,
  type Precision,
  scalar,
  vectorOf,
  widthOf,
} from './fp-operations.ts';

const operands = { Rn: 'vector', Rd: 'vector' } as const;

/** By o2 and o1 of FCVTN, FCVTM, FCVTP and FCVTZ. */
const roundings = [Rounding.tieEven, Rounding.negative, Rounding.positive, Rounding.zero] as const;
/** By U, o2 and o1 of FRINTN, M, P, Z, A, X, unallocated, I. */
const roundInt: readonly (Partial<FpOperation> | undefined)[] = [
  ...roundings.map((rounding) => ({ rounding })),
  { rounding: Rounding.tieAway },
  { variant: true },
  undefined,
  {},
];
/** By U and opcode: whether the operand comes first, and the comparison with zero. */
const withZero: readonly (readonly [boolean, FpFunction] | undefined)[] = [
  [true, 'FPCompareGT'],
  [true, 'FPCompareEQ'],
  [false, 'FPCompareGT'],
  undefined,
  [true, 'FPCompareGE'],
  [false, 'FPCompareGE'],
  undefined,
  undefined,
];

const unaryVector = <V>(b: Builder<V>, operation: FpOperation, Rn: VectorOperand, Rd: VectorOperand): void =>
  b.writeV(Rd, b.fp(operation, [b.readV(Rn)]));
const unaryScalar = <V>(b: Builder<V>, operation: FpOperation, size: FpSize, Rn: VectorOperand, Rd: VectorOperand) =>
  b.writeScalar(size, Rd, b.fp(operation, [b.readElement(size, Rn)]));

const estimate = (U: number): FpFunction => (U ? 'FPRSqrtEstimate' : 'FPRecipEstimate');

/** How the bits behind `a` or o2 stand in encodings of each precision: a vector's and a scalar's are the same. */
const typeOf = (half: boolean) => (half ? '1 11100' : 'sz 10000') as 'sz 10000';

const arithmeticDefinitions = ({ half, feature, shape, sizeOf, arranged, name }: Precision) => {
  const type = typeOf(half);
  return [
    a64(
      name('FCMGT, FCMEQ, FCMLT, FCMGE, FCMLE (zero)'),
      `0 Q U 01110 1 ${type} 011 opcode:2 10 Rn:5 Rd:5`,
      {
        feature,
        shape: ['Q', 'U', ...shape, 'opcode'],
        possible: (f) => withZero[4 * f.U + f.opcode] !== undefined && arranged(f),
        vectors: operands,
      },
      (b, { Q, U, sz, opcode, Rn, Rd }) => {
        const [first, comparison] = withZero[4 * U + opcode]!;
        const [x, zero] = [b.readV(Rn), b.vectorConstant(0n)];
        b.writeV(Rd, b.fp(vectorOf(comparison, Q, sizeOf(sz)), first ? [x, zero] : [zero, x]));
      },
    ),
    a64(
      name('FCMGT, FCMEQ, FCMLT, FCMGE, FCMLE (scalar, zero)'),
      `01 U 11110 1 ${type} 011 opcode:2 10 Rn:5 Rd:5`,
      {
        feature,
        shape: ['U', ...shape, 'opcode'],
        possible: (f) => withZero[4 * f.U + f.opcode] !== undefined,
        vectors: operands,
      },
      (b, { U, sz, opcode, Rn, Rd }) => {
        const [first, comparison] = withZero[4 * U + opcode]!;
        const size = sizeOf(sz);
        const [x, zero] = [b.readElement(size, Rn), b.constant(widthOf(size), 0n)];
        b.writeScalar(size, Rd, b.fp(scalar(comparison, size), first ? [x, zero] : [zero, x]));
      },
    ),
    a64(
      name('FABS, FNEG (vector)'),
      `0 Q U 01110 1 ${type} 01111 10 Rn:5 Rd:5`,
      { feature, shape: ['Q', 'U', ...shape], possible: arranged, vectors: operands },
      (b, { Q, U, sz, Rn, Rd }) => {
        const change = U ? fpNegVector : fpAbsVector;
        b.writeV(Rd, clearUpper(b, Q, change(b, sizeOf(sz), b.readV(Rn))));
      },
    ),
    a64(
      name('FSQRT (vector)'),
      `0 Q 101110 1 ${type} 11111 10 Rn:5 Rd:5`,
      { feature, shape: ['Q', ...shape], possible: arranged, vectors: operands },
      (b, { Q, sz, Rn, Rd }) => unaryVector(b, vectorOf('FPSqrt', Q, sizeOf(sz)), Rn, Rd),
    ),
    a64(
      name('FRINTN, FRINTM, FRINTP, FRINTZ, FRINTA, FRINTX, FRINTI (vector)'),
      `0 Q U 01110 o2 ${type} 1100 o1 10 Rn:5 Rd:5`,
      {
        feature,
        shape: ['Q', 'U', 'o2', ...shape, 'o1'],
        possible: (f) => roundInt[4 * f.U + 2 * f.o2 + f.o1] !== undefined && arranged(f),
        vectors: operands,
      },
      (b, { Q, U, o2, sz, o1, Rn, Rd }) =>
        unaryVector(b, vectorOf('FPRoundInt', Q, sizeOf(sz), roundInt[4 * U + 2 * o2 + o1]), Rn, Rd),
    ),
    a64(
      name('FRECPE, FRSQRTE (vector)'),
      `0 Q U 01110 1 ${type} 11101 10 Rn:5 Rd:5`,
      { feature, shape: ['Q', 'U', ...shape], possible: arranged, vectors: operands },
      (b, { Q, U, sz, Rn, Rd }) => unaryVector(b, vectorOf(estimate(U), Q, sizeOf(sz)), Rn, Rd),
    ),
    a64(
      name('FRECPE, FRSQRTE (scalar)'),
      `01 U 11110 1 ${type} 11101 10 Rn:5 Rd:5`,
      { feature, shape: ['U', ...shape], vectors: operands },
      (b, { U, sz, Rn, Rd }) => unaryScalar(b, scalar(estimate(U), sizeOf(sz)), sizeOf(sz), Rn, Rd),
    ),
    a64(
      name('FRECPX'),
      `01011110 1 ${type} 11111 10 Rn:5 Rd:5`,
      { feature, shape, vectors: operands },
      (b, { sz, Rn, Rd }) => unaryScalar(b, scalar('FPRecpX', sizeOf(sz)), sizeOf(sz), Rn, Rd),
    ),
  ];
};

/** Between floating point and integers, in elements of one size. */
const integerDefinitions = ({ half, feature, shape, sizeOf, arranged, name }: Precision) => {
  const type = typeOf(half);
  const toFixed = (U: number, rounding: FpOperation['rounding']) => ({ rounding, variant: U === 1 });
  return [
    a64(
      name('FCVTNS, FCVTNU, FCVTMS, FCVTMU, FCVTPS, FCVTPU, FCVTZS, FCVTZU (vector, integer)'),
      `0 Q U 01110 o2 ${type} 1101 o1 10 Rn:5 Rd:5`,
      { feature, shape: ['Q', 'U', 'o2', ...shape, 'o1'], possible: arranged, vectors: operands },
      (b, { Q, U, o2, sz, o1, Rn, Rd }) =>
        unaryVector(b, vectorOf('FPToFixed', Q, sizeOf(sz), toFixed(U, roundings[2 * o2 + o1])), Rn, Rd),
    ),
    a64(
      name('FCVTNS, FCVTNU, FCVTMS, FCVTMU, FCVTPS, FCVTPU, FCVTZS, FCVTZU (vector, integer, scalar)'),
      `01 U 11110 o2 ${type} 1101 o1 10 Rn:5 Rd:5`,
      { feature, shape: ['U', 'o2', ...shape, 'o1'], vectors: operands },
      (b, { U, o2, sz, o1, Rn, Rd }) =>
        unaryScalar(b, scalar('FPToFixed', sizeOf(sz), toFixed(U, roundings[2 * o2 + o1])), sizeOf(sz), Rn, Rd),
    ),
    a64(
      name('FCVTAS, FCVTAU (vector)'),
      `0 Q U 01110 0 ${type} 11100 10 Rn:5 Rd:5`,
      { feature, shape: ['Q', 'U', ...shape], possible: arranged, vectors: operands },
      (b, { Q, U, sz, Rn, Rd }) =>
        unaryVector(b, vectorOf('FPToFixed', Q, sizeOf(sz), toFixed(U, Rounding.tieAway)), Rn, Rd),
    ),
    a64(
      name('FCVTAS, FCVTAU (vector, scalar)'),
      `01 U 11110 0 ${type} 11100 10 Rn:5 Rd:5`,
      { feature, shape: ['U', ...shape], vectors: operands },
      (b, { U, sz, Rn, Rd }) =>
        unaryScalar(b, scalar('FPToFixed', sizeOf(sz), toFixed(U, Rounding.tieAway)), sizeOf(sz), Rn, Rd),
    ),
    a64(
      name('SCVTF, UCVTF (vector, integer)'),
      `0 Q U 01110 0 ${type} 11101 10 Rn:5 Rd:5`,
      { feature, shape: ['Q', 'U', ...shape], possible: arranged, vectors: operands },
      (b, { Q, U, sz, Rn, Rd }) => unaryVector(b, vectorOf('FixedToFP', Q, sizeOf(sz), { variant: U === 1 }), Rn, Rd),
    ),
    a64(
      name('SCVTF, UCVTF (vector, integer, scalar)'),
      `01 U 11110 0 ${type} 11101 10 Rn:5 Rd:5`,
      { feature, shape: ['U', ...shape], vectors: operands },
      (b, { U, sz, Rn, Rd }) =>
        unaryScalar(b, scalar('FixedToFP', sizeOf(sz), { variant: U === 1 }), sizeOf(sz), Rn, Rd),
    ),
  ];
};

/** Conversions from and to fixed-point numbers, for elements of one size: `immediate` is immh:immb. */
function fixedPoint<const Immediate extends string>(size: FpSize, immediate: Immediate) {
  const feature = size === 1 ? 'FEAT_FP16' : undefined;
  const immediates = { fbits: (f: { readonly low: number }) => bitsOf(size) - f.low };
  /** 0 converts to floating point, 3 from it. */
  const known = ({ op }: { readonly op: number }) => op === 0 || op === 3;
  const nameOf = (op: number) => (op ? 'FPToFixed' : 'FixedToFP');
  const optionsOf = (U: number, op: number) => ({ variant: U === 1, rounding: op ? Rounding.zero : undefined });
  const width = `of ${bitsOf(size)} bits`;
  return [
    a64(
      `SCVTF, UCVTF, FCVTZS, FCVTZU (vector, fixed-point) ${width}`,
      `0 Q U 011110 ${immediate as '1 low:6'} 111 op:2 1 Rn:5 Rd:5`,
      {
        feature,
        shape: ['Q', 'U', 'op'],
        possible: (f) => known(f) && (f.Q === 1 || size !== 3),
        vectors: operands,
        immediates,
      },
      (b, { Q, U, op, Rn, Rd, fbits }) =>
        b.writeV(Rd, b.fp(vectorOf(nameOf(op), Q, size, optionsOf(U, op)), [b.readV(Rn)], b.immediate(32, fbits))),
    ),
    a64(
      `SCVTF, UCVTF, FCVTZS, FCVTZU (vector, fixed-point, scalar) ${width}`,
      `01 U 111110 ${immediate as '1 low:6'} 111 op:2 1 Rn:5 Rd:5`,
      { feature, shape: ['U', 'op'], possible: known, vectors: operands, immediates },
      (b, { U, op, Rn, Rd, fbits }) => {
        const operation = scalar(nameOf(op), size, optionsOf(U, op));
        b.writeScalar(size, Rd, b.fp(operation, [b.readElement(size, Rn)], b.immediate(32, fbits)));
      },
    ),
  ];
}

/** The two halves of a register, by Q. */
const halfOf = (register: number, Q: number) => element(register, 3, Q);

export const fpVectorConvert = [
  ...forPrecisions(arithmeticDefinitions),
  a64(
    'URECPE, URSQRTE',
    '0 Q U 0111010 10000 11100 10 Rn:5 Rd:5',
    { shape: ['Q', 'U'], vectors: operands },
    (b, { Q, U, Rn, Rd }) =>
      unaryVector(b, vectorOf(U ? 'UnsignedRSqrtEstimate' : 'UnsignedRecipEstimate', Q, 2), Rn, Rd),
  ),

  ...forPrecisions(integerDefinitions),
  ...fixedPoint(1, '001 low:4'),
  ...fixedPoint(2, '01 low:5'),
  ...fixedPoint(3, '1 low:6'),

  a64(
    'FCVTL, FCVTL2',
    '0 Q 0011100 sz 10000 10111 10 Rn:5 Rd:5',
    { shape: ['sz'], vectors: { Rd: 'vector', source: (f) => halfOf(f.Rn, f.Q) } },
    (b, { sz, source, Rd }) => {
      const operation: FpOperation = { ...vectorOf('FPConvert', 1, sz ? 3 : 2), from: sz ? 32 : 16 };
      b.writeV(Rd, b.fp(operation, [b.vector('i64x2.splat', b.readElement(3, source))]));
    },
  ),
  a64(
    'FCVTN, FCVTN2, FCVTXN, FCVTXN2',
    '0 Q U 011100 sz 10000 10110 10 Rn:5 Rd:5',
    {
      shape: ['Q', 'U', 'sz'],
      possible: ({ U, sz }) => U === 0 || sz === 1,
      vectors: { Rn: 'vector', Rd: 'vector', upper: (f) => halfOf(f.Rd, 1) },
    },
    (b, { Q, U, sz, Rn, Rd, upper }) => {
      const rounding = U ? Rounding.odd : undefined;
      const result = b.fp(vectorOf('FPConvert', 1, sz ? 3 : 2, { to: sz ? 32 : 16, rounding }), [b.readV(Rn)]);
      if (Q) b.writeElement(3, upper, b.extractLane(3, 0, result));
      else b.writeV(Rd, result);
    },
  ),
  a64('FCVTXN (scalar)', '0111111001 10000 10110 10 Rn:5 Rd:5', { vectors: operands }, (b, { Rn, Rd }) => {
    const operation = scalar('FPConvert', 3, { to: 32, rounding: Rounding.odd });
    b.writeScalar(2, Rd, b.fp(operation, [b.readElement(3, Rn)]));
  }),
];
