/** Runs a batch on QEMU and on the simulator: the same guest, the same RAM, the same results. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ImageError, parseImage, SimulatorMachine } from '../../src/backend/index.ts';
import type { Batch } from './cases.ts';
import { cases, countAddress, pristine, ram, results, resultWords, stubs, vectors, windows } from './layout.ts';
import { Random } from './random.ts';

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

/** Throws when QEMU does not end as it should. */
export function runOnQemu(elf: string, batch: Batch): BigUint64Array {
  const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-'));
  try {
    const file = path.join(folder, 'ram');
    const descriptor = openSync(file, 'w+');
    ftruncateSync(descriptor, ram.size);
    for (const [address, bytes] of memoryOf(batch)) writeSync(descriptor, bytes, 0, bytes.length, address - ram.base);
    const machine = `virt,memory-backend=ram`;
    const backend = `memory-backend-file,id=ram,mem-path=${file},size=${ram.size},share=on`;
    const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'none', '-nic', 'none', '-no-reboot'];
    const args = ['-M', machine, '-cpu', cpu, '-m', `${ram.size >> 20}`, '-object', backend, ...quiet, '-kernel', elf];
    const { status, stderr } = spawnSync('qemu-system-aarch64', args, { timeout: 60_000, encoding: 'utf8' });
    if (status !== 0) throw new Error(`qemu-system-aarch64 ended with ${status}: ${stderr}`);
    const found = new BigUint64Array(batch.count * resultWords);
    readSync(descriptor, new Uint8Array(found.buffer), 0, found.byteLength, results - ram.base);
    closeSync(descriptor);
    return found;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Throws when the guest does not power off. */
export async function runOnSimulator(elf: string, batch: Batch): Promise<BigUint64Array> {
  const image = parseImage(readFileSync(elf), { start: BigInt(ram.base), length: BigInt(ram.size) });
  if (image instanceof ImageError) throw new Error(image.message);
  const machine = new SimulatorMachine({ ramSize: ram.size, image });
  // A device tree stands here. QEMU's, which is larger, does not fit before the guest.
  machine.memory.view(BigInt(ram.base), Number(image.segments[0].address) - ram.base)?.fill(0);
  machine.memory.changed(BigInt(ram.base), Number(image.segments[0].address) - ram.base);
  for (const [address, bytes] of memoryOf(batch)) {
    machine.memory.view(BigInt(address), bytes.length)?.set(bytes);
    machine.memory.changed(BigInt(address), bytes.length);
  }
  machine.startClock();
  const exit = await machine.vcpus[0].run();
  if (exit.kind !== 'shutdown') throw new Error(`the simulator ended with ${exit.kind}`);
  const found = new BigUint64Array(batch.count * resultWords);
  const bytes = machine.memory.view(BigInt(results), found.byteLength);
  if (bytes === undefined) throw new Error('there is no RAM where the results are');
  new Uint8Array(found.buffer).set(bytes);
  machine.close();
  return found;
}
