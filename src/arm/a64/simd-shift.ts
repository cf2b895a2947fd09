/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD shift by immediate" and its scalar form, as far as they are about integers.
 */
import type { Builder, VectorOperand } from '../builder/builder.ts';
import { a64 } from './definition.ts';
import type { A64Instruction } from './instruction.ts';
import {
  evens,
  extend,
  lanes,
  letV,
  narrowSaturated,
  or,
  roundedHalf,
  saturated,
  saturateLike,
  select,
  signs,
  writeBytes,
  writeNarrow,
  zeros,
} from './simd-pseudocode.ts';

const ones = <V>(b: Builder<V>): V => b.vectorConstant(-1n);

/** What a meaning of one vector and an amount, an immediate, is given. */
interface Shift<V> {
  /** Of the result, or of its narrower side. */
  readonly size: number;
  readonly U: number;
  /** The instruction shifts by all bits of the element. */
  readonly whole: number;
  readonly bytes: number;
  /** x may be used more than once. */
  readonly x: V;
  /** 32 bits. */
  readonly n: () => V;
  readonly d: () => V;
}
type Meaning = <V>(b: Builder<V>, shift: Shift<V>) => V;

const suffixOf = (U: number) => (U ? 'u' : 's');

const right: Meaning = (b, { size, U, whole, x, n }) => {
  if (whole) return U ? zeros(b) : signs(b, size, x);
  return lanes(b, size, `shr_${suffixOf(U)}`, x, n());
};
/** Shifted to the right by one less. */
const nearly = <V>(b: Builder<V>, size: number, U: number, x: V, n: V): V =>
  letV(b, lanes(b, size, `shr_${suffixOf(U)}`, x, b.binary('sub', 32, n, b.constant(32, 1n))));
const rightRounded: Meaning = (b, { size, U, x, n }) => roundedHalf(b, size, suffixOf(U), nearly(b, size, U, x, n()));
const accumulated =
  (meaning: Meaning): Meaning =>
  (b, shift) =>
    lanes(b, shift.size, 'add', shift.d(), meaning(b, shift));

/** SQSHLU: a negative number becomes zero. */
const leftSaturated =
  (from: (U: number) => 's' | 'u', to: (U: number) => 's' | 'u'): Meaning =>
  (b, { size, U, bytes, x, n }) => {
    const unsigned = to(U) === 'u';
    const amount = b.let(32, n());
    const left = letV(b, lanes(b, size, 'shl', x, amount));
    const isLost = lanes(b, size, 'ne', lanes(b, size, `shr_${to(U)}`, left, amount), x);
    const within = saturateLike(b, size, unsigned, isLost, x, left);
    if (from(U) === to(U)) {
      saturated(b, bytes, within.differs);
      return within.result;
    }
    const isNegative = letV(b, signs(b, size, x));
    saturated(b, bytes, or(b, within.differs, isNegative));
    return b.vector('v128.andnot', within.result, isNegative);
  };

interface Row {
  readonly name: string;
  readonly opcode: string;
  readonly U: readonly number[];
  readonly right: boolean;
  /** Sizes of the scalar form. */
  readonly scalar: readonly number[];
  /** The shift by all bits has a handler of its own. */
  readonly whole?: boolean;
  readonly meaning: Meaning;
}

const all = [0, 1, 2, 3];

