/** Holds the results of two runs of a batch against each other. */
import type { Batch } from './cases.ts';
import { firstInstruction, instructionsPerCase, resultNames, resultWords, stubWords } from './layout.ts';

/** Indexes into a result. */
export const at = { sp: 31, elr: 32, spsr: 33, esr: 34, far: 35, par: 36, hash: 37 } as const;
const nameOf = (word: number) => (word < 31 ? `X${word}` : word === 31 ? 'SP' : resultNames[word - 32]);

export interface KnownDifference {
  readonly reason: string;
  /** Whether it explains what the simulator did in this case. */
  readonly explains: (ours: BigUint64Array, qemu: BigUint64Array, words: readonly number[]) => boolean;
}

/** Why the two may differ in this case, if there is a reason. */
export const explanationOf = (batch: Batch, index: number, ours: BigUint64Array, qemu: BigUint64Array) => {
  const words = wordsOf(batch, index);
  return knownDifferences.find(({ explains }) => explains(ours, qemu, words))?.reason;
};

const exceptionClass = (result: BigUint64Array) => Number(result[at.esr] >> 26n);

/** The short list: everything else must be equal to the last bit. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    reason: 'QEMU 7.2 does not check the alignment of SP (SCTLR_EL1.SA, SA0)',
    explains: (ours) => exceptionClass(ours) === 0x26,
  },
  {
    reason: 'The size of a load-exclusive and of the store-exclusive behind it differ: CONSTRAINED UNPREDICTABLE',
    explains: (_, __, words) => new Set(words.filter(isExclusive).map(exclusiveSize)).size > 1,
  },
  {
    reason:
      'QEMU 7.2 marks an open exclusive monitor by the address of all ones, and lets a store-exclusive there through',
    explains: (_, qemu, words) => words.some(isExclusive) && qemu[at.far] >= 0xffff_ffff_ffff_fff0n,
  },
  {
    reason:
      'Of structures that end in a page that faults QEMU 7.2 has loaded or stored the elements before: either is allowed',
    explains: (ours, qemu, words) =>
      words.some(isOfStructures) &&
      [0x24, 0x25].includes(exceptionClass(ours)) &&
      qemu[at.far] % 4096n === 0n &&
      ours.every((word, i) => word === qemu[i] || i === at.hash),
  },
  {
    reason: 'QEMU 7.2 exchanges op1 and op2 in the syndrome of a trapped MSR (immediate)',
    explains: (ours, qemu, words) => {
      const [a, b] = [ours[at.esr], qemu[at.esr]];
      const exchanged = (a & ~0xfc000n) | (((a >> 14n) & 7n) << 17n) | (((a >> 17n) & 7n) << 14n);
      return words.some(isMsrImmediate) && b === exchanged;
    },
  },
  {
    reason: 'QEMU 7.2 translates a misaligned pc before it finds it misaligned; the alignment fault has priority',
    explains: (ours, qemu) => exceptionClass(ours) === 0x22 && [0x20, 0x21].includes(exceptionClass(qemu)),
  },
  {
    reason: 'QEMU 7.2 does not check the alignment of LDAPR; without FEAT_LSE2 it must be aligned as that of LDAR',
    explains: (ours, _, words) =>
      words.some(isLoadAcquirePc) && [0x24, 0x25].includes(exceptionClass(ours)) && (ours[at.esr] & 0x3fn) === 0x21n,
  },
  {
    reason: 'QEMU 7.2 never traps WFE',
    explains: (ours) => ours[at.esr] === 0x7e00001n,
  },
  {
    reason: 'ESR_EL1<63:32> is RES0 in Armv8.0 and storage on the CPU that QEMU models',
    explains: (_, __, words) => words.some((word) => (word & 0xffffffe0) >>> 0 === 0xd5185200),
  },
];

const isOfStructures = (word: number) => (word & 0xbe000000) >>> 0 === 0x0c000000;
const isMsrImmediate = (word: number) => (word & 0xfff8f01f) >>> 0 === 0xd500401f;
export const isLoadAcquirePc = (word: number) => (word & 0x3ffffc00) >>> 0 === 0x38bfc000;
const isExclusive = (word: number) => (word & 0x3f800000) >>> 0 === 0x08000000;
/** Size and pair. */
const exclusiveSize = (word: number) => (word >>> 30) * 2 + ((word >>> 21) & 1);

export interface Comparison {
  readonly compared: number;
  /** How often each known difference was met. */
  readonly known: ReadonlyMap<string, number>;
  /** Sentences, the first few. */
  readonly unexplained: readonly string[];
}

/** Compares whole results; `known` differences are counted apart. */
export function compareResults(batch: Batch, ours: BigUint64Array, qemu: BigUint64Array): Comparison {
  const known = new Map<string, number>();
  const unexplained: string[] = [];
  for (let index = 0; index < batch.count; index++) {
    const from = index * resultWords;
    const a = ours.subarray(from, from + resultWords);
    const b = qemu.subarray(from, from + resultWords);
    const wrong: string[] = [];
    for (let word = 0; word < resultWords; word++)
      if (a[word] !== b[word]) wrong.push(`${nameOf(word)} ${a[word].toString(16)} (QEMU ${b[word].toString(16)})`);
    if (wrong.length === 0) continue;
    const reason = explanationOf(batch, index, a, b);
    if (reason) known.set(reason, (known.get(reason) ?? 0) + 1);
    else unexplained.push(`${describeCase(batch, index)}: ${wrong.slice(0, 6).join(', ')}`);
  }
  return { compared: batch.count, known, unexplained };
}

const wordsOf = (batch: Batch, index: number) =>
  Array.from({ length: instructionsPerCase }, (_, slot) => batch.stubs[index * stubWords + firstInstruction + slot]);

export function describeCase(batch: Batch, index: number): string {
  const parts = wordsOf(batch, index).map((word, slot) => {
    const definition = batch.definitions[batch.drawn[index * instructionsPerCase + slot]];
    return `${word.toString(16).padStart(8, '0')} ${definition?.name ?? 'NOP'}`;
  });
  return `case ${index}: ${parts.join(' | ')}`;
}
