/** Arm ARM DDI 0487, C4.1 "Advanced SIMD vector x indexed element" and its scalar form, as far as they are about integers. */
import type { Builder, Size, VectorOperand } from '../builder/builder.ts';
import { a64, element } from './definition.ts';
import type { A64Instruction } from './instruction.ts';
import { doublingMultiplyHigh } from './simd-multiply.ts';
import { keepQc, lanes, multiply, splatElement } from './simd-pseudocode.ts';
import {
  doublingAccumulate,
  doublingLong,
  type LongMeaning,
  longAccumulate,
  product,
  runLong,
} from './simd-three-different.ts';
import { halfOrWord, highAccumulate, type Meaning, runThree } from './simd-three-same.ts';

/** H:L:M is the index of a halfword, of V0 to V15; H:L that of a word. */
interface IndexFields {
  readonly size: number;
  readonly L: number;
  readonly M: number;
  readonly Rm: number;
  readonly H: number;
}
const indexed = ({ size, L, M, Rm, H }: IndexFields): number =>
  size === 1 ? element(Rm, 1, (H << 2) | (L << 1) | M) : element((M << 4) | Rm, 2, (H << 1) | L);
const byElement = { Rn: 'vector', Rm: indexed, Rd: 'vector' } as const;

/** Instructions of one opcode, for the values of U that are allocated. */
interface ElementRow {
  readonly name: string;
  readonly feature?: string;
  readonly opcode: string;
  readonly U: readonly number[];
  readonly scalar?: boolean;
  readonly meaning: Meaning;
}

const elementRows: readonly ElementRow[] = [
  {
    name: 'MUL',
    opcode: '1000',
    U: [0],
    meaning: (b, { size, n, m }) => multiply(b, size, n, m),
  },
  {
    name: 'MLA',
    opcode: '0000',
    U: [1],
    meaning: (b, { size, n, m, d }) => lanes(b, size, 'add', d(), multiply(b, size, n, m)),
  },
  {
    name: 'MLS',
    opcode: '0100',
    U: [1],
    meaning: (b, { size, n, m, d }) => lanes(b, size, 'sub', d(), multiply(b, size, n, m)),
  },
  {
    name: 'SQDMULH',
    opcode: '1100',
    U: [0],
    scalar: true,
    meaning: (b, { size, bytes, n, m }) => keepQc(b, bytes, doublingMultiplyHigh(b, size, false, n, m)),
  },
  {
    name: 'SQRDMULH',
    opcode: '1101',
    U: [0],
    scalar: true,
    meaning: (b, { size, bytes, n, m }) => keepQc(b, bytes, doublingMultiplyHigh(b, size, true, n, m)),
  },
  {
    name: 'SQRDMLAH',
    feature: 'FEAT_RDM',
    opcode: '1101',
    U: [1],
    scalar: true,
    meaning: (b, three) => highAccumulate(b, { ...three, U: 0 }),
  },
  {
    name: 'SQRDMLSH',
    feature: 'FEAT_RDM',
    opcode: '1111',
    U: [1],
    scalar: true,
    meaning: (b, three) => highAccumulate(b, { ...three, U: 1 }),
  },
];

const longElementRows: readonly (Omit<ElementRow, 'meaning'> & { readonly meaning: LongMeaning })[] = [
  { name: 'SMLAL, UMLAL', opcode: '0010', U: [0, 1], meaning: longAccumulate('add') },
  { name: 'SQDMLAL', opcode: '0011', U: [0], scalar: true, meaning: doublingAccumulate('add') },
  { name: 'SMLSL, UMLSL', opcode: '0110', U: [0, 1], meaning: longAccumulate('sub') },
  { name: 'SQDMLSL', opcode: '0111', U: [0], scalar: true, meaning: doublingAccumulate('sub') },
  { name: 'SMULL, UMULL', opcode: '1010', U: [0, 1], meaning: product },
  { name: 'SQDMULL', opcode: '1011', U: [0], scalar: true, meaning: doublingLong },
];

/** The definitions of one row: the vector form, and the scalar one where there is one. */
function elementForms(
  { name, feature, opcode, U: values, scalar }: Omit<ElementRow, 'meaning'>,
  execute: <V>(
    b: Builder<V>,
    parts: { size: number; U: number; bytes: number; high: number; scalar: boolean },
    Rn: VectorOperand,
    Rm: VectorOperand,
    Rd: VectorOperand,
  ) => void,
): A64Instruction[] {
  // With one value U is a fixed bit of the diagram.
  const [bit, shape] = values.length === 2 ? ['U', ['U', 'size'] as const] : [`${values[0]}`, ['size'] as const];
  const unsignedOf = (parts: { U?: number }) => parts.U ?? values[0];
  const vector = a64(
    `${name} (by element)`,
    `0 Q ${bit} 01111 size:2 L M Rm:4 ${opcode} H 0 Rn:5 Rd:5` as '0 Q U 01111 size:2 L M Rm:4 0000 H 0 Rn:5 Rd:5',
    { feature, shape: ['Q', ...shape], possible: halfOrWord, vectors: byElement },
    (b, { Q, size, Rn, Rm, Rd, ...parts }) =>
      execute(b, { size, U: unsignedOf(parts), bytes: Q ? 16 : 8, high: Q, scalar: false }, Rn, Rm, Rd),
  );
  if (!scalar) return [vector];
  const single = a64(
    `${name} (scalar, by element)`,
    `01 ${bit} 11111 size:2 L M Rm:4 ${opcode} H 0 Rn:5 Rd:5` as '01 U 11111 size:2 L M Rm:4 0000 H 0 Rn:5 Rd:5',
    { feature, shape, possible: halfOrWord, vectors: byElement },
    (b, { size, Rn, Rm, Rd, ...parts }) =>
      execute(b, { size, U: unsignedOf(parts), bytes: 1 << size, high: 0, scalar: true }, Rn, Rm, Rd),
  );
  return [vector, single];
}

const same = elementRows.flatMap((row) =>
  elementForms(row, (b, parts, Rn, Rm, Rd) =>
    runThree(b, row.meaning, parts, b.readV(Rn), splatElement(b, parts.size as Size, Rm), Rd),
  ),
);
const different = longElementRows.flatMap((row) =>
  elementForms(row, (b, { size, U, high, scalar }, Rn, Rm, Rd) => {
    const bytes = scalar ? 2 << size : 16;
    runLong(b, row.meaning, { size, U, high, bytes }, b.readV(Rn), splatElement(b, size as Size, Rm), Rd);
  }),
);

export const simdByElement: readonly A64Instruction[] = [...same, ...different];
