/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD load/store multiple structures" and "... single structure": LD1 to LD4, ST1 to
 * ST4 and their replicating forms.
 *
 * A fault leaves all registers as they were; of a store that faults in its later half the first 16 bytes may be there.
 */
import type { Builder, RegisterOperand, Size } from '../builder/builder.ts';
import { Slot } from '../builder/builder.ts';
import { a64, element, vector } from './definition.ts';
import { baseAddress, sp } from './loads-and-stores.ts';
import { lanes, lowBytes, pick, range, writeBytes } from './simd-pseudocode.ts';

interface PostFields {
  readonly post: number;
  readonly Rm: number;
}

/** With Rm = 31 post-index moves the base by the bytes transferred, else by Rm: one handler does for both. */
const baseRegisters = {
  Rn: 'stack',
  Rm: (f: PostFields) => (f.Rm !== 31 ? f.Rm : Slot.zero),
} as const;
const movedBy = (f: PostFields, bytes: number): number => (f.Rm === 31 ? bytes : 0);
/** Without post-index Rm is zero. */
const noRegister = (f: PostFields): boolean => f.post === 0 && f.Rm !== 0;

/** V<t>, V<t+1> and so on, elements of them where `place` says so. */
const registersFrom = <F extends { readonly Rt: number }>(place: (n: number, f: F) => number) => ({
  Rt: (f: F) => place(f.Rt, f),
  Rt2: (f: F) => place((f.Rt + 1) & 31, f),
  Rt3: (f: F) => place((f.Rt + 2) & 31, f),
  Rt4: (f: F) => place((f.Rt + 3) & 31, f),
});

/** By opcode: registers, and elements of a structure. */
const arrangements: readonly (readonly [registers: number, structure: number] | undefined)[] = [
  [4, 4],
  undefined,
  [4, 1],
  undefined,
  [3, 3],
  undefined,
  [3, 1],
  [1, 1],
  [2, 2],
  undefined,
  [2, 1],
];

const atOffset = <V>(b: Builder<V>, address: V, bytes: number): V =>
  bytes === 0 ? address : b.binary('add', 64, address, b.constant(64, BigInt(bytes)));

/** Post-index: Rn becomes base + Rm + offset. */
const moveBase = <V>(b: Builder<V>, Rn: RegisterOperand, base: V, Rm: RegisterOperand, offset: V): void =>
  b.writeX(64, Rn, b.binary('add', 64, base, b.binary('add', 64, b.readX(64, Rm), offset)));

/** As many vectors as there are, of the elements of all of them that `at` numbers: one behind the other. */
function rearranged<V>(b: Builder<V>, size: number, bytes: number, from: readonly V[], at: (i: number) => number): V[] {
  const count = bytes >> size;
  return from.map((_, r) => {
    const sources = range(count).map((i) => at(r * count + i));
    const ofFirstTwo = sources.map((source) => (source < 2 * count ? source : 0));
    // The elements of each further vector take their places in what there is.
    return from.slice(2).reduce(
      (all, next, i) =>
        pick(
          b,
          size,
          bytes,
          sources.map((source, e) => (Math.floor(source / count) === i + 2 ? count + (source % count) : e)),
          all,
          next,
        ),
      pick(b, size, bytes, ofFirstTwo, from[0], from[1]),
    );
  });
}

/** Of "single structure": the size of an element, and the index, which Q, S and what is left of size make. */
interface SingleFields {
  readonly Q: number;
  readonly scale: number;
  readonly S: number;
  readonly size: number;
}
const sizeOf = ({ scale, size }: SingleFields): number => (scale === 2 ? 2 + (size & 1) : scale & 1);
const indexOf = (f: SingleFields): number => ((f.Q << 3) | (f.S << 2) | f.size) >> sizeOf(f);
const noElement = (f: SingleFields): boolean => {
  if (f.scale === 1) return (f.size & 1) !== 0;
  if (f.scale === 2) return f.size > 1 || (f.size === 1 && f.S === 1);
  return f.scale === 3;
};

