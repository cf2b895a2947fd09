/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD two-register miscellaneous", "shift by immediate" and their scalar forms: the
 * floating-point instructions among them. Half precision but for conversions is FEAT_FP16.
 */
import type { Builder, VectorOperand } from '../builder/builder.ts';
import type { FpFunction, FpOperation } from '../fp/operation.ts';
import { a64, element } from './definition.ts';
import {
  bitsOf,
  clearUpper,
  fpAbsVector,
  fpNegVector,
  Rounding,
  readFp,
  scalar,
  sizeOf,
  vectorOf,
} from './fp-operations.ts';

const operands = { Rn: 'vector', Rd: 'vector' } as const;
const arranged = ({ Q, sz }: { Q: number; sz: number }) => Q === 1 || sz === 0;

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
const unaryScalar = <V>(
  b: Builder<V>,
  operation: FpOperation,
  sz: number,
  Rn: VectorOperand,
  Rd: VectorOperand,
): void => b.writeScalar(sizeOf(sz), Rd, b.fp(operation, [readFp(b, sz, Rn)]));

/** The two halves of a register, by Q. */
const half = (register: number, Q: number) => element(register, 3, Q);

export const fpVectorConvert = [
  a64(
    'FCMGT, FCMEQ, FCMLT, FCMGE, FCMLE (zero)',
    '0 Q U 011101 sz 10000 011 opcode:2 10 Rn:5 Rd:5',
    {
      shape: ['Q', 'U', 'sz', 'opcode'],
      possible: (f) => withZero[4 * f.U + f.opcode] !== undefined && arranged(f),
      vectors: operands,
    },
    (b, { Q, U, sz, opcode, Rn, Rd }) => {
      const [first, name] = withZero[4 * U + opcode]!;
      const [x, zero] = [b.readV(Rn), b.vectorConstant(0n)];
      b.writeV(Rd, b.fp(vectorOf(name, Q, sz), first ? [x, zero] : [zero, x]));
    },
  ),
  a64(
    'FCMGT, FCMEQ, FCMLT, FCMGE, FCMLE (scalar, zero)',
    '01 U 111101 sz 10000 011 opcode:2 10 Rn:5 Rd:5',
    {
      shape: ['U', 'sz', 'opcode'],
      possible: (f) => withZero[4 * f.U + f.opcode] !== undefined,
      vectors: operands,
    },
    (b, { U, sz, opcode, Rn, Rd }) => {
      const [first, name] = withZero[4 * U + opcode]!;
      const [x, zero] = [readFp(b, sz, Rn), b.constant(bitsOf(sz), 0n)];
      b.writeScalar(sizeOf(sz), Rd, b.fp(scalar(name, bitsOf(sz)), first ? [x, zero] : [zero, x]));
    },
  ),

  a64(
    'FABS, FNEG (vector)',
    '0 Q U 011101 sz 10000 01111 10 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'sz'], possible: arranged, vectors: operands },
    (b, { Q, U, sz, Rn, Rd }) =>
      b.writeV(Rd, clearUpper(b, Q, U ? fpNegVector(b, sz, b.readV(Rn)) : fpAbsVector(b, sz, b.readV(Rn)))),
  ),
  a64(
    'FSQRT (vector)',
    '0 Q 1011101 sz 10000 11111 10 Rn:5 Rd:5',
    { shape: ['Q', 'sz'], possible: arranged, vectors: operands },
    (b, { Q, sz, Rn, Rd }) => unaryVector(b, vectorOf('FPSqrt', Q, sz), Rn, Rd),
  ),
  a64(
    'FRINTN, FRINTM, FRINTP, FRINTZ, FRINTA, FRINTX, FRINTI (vector)',
    '0 Q U 01110 o2 sz 10000 1100 o1 10 Rn:5 Rd:5',
    {
      shape: ['Q', 'U', 'o2', 'sz', 'o1'],
      possible: (f) => roundInt[4 * f.U + 2 * f.o2 + f.o1] !== undefined && arranged(f),
      vectors: operands,
    },
    (b, { Q, U, o2, sz, o1, Rn, Rd }) =>
      unaryVector(b, vectorOf('FPRoundInt', Q, sz, roundInt[4 * U + 2 * o2 + o1]), Rn, Rd),
  ),

  a64(
    'FRECPE, FRSQRTE (vector)',
    '0 Q U 011101 sz 10000 11101 10 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'sz'], possible: arranged, vectors: operands },
    (b, { Q, U, sz, Rn, Rd }) => unaryVector(b, vectorOf(estimate(U), Q, sz), Rn, Rd),
  ),
  a64(
    'FRECPE, FRSQRTE (scalar)',
    '01 U 111101 sz 10000 11101 10 Rn:5 Rd:5',
    { shape: ['U', 'sz'], vectors: operands },
    (b, { U, sz, Rn, Rd }) => unaryScalar(b, scalar(estimate(U), bitsOf(sz)), sz, Rn, Rd),
  ),
  a64('FRECPX', '010111101 sz 10000 11111 10 Rn:5 Rd:5', { shape: ['sz'], vectors: operands }, (b, { sz, Rn, Rd }) =>
    unaryScalar(b, scalar('FPRecpX', bitsOf(sz)), sz, Rn, Rd),
  ),
  a64(
    'URECPE, URSQRTE',
    '0 Q U 0111010 10000 11100 10 Rn:5 Rd:5',
    { shape: ['Q', 'U'], vectors: operands },
    (b, { Q, U, Rn, Rd }) =>
      unaryVector(b, vectorOf(U ? 'UnsignedRSqrtEstimate' : 'UnsignedRecipEstimate', Q, 0), Rn, Rd),
  ),

  a64(
    'FCVTNS, FCVTNU, FCVTMS, FCVTMU, FCVTPS, FCVTPU, FCVTZS, FCVTZU (vector, integer)',
    '0 Q U 01110 o2 sz 10000 1101 o1 10 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'o2', 'sz', 'o1'], possible: arranged, vectors: operands },
    (b, { Q, U, o2, sz, o1, Rn, Rd }) =>
      unaryVector(b, vectorOf('FPToFixed', Q, sz, { rounding: roundings[2 * o2 + o1], variant: U === 1 }), Rn, Rd),
  ),
  a64(
    'FCVTNS, FCVTNU, FCVTMS, FCVTMU, FCVTPS, FCVTPU, FCVTZS, FCVTZU (vector, integer, scalar)',
    '01 U 11110 o2 sz 10000 1101 o1 10 Rn:5 Rd:5',
    { shape: ['U', 'o2', 'sz', 'o1'], vectors: operands },
    (b, { U, o2, sz, o1, Rn, Rd }) => {
      const options = { rounding: roundings[2 * o2 + o1], variant: U === 1 };
      unaryScalar(b, scalar('FPToFixed', bitsOf(sz), options), sz, Rn, Rd);
    },
  ),
  a64(
    'FCVTAS, FCVTAU (vector)',
    '0 Q U 011100 sz 10000 11100 10 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'sz'], possible: arranged, vectors: operands },
    (b, { Q, U, sz, Rn, Rd }) =>
      unaryVector(b, vectorOf('FPToFixed', Q, sz, { rounding: Rounding.tieAway, variant: U === 1 }), Rn, Rd),
  ),
  a64(
    'FCVTAS, FCVTAU (vector, scalar)',
    '01 U 111100 sz 10000 11100 10 Rn:5 Rd:5',
    { shape: ['U', 'sz'], vectors: operands },
    (b, { U, sz, Rn, Rd }) => {
      const options = { rounding: Rounding.tieAway, variant: U === 1 };
      unaryScalar(b, scalar('FPToFixed', bitsOf(sz), options), sz, Rn, Rd);
    },
  ),
  a64(
    'SCVTF, UCVTF (vector, integer)',
    '0 Q U 011100 sz 10000 11101 10 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'sz'], possible: arranged, vectors: operands },
    (b, { Q, U, sz, Rn, Rd }) => unaryVector(b, vectorOf('FixedToFP', Q, sz, { variant: U === 1 }), Rn, Rd),
  ),
  a64(
    'SCVTF, UCVTF (vector, integer, scalar)',
    '01 U 111100 sz 10000 11101 10 Rn:5 Rd:5',
    { shape: ['U', 'sz'], vectors: operands },
    (b, { U, sz, Rn, Rd }) => unaryScalar(b, scalar('FixedToFP', bitsOf(sz), { variant: U === 1 }), sz, Rn, Rd),
  ),

  ...fixedPoint(0, '01 low:5'),
  ...fixedPoint(1, '1 low:6'),
  a64(
    'FCVTL, FCVTL2',
    '0 Q 0011100 sz 10000 10111 10 Rn:5 Rd:5',
    { shape: ['sz'], vectors: { Rd: 'vector', source: (f) => half(f.Rn, f.Q) } },
    (b, { sz, source, Rd }) => {
      const operation: FpOperation = { ...vectorOf('FPConvert', 1, sz), from: sz ? 32 : 16 };
      b.writeV(Rd, b.fp(operation, [b.vector('i64x2.splat', b.readElement(3, source))]));
    },
  ),
  a64(
    'FCVTN, FCVTN2, FCVTXN, FCVTXN2',
    '0 Q U 011100 sz 10000 10110 10 Rn:5 Rd:5',
    {
      shape: ['Q', 'U', 'sz'],
      possible: ({ U, sz }) => U === 0 || sz === 1,
      vectors: { Rn: 'vector', Rd: 'vector', upper: (f) => half(f.Rd, 1) },
    },
    (b, { Q, U, sz, Rn, Rd, upper }) => {
      const rounding = U ? Rounding.odd : undefined;
      const result = b.fp(vectorOf('FPConvert', 1, sz, { to: sz ? 32 : 16, rounding }), [b.readV(Rn)]);
      if (Q) b.writeElement(3, upper, b.extractLane(3, 0, result));
      else b.writeV(Rd, result);
    },
  ),
  a64('FCVTXN (scalar)', '0111111001 10000 10110 10 Rn:5 Rd:5', { vectors: operands }, (b, { Rn, Rd }) => {
    const operation = scalar('FPConvert', 64, { to: 32, rounding: Rounding.odd });
    b.writeScalar(2, Rd, b.fp(operation, [b.readElement(3, Rn)]));
  }),
];

