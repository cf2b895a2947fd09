/** Arm ARM DDI 0487, "SDOT", "UDOT" (FEAT_DotProd), "USDOT", "SUDOT" (FEAT_I8MM): four products of bytes for each word. */
import type { Builder, VectorOperand } from '../builder/builder.ts';
import { a64, element } from './definition.ts';

type Sign = 's' | 'u';

/** Sums of the products of neighbouring halfwords, in the lower or the upper half. */
function halfSums<V>(b: Builder<V>, half: 'low' | 'high', x: V, xSign: Sign, y: V, ySign: Sign): V {
  return b.vector(
    'i32x4.dot_s',
    b.vector(`i16x8.extend_${half}_${xSign}`, x),
    b.vector(`i16x8.extend_${half}_${ySign}`, y),
  );
}

const lanes = (first: number): number[] =>
  [0, 2, 4, 6].flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * (lane + first) + byte));

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
  const low = b.let(128, halfSums(b, 'low', x, xSign, y, ySign));
  const high = b.let(128, halfSums(b, 'high', x, xSign, y, ySign));
  const products = b.vector('i32x4.add', b.shuffle(lanes(0), low, high), b.shuffle(lanes(1), low, high));
  const sum = b.vector('i32x4.add', b.readV(Rd), products);
  b.writeV(Rd, Q ? sum : b.vector('v128.and', sum, b.vectorConstant((1n << 64n) - 1n)));
}

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
];
