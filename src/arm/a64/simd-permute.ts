/** Arm ARM DDI 0487, C4.1 "Advanced SIMD table lookup", "... permute" and "... extract". */
import type { Builder } from '../builder/builder.ts';
import { a64, vector } from './definition.ts';
import { evens, letV, odds, or, pick, range, select, splat, writeBytes } from './simd-pseudocode.ts';

type Permutation = <V>(b: Builder<V>, size: number, bytes: number, n: V, m: V) => V;

/** Elements of Vm:Vn in pairs: one of each vector, from the lower or upper halves. */
const zip =
  (upper: number): Permutation =>
  (b, size, bytes, n, m) => {
    const count = bytes >> size;
    const first = (upper * count) / 2;
    return pick(
      b,
      size,
      bytes,
      range(count).map((i) => first + (i >> 1) + (i & 1) * count),
      n,
      m,
    );
  };
/** One of each vector, the even or the odd ones. */
const transpose =
  (odd: number): Permutation =>
  (b, size, bytes, n, m) => {
    const count = bytes >> size;
    return pick(
      b,
      size,
      bytes,
      range(count).map((i) => (i & ~1) + odd + (i & 1) * count),
      n,
      m,
    );
  };

/** By opcode. */
const permutations: readonly (Permutation | undefined)[] = [
  undefined,
  evens,
  transpose(0),
  zip(0),
  undefined,
  odds,
  transpose(1),
  zip(1),
];

export const simdPermute = [
  a64(
    'UZP1, TRN1, ZIP1, UZP2, TRN2, ZIP2',
    '0 Q 001110 size:2 0 Rm:5 0 opcode:3 10 Rn:5 Rd:5',
    {
      shape: ['Q', 'size', 'opcode'],
      possible: ({ Q, size, opcode }) => permutations[opcode] !== undefined && (size < 3 || Q === 1),
      vectors: { Rn: 'vector', Rm: 'vector', Rd: 'vector' },
    },
    (b, { Q, size, opcode, Rn, Rm, Rd }) => {
      const bytes = Q ? 16 : 8;
      writeBytes(b, bytes, Rd, permutations[opcode]!(b, size, bytes, b.readV(Rn), b.readV(Rm)));
    },
  ),

  a64(
    'EXT',
    '0 Q 101110000 Rm:5 0 imm4:4 0 Rn:5 Rd:5',
    {
      shape: ['Q', 'imm4'],
      possible: ({ Q, imm4 }) => Q === 1 || imm4 < 8,
      vectors: { Rn: 'vector', Rm: 'vector', Rd: 'vector' },
    },
    (b, { Q, imm4, Rn, Rm, Rd }) => {
      const bytes = Q ? 16 : 8;
      const picked = range(bytes).map((i) => imm4 + i);
      writeBytes(b, bytes, Rd, pick(b, 0, bytes, picked, b.readV(Rn), b.readV(Rm)));
    },
  ),

  a64(
    'TBL, TBX',
    '0 Q 001110000 Rm:5 0 len:2 op 00 Rn:5 Rd:5',
    {
      shape: ['Q', 'len', 'op'],
      vectors: {
        Rm: 'vector',
        Rd: 'vector',
        Rn: 'vector',
        Rn2: (f) => vector((f.Rn + 1) & 31),
        Rn3: (f) => vector((f.Rn + 2) & 31),
        Rn4: (f) => vector((f.Rn + 3) & 31),
      },
    },
    (b, { Q, len, op, Rm, Rd, Rn, Rn2, Rn3, Rn4 }) => {
      const indices = letV(b, b.readV(Rm));
      // A table of 16 bytes gives zero for indices that are those of another.
      const looked = [Rn, Rn2, Rn3, Rn4].slice(0, len + 1).map((table, i) => {
        const relative = i === 0 ? indices : b.vector('i8x16.sub', indices, splat(b, 0, BigInt(16 * i)));
        return b.vector('i8x16.swizzle', b.readV(table), relative);
      });
      const found = looked.reduce((all, one) => or(b, all, one));
      const bytes = Q ? 16 : 8;
      if (!op) return writeBytes(b, bytes, Rd, found);
      const inTable = b.vector('i8x16.lt_u', indices, splat(b, 0, BigInt(16 * (len + 1))));
      writeBytes(b, bytes, Rd, select(b, inTable, found, b.readV(Rd)));
    },
  ),
];
