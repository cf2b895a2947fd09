/**
 * Arm ARM DDI 0487, "SDOT", "UDOT" (FEAT_DotProd), "USDOT", "SUDOT" (FEAT_I8MM): four products of bytes for each word;
 * "SMMLA", "UMMLA", "USMMLA" (FEAT_I8MM): eight.
 */
import type { Builder, VectorOperand } from '../builder/builder.ts';
import { a64, element } from './definition.ts';

type Sign = 's' | 'u';

type Half = 'low' | 'high';

/** Sums of two neighbouring products each, of the bytes of a half of `x` and of a half of `y`. */
function halfSums<V>(b: Builder<V>, xHalf: Half, x: V, xSign: Sign, yHalf: Half, y: V, ySign: Sign): V {
  return b.vector(
    'i32x4.dot_s',
    b.vector(`i16x8.extend_${xHalf}_${xSign}`, x),
    b.vector(`i16x8.extend_${yHalf}_${ySign}`, y),
  );
}

const lanes = (first: number): number[] =>
  [0, 2, 4, 6].flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * (lane + first) + byte));

/** Sums of neighbouring words: those of `low`, then those of `high`. Both must be evaluated once. */
const pairSums = <V>(b: Builder<V>, low: V, high: V): V =>
  b.vector('i32x4.add', b.shuffle(lanes(0), low, high), b.shuffle(lanes(1), low, high));

function dotProduct<V>(
  b: Builder<V>,
  Q: number,
  Rd: VectorOperand,
  first: V,
  xSign: Sign,
  second: V,
  ySign: Sign,
): void {
  const [x, y] = [b.let(128, first), b.let(128, second)];
  const low = b.let(128, halfSums(b, 'low', x, xSign, 'low', y, ySign));
  const high = b.let(128, halfSums(b, 'high', x, xSign, 'high', y, ySign));
  const sum = b.vector('i32x4.add', b.readV(Rd), pairSums(b, low, high));
  b.writeV(Rd, Q ? sum : b.vector('v128.and', sum, b.vectorConstant((1n << 64n) - 1n)));
}

/** Of two matrices with two rows of eight bytes the product of the first and the second transposed, added to Rd. */
function matrixProduct<V>(b: Builder<V>, { Rn, Rm, Rd }: Operands, xSign: Sign, ySign: Sign): void {
  const [x, y] = [b.let(128, b.readV(Rn)), b.let(128, b.readV(Rm))];
  const row = (half: Half): V => {
    const [first, second] = (['low', 'high'] as const).map((yHalf) =>
      b.let(128, halfSums(b, half, x, xSign, yHalf, y, ySign)),
    );
    return b.let(128, pairSums(b, first, second));
  };
  b.writeV(Rd, b.vector('i32x4.add', b.readV(Rd), pairSums(b, row('low'), row('high'))));
}

type Operands = Readonly<Record<'Rn' | 'Rm' | 'Rd', VectorOperand>>;

const vectors = { Rn: 'vector', Rm: 'vector', Rd: 'vector' } as const;
const indexed = ({ M, Rm, H, L }: { M: number; Rm: number; H: number; L: number }) =>
  element(16 * M + Rm, 2, 2 * H + L);
const byElement = { Rn: 'vector', Rd: 'vector', indexed } as const;

export const simdDotProduct = [
  a64(
    'SDOT, UDOT (vector)',
    '0 Q U 01110100 Rm:5 100101 Rn:5 Rd:5',
    { feature: 'FEAT_DotProd', shape: ['Q', 'U'], vectors },
    (b, { Q, U, Rn, Rm, Rd }) => dotProduct(b, Q, Rd, b.readV(Rn), U ? 'u' : 's', b.readV(Rm), U ? 'u' : 's'),
  ),
  a64(
    'SDOT, UDOT (by element)',
    '0 Q U 0111110 L M Rm:4 1110 H 0 Rn:5 Rd:5',
    { feature: 'FEAT_DotProd', shape: ['Q', 'U'], vectors: byElement },
    (b, { Q, U, Rn, indexed: place, Rd }) => {
      const word = b.vector('i32x4.splat', b.readElement(2, place));
      dotProduct(b, Q, Rd, b.readV(Rn), U ? 'u' : 's', word, U ? 'u' : 's');
    },
  ),
  a64(
    'USDOT (vector)',
    '0 Q 001110100 Rm:5 100111 Rn:5 Rd:5',
    { feature: 'FEAT_I8MM', shape: ['Q'], vectors },
    (b, { Q, Rn, Rm, Rd }) => dotProduct(b, Q, Rd, b.readV(Rn), 'u', b.readV(Rm), 's'),
  ),
  ...(['USDOT', 'SUDOT'] as const).map((name) =>
    a64(
      `${name} (by element)`,
      `0 Q 001111 ${name === 'USDOT' ? '10' : '00'} L M Rm:4 1111 H 0 Rn:5 Rd:5`,
      { feature: 'FEAT_I8MM', shape: ['Q'], vectors: byElement },
      (b, { Q, Rn, indexed: place, Rd }) => {
        const word = b.vector('i32x4.splat', b.readElement(2, place));
        const isUsdot = name === 'USDOT';
        dotProduct(b, Q, Rd, b.readV(Rn), isUsdot ? 'u' : 's', word, isUsdot ? 's' : 'u');
      },
    ),
  ),
  a64(
    'SMMLA, UMMLA (vector)',
    '01 U 01110100 Rm:5 101001 Rn:5 Rd:5',
    { feature: 'FEAT_I8MM', shape: ['U'], vectors },
    (b, { U, ...operands }) => matrixProduct(b, operands, U ? 'u' : 's', U ? 'u' : 's'),
  ),
  a64('USMMLA (vector)', '01001110100 Rm:5 101011 Rn:5 Rd:5', { feature: 'FEAT_I8MM', vectors }, (b, operands) =>
    matrixProduct(b, operands, 'u', 's'),
  ),
];
