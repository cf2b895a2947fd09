/**
 * Sequences from a load-exclusive to its store-exclusive. A debug exception in between clears the monitor, so that the
 * store never succeeds: a step at the load runs to where the sequence is left.
 *
 * Arm ARM DDI 0487, C6.2 "LDXR", "STXR"; B2.9 "Synchronization and semaphores".
 */

/** The longest sequence that is looked for, in instructions. */
const LONGEST = 16;

/** LDXR, LDAXR, LDXP, LDAXP of any size. */
export const isLoadExclusive = (word: number): boolean =>
  (word & 0x3fe00000) === 0x08400000 || (word & 0xbfe00000) >>> 0 === 0x88600000;

/** STXR, STLXR, STXP, STLXP. */
const isStoreExclusive = (word: number): boolean =>
  (word & 0x3fe00000) === 0x08000000 || (word & 0xbfe00000) >>> 0 === 0x88200000;

const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

/** The target of a conditional branch relative to it, in bytes; undefined for another instruction. */
function conditionalBranch(word: number): number | undefined {
  // B.cond, CBZ and CBNZ, TBZ and TBNZ.
  if ((word & 0xff000000) >>> 0 === 0x54000000 || (word & 0x7e000000) === 0x34000000)
    return signed((word >> 5) & 0x7ffff, 19) * 4;
  return (word & 0x7e000000) === 0x36000000 ? signed((word >> 5) & 0x3fff, 14) * 4 : undefined;
}

/** B, BL, BR, BLR, RET, ERET, SVC, BRK ...: what follows is not what runs next. */
const leaves = (word: number): boolean =>
  (word & 0x7c000000) === 0x14000000 ||
  (word & 0xfe000000) >>> 0 === 0xd6000000 ||
  (word & 0xff000000) >>> 0 === 0xd4000000;

/**
 * Where the sequence that begins at `pc` is left: behind its store, and at the targets of branches out of it. Undefined
 * where no such sequence begins. `fetch` reads an instruction.
 */
export function exclusiveEnds(pc: bigint, fetch: (address: bigint) => number | undefined): bigint[] | undefined {
  const first = fetch(pc);
  if (first === undefined || !isLoadExclusive(first)) return undefined;
  const targets: bigint[] = [];
  for (let n = 1; n <= LONGEST; n++) {
    const address = pc + BigInt(4 * n);
    const word = fetch(address);
    if (word === undefined || leaves(word)) return undefined;
    if (isStoreExclusive(word)) {
      const outside = targets.filter((target) => target < pc || target > address);
      return [...new Set([address + 4n, ...outside])];
    }
    const offset = conditionalBranch(word);
    if (offset !== undefined) targets.push(BigInt.asUintN(64, address + BigInt(offset)));
  }
  return undefined;
}
