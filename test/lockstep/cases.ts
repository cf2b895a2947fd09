/**
 * Random cases for the lock-step runs: three instructions drawn from the definitions, and the registers with which they
 * begin. The registers that loads and stores start from are aimed at the pages of `data`, so that most accesses
 * hit memory and some hit what they may not.
 */
import type { A64Instruction, Decoder } from '../../src/arm/index.ts';
import type { Ending, EvaluatorMachine } from './evaluator.ts';
import {
  caseWords,
  data,
  firstInstruction,
  instructionsPerCase,
  stubBrks,
  stubs,
  stubWords,
  vectors,
  windows,
} from './layout.ts';
import type { Random } from './random.ts';
import { drawable, operationsDrawn, steer } from './rules.ts';

export interface Batch {
  readonly count: number;
  readonly stubs: Uint32Array;
  readonly cases: BigUint64Array;
  readonly definitions: readonly A64Instruction[];
  /** Index into `definitions` of each instruction. */
  readonly drawn: Uint16Array;
}

const NOP = 0xd503201f;

export function drawBatch(
  random: Random,
  count: number,
  instructions: readonly A64Instruction[],
  decoder: Decoder,
  machine: EvaluatorMachine,
): Batch {
  const batch: Batch = {
    count,
    stubs: new Uint32Array(count * stubWords),
    cases: new BigUint64Array(count * caseWords),
    definitions: instructions,
    drawn: new Uint16Array(count * instructionsPerCase),
  };
  for (let i = 0; i < count; i++) {
    do drawCase(random, batch, i, decoder, machine);
    while (!isFair(machine.run(batch, i)));
  }
  return batch;
}

/** Where QEMU does not look at an alignment it goes on, and may write what other cases read. */
const isFair = (ending: Ending): boolean => ending.kind !== 'endless' && !ending.misaligned;

function drawCase(random: Random, batch: Batch, index: number, decoder: Decoder, machine: EvaluatorMachine): void {
  const words = batch.stubs.subarray(index * stubWords, (index + 1) * stubWords);
  const state = batch.cases.subarray(index * caseWords, (index + 1) * caseWords);
  const el1 = random.chance(2);
  for (let r = 0; r < 32; r++) state[r] = drawValue(random);
  state[32] = drawSpsr(random, el1);
  state[33] = BigInt(16 * random.below((vectors.bytes - 512) / 16));
  state[34] = BigInt(random.chance(6) ? random.below(3) : 3) << 20n;
  stubBrks.forEach((brk, i) => {
    words[i] = brk ?? NOP;
  });
  for (let slot = 0; slot < instructionsPerCase; slot++) {
    const place = firstInstruction + slot;
    const pc = stubs + (index * stubWords + place) * 4;
    // Definitions in turn, so that each is drawn equally often whatever its share of the encoding space.
    const choice =
      (index * instructionsPerCase + slot + (random.chance(3) ? random.word() : 0)) % batch.definitions.length;
    const word = drawWord(random, batch.definitions[choice], decoder, place, el1);
    batch.drawn[index * instructionsPerCase + slot] = word === undefined ? 0xffff : choice;
    words[place] = word ?? NOP;
    if (word !== undefined) aim(random, word, state, pc, index, machine);
  }
  // QEMU does not check it: see `differences` in compare.ts.
  state[31] &= ~15n;
}

function drawWord(
  random: Random,
  instruction: A64Instruction,
  decoder: Decoder,
  place: number,
  el1: boolean,
): number | undefined {
  for (let attempt = 0; attempt < 40; attempt++) {
    const drawn = ((random.word() & ~instruction.mask) | instruction.value) >>> 0;
    const word = steer(random, bendBranch(random, drawn, place));
    if (decoder.find(word) === instruction && drawable(word, el1)) return word;
  }
  return undefined;
}

/** Direct branches go to a later word of the stub or to its first: never round in a circle. */
function bendBranch(random: Random, word: number, place: number): number {
  const target = random.chance(4) ? 0 : place + 1 + random.below(stubWords - place - 1);
  const offset = target - place;
  if ((word & 0x7c000000) >>> 0 === 0x14000000) return ((word & 0xfc000000) | (offset & 0x3ffffff)) >>> 0;
  if ((word & 0x7e000000) >>> 0 === 0x36000000) return ((word & 0xfff8001f) | ((offset & 0x3fff) << 5)) >>> 0;
  if ((word & 0xfe000000) >>> 0 === 0x54000000 || (word & 0x7e000000) >>> 0 === 0x34000000)
    return ((word & 0xff00001f) | ((offset & 0x7ffff) << 5)) >>> 0;
  return word;
}

/** Small numbers are addresses, too: no case may write what belongs to the harness. */
const clearOfRam = (value: bigint) => (value >> 30n === 1n ? value | (1n << 40n) : value);

function drawValue(random: Random): bigint {
  const low = BigInt(random.word());
  switch (random.below(8)) {
    case 0:
      return BigInt(random.below(256));
    case 1:
      return 0xffff_ffff_ffff_ff00n | (low & 0xffn);
    case 2:
      return clearOfRam(1n << BigInt(random.below(64)));
    case 3:
      return clearOfRam(low);
    case 4:
      return (1n << BigInt(1 + random.below(63))) - 1n;
    default:
      return (BigInt(random.word()) << 32n) | low;
  }
}

/** NZCV, DAIF and PAN at random; EL0 or EL1 with SP_EL0; now and then an illegal state. */
function drawSpsr(random: Random, el1: boolean): bigint {
  const nzcv = random.below(16) * 2 ** 28;
  const daif = random.below(16) << 6;
  const pan = el1 && random.chance(3) ? 1 << 22 : 0;
  const il = random.chance(256) ? 1 << 20 : 0;
  return BigInt(nzcv + daif + pan + il + (el1 ? 4 : 0));
}

/** Moves the base register so that the first access falls into `data`, or a branch's register to a word of the stub. */
function aim(
  random: Random,
  word: number,
  state: BigUint64Array,
  pc: number,
  index: number,
  machine: EvaluatorMachine,
): void {
  const n = (word >>> 5) & 31;
  if ((word & 0xfe000000) >>> 0 === 0xd6000000) {
    if (n < 31)
      state[n] = BigInt(
        stubs + (index * stubWords + 4 + random.below(4)) * 4 + (random.chance(8) ? random.below(4) : 0),
      );
    return;
  }
  if (random.chance(16)) return;
  if ((word & 0xfff80000) >>> 0 === 0xd5080000 && operationsDrawn.get((word >>> 5) & 0x3fff) !== 'TLBI') {
    if ((word & 31) < 31) state[word & 31] = drawAddress(random);
    return;
  }
  const registers = state.subarray(0, 32);
  const address = machine.firstAccess(word, registers, pc);
  if (address === undefined) return;
  registers[n] = BigInt.asUintN(64, registers[n] + drawAddress(random) - address);
}

/** Mostly in a window that is restored after each case, so that stores do no harm; else where stores are refused. */
function drawAddress(random: Random): bigint {
  if (random.chance(12)) return BigInt(data + 0x2000 + 0x40 + random.below(0x900));
  if (random.chance(24)) return BigInt(data + 0x4000 + 0x40 + random.below(0x900));
  const { start, bytes } = random.chance(5) ? windows[1] : windows[0];
  // The widest access is 64 bytes.
  const offset = 64 + random.below(bytes - 128);
  return BigInt(start + (random.chance(3) ? offset : offset & ~15));
}
