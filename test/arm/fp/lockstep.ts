/** Random SIMD and floating-point instructions on QEMU and on the simulator: the same guest, the same RAM. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { double, Fpcr, half, single } from '../../../src/arm/fp/format.ts';
import { type A64Instruction, decoderOf } from '../../../src/arm/index.ts';
import type { CpuModelName } from '../../../src/backend/index.ts';
import { type Round, roundOnQemu, roundOnSimulator } from '../../lockstep/round.ts';
import { drawNumber, type Random } from './random.ts';

const ram = { base: 0x4000_0000, size: 0x0800_0000 };
/** As in harness.S. */
const place = { count: 0x4010_0000, stubs: 0x4020_0000, cases: 0x4100_0000, pool: 0x4200_0000, results: 0x4300_0000 };
const stubWords = 16;
const ret = 0xd65f_03c0;
const poolBytes = 1 << 20;
/** Of results, in 64-bit words: V0..V31 in two each, X0..X15, FPSR, NZCV. */
const resultWords = 82;
const caseWords = 4;

/** Words that QEMU 7.2 does not carry out as the manual says. */
const exclusions: readonly { readonly mask: number; readonly value: number; readonly reason: string }[] = [
  {
    mask: 0xfff0fc00,
    value: 0x5f10fc00,
    reason:
      'FCVTZS (vector, fixed-point) of one half: what lies above the 16 bits of the result is their sign, not zero',
  },
];

export interface Batch {
  readonly count: number;
  /** Instructions in all. */
  readonly executed: number;
  readonly stubs: Uint32Array;
  readonly cases: Uint32Array;
  readonly pool: BigUint64Array;
}

/** Each definition comes equally often. Short stubs leave FPSR's flags to few instructions. */
export function drawBatch(random: Random, count: number, instructions: readonly A64Instruction[]): Batch {
  const decoder = decoderOf(instructions);
  const stubs = new Uint32Array(count * stubWords);
  const cases = new Uint32Array(count * caseWords);
  let executed = 0;
  for (let i = 0; i < count; i++) {
    const length = 1 + random.below(stubWords - 1);
    for (let slot = 0; slot < length; slot++) {
      const instruction = instructions[random.below(instructions.length)];
      let word: number;
      do word = steer(instruction, drawWord(random, instruction));
      while (decoder.find(word) !== instruction || isExcluded(word));
      stubs[i * stubWords + slot] = word;
    }
    stubs[i * stubWords + length] = ret;
    executed += length;
    const offset = (bytes: number) => 16 * random.below((poolBytes - bytes) / 16);
    cases.set([offset(512), offset(128), drawFpcr(random), [0, 0x10, 0x9f][random.below(3)]], i * caseWords);
  }
  return { count, executed, stubs, cases, pool: drawPool(random) };
}

const isExcluded = (word: number) => exclusions.some(({ mask, value }) => ((word ^ value) & mask) === 0);

function drawWord(random: Random, { mask, value }: A64Instruction): number {
  return ((random.word() & ~mask) | value) >>> 0;
}

/** General registers are X0 to X15: the harness needs the others. */
function steer({ registers, fields }: A64Instruction, word: number): number {
  for (const { name } of registers) {
    const field = fields.find((f) => f.name === name);
    if (field) word = (word & ~(16 << field.low)) >>> 0;
  }
  return word;
}

/** Often what programs run with, else any. */
function drawFpcr(random: Random): number {
  if (random.below(2) === 0) return 0;
  const bit = (value: number) => (random.below(3) === 0 ? value : 0);
  return (random.below(4) << Fpcr.rmodeShift) | bit(Fpcr.FZ) | bit(Fpcr.FZ16) | bit(Fpcr.DN) | bit(Fpcr.AHP);
}

