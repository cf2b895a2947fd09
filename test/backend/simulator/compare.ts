/** Guests that are built for a test and run on QEMU and on the simulator; both must print the same. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { GicVersion } from '../../../src/backend/board.ts';
import { ImageError } from '../../../src/backend/image/image.ts';
import { parseImage } from '../../../src/backend/image/parse.ts';
import { type CpuModelName, cpuModelNames } from '../../../src/backend/simulator/cpu-models.ts';
import { RAM_BASE, SimulatorMachine, type SimulatorOptions } from '../../../src/backend/simulator/machine.ts';

const guests = join(dirname(fileURLToPath(import.meta.url)), 'guests');
const RAM_SIZE = 64 << 20;

const flags = [
  ...['-O1', '-std=gnu11', '-Wall', '-ffreestanding', '-nostdlib', '-static', '-fno-pic', '-no-pie'],
  ...['-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-fno-strict-aliasing', '-mstrict-align'],
  ...['-mgeneral-regs-only', '-march=armv8.1-a', '-Wa,-W', '-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments'],
];

/** Builds guests/NAME.c and lets `use` have the ELF file. */
export async function withGuest<T>(name: string, use: (elf: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'guest-'));
  try {
    const elf = join(directory, `${name}.elf`);
    const sources = ['start.S', `${name}.c`].map((file) => join(guests, file));
    execFileSync('aarch64-linux-gnu-gcc', [...flags, '-T', join(guests, 'link.ld'), ...sources, '-o', elf]);
    return await use(elf);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What the guest prints on QEMU's virt board until it powers off. */
export async function onQemu(
  elf: string,
  cpu: string,
  gic: GicVersion = 3,
  more: readonly string[] = [],
): Promise<string> {
  const board = `virt,gic-version=${gic}${gic === 3 ? ',its=off' : ''}`;
  const options = ['-M', board, '-cpu', cpu, '-m', '64', '-display', 'none', '-monitor', 'none', '-serial', 'stdio'];
  const run = promisify(execFile)('qemu-system-aarch64', [...options, '-net', 'none', ...more, '-kernel', elf], {
    timeout: 50_000,
    maxBuffer: 1 << 26,
  });
  run.child.stdin?.end();
  return (await run).stdout;
}

/** What a machine has beside. */
type More = Partial<SimulatorOptions>;

export function machineFor(elf: string, serial: (bytes: Uint8Array) => void, more: More = {}): SimulatorMachine {
  const image = parseImage(readFileSync(elf), { start: BigInt(RAM_BASE), length: BigInt(RAM_SIZE) });
  if (image instanceof ImageError) throw new Error(image.message);
  return new SimulatorMachine({ ramSize: RAM_SIZE, image, serial, ...more });
}

/** What it prints on the simulator. */
export async function onSimulator(elf: string, more?: More): Promise<string> {
  const output: Uint8Array[] = [];
  const machine = machineFor(elf, (bytes) => output.push(bytes), more);
  machine.startClock();
  const timeout = setTimeout(() => machine.vcpus[0].kick(), 50_000);
  const runs = machine.vcpus.map((vcpu) => vcpu.run());
  const exit = await Promise.race(runs);
  clearTimeout(timeout);
  machine.close();
  const text = Buffer.concat(output).toString('latin1');
  if (exit.kind !== 'shutdown') throw new Error(`the guest ended with ${exit.kind} after:\n${text.slice(-2000)}`);
  return text;
}

/** The simulator's CPU of the same name; its `max` for others, which have no more than that. */
const modelOf = (cpu: string): CpuModelName => cpuModelNames.find((name) => name === cpu) ?? 'max';

/** Both outputs. */
export const onBoth = (
  name: string,
  cpu: string,
  gic?: GicVersion,
  cpus = 1,
): Promise<readonly [qemu: string, simulator: string]> =>
  withGuest(name, async (elf) =>
    Promise.all([onQemu(elf, cpu, gic, ['-smp', `${cpus}`]), onSimulator(elf, { gic, cpus, cpu: modelOf(cpu) })]),
  );
