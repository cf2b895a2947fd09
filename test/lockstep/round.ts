/** A guest that finds its work in RAM, leaves its results there and powers off: the same on QEMU and on the simulator. */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CpuModelName, ImageError, parseImage, SimulatorMachine } from '../../src/backend/index.ts';

export interface Round {
  readonly elf: string;
  readonly ram: { readonly base: number; readonly size: number };
  /** What is in RAM beside the guest. */
  readonly memory: readonly (readonly [address: number, bytes: Uint8Array])[];
  /** Where the results will be, and how many 64-bit words. */
  readonly results: { readonly address: number; readonly words: number };
}

/** The results. Throws when QEMU does not end as it should. */
export function roundOnQemu({ elf, ram, memory, results }: Round, cpu: string): BigUint64Array {
  const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-'));
  try {
    const file = path.join(folder, 'ram');
    const descriptor = openSync(file, 'w+');
    ftruncateSync(descriptor, ram.size);
    for (const [address, bytes] of memory) writeSync(descriptor, bytes, 0, bytes.length, address - ram.base);
    const backend = `memory-backend-file,id=ram,mem-path=${file},size=${ram.size},share=on`;
    const machine = ['-M', 'virt,memory-backend=ram', '-cpu', cpu, '-m', `${ram.size >> 20}`, '-object', backend];
    const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'none', '-nic', 'none', '-no-reboot'];
    const options = { timeout: 120_000, encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync('qemu-system-aarch64', [...machine, ...quiet, '-kernel', elf], options);
    if (status !== 0) throw new Error(`qemu-system-aarch64 ended with ${status}: ${stderr}`);
    const found = new BigUint64Array(results.words);
    readSync(descriptor, new Uint8Array(found.buffer), 0, found.byteLength, results.address - ram.base);
    closeSync(descriptor);
    return found;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The results. Throws when the guest does not power off. */
export async function roundOnSimulator(
  { elf, ram, memory, results }: Round,
  cpu: CpuModelName,
): Promise<BigUint64Array> {
  const image = parseImage(readFileSync(elf), { start: BigInt(ram.base), length: BigInt(ram.size) });
  if (image instanceof ImageError) throw new Error(image.message);
  const machine = new SimulatorMachine({ ramSize: ram.size, image, cpu });
  const put = (address: number, bytes: Uint8Array): void => {
    machine.memory.view(BigInt(address), bytes.length)!.set(bytes);
    machine.memory.changed(BigInt(address), bytes.length);
  };
  // A device tree stands here. QEMU's, which is larger, does not fit before the guest.
  put(ram.base, new Uint8Array(Number(image.segments[0].address) - ram.base));
  for (const [address, bytes] of memory) put(address, bytes);
  machine.startClock();
  const exit = await machine.vcpus[0].run();
  if (exit.kind !== 'shutdown') throw new Error(`the simulator ended with ${exit.kind}`);
  const found = new BigUint64Array(results.words);
  new Uint8Array(found.buffer).set(machine.memory.view(BigInt(results.address), found.byteLength)!);
  machine.close();
  return found;
}
