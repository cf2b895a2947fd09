/** A guest from a few lines of assembly, in a simulated machine, as a debugger's target. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Guest,
  type GuestOptions,
  ImageError,
  parseImage,
  RAM_BASE,
  SimulatorMachine,
} from '../../src/backend/index.ts';
import type { Stop } from '../../src/gdbstub/index.ts';

export const RAM = BigInt(RAM_BASE);
export const RAM_SIZE = 16 << 20;

export interface Program {
  readonly elf: Uint8Array;
  readonly symbols: Readonly<Record<string, bigint>>;
}

/** Linked at the start of RAM. */
export function assemble(source: string): Program {
  const folder = mkdtempSync(join(tmpdir(), 'assembled-'));
  try {
    const [text, object, elf] = ['in.s', 'out.o', 'out.elf'].map((name) => join(folder, name));
    writeFileSync(text, `.global _start\n_start:\n${source}\n`);
    execFileSync('aarch64-linux-gnu-as', ['-march=armv8.1-a', '-o', object, text]);
    execFileSync('aarch64-linux-gnu-ld', ['-n', '-Ttext=0x40000000', '--no-warn-rwx-segments', '-o', elf, object]);
    const names = execFileSync('aarch64-linux-gnu-nm', [elf], { encoding: 'utf8' });
    const symbols = Object.fromEntries(
      names
        .trim()
        .split('\n')
        .map((line) => line.split(' '))
        .map(([address, , name]) => [name, BigInt(`0x${address}`)]),
    );
    return { elf: readFileSync(elf), symbols };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function machineOf({ elf }: Program, serial?: (bytes: Uint8Array) => void): SimulatorMachine {
  const image = parseImage(elf, { start: RAM, length: BigInt(RAM_SIZE) });
  if (image instanceof ImageError) throw new Error(image.message);
  return new SimulatorMachine({ ramSize: RAM_SIZE, image, serial, rtc: 0 });
}

const machines = new WeakMap<Program, SimulatorMachine>();

/** A new debugger's view of the program at its start. The machine is made once and reset. */
export function guestOf(program: Program, options?: GuestOptions): Guest {
  const known = machines.get(program);
  known?.reset();
  const machine = known ?? machineOf(program);
  machines.set(program, machine);
  const guest = new Guest(machine, options);
  guest.attached(true);
  return guest;
}

export const step = async (guest: Guest, range?: { start: bigint; end: bigint }): Promise<Stop> =>
  guest.execution.resume([{ thread: 1, kind: 'step', signal: 0, range }]);

export const go = async (guest: Guest): Promise<Stop> =>
  guest.execution.resume([{ thread: 1, kind: 'continue', signal: 0 }]);
