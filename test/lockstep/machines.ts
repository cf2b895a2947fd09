/** Runs a batch on QEMU and on the simulator: the same guest, the same RAM, the same results. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { Batch } from './cases.ts';
import { cases, countAddress, pristine, ram, results, resultWords, stubs, vectors, windows } from './layout.ts';
import { Random } from './random.ts';
import { type Round, roundOnQemu, roundOnSimulator } from './round.ts';

/** A CPU of Armv8.2: it has LSE, PAN and LRCPC, and neither SVE nor MTE. */
const cpu = 'neoverse-n1';

export function buildHarness(folder: string): string {
  const elf = path.join(folder, 'harness.elf');
  const source = (name: string) => path.join(import.meta.dirname, name);
  const options = [
    '-nostdlib',
    '-static',
    '-no-pie',
    '-march=armv8.1-a',
    '-Wl,--build-id=none',
    '-Wl,--no-warn-rwx-segments',
  ];
  execFileSync('aarch64-linux-gnu-gcc', [...options, '-T', source('harness.ld'), source('harness.S'), '-o', elf]);
  return elf;
}

/** What the windows hold when a case begins. */
export function pristineBytes(): Uint8Array {
  const random = new Random(7);
  return Uint8Array.from({ length: windows.reduce((sum, { bytes }) => sum + bytes, 0) }, () => random.word());
}

/** What V0..V31 may begin with, in halves. */
export function vectorPool(): BigUint64Array {
  const random = new Random(8);
  return BigUint64Array.from(
    { length: vectors.bytes / 8 },
    () => (BigInt(random.word()) << 32n) | BigInt(random.word()),
  );
}

/** The parts of RAM that make a batch: address and bytes. */
export function memoryOf(batch: Batch): readonly (readonly [address: number, bytes: Uint8Array])[] {
  return [
    [countAddress, new Uint8Array(new BigUint64Array([BigInt(batch.count)]).buffer)],
    [pristine, pristineBytes()],
    [vectors.start, new Uint8Array(vectorPool().buffer)],
    [stubs, new Uint8Array(batch.stubs.buffer)],
    [cases, new Uint8Array(batch.cases.buffer)],
  ];
}

const roundOf = (elf: string, batch: Batch): Round => ({
  elf,
  ram,
  memory: memoryOf(batch),
  results: { address: results, words: batch.count * resultWords },
});

/** As roundOnQemu. */
export const runOnQemu = (elf: string, batch: Batch): BigUint64Array => roundOnQemu(roundOf(elf, batch), cpu);

/** As roundOnSimulator. */
export const runOnSimulator = (elf: string, batch: Batch): Promise<BigUint64Array> =>
  roundOnSimulator(roundOf(elf, batch), 'max');
