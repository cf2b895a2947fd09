/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD three same", "across lanes", "vector x indexed element" and their scalar forms:
 * the floating-point instructions among them. Half precision is FEAT_FP16.
 */
import type { Builder } from '../builder/builder.ts';
import type { FpFunction } from '../fp/operation.ts';
import { a64, element, vector } from './definition.ts';
import { bitsOf, fpAbs, fpAbsVector, fpNeg, fpNegVector, readFp, scalar, sizeOf, vectorOf } from './fp-operations.ts';

/** Doubles need Q: there is no vector of one. */
const arranged = ({ Q, sz }: { Q: number; sz: number }) => Q === 1 || sz === 0;
const operands = { Rn: 'vector', Rm: 'vector', Rd: 'vector' } as const;

/** Two operands by U, a and opcode<2:0>, lane by lane. */
const threeSame: Readonly<Record<string, FpFunction>> = {
  '0 0 0': 'FPMaxNum',
  '0 0 2': 'FPAdd',
  '0 0 3': 'FPMulX',
  '0 0 4': 'FPCompareEQ',
  '0 0 6': 'FPMax',
  '0 0 7': 'FPRecipStepFused',
  '0 1 0': 'FPMinNum',
  '0 1 2': 'FPSub',
  '0 1 6': 'FPMin',
  '0 1 7': 'FPRSqrtStepFused',
  '1 0 3': 'FPMul',
  '1 0 4': 'FPCompareGE',
  '1 0 7': 'FPDiv',
  '1 1 4': 'FPCompareGT',
};
/** Of neighbours in both operands, one behind the other. */
const pairwise: Readonly<Record<string, FpFunction>> = {
  '1 0 0': 'FPMaxNum',
  '1 0 2': 'FPAdd',
  '1 0 6': 'FPMax',
  '1 1 0': 'FPMinNum',
  '1 1 6': 'FPMin',
};
/** Of magnitudes. */
const absolute: Readonly<Record<string, FpFunction>> = { '1 0 5': 'FPCompareGE', '1 1 5': 'FPCompareGT' };
const keyOf = ({ U, a, opcode }: { U: number; a: number; opcode: number }) => `${U} ${a} ${opcode}`;
const difference = '1 1 2';
const isMulAdd = (f: { U: number; opcode: number }) => f.U === 0 && f.opcode === 1;

const scalarThreeSame = new Set(['0 0 3', '0 0 4', '0 0 7', '0 1 7', '1 0 4', '1 0 5', '1 1 2', '1 1 4', '1 1 5']);

/** Of the two bits of an opcode that tell pairwise and reducing instructions apart. */
const extremum = (a: number, opcode: number): FpFunction =>
  opcode === 3 ? (a ? 'FPMin' : 'FPMax') : a ? 'FPMinNum' : 'FPMaxNum';

/** Two doubles have no element with L. */
const noSuchElement = ({ sz, L }: { sz: number; L: number }) => sz === 1 && L === 1;
/** The element that all others are multiplied by. */
const indexed = ({ sz, L, M, Rm, H }: { sz: number; L: number; M: number; Rm: number; H: number }) =>
  element(M * 16 + Rm, sizeOf(sz), sz ? H : 2 * H + L);

/** The same value in all elements. */
const all = <V>(b: Builder<V>, sz: number, value: V): V => b.vector(sz ? 'i64x2.splat' : 'i32x4.splat', value);

/** Elements of two vectors, of `bytes` each, by number. */
function elements<V>(b: Builder<V>, bytes: number, numbers: readonly number[], low: V, high: V): V {
  const all = numbers.flatMap((number) => Array.from({ length: bytes }, (_, i) => number * bytes + i));
  return b.shuffle(all, low, high);
}

/** The elements of one vector behind the other, in two vectors: those of even and those of odd numbers. */
function neighbours<V>(b: Builder<V>, Q: number, sz: number, low: V, high: V): [V, V] {
  const numbers = sz ? [0, 2] : Q ? [0, 2, 4, 6] : [0, 4, 0, 4];
  return [
    elements(b, sz ? 8 : 4, numbers, low, high),
    elements(
      b,
      sz ? 8 : 4,
      numbers.map((n) => n + 1),
      low,
      high,
    ),
  ];
}

