/** A simulated machine with a few assembled instructions at the start of its RAM. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CpuModelName } from '../../../src/backend/simulator/cpu-models.ts';
import { SimulatorMachine } from '../../../src/backend/simulator/machine.ts';
import type { Vcpu } from '../../../src/backend/vcpu.ts';
import { getAll, idOf, setAll } from '../conformance/subject.ts';

export { debugOff, slots, softwareBreakpoints, stepping } from '../conformance/subject.ts';

export const START = 0x4000_0000n;

/** Machine code of A64 assembly, by the GNU assembler. */
export function assemble(source: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'assembled-'));
  try {
    const [object, binary] = ['code.o', 'code.bin'].map((name) => join(directory, name));
    execFileSync('aarch64-linux-gnu-as', ['-march=armv8.1-a', '-o', object, '-'], { input: `${source}\n` });
    execFileSync('aarch64-linux-gnu-objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
    return readFileSync(binary);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The machine, stopped before its first instruction. */
export function machineWith(
  source: string,
  serial?: (bytes: Uint8Array) => void,
  cpus = 1,
  cpu?: CpuModelName,
): SimulatorMachine {
  const data = assemble(source);
  const segment = { address: START, data, length: BigInt(data.length) };
  return new SimulatorMachine({
    ramSize: 1 << 20,
    image: { kind: 'flat', segments: [segment], entry: START },
    serial,
    cpus,
    cpu,
  });
}

export const get = (vcpu: Vcpu, name: string): bigint => getAll(vcpu, [idOf(name)])[0];

export function set(vcpu: Vcpu, name: string, value: bigint): void {
  const [errno] = setAll(vcpu, [idOf(name)], [value]);
  if (errno !== 0) throw new Error(`${name}: errno ${errno}`);
}
