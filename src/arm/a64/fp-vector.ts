/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD three same", "across lanes", "vector x indexed element" and their scalar forms:
 * the floating-point instructions among them.
 */
import type { Builder } from '../builder/builder.ts';
import type { FpFunction } from '../fp/operation.ts';
import { a64, element, vector } from './definition.ts';
import {
  type FpSize,
  forPrecisions,
  fpAbs,
  fpAbsVector,
  fpNeg,
  fpNegVector,
  type Precision,
  scalar,
  splatValue,
  vectorOf,
} from './fp-operations.ts';

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

/** The elements of one vector behind the other, in two vectors: those of even and those of odd numbers. */
function neighbours<V>(b: Builder<V>, Q: number, size: FpSize, low: V, high: V): [V, V] {
  const count = 16 >> size;
  const even = Array.from({ length: Q ? count / 2 : count / 4 }, (_, i) => 2 * i);
  const numbers = [...even, ...even.map((n) => n + count)];
  const pick = (odd: number) => {
    const bytes = numbers.flatMap((n) => Array.from({ length: 1 << size }, (_, i) => ((n + odd) << size) + i));
    return b.shuffle(Q ? bytes : [...bytes, ...bytes], low, high);
  };
  return [pick(0), pick(1)];
}

/** Reduce(): of neighbours, then of the results, until there is one. */
function reduce<V>(b: Builder<V>, name: FpFunction, Q: number, size: FpSize, operand: V): V {
  let value = b.let(128, operand);
  for (let count = (Q ? 16 : 8) >> size; count > 2; count /= 2) {
    const operation = { ...vectorOf(name, 1, size), elements: (count / 2) as 2 | 4 };
    value = b.let(128, b.fp(operation, neighbours(b, 1, size, value, value)));
  }
  return b.fp(scalar(name, size), [b.extractLane(size, 0, value), b.extractLane(size, 1, value)]);
}

/** All of them, as they come by U, a and opcode. */
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

const threeSameDefinitions = ({ half, feature, shape, sizeOf, arranged, name }: Precision) => {
  const type = (half ? '10 Rm:5 00' : 'sz 1 Rm:5 11') as 'sz 1 Rm:5 11';
  return [
    a64(
      name(`${[...lanewise, ...pairs].join(', ')} (vector)`),
      `0 Q U 01110 a ${type} opcode:3 1 Rn:5 Rd:5`,
      {
        feature,
        shape: ['Q', 'U', 'a', ...shape, 'opcode'],
        possible: (f) => {
          const key = keyOf(f);
          const known = key in threeSame || key in pairwise || key in absolute || key === difference || isMulAdd(f);
          return known && arranged(f);
        },
        vectors: operands,
      },
      (b, { Q, U, a, sz, opcode, Rn, Rm, Rd }) => {
        const key = keyOf({ U, a, opcode });
        const size = sizeOf(sz);
        const [x, y] = [b.readV(Rn), b.readV(Rm)];
        const both = (operation: FpFunction, first: typeof x, second: typeof x) =>
          b.fp(vectorOf(operation, Q, size), [first, second]);
        const meaning = () => {
          if (isMulAdd({ U, opcode }))
            return b.fp(vectorOf('FPMulAdd', Q, size), [b.readV(Rd), a ? fpNegVector(b, size, x) : x, y]);
          if (key === difference) return fpAbsVector(b, size, both('FPSub', x, y));
          if (key in absolute) return both(absolute[key], fpAbsVector(b, size, x), fpAbsVector(b, size, y));
          if (key in threeSame) return both(threeSame[key], x, y);
          const [even, odd] = neighbours(b, Q, size, b.let(128, x), b.let(128, y));
          return both(pairwise[key], even, odd);
        };
        b.writeV(Rd, meaning());
      },
    ),

    a64(
      name('FMULX, FCMEQ, FRECPS, FRSQRTS, FCMGE, FACGE, FABD, FCMGT, FACGT (scalar)'),
      `01 U 11110 a ${type} opcode:3 1 Rn:5 Rd:5`,
      {
        feature,
        shape: ['U', 'a', ...shape, 'opcode'],
        possible: (f) => scalarThreeSame.has(keyOf(f)),
        vectors: operands,
      },
      (b, { U, a, sz, opcode, Rn, Rm, Rd }) => {
        const key = keyOf({ U, a, opcode });
        const size = sizeOf(sz);
        const [x, y] = [b.readElement(size, Rn), b.readElement(size, Rm)];
        const both = (operation: FpFunction, first: typeof x, second: typeof x) =>
          b.fp(scalar(operation, size), [first, second]);
        const meaning = () => {
          if (key === difference) return fpAbs(b, size, both('FPSub', x, y));
          if (key in absolute) return both(absolute[key], fpAbs(b, size, x), fpAbs(b, size, y));
          return both(threeSame[key], x, y);
        };
        b.writeScalar(size, Rd, meaning());
      },
    ),
  ];
};