function drawPool(random: Random): BigUint64Array {
  const several = (bits: number, draw: () => bigint) => {
    let value = 0n;
    for (let low = 0; low < 64; low += bits) value |= draw() << BigInt(low);
    return value;
  };
  const kinds = [
    () => drawNumber(random, double),
    () => several(32, () => drawNumber(random, single)),
    () => several(16, () => drawNumber(random, half)),
    () => random.bits(64),
    () => several(32, () => BigInt.asUintN(32, BigInt(random.below(64) - 32))),
    () => {
      const bits = 8 << random.below(4);
      return several(bits, () => drawInteger(random, bits));
    },
  ];
  const pool = new BigUint64Array(poolBytes / 8);
  for (let i = 0; i < pool.length; i += 2) {
    const kind = kinds[[0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 5, 5][random.below(12)]];
    pool[i] = kind();
    pool[i + 1] = kind();
  }
  return pool;
}

/** Often near the ends of a signed or unsigned range, where integers are saturated. */
function drawInteger(random: Random, bits: number): bigint {
  const end = [0n, 1n << BigInt(bits - 1), 1n << BigInt(random.below(bits)), random.bits(64)][random.below(4)];
  return BigInt.asUintN(bits, end + BigInt(random.below(5) - 2));
}

const memoryOf = ({ count, stubs, cases, pool }: Batch): readonly (readonly [number, Uint8Array])[] => [
  [place.count, new Uint8Array(new BigUint64Array([BigInt(count)]).buffer)],
  [place.stubs, new Uint8Array(stubs.buffer)],
  [place.cases, new Uint8Array(cases.buffer)],
  [place.pool, new Uint8Array(pool.buffer)],
];

export function buildHarness(folder: string): string {
  const elf = path.join(folder, 'harness.elf');
  const options = ['-nostdlib', '-static', '-no-pie', '-Wl,--build-id=none', '-Wl,-Ttext=0x40080000'];
  execFileSync('aarch64-linux-gnu-gcc', [...options, path.join(import.meta.dirname, 'harness.S'), '-o', elf]);
  return elf;
}

const roundOf = (elf: string, batch: Batch): Round => ({
  elf,
  ram,
  memory: memoryOf(batch),
  results: { address: place.results, words: batch.count * resultWords },
});

/** As roundOnQemu. */
export const runOnQemu = (elf: string, batch: Batch): BigUint64Array => roundOnQemu(roundOf(elf, batch), 'max');

/** As roundOnSimulator. */
export const runOnSimulator = (elf: string, batch: Batch, cpu: CpuModelName): Promise<BigUint64Array> =>
  roundOnSimulator(roundOf(elf, batch), cpu);

/** What differs, a sentence a case. */
export function compare(
  batch: Batch,
  ours: BigUint64Array,
  qemu: BigUint64Array,
  instructions: readonly A64Instruction[],
): string[] {
  const decoder = decoderOf(instructions);
  const wrong: string[] = [];
  for (let index = 0; index < batch.count; index++) {
    const differences: string[] = [];
    for (let word = 0; word < resultWords; word++) {
      const [a, b] = [ours[index * resultWords + word], qemu[index * resultWords + word]];
      if (a !== b) differences.push(`${nameOf(word)} ${a.toString(16)} (QEMU ${b.toString(16)})`);
    }
    if (differences.length === 0) continue;
    const stub = batch.stubs.subarray(index * stubWords, (index + 1) * stubWords);
    const words = stub.subarray(0, stub.indexOf(ret));
    const [, , fpcr, fpsr] = batch.cases.subarray(index * caseWords);
    const listing = [...words].map((w) => `  ${w.toString(16).padStart(8, '0')} ${decoder.find(w)?.name}`).join('\n');
    wrong.push(
      `case ${index}, FPCR ${fpcr.toString(16)}, FPSR ${fpsr.toString(16)}: ${differences.join(', ')}\n${listing}`,
    );
  }
  return wrong;
}

/** The syndromes of the cases that ended with an exception. */
export const syndromesOf = (batch: Batch, results: BigUint64Array): bigint[] =>
  Array.from({ length: batch.count }, (_, index) => results[index * resultWords + 81]).filter((v) => v >> 25n === 1n);

const nameOf = (word: number): string =>
  word < 64 ? `V${word >> 1}.D[${word & 1}]` : word < 80 ? `X${word - 64}` : word === 80 ? 'FPSR' : 'NZCV';