function estimate(U: number): FpFunction {
  return U ? 'FPRSqrtEstimate' : 'FPRecipEstimate';
}

/** Conversions from and to fixed-point numbers, for elements of one size: `immediate` is immh:immb. */
function fixedPoint<const Immediate extends string>(sz: 0 | 1, immediate: Immediate) {
  const immediates = { fbits: (f: { readonly low: number }) => (sz ? 64 : 32) - f.low };
  /** 0 converts to floating point, 3 from it. */
  const known = ({ op }: { readonly op: number }) => op === 0 || op === 3;
  const nameOf = (op: number) => (op ? 'FPToFixed' : 'FixedToFP');
  const optionsOf = (U: number, op: number) => ({ variant: U === 1, rounding: op ? Rounding.zero : undefined });
  const width = `of ${bitsOf(sz)} bits`;
  return [
    a64(
      `SCVTF, UCVTF, FCVTZS, FCVTZU (vector, fixed-point) ${width}`,
      `0 Q U 011110 ${immediate as '1 low:6'} 111 op:2 1 Rn:5 Rd:5`,
      { shape: ['Q', 'U', 'op'], possible: (f) => known(f) && arranged({ Q: f.Q, sz }), vectors: operands, immediates },
      (b, { Q, U, op, Rn, Rd, fbits }) => {
        const operation = vectorOf(nameOf(op), Q, sz, optionsOf(U, op));
        b.writeV(Rd, b.fp(operation, [b.readV(Rn)], b.immediate(32, fbits)));
      },
    ),
    a64(
      `SCVTF, UCVTF, FCVTZS, FCVTZU (vector, fixed-point, scalar) ${width}`,
      `01 U 111110 ${immediate as '1 low:6'} 111 op:2 1 Rn:5 Rd:5`,
      { shape: ['U', 'op'], possible: known, vectors: operands, immediates },
      (b, { U, op, Rn, Rd, fbits }) => {
        const operation = scalar(nameOf(op), bitsOf(sz), optionsOf(U, op));
        b.writeScalar(sizeOf(sz), Rd, b.fp(operation, [readFp(b, sz, Rn)], b.immediate(32, fbits)));
      },
    ),
  ];
}