export const simdStructures = [
  a64(
    'LD1, LD2, LD3, LD4, ST1, ST2, ST3, ST4 (multiple structures)',
    '0 Q 001100 post L 0 Rm:5 opcode:4 size:2 Rn:5 Rt:5',
    {
      shape: ['Q', 'post', 'L', 'opcode', 'size'],
      derived: { sp },
      // A single 64-bit element makes a vector only of LD1 and ST1.
      possible: ({ Q, opcode, size }) => {
        const arrangement = arrangements[opcode];
        return arrangement !== undefined && (arrangement[1] === 1 || size < 3 || Q === 1);
      },
      unallocated: noRegister,
      registers: baseRegisters,
      vectors: registersFrom(vector),
      immediates: { offset: (f) => movedBy(f, (f.Q ? 16 : 8) * (arrangements[f.opcode]?.[0] ?? 0)) },
    },
    (b, { Q, post, L, opcode, size, sp, Rn, Rm, Rt, Rt2, Rt3, Rt4, offset }) => {
      const [count, structure] = arrangements[opcode]!;
      const bytes = Q ? 16 : 8;
      const registers = [Rt, Rt2, Rt3, Rt4].slice(0, count);
      const base = b.let(64, baseAddress(b, sp, Rn));
      // Element e of register r is element r + e * structure of memory.
      const elements = bytes >> size;
      const inMemory = (i: number) => (i % elements) * structure + Math.floor(i / elements);
      const inRegisters = (i: number) => (i % structure) * elements + Math.floor(i / structure);
      if (L) {
        const loaded = registers.map((_, i) =>
          b.let(128, b.loadElements(size as Size, bytes, atOffset(b, base, i * bytes))),
        );
        const values = structure === 1 ? loaded : rearranged(b, size, bytes, loaded, inMemory);
        registers.forEach((register, i) => {
          b.writeV(register, structure === 1 ? values[i] : lowBytes(b, bytes, values[i]));
        });
      } else {
        const held = registers.map((register) => b.let(128, b.readV(register)));
        const values = structure === 1 ? held : rearranged(b, size, bytes, held, inRegisters);
        for (const [i, value] of values.entries())
          b.storeElements(size as Size, bytes, atOffset(b, base, i * bytes), value);
      }
      if (post) moveBase(b, Rn, base, Rm, b.immediate(64, offset));
    },
  ),

  a64(
    'LD1, LD2, LD3, LD4, ST1, ST2, ST3, ST4 (single structure)',
    '0 Q 001101 post L R Rm:5 scale:2 o S size:2 Rn:5 Rt:5',
    {
      shape: ['post', 'L', 'R', 'o'],
      derived: { log2Bytes: [4, sizeOf], sp },
      unallocated: (f) => noRegister(f) || noElement(f),
      registers: baseRegisters,
      vectors: registersFrom<SingleFields & { Rt: number }>((n, f) => element(n, sizeOf(f), indexOf(f))),
      immediates: { offset: (f) => movedBy(f, (2 * f.o + f.R + 1) << sizeOf(f)) },
    },
    (b, { post, L, R, o, log2Bytes, sp, Rn, Rm, Rt, Rt2, Rt3, Rt4, offset }) => {
      const size = log2Bytes as Size;
      const elements = [Rt, Rt2, Rt3, Rt4].slice(0, 2 * o + R + 1);
      const base = b.let(64, baseAddress(b, sp, Rn));
      const address = (i: number) => atOffset(b, base, i << size);
      if (L) {
        const values = elements.map((_, i) => b.load(size, address(i), 'normal'));
        for (const [i, value] of values.entries()) b.writeElement(size, elements[i], value);
      } else {
        for (const [i, place] of elements.entries()) b.store(size, address(i), b.readElement(size, place), 'normal');
      }
      if (post) moveBase(b, Rn, base, Rm, b.immediate(64, offset));
    },
  ),

  a64(
    'LD1R, LD2R, LD3R, LD4R',
    '0 Q 001101 post 1 R Rm:5 11 o 0 size:2 Rn:5 Rt:5',
    {
      shape: ['Q', 'post', 'R', 'o', 'size'],
      derived: { sp },
      unallocated: noRegister,
      registers: baseRegisters,
      vectors: registersFrom(vector),
      immediates: { offset: (f) => movedBy(f, (2 * f.o + f.R + 1) << f.size) },
    },
    (b, { Q, post, R, o, size: log2Bytes, sp, Rn, Rm, Rt, Rt2, Rt3, Rt4, offset }) => {
      const size = log2Bytes as Size;
      const registers = [Rt, Rt2, Rt3, Rt4].slice(0, 2 * o + R + 1);
      const base = b.let(64, baseAddress(b, sp, Rn));
      const values = registers.map((_, i) => b.load(size, atOffset(b, base, i << size), 'normal'));
      for (const [i, value] of values.entries())
        writeBytes(b, Q ? 16 : 8, registers[i], lanes(b, size, 'splat', value));
      if (post) moveBase(b, Rn, base, Rm, b.immediate(64, offset));
    },
  ),
];
