/** Floating-point instructions of extensions after Armv8.0: FEAT_FCMA, FEAT_FHM, FEAT_FRINTTS. FEAT_FP16 is with its like. */
import type { Builder } from '../builder/builder.ts';
import { Rounding } from '../fp/format.ts';
import type { FpOperation } from '../fp/operation.ts';
import { a64, element, vector } from './definition.ts';
import {
  bitsOf,
  clearUpper,
  type FpSize,
  fpNegVector,
  scalar,
  splat,
  vectorOf,
  vfpExpandImm,
} from './fp-operations.ts';

const operands = { Rn: 'vector', Rm: 'vector', Rd: 'vector' } as const;

// FEAT_FCMA: pairs of elements are complex numbers, the real part first.

/** The elements of each pair: both the same one, or exchanged. */
function inPairs<V>(b: Builder<V>, size: FpSize, order: 'first' | 'second' | 'exchanged', value: V): V {
  const bytes = Array.from({ length: 16 }, (_, byte) => {
    const number = byte >> size;
    const from = { first: number & ~1, second: number | 1, exchanged: number ^ 1 }[order];
    return (from << size) | (byte & ((1 << size) - 1));
  });
  return b.shuffle(bytes, value, value);
}

/** Changes the sign of the real or of the imaginary parts. */
function negatePart<V>(b: Builder<V>, size: FpSize, part: 'real' | 'imaginary', value: V): V {
  const bits = bitsOf(size);
  let signs = 0n;
  for (let low = part === 'real' ? 0 : bits; low < 128; low += 2 * bits) signs |= 1n << BigInt(low + bits - 1);
  return b.vector('v128.xor', value, b.vectorConstant(signs));
}

/** A complex number times i, or times -i. */
const turned = <V>(b: Builder<V>, size: FpSize, back: boolean, value: V): V =>
  negatePart(b, size, back ? 'imaginary' : 'real', inPairs(b, size, 'exchanged', value));

/** Adds one part of the first factor times the second, turned by quarters of a circle. */
function complexMulAdd<V>(b: Builder<V>, Q: number, size: FpSize, rot: number, [addend, x, y]: [V, V, V]): V {
  const factor = b.let(128, y);
  const first = inPairs(b, size, rot & 1 ? 'second' : 'first', b.let(128, x));
  const second = [
    () => factor,
    () => turned(b, size, false, factor),
    () => fpNegVector(b, size, factor),
    () => turned(b, size, true, factor),
  ][rot]();
  return b.fp(vectorOf('FPMulAdd', Q, size), [addend, first, second]);
}

const complexFeatures = (half: boolean) => ['FEAT_FCMA', ...(half ? ['FEAT_FP16'] : [])];

const complex = [true, false].flatMap((half) => {
  const feature = complexFeatures(half);
  const type = (half ? '01' : '1 sz') as '1 sz';
  const shape = (half ? [] : ['sz']) as readonly 'sz'[];
  const sizeOf = (sz: number): FpSize => (half ? 1 : sz ? 3 : 2);
  const possible = ({ Q, sz }: { Q: number; sz: number }) => half || Q === 1 || sz === 0;
  const name = (text: string) => (half ? `${text} (half precision)` : text);
  return [
    a64(
      name('FCADD'),
      `0 Q 101110 ${type} 0 Rm:5 111 rot 01 Rn:5 Rd:5`,
      { feature, shape: ['Q', ...shape, 'rot'], possible, vectors: operands },
      (b, { Q, sz, rot, Rn, Rm, Rd }) => {
        const size = sizeOf(sz);
        const y = turned(b, size, rot === 1, b.let(128, b.readV(Rm)));
        b.writeV(Rd, b.fp(vectorOf('FPAdd', Q, size), [b.readV(Rn), y]));
      },
    ),
    a64(
      name('FCMLA'),
      `0 Q 101110 ${type} 0 Rm:5 110 rot:2 1 Rn:5 Rd:5`,
      { feature, shape: ['Q', ...shape, 'rot'], possible, vectors: operands },
      (b, { Q, sz, rot, Rn, Rm, Rd }) =>
        b.writeV(Rd, complexMulAdd(b, Q, sizeOf(sz), rot, [b.readV(Rd), b.readV(Rn), b.readV(Rm)])),
    ),
  ];
});

// One definition for each rotation: integer instructions stand between them.
const complexByElement = ['00', '01', '10', '11'].flatMap((rot, turns) => [
  a64(
    `FCMLA (by element, #${90 * turns})`,
    `0 Q 10111110 0 M Rm:4 0 ${rot} 1 H 0 Rn:5 Rd:5`,
    {
      feature: complexFeatures(false),
      unallocated: ({ Q }) => Q === 0,
      vectors: { Rn: 'vector', Rd: 'vector', pair: ({ M, Rm, H }) => element(M * 16 + Rm, 3, H) },
    },
    (b, { Rn, Rd, pair }) => {
      const y = b.vector('i64x2.splat', b.readElement(3, pair));
      b.writeV(Rd, complexMulAdd(b, 1, 2, turns, [b.readV(Rd), b.readV(Rn), y]));
    },
  ),
  a64(
    `FCMLA (by element, #${90 * turns}) (half precision)`,
    `0 Q 10111101 L M Rm:4 0 ${rot} 1 H 0 Rn:5 Rd:5`,
    {
      feature: complexFeatures(true),
      shape: ['Q'],
      unallocated: ({ Q, H }) => Q === 0 && H === 1,
      vectors: { Rn: 'vector', Rd: 'vector', pair: ({ M, Rm, H, L }) => element(M * 16 + Rm, 2, 2 * H + L) },
    },
    (b, { Q, Rn, Rd, pair }) => {
      const y = b.vector('i32x4.splat', b.readElement(2, pair));
      b.writeV(Rd, complexMulAdd(b, Q, 1, turns, [b.readV(Rd), b.readV(Rn), y]));
    },
  ),
]);