const rows: readonly Row[] = [
  { name: 'SSHR, USHR', opcode: '00000', U: [0, 1], right: true, scalar: [3], whole: true, meaning: right },
  {
    name: 'SSRA, USRA',
    opcode: '00010',
    U: [0, 1],
    right: true,
    scalar: [3],
    whole: true,
    meaning: accumulated(right),
  },
  { name: 'SRSHR, URSHR', opcode: '00100', U: [0, 1], right: true, scalar: [3], meaning: rightRounded },
  { name: 'SRSRA, URSRA', opcode: '00110', U: [0, 1], right: true, scalar: [3], meaning: accumulated(rightRounded) },
  {
    name: 'SRI',
    opcode: '01000',
    U: [1],
    right: true,
    scalar: [3],
    whole: true,
    meaning: (b, shift) => {
      if (shift.whole) return shift.d();
      const { size, x, d } = shift;
      const n = b.let(32, shift.n());
      return select(b, lanes(b, size, 'shr_u', ones(b), n), lanes(b, size, 'shr_u', x, n), d());
    },
  },
  {
    name: 'SHL, SLI',
    opcode: '01010',
    U: [0, 1],
    right: false,
    scalar: [3],
    meaning: (b, { size, U, x, d, ...shift }) => {
      if (!U) return lanes(b, size, 'shl', x, shift.n());
      const n = b.let(32, shift.n());
      return select(b, lanes(b, size, 'shl', ones(b), n), lanes(b, size, 'shl', x, n), d());
    },
  },
  {
    name: 'SQSHLU',
    opcode: '01100',
    U: [1],
    right: false,
    scalar: all,
    meaning: leftSaturated(
      () => 's',
      () => 'u',
    ),
  },
  {
    name: 'SQSHL, UQSHL (immediate)',
    opcode: '01110',
    U: [0, 1],
    right: false,
    scalar: all,
    meaning: leftSaturated(suffixOf, suffixOf),
  },
];

/** immh:immb by size: the highest bit that is set tells the size, the bits below it the amount. */
const amounts = ['0001 imm:3', '001 imm:4', '01 imm:5', '1 imm:6'] as const;
const sizeNames = ['8 bits', '16 bits', '32 bits', '64 bits'] as const;
const operands = { Rn: 'vector', Rd: 'vector' } as const;

const titled = (name: string, ...more: string[]): string => `${name} (${more.join(', ')})`.replace(') (', ', ');

function byImmediate(size: number, { name, opcode, U: values, right, scalar, whole, meaning }: Row): A64Instruction[] {
  const amount = { n: ({ imm }: { imm: number }) => (right ? (8 << size) - imm : imm) };
  const derived = { whole: [whole ? 2 : 1, ({ imm }: { imm: number }) => (whole && imm === 0 ? 1 : 0)] } as const;
  const isAllocated = ({ U }: { U: number }) => values.includes(U);
  const run = <V>(
    b: Builder<V>,
    parts: Pick<Shift<V>, 'U' | 'whole' | 'bytes'>,
    Rn: VectorOperand,
    Rd: VectorOperand,
    n: () => V,
  ) => {
    const x = letV(b, b.readV(Rn));
    writeBytes(b, parts.bytes, Rd, meaning(b, { ...parts, size, x, n, d: () => b.readV(Rd) }));
  };
  const vector = a64(
    titled(name, 'vector', sizeNames[size]),
    `0 Q U 011110 ${amounts[size]} ${opcode} 1 Rn:5 Rd:5` as '0 Q U 011110 1 imm:6 00000 1 Rn:5 Rd:5',
    {
      shape: ['Q', 'U'],
      derived,
      possible: ({ Q, U }) => isAllocated({ U }) && (size < 3 || Q === 1),
      vectors: operands,
      immediates: amount,
    },
    (b, { Q, U, whole, Rn, Rd, n }) => run(b, { U, whole, bytes: Q ? 16 : 8 }, Rn, Rd, () => b.immediate(32, n)),
  );
  if (!scalar.includes(size)) return [vector];
  const single = a64(
    titled(name, 'scalar', sizeNames[size]),
    `01 U 111110 ${amounts[size]} ${opcode} 1 Rn:5 Rd:5` as '01 U 111110 1 imm:6 00000 1 Rn:5 Rd:5',
    { shape: ['U'], derived, possible: isAllocated, vectors: operands, immediates: amount },
    (b, { U, whole, Rn, Rd, n }) => run(b, { U, whole, bytes: 1 << size }, Rn, Rd, () => b.immediate(32, n)),
  );
  return [vector, single];
}

/** To the right, from elements of twice the size. */
interface NarrowRow {
  readonly name: string;
  readonly opcode: string;
  readonly rounding: boolean;
  /** What U = 0 and U = 1 read and make; nothing where they only cut off. */
  readonly kinds: readonly (readonly ['s' | 'u', 's' | 'u'] | undefined)[];
}