const acrossDefinitions = ({ half, feature, shape, sizeOf, name }: Precision) => [
  a64(
    name('FMAXNMP, FADDP, FMAXP, FMINNMP, FMINP (scalar)'),
    `01 ${half ? '0' : '1'} 11110 a ${(half ? '0' : 'sz') as 'sz'} 11000 011 opcode:2 10 Rn:5 Rd:5`,
    {
      feature,
      shape: ['a', ...shape, 'opcode'],
      possible: ({ a, opcode }) => opcode === 0 || opcode === 3 || (opcode === 1 && a === 0),
      vectors: { Rd: 'vector', first: (f) => vector(f.Rn), second: (f) => element(f.Rn, sizeOf(f.sz), 1) },
    },
    (b, { a, sz, opcode, first, second, Rd }) => {
      const size = sizeOf(sz);
      const operation = scalar(opcode === 1 ? 'FPAdd' : extremum(a, opcode), size);
      b.writeScalar(size, Rd, b.fp(operation, [b.readElement(size, first), b.readElement(size, second)]));
    },
  ),
  a64(
    name('FMAXNMV, FMAXV, FMINNMV, FMINV'),
    `0 ${(half ? 'Q 0' : '1 1') as 'Q 0'} 01110 a 0 11000 011 opcode:2 10 Rn:5 Rd:5`,
    {
      feature,
      shape: [...((half ? ['Q'] : []) as 'Q'[]), 'a', 'opcode'],
      possible: ({ opcode }) => opcode === 0 || opcode === 3,
      vectors: { Rn: 'vector', Rd: 'vector' },
    },
    (b, { Q, a, opcode, Rn, Rd }) => {
      const size = half ? 1 : 2;
      b.writeScalar(size, Rd, reduce(b, extremum(a, opcode), half ? Q : 1, size, b.readV(Rn)));
    },
  ),
];

/** The element that all others are multiplied by: half precision has 8 of them, and registers V0 to V15. */
const byElementDefinitions = ({ half, feature, shape, sizeOf, arranged, name }: Precision) => {
  const type = (half ? '00' : '1 sz') as '1 sz';
  const indexed = ({ sz, L, M, Rm, H }: { sz: number; L: number; M: number; Rm: number; H: number }) => {
    if (half) return element(Rm, 1, 4 * H + 2 * L + M);
    return element(M * 16 + Rm, sizeOf(sz), sz ? H : 2 * H + L);
  };
  // Two doubles have no element with L.
  const unallocated = ({ sz, L }: { sz: number; L: number }) => sz === 1 && L === 1;
  const vectors = { Rn: 'vector', Rd: 'vector', indexed } as const;
  return [
    a64(
      name('FMLA, FMLS (by element)'),
      `0 Q 001111 ${type} L M Rm:4 0 op 01 H 0 Rn:5 Rd:5`,
      { feature, shape: ['Q', ...shape, 'op'], possible: arranged, unallocated, vectors },
      (b, { Q, sz, op, Rn, Rd, indexed: place }) => {
        const size = sizeOf(sz);
        const x = b.readV(Rn);
        const y = splatValue(b, size, b.readElement(size, place));
        b.writeV(Rd, b.fp(vectorOf('FPMulAdd', Q, size), [b.readV(Rd), op ? fpNegVector(b, size, x) : x, y]));
      },
    ),
    a64(
      name('FMLA, FMLS (scalar, by element)'),
      `01011111 ${type} L M Rm:4 0 op 01 H 0 Rn:5 Rd:5`,
      { feature, shape: [...shape, 'op'], unallocated, vectors },
      (b, { sz, op, Rn, Rd, indexed: place }) => {
        const size = sizeOf(sz);
        const x = b.readElement(size, Rn);
        const factors = [op ? fpNeg(b, size, x) : x, b.readElement(size, place)];
        b.writeScalar(size, Rd, b.fp(scalar('FPMulAdd', size), [b.readElement(size, Rd), ...factors]));
      },
    ),
    a64(
      name('FMUL, FMULX (by element)'),
      `0 Q U 01111 ${type} L M Rm:4 1001 H 0 Rn:5 Rd:5`,
      { feature, shape: ['Q', 'U', ...shape], possible: arranged, unallocated, vectors },
      (b, { Q, U, sz, Rn, Rd, indexed: place }) => {
        const size = sizeOf(sz);
        const y = splatValue(b, size, b.readElement(size, place));
        b.writeV(Rd, b.fp(vectorOf(U ? 'FPMulX' : 'FPMul', Q, size), [b.readV(Rn), y]));
      },
    ),
    a64(
      name('FMUL, FMULX (scalar, by element)'),
      `01 U 11111 ${type} L M Rm:4 1001 H 0 Rn:5 Rd:5`,
      { feature, shape: ['U', ...shape], unallocated, vectors },
      (b, { U, sz, Rn, Rd, indexed: place }) => {
        const size = sizeOf(sz);
        const operation = scalar(U ? 'FPMulX' : 'FPMul', size);
        b.writeScalar(size, Rd, b.fp(operation, [b.readElement(size, Rn), b.readElement(size, place)]));
      },
    ),
  ];
};

export const fpVector = [
  ...forPrecisions(threeSameDefinitions),
  ...forPrecisions(acrossDefinitions),
  ...forPrecisions(byElementDefinitions),
];
