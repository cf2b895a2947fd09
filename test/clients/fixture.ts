/**
 * A guest served on a free port, in the test's own process: a real debugger is a client of it, and the test looks at the
 * machine from inside. What a test starts ends with it.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { demoSymbols } from '../../bin/demo/guest.ts';
import { findRegister } from '../../src/arm/index.ts';
import {
  CoreId,
  Guest,
  type GuestOptions,
  ImageError,
  parseImage,
  RAM_BASE,
  SimulatorMachine,
  sysregId,
} from '../../src/backend/index.ts';
import { type Server, serve } from '../../src/gdbstub/index.ts';

export const root = path.join(import.meta.dirname, '../..');
export const demoFolder = path.join(root, 'demo');
export const demoFile = path.join(demoFolder, 'demo.elf');

const ramSize = 64 << 20;

export interface Served {
  readonly guest: Guest;
  readonly machine: SimulatorMachine;
  readonly port: number;
  /** What the guest has printed. */
  console(): string;
  /** What the machine's CPU holds, asked as its kernel would be. */
  held(name: string): bigint;
  /** What lies in the guest's RAM, by physical address: 8 bytes. */
  memory(address: bigint): bigint;
  /** How many rounds the demo guest has begun. */
  rounds(): bigint;
  /** Waits until the demo guest has done so many rounds more. */
  more(rounds: number): Promise<void>;
}

export interface ServedOptions extends GuestOptions {
  /** Not held at its first instruction. */
  readonly running?: boolean;
  /** Stays where a debugger has left it. */
  readonly stays?: boolean;
  /** How many CPUs; one. */
  readonly cpus?: number;
}

/** Serves an ELF file until the test is over. */
export async function serveGuest(
  elf: Uint8Array,
  { running, stays, cpus, ...options }: ServedOptions = {},
): Promise<Served> {
  const image = parseImage(elf, { start: BigInt(RAM_BASE), length: BigInt(ramSize) });
  if (image instanceof ImageError) throw new Error(image.message);
  let text = '';
  const machine = new SimulatorMachine({
    ramSize,
    image,
    cpus,
    serial: (bytes) => {
      text += Buffer.from(bytes).toString('latin1');
    },
  });
  const guest = new Guest(machine, options);
  const server: Server = await serve(guest, { listen: 'tcp:0', running, onDetach: stays ? 'stay' : 'resume' });
  onTestFinished(async () => {
    await server.close();
    guest.execution.interrupt();
    machine.close();
  });
  if (server.address.kind !== 'tcp') throw new Error('no port');
  const memory = (address: bigint) => Buffer.from(machine.memory.view(address, 8) ?? []).readBigUInt64LE();
  const rounds = () => memory(demoSymbol('rounds'));
  return {
    guest,
    machine,
    port: server.address.port,
    console: () => text,
    held: (name) => held(machine, name),
    memory,
    rounds,
    more: async (count) => {
      const wanted = rounds() + BigInt(count);
      await expect.poll(rounds, { timeout: 10_000, interval: 5 }).toBeGreaterThanOrEqual(wanted);
    },
  };
}

export const serveDemo = (options?: ServedOptions): Promise<Served> => serveGuest(readFileSync(demoFile), options);

const symbols = demoSymbols();

export function demoSymbol(name: string): bigint {
  const address = symbols.get(name);
  if (address === undefined) throw new Error(`the demo guest has no symbol ${name}`);
  return address;
}

/** Those that KVM keeps among the core registers. */
const coreIds: Readonly<Record<string, bigint>> = {
  PC: CoreId.PC,
  PSTATE: CoreId.PSTATE,
  X0: CoreId.X(0),
  SP_EL0: CoreId.SP,
  SP_EL1: CoreId.SP_EL1,
  ELR_EL1: CoreId.ELR_EL1,
  SPSR_EL1: CoreId.SPSR(0),
  SPSR_abt: CoreId.SPSR(1),
  SPSR_und: CoreId.SPSR(2),
  SPSR_irq: CoreId.SPSR(3),
  SPSR_fiq: CoreId.SPSR(4),
};
/** Parts of PSTATE that are registers to the guest. */
const pstateParts: Readonly<Record<string, bigint>> = {
  NZCV: 0xf000_0000n,
  DAIF: 0x3c0n,
  PAN: 1n << 22n,
  SPSel: 1n,
  CurrentEL: 0xcn,
};

function held(machine: SimulatorMachine, name: string): bigint {
  const part = pstateParts[name];
  if (part !== undefined) return held(machine, 'PSTATE') & part;
  const found = findRegister(name);
  const id = coreIds[name] ?? ('number' in found ? sysregId(found.number) : undefined);
  if (id === undefined) throw new Error(`there is no register ${name}`);
  const values = new BigUint64Array(1);
  const failures = machine.vcpus[0].getRegisters(BigUint64Array.of(id), values, new Int32Array(1), 1);
  expect(failures, name).toBe(0);
  return values[0];
}