// FEAT_FHM: halves are multiplied, and added to singles.

/** Elements of half precision as single ones, NaNs unchanged: 2 or 4. */
const widen = <V>(b: Builder<V>, Q: number, value: V): V => {
  const operation: FpOperation = { ...scalar('FPWidenHalf', 1, { to: 32 }), elements: Q ? 4 : 2 };
  return b.fp(operation, [value]);
};
/** The lower or the upper half of a vector. */
const partOf = (register: number, Q: number, upper: number) => vector(register) + (Q ? 8 : 4) * upper;
const readPart = <V>(b: Builder<V>, Q: number, part: Parameters<Builder<V>['readElement']>[1]): V =>
  Q ? b.vector('i64x2.splat', b.readElement(3, part)) : b.vector('i32x4.splat', b.readElement(2, part));

function mulAddHalf<V>(b: Builder<V>, Q: number, S: number, addend: V, x: V, y: V): V {
  const first = widen(b, Q, S ? fpNegVector(b, 1, x) : x);
  return b.fp(vectorOf('FPMulAdd', Q, 2), [addend, first, widen(b, Q, y)]);
}

const halfProducts = [0, 1].flatMap((upper) => {
  const two = upper ? '2' : '';
  return [
    a64(
      `FMLAL${two}, FMLSL${two} (vector)`,
      `0 Q ${upper} 01110 S 01 Rm:5 ${upper ? '110011' : '111011'} Rn:5 Rd:5`,
      {
        feature: 'FEAT_FHM',
        shape: ['Q', 'S'],
        vectors: { Rd: 'vector', first: (f) => partOf(f.Rn, f.Q, upper), second: (f) => partOf(f.Rm, f.Q, upper) },
      },
      (b, { Q, S, Rd, first, second }) =>
        b.writeV(Rd, mulAddHalf(b, Q, S, b.readV(Rd), readPart(b, Q, first), readPart(b, Q, second))),
    ),
    // One definition for each sign: integer instructions stand between them.
    ...[0, 1].map((S) =>
      a64(
        `FML${S ? 'S' : 'A'}L${two} (by element)`,
        `0 Q ${upper} 0111110 L M Rm:4 ${upper} ${S} 00 H 0 Rn:5 Rd:5`,
        {
          feature: 'FEAT_FHM',
          shape: ['Q'],
          vectors: {
            Rd: 'vector',
            first: (f) => partOf(f.Rn, f.Q, upper),
            indexed: (f) => element(f.Rm, 1, 4 * f.H + 2 * f.L + f.M),
          },
        },
        (b, { Q, Rd, first, indexed }) => {
          const y = b.vector('i16x8.splat', b.readElement(1, indexed));
          b.writeV(Rd, mulAddHalf(b, Q, S, b.readV(Rd), readPart(b, Q, first), y));
        },
      ),
    ),
  ];
});

// FEAT_FRINTTS: to an integer that 32 or 64 bits hold.

const integerRounding = (X: number) => ({ rounding: X ? undefined : Rounding.zero });

const roundToSize = [
  a64(
    'FRINT32Z, FRINT32X, FRINT64Z, FRINT64X (scalar)',
    '000111100 sz 10100 wide X 10000 Rn:5 Rd:5',
    { feature: 'FEAT_FRINTTS', shape: ['sz', 'wide', 'X'], vectors: { Rn: 'vector', Rd: 'vector' } },
    (b, { sz, wide, X, Rn, Rd }) => {
      const size = sz ? 3 : 2;
      const operation = scalar('FPRoundIntN', size, integerRounding(X));
      b.writeScalar(size, Rd, b.fp(operation, [b.readElement(size, Rn)], b.constant(32, wide ? 64n : 32n)));
    },
  ),
  a64(
    'FRINT32Z, FRINT32X, FRINT64Z, FRINT64X (vector)',
    '0 Q X 011100 sz 10000 1111 wide 10 Rn:5 Rd:5',
    {
      feature: 'FEAT_FRINTTS',
      shape: ['Q', 'X', 'sz', 'wide'],
      possible: ({ Q, sz }) => Q === 1 || sz === 0,
      vectors: { Rn: 'vector', Rd: 'vector' },
    },
    (b, { Q, X, sz, wide, Rn, Rd }) => {
      const operation = vectorOf('FPRoundIntN', Q, sz ? 3 : 2, integerRounding(X));
      b.writeV(Rd, b.fp(operation, [b.readV(Rn)], b.constant(32, wide ? 64n : 32n)));
    },
  ),
];

// FEAT_FP16: the one form of FMOV that stands apart. VFPExpandImm() of all 256.
const halves = Array.from({ length: 256 }, (_, imm8) => splat(1, vfpExpandImm(16, imm8)) & ((1n << 64n) - 1n));
const moveHalves = a64(
  'FMOV (vector, immediate) (half precision)',
  '0 Q 00111100000 abc:3 111111 defgh:5 Rd:5',
  {
    feature: 'FEAT_FP16',
    shape: ['Q'],
    vectors: { Rd: 'vector' },
    immediates: { imm: ({ abc, defgh }) => halves[(abc << 5) | defgh] },
  },
  (b, { Q, imm, Rd }) => b.writeV(Rd, clearUpper(b, Q, b.vector('i64x2.splat', b.immediate(64, imm)))),
);

export const fpExtensions = [moveHalves, ...complex, ...complexByElement, ...halfProducts, ...roundToSize];