const lanewise = [
  'FMAXNM',
  'FMLA',
  'FADD',
  'FMULX',
  'FCMEQ',
  'FMAX',
  'FRECPS',
  'FMINNM',
  'FMLS',
  'FSUB',
  'FMIN',
  'FRSQRTS',
].concat(['FMUL', 'FCMGE', 'FACGE', 'FDIV', 'FABD', 'FCMGT', 'FACGT']);
const pairs = ['FMAXNMP', 'FADDP', 'FMAXP', 'FMINNMP', 'FMINP'];

export const fpVector = [
  a64(
    `${[...lanewise, ...pairs].join(', ')} (vector)`,
    '0 Q U 01110 a sz 1 Rm:5 11 opcode:3 1 Rn:5 Rd:5',
    {
      shape: ['Q', 'U', 'a', 'sz', 'opcode'],
      possible: (f) => {
        const key = keyOf(f);
        const known = key in threeSame || key in pairwise || key in absolute || key === difference || isMulAdd(f);
        return known && arranged(f);
      },
      vectors: operands,
    },
    (b, { Q, U, a, sz, opcode, Rn, Rm, Rd }) => {
      const key = keyOf({ U, a, opcode });
      const [x, y] = [b.readV(Rn), b.readV(Rm)];
      const both = (name: FpFunction, first: typeof x, second: typeof x) =>
        b.fp(vectorOf(name, Q, sz), [first, second]);
      const meaning = () => {
        if (isMulAdd({ U, opcode }))
          return b.fp(vectorOf('FPMulAdd', Q, sz), [b.readV(Rd), a ? fpNegVector(b, sz, x) : x, y]);
        if (key === difference) return fpAbsVector(b, sz, both('FPSub', x, y));
        if (key in absolute) return both(absolute[key], fpAbsVector(b, sz, x), fpAbsVector(b, sz, y));
        if (key in threeSame) return both(threeSame[key], x, y);
        const [even, odd] = neighbours(b, Q, sz, b.let(128, x), b.let(128, y));
        return both(pairwise[key], even, odd);
      };
      b.writeV(Rd, meaning());
    },
  ),

  a64(
    'FMULX, FCMEQ, FRECPS, FRSQRTS, FCMGE, FACGE, FABD, FCMGT, FACGT (scalar)',
    '01 U 11110 a sz 1 Rm:5 11 opcode:3 1 Rn:5 Rd:5',
    {
      shape: ['U', 'a', 'sz', 'opcode'],
      possible: (f) => scalarThreeSame.has(keyOf(f)),
      vectors: operands,
    },
    (b, { U, a, sz, opcode, Rn, Rm, Rd }) => {
      const key = keyOf({ U, a, opcode });
      const bits = bitsOf(sz);
      const [x, y] = [readFp(b, sz, Rn), readFp(b, sz, Rm)];
      const both = (name: FpFunction, first: typeof x, second: typeof x) => b.fp(scalar(name, bits), [first, second]);
      const meaning = () => {
        if (key === difference) return fpAbs(b, bits, both('FPSub', x, y));
        if (key in absolute) return both(absolute[key], fpAbs(b, bits, x), fpAbs(b, bits, y));
        return both(threeSame[key], x, y);
      };
      b.writeScalar(sizeOf(sz), Rd, meaning());
    },
  ),

  a64(
    'FMAXNMP, FADDP, FMAXP, FMINNMP, FMINP (scalar)',
    '01111110 a sz 11000 011 opcode:2 10 Rn:5 Rd:5',
    {
      shape: ['a', 'sz', 'opcode'],
      possible: ({ a, opcode }) => opcode === 0 || opcode === 3 || (opcode === 1 && a === 0),
      vectors: { Rd: 'vector', first: (f) => vector(f.Rn), second: (f) => element(f.Rn, sizeOf(f.sz), 1) },
    },
    (b, { a, sz, opcode, first, second, Rd }) => {
      const operation = scalar(opcode === 1 ? 'FPAdd' : extremum(a, opcode), bitsOf(sz));
      b.writeScalar(sizeOf(sz), Rd, b.fp(operation, [readFp(b, sz, first), readFp(b, sz, second)]));
    },
  ),

  a64(
    'FMAXNMV, FMAXV, FMINNMV, FMINV',
    '01101110 a 0 11000 011 opcode:2 10 Rn:5 Rd:5',
    {
      shape: ['a', 'opcode'],
      possible: ({ opcode }) => opcode === 0 || opcode === 3,
      vectors: { Rn: 'vector', Rd: 'vector' },
    },
    (b, { a, opcode, Rn, Rd }) => {
      const name = extremum(a, opcode);
      const operand = b.let(128, b.readV(Rn));
      const pairs = b.let(128, b.fp(vectorOf(name, 0, 0), neighbours(b, 1, 0, operand, operand)));
      b.writeScalar(2, Rd, b.fp(scalar(name, 32), [b.extractLane(2, 0, pairs), b.extractLane(2, 1, pairs)]));
    },
  ),

  a64(
    'FMLA, FMLS (by element)',
    '0 Q 0011111 sz L M Rm:4 0 op 01 H 0 Rn:5 Rd:5',
    {
      shape: ['Q', 'sz', 'op'],
      possible: arranged,
      unallocated: noSuchElement,
      vectors: { Rn: 'vector', Rd: 'vector', indexed },
    },
    (b, { Q, sz, op, Rn, Rd, indexed: place }) => {
      const x = b.readV(Rn);
      const operands = [b.readV(Rd), op ? fpNegVector(b, sz, x) : x, all(b, sz, readFp(b, sz, place))];
      b.writeV(Rd, b.fp(vectorOf('FPMulAdd', Q, sz), operands));
    },
  ),
  a64(
    'FMLA, FMLS (scalar, by element)',
    '010111111 sz L M Rm:4 0 op 01 H 0 Rn:5 Rd:5',
    { shape: ['sz', 'op'], unallocated: noSuchElement, vectors: { Rn: 'vector', Rd: 'vector', indexed } },
    (b, { sz, op, Rn, Rd, indexed: place }) => {
      const x = readFp(b, sz, Rn);
      const operands = [readFp(b, sz, Rd), op ? fpNeg(b, bitsOf(sz), x) : x, readFp(b, sz, place)];
      b.writeScalar(sizeOf(sz), Rd, b.fp(scalar('FPMulAdd', bitsOf(sz)), operands));
    },
  ),
  a64(
    'FMUL, FMULX (by element)',
    '0 Q U 011111 sz L M Rm:4 1001 H 0 Rn:5 Rd:5',
    {
      shape: ['Q', 'U', 'sz'],
      possible: arranged,
      unallocated: noSuchElement,
      vectors: { Rn: 'vector', Rd: 'vector', indexed },
    },
    (b, { Q, U, sz, Rn, Rd, indexed: place }) => {
      const operands = [b.readV(Rn), all(b, sz, readFp(b, sz, place))];
      b.writeV(Rd, b.fp(vectorOf(U ? 'FPMulX' : 'FPMul', Q, sz), operands));
    },
  ),
  a64(
    'FMUL, FMULX (scalar, by element)',
    '01 U 111111 sz L M Rm:4 1001 H 0 Rn:5 Rd:5',
    { shape: ['U', 'sz'], unallocated: noSuchElement, vectors: { Rn: 'vector', Rd: 'vector', indexed } },
    (b, { U, sz, Rn, Rd, indexed: place }) => {
      const operation = scalar(U ? 'FPMulX' : 'FPMul', bitsOf(sz));
      b.writeScalar(sizeOf(sz), Rd, b.fp(operation, [readFp(b, sz, Rn), readFp(b, sz, place)]));
    },
  ),
];
