/**
 * Memory as a debugger sees it: through the CPU's translation as it is now, without the effects of a guest's access and
 * without our breakpoints. Devices are left alone: reading one may change it.
 */
import { type Memory, type Outcome, type Result, TargetError } from '../gdbstub/index.ts';
import { refuse } from './errors.ts';
import type { Patches } from './patches.ts';
import type { CpuTranslation } from './translation.ts';
import type { PhysicalMemory } from './vcpu.ts';

/** No translation is finer. */
const PAGE = 4096;
/** More is not read at once: the caller asks again. */
const LONGEST = 1 << 24;
const END = 1n << 64n;

/** A piece of a virtual range that is contiguous in RAM. */
interface Run {
  physical: number;
  length: number;
}

export interface GuestMemoryOptions {
  readonly memory: PhysicalMemory;
  readonly patches: Patches;
  /** The translation of a thread's CPU. */
  readonly translation: (thread: number) => Result<CpuTranslation>;
  readonly unavailable: () => TargetError | undefined;
}

export class GuestMemory implements Memory {
  readonly #options: GuestMemoryOptions;
  #buffer = new Uint8Array(PAGE);

  constructor(options: GuestMemoryOptions) {
    this.#options = options;
  }

  /** The pieces of RAM from `address` on, up to the first byte that is none; an error if that is the first byte. */
  #runs(thread: number, address: bigint, length: number): Result<Run[]> {
    const unavailable = this.#options.unavailable();
    if (unavailable) return unavailable;
    const translation = this.#options.translation(thread);
    if (translation instanceof TargetError) return translation;
    const runs: Run[] = [];
    const room = END - address;
    const wanted = room < BigInt(length) ? Number(room) : length;
    for (let done = 0; done < wanted; ) {
      const at = address + BigInt(done);
      const piece = this.#piece(translation, at, Math.min(wanted - done, PAGE - (Number(at & 0xfffn) % PAGE)));
      if (piece instanceof TargetError) return runs.length === 0 ? piece : runs;
      const last = runs.at(-1);
      if (last && last.physical + last.length === piece.physical) last.length += piece.length;
      else runs.push(piece);
      done += piece.length;
    }
    return runs;
  }

  #piece(translation: CpuTranslation, address: bigint, length: number): Result<Run> {
    const physical = translation.translate(address);
    if (physical === undefined) return refuse('MEMORY_UNMAPPED', address);
    const view = this.#options.memory.view(BigInt(physical), length);
    return view && view.length > 0
      ? { physical, length: view.length }
      : refuse('MEMORY_NOT_RAM', address, BigInt(physical));
  }

  read(thread: number, address: bigint, length: number): Result<Uint8Array> {
    const wanted = Math.min(length, LONGEST);
    const runs = this.#runs(thread, address, wanted);
    return runs instanceof TargetError ? runs : this.#copy(runs);
  }

  /** RAM by physical address, for `monitor phys`. */
  readPhysical(address: bigint, length: number): Result<Uint8Array> {
    const view = this.#options.memory.view(address, Math.min(length, LONGEST));
    if (!view || view.length === 0) return refuse('MEMORY_NOT_RAM', address, address);
    return this.#copy([{ physical: Number(address), length: view.length }]);
  }

  /** One piece without a breakpoint of ours is answered as it lies there. */
  #copy(runs: readonly Run[]): Uint8Array {
    const { memory, patches } = this.#options;
    if (runs.length === 1 && (patches.none || !patches.touches(runs[0].physical, runs[0].length)))
      return memory.view(BigInt(runs[0].physical), runs[0].length) ?? new Uint8Array();
    const total = runs.reduce((sum, { length }) => sum + length, 0);
    if (this.#buffer.length < total) this.#buffer = new Uint8Array(total);
    let at = 0;
    for (const { physical, length } of runs) {
      const piece = this.#buffer.subarray(at, at + length);
      piece.set(memory.view(BigInt(physical), length)!);
      if (!patches.none) patches.hide(physical, piece);
      at += length;
    }
    return this.#buffer.subarray(0, total);
  }

  write(thread: number, address: bigint, data: Uint8Array): Outcome {
    if (data.length === 0) return undefined;
    if (address + BigInt(data.length) > END) return refuse('MEMORY_WRAPS', address);
    const runs = this.#runs(thread, address, data.length);
    if (runs instanceof TargetError) return runs;
    const covered = runs.reduce((sum, { length }) => sum + length, 0);
    if (covered < data.length) return this.#firstMissing(thread, address + BigInt(covered));
    let at = 0;
    for (const { physical, length } of runs) {
      this.#options.patches.write(physical, data.subarray(at, at + length));
      at += length;
    }
    return undefined;
  }

  #firstMissing(thread: number, address: bigint): TargetError {
    const runs = this.#runs(thread, address, 1);
    return runs instanceof TargetError ? runs : refuse('MEMORY_UNMAPPED', address);
  }
}
