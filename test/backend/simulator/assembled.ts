/** A simulated machine with a few assembled instructions at the start of its RAM. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRegister } from '../../../src/arm/index.ts';
import { CoreId, sysregId } from '../../../src/backend/kvm-ids.ts';
import { SimulatorMachine } from '../../../src/backend/simulator/machine.ts';
import type { DebugSlot, GuestDebug, Vcpu } from '../../../src/backend/vcpu.ts';

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
export function machineWith(source: string, serial?: (bytes: Uint8Array) => void): SimulatorMachine {
  const data = assemble(source);
  const segment = { address: START, data, length: BigInt(data.length) };
  return new SimulatorMachine({
    ramSize: 1 << 20,
    image: { kind: 'flat', segments: [segment], entry: START },
    serial,
  });
}

const one = (id: bigint) => BigUint64Array.of(id);

/** X0.., PC, PSTATE, SP, SP_EL1, or a system register's name. */
function idOf(name: string): bigint {
  const general = /^X(\d+)$/.exec(name);
  if (general) return CoreId.X(Number(general[1]));
  if (name === 'PC' || name === 'PSTATE' || name === 'SP' || name === 'SP_EL1' || name === 'ELR_EL1')
    return CoreId[name];
  if (name === 'SPSR_EL1') return CoreId.SPSR(0);
  const found = findRegister(name);
  if (!('number' in found)) throw new Error(`no register ${name}`);
  return sysregId(found.number);
}

export function get(vcpu: Vcpu, name: string): bigint {
  const values = new BigUint64Array(1);
  const errnos = new Int32Array(1);
  if (vcpu.getRegisters(one(idOf(name)), values, errnos, 1)) throw new Error(`${name}: errno ${errnos[0]}`);
  return values[0];
}

export function set(vcpu: Vcpu, name: string, value: bigint): void {
  const errnos = new Int32Array(1);
  if (vcpu.setRegisters(one(idOf(name)), BigUint64Array.of(value), errnos, 1))
    throw new Error(`${name}: errno ${errnos[0]}`);
}

export const debugOff: GuestDebug = {
  enable: false,
  singleStep: false,
  useSoftwareBreakpoints: false,
  useHardware: false,
  breakpoints: [],
  watchpoints: [],
};
export const stepping: GuestDebug = { ...debugOff, enable: true, singleStep: true };
export const softwareBreakpoints: GuestDebug = { ...debugOff, enable: true, useSoftwareBreakpoints: true };
export const slots = (breakpoints: readonly DebugSlot[], watchpoints: readonly DebugSlot[] = []): GuestDebug => ({
  ...debugOff,
  enable: true,
  useHardware: true,
  breakpoints,
  watchpoints,
});