const narrowRows: readonly NarrowRow[] = [
  { name: 'SHRN, SQSHRUN', opcode: '10000', rounding: false, kinds: [undefined, ['s', 'u']] },
  { name: 'RSHRN, SQRSHRUN', opcode: '10001', rounding: true, kinds: [undefined, ['s', 'u']] },
  {
    name: 'SQSHRN, UQSHRN',
    opcode: '10010',
    rounding: false,
    kinds: [
      ['s', 's'],
      ['u', 'u'],
    ],
  },
  {
    name: 'SQRSHRN, UQRSHRN',
    opcode: '10011',
    rounding: true,
    kinds: [
      ['s', 's'],
      ['u', 'u'],
    ],
  },
];

/** The low half of a vector, and what the saturation changed of the wider elements. */
function shiftNarrow<V>(b: Builder<V>, size: number, { rounding, kinds }: NarrowRow, U: number, x: V, n: V) {
  const kind = kinds[U];
  const suffix = kind?.[0] ?? 'u';
  const wide = size + 1;
  const shifted = letV(
    b,
    rounding
      ? roundedHalf(b, wide, suffix, nearly(b, wide, suffix === 'u' ? 1 : 0, x, n))
      : lanes(b, wide, `shr_${suffix}`, x, n),
  );
  if (kind) return narrowSaturated(b, size, ...kind, shifted);
  return { result: evens(b, size, 16, shifted, shifted), differs: undefined };
}

function byImmediateNarrow(size: number, row: NarrowRow): A64Instruction[] {
  const immediates = { n: ({ imm }: { imm: number }) => (8 << size) - imm };
  const vector = a64(
    titled(row.name, 'vector', sizeNames[size]),
    `0 Q U 011110 ${amounts[size]} ${row.opcode} 1 Rn:5 Rd:5` as '0 Q U 011110 1 imm:6 00000 1 Rn:5 Rd:5',
    { shape: ['Q', 'U'], vectors: operands, immediates },
    (b, { Q, U, Rn, Rd, n }) => {
      const { result, differs } = shiftNarrow(b, size, row, U, b.readV(Rn), b.immediate(32, n));
      if (differs) saturated(b, 16, differs);
      writeNarrow(b, Q, Rd, result);
    },
  );
  const single = a64(
    titled(row.name.replace(/^R?SHRN, /, ''), 'scalar', sizeNames[size]),
    `01 U 111110 ${amounts[size]} ${row.opcode} 1 Rn:5 Rd:5` as '01 U 111110 1 imm:6 00000 1 Rn:5 Rd:5',
    { shape: ['U'], possible: ({ U }) => row.kinds[U] !== undefined, vectors: operands, immediates },
    (b, { U, Rn, Rd, n }) => {
      const { result, differs } = shiftNarrow(b, size, row, U, b.readV(Rn), b.immediate(32, n));
      if (differs) saturated(b, 2 << size, differs);
      writeBytes(b, 1 << size, Rd, result);
    },
  );
  return [vector, single];
}

const byImmediateLong = (size: number): A64Instruction =>
  a64(
    titled('SSHLL, USHLL', sizeNames[size]),
    `0 Q U 011110 ${amounts[size]} 10100 1 Rn:5 Rd:5` as '0 Q U 011110 1 imm:6 10100 1 Rn:5 Rd:5',
    { shape: ['Q', 'U'], vectors: operands, immediates: { n: (f) => f.imm } },
    (b, { Q, U, Rn, Rd, n }) =>
      b.writeV(Rd, lanes(b, size + 1, 'shl', extend(b, size, U === 1, Q, b.readV(Rn)), b.immediate(32, n))),
  );

export const simdShift: readonly A64Instruction[] = [
  ...rows.flatMap((row) => all.flatMap((size) => byImmediate(size, row))),
  ...narrowRows.flatMap((row) => [0, 1, 2].flatMap((size) => byImmediateNarrow(size, row))),
  ...[0, 1, 2].map(byImmediateLong),
];
