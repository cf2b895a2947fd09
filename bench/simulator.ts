/**
 * Speed of the simulator: bench/guest's programs, with the MMU on, in millions of instructions a second. A run counts
 * only when the guest prints the result that it prints on other machines.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { ImageError, parseImage, RAM_BASE, SimulatorMachine } from '../src/backend/index.ts';

interface Workload {
  readonly name: string;
  readonly result: string;
  /** Instructions from start to end. */
  readonly instructions: number;
}

const workloads: readonly Workload[] = [
  { name: 'everyday', result: 'c2e02209305c1f95', instructions: 43_280_994 },
  { name: 'sha256', result: '742a0b88eaacb1a0', instructions: 169_530_201 },
  { name: 'calls', result: '000000003a3c5da4', instructions: 67_799_218 },
  { name: 'memory', result: '0000003cfd996266', instructions: 81_085_748 },
  { name: 'system-calls', result: '00000105ef4523b0', instructions: 22_500_190 },
];

/** The guests stay where their sources are; this file runs from dist/bench. */
const guests = path.join(import.meta.dirname, '../../bench/guest');
const ramSize = 64 << 20;

export interface Speed {
  readonly name: string;
  readonly instructions: number;
  /** Milliseconds by the clock, and of the processor. */
  readonly wall: number;
  readonly cpu: number;
}

export interface Finished {
  /** What the guest has printed. */
  readonly output: string;
  readonly instructions: number;
  /** Milliseconds by the clock, and of the processor. */
  readonly wall: number;
  readonly cpu: number;
}

/** A guest from a file to its power off. Throws when it ends otherwise. */
export async function runImage(file: string, ramSize: number): Promise<Finished> {
  const image = parseImage(readFileSync(file), { start: BigInt(RAM_BASE), length: BigInt(ramSize) });
  if (image instanceof ImageError) throw new Error(`${file}: ${image.message}`);
  let output = '';
  const serial = (bytes: Uint8Array): void => {
    output += Buffer.from(bytes).toString('latin1');
  };
  const machine = new SimulatorMachine({ ramSize, image, serial });
  machine.startClock();
  const [begin, used] = [performance.now(), process.cpuUsage()];
  const { kind } = await machine.vcpus[0].run();
  const wall = performance.now() - begin;
  const { user, system } = process.cpuUsage(used);
  const [instructions] = machine.usage.instructions;
  machine.close();
  if (kind !== 'shutdown') throw new Error(`${file} ended with ${kind} after "${output}"`);
  return { output, instructions, wall, cpu: (user + system) / 1000 };
}

/** Throws when the guest does not do what it should. */
export async function runWorkload({ name, result, instructions }: Workload): Promise<Speed> {
  const { output, wall, cpu } = await runImage(path.join(guests, `${name}.elf`), ramSize);
  if (output !== result) throw new Error(`${name}: "${output}" for "${result}"`);
  return { name, instructions, wall, cpu };
}

export async function benchSimulator(): Promise<void> {
  console.log('simulator: millions of instructions a second, by processor time and by the clock');
  for (const workload of workloads) {
    const { name, instructions, wall, cpu } = await runWorkload(workload);
    const mips = (milliseconds: number) => (instructions / milliseconds / 1000).toFixed(0).padStart(6);
    console.log(`  ${name.padEnd(14)}${mips(cpu)}${mips(wall)}`);
  }
}
