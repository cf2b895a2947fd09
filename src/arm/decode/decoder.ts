/**
 * From an instruction word to its definition. Two diagrams may match the same word only if one is a special case of
 * the other; the special one is then taken. Anything else is an error when the table is made.
 */
import type { A64Instruction } from '../a64/instruction.ts';
import { hex } from '../bits.ts';

export interface Decoder {
  /** undefined: the word is unallocated, and so UNDEFINED. Words are unsigned or signed 32-bit numbers. */
  find(word: number): A64Instruction | undefined;
}

interface Candidate {
  readonly mask: number;
  readonly value: number;
  readonly instruction: A64Instruction;
}

/** The table is indexed by bits 31..21: they tell most of A64 apart. */
const indexLow = 21;
const indexOnes = 0x7ff;

/** Throws on diagrams that overlap. */
export function decoderOf(instructions: readonly A64Instruction[]): Decoder {
  const rows: Candidate[][] = Array.from({ length: indexOnes + 1 }, () => []);
  for (const candidate of sortBySpeciality(instructions)) {
    const free = (~candidate.mask >>> indexLow) & indexOnes;
    const fixed = candidate.value >>> indexLow;
    // Every subset of the free bits in turn: subtracting carries through the bits that are not free.
    let subset = 0;
    do {
      rows[fixed | subset].push(candidate);
      subset = (subset - free) & free;
    } while (subset !== 0);
  }
  return {
    find(word) {
      const row = rows[word >>> indexLow];
      for (let i = 0; i < row.length; i++) {
        const { mask, value, instruction } = row[i];
        if (((word ^ value) & mask) !== 0) continue;
        return instruction.unallocated?.(instruction.fieldsOf(word)) === true ? undefined : instruction;
      }
      return undefined;
    },
  };
}

/** Special cases first; throws on any other overlap. */
function sortBySpeciality(instructions: readonly A64Instruction[]): Candidate[] {
  const sorted = [...instructions].sort((a, b) => ones(b.mask) - ones(a.mask));
  sorted.forEach((special, i) => {
    for (const general of sorted.slice(i + 1)) {
      const overlap = ((special.value ^ general.value) & special.mask & general.mask) === 0;
      const contained = (special.mask & general.mask) >>> 0 === general.mask && special.mask !== general.mask;
      if (overlap && !contained)
        throw new Error(
          `${special.name} and ${general.name} overlap at ${hex((special.value | general.value) >>> 0, 8)}`,
        );
    }
  });
  return sorted.map((instruction) => ({
    mask: instruction.mask | 0,
    value: instruction.value | 0,
    instruction,
  }));
}

function ones(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}
