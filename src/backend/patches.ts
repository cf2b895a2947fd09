/** Breakpoint instructions of ours in the guest's memory, by physical address. */
import type { PhysicalMemory } from './vcpu.ts';

/** BRK #0, little-endian as all A64 instructions are. */
const BRK = Uint8Array.of(0x00, 0x00, 0x20, 0xd4);

interface Patch {
  /** The guest's own bytes. */
  readonly saved: Uint8Array;
  /** Breakpoints at this physical address: two virtual addresses may share it. */
  users: number;
}

/** BRK instructions in RAM, by physical address. Nobody but the guest sees them. */
export class Patches {
  readonly #memory: PhysicalMemory;
  readonly #patches = new Map<number, Patch>();

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  get none(): boolean {
    return this.#patches.size === 0;
  }

  /** False where there is no RAM. */
  plant(physical: number): boolean {
    const patch = this.#patches.get(physical);
    if (patch) {
      patch.users++;
      return true;
    }
    const view = this.#memory.view(BigInt(physical), 4);
    if (!view || view.length < 4) return false;
    this.#patches.set(physical, { saved: view.slice(), users: 1 });
    this.#put(physical, view, BRK);
    return true;
  }

  remove(physical: number): void {
    const patch = this.#patches.get(physical);
    if (!patch || --patch.users > 0) return;
    this.lift(physical);
    this.#patches.delete(physical);
  }

  /** Gives the guest its instruction back for a while. Where the guest has written something else, that stays. */
  lift(physical: number): void {
    const patch = this.#patches.get(physical);
    const view = patch && this.#standing(physical);
    if (view) this.#put(physical, view, patch.saved);
  }

  /** Plants again what was lifted or overwritten; what stands there now is the guest's. */
  replant(physical: number): void {
    const patch = this.#patches.get(physical);
    const view = this.#memory.view(BigInt(physical), 4);
    if (!patch || !view || view.length < 4 || isBrk(view)) return;
    patch.saved.set(view);
    this.#put(physical, view, BRK);
  }

  /** Whether our BRK stands there. */
  has(physical: number): boolean {
    return this.#patches.has(physical) && this.#standing(physical) !== undefined;
  }

  /** Replaces our BRKs by the guest's bytes in a copy of the memory from `physical` on. */
  hide(physical: number, copy: Uint8Array): void {
    this.#overlapping(physical, copy.length, (patch, from, to, at) => copy.set(patch.saved.subarray(from, to), at));
  }

  /** Whether one of our BRKs lies in the range. */
  touches(physical: number, length: number): boolean {
    let found = false;
    this.#overlapping(physical, length, () => {
      found = true;
    });
    return found;
  }

  /** Writes RAM. Bytes under a BRK go to the saved ones. */
  write(physical: number, data: Uint8Array): void {
    const view = this.#memory.view(BigInt(physical), data.length);
    if (!view) return;
    const restored: [number, Uint8Array][] = [];
    this.#overlapping(physical, data.length, (patch, from, to, at) => {
      patch.saved.set(data.subarray(at, at + to - from), from);
      restored.push([at, BRK.subarray(from, to)]);
    });
    view.set(data);
    for (const [at, bytes] of restored) view.set(bytes, at);
    this.#memory.changed(BigInt(physical), data.length);
  }

  /** Forgets all: RAM was made anew. */
  forget(): void {
    this.#patches.clear();
  }

  /** Calls for each standing BRK: which of its bytes lie in the range, and where in the range they begin. */
  #overlapping(
    physical: number,
    length: number,
    call: (patch: Patch, from: number, to: number, at: number) => void,
  ): void {
    for (const [start, patch] of this.#patches) {
      const from = Math.max(physical - start, 0);
      const to = Math.min(physical + length - start, 4);
      if (from < to && this.#standing(start)) call(patch, from, to, start + from - physical);
    }
  }

  #standing(physical: number): Uint8Array | undefined {
    const view = this.#memory.view(BigInt(physical), 4);
    return view && isBrk(view) ? view : undefined;
  }

  #put(physical: number, view: Uint8Array, bytes: Uint8Array): void {
    view.set(bytes);
    this.#memory.changed(BigInt(physical), 4);
  }
}

const isBrk = (view: Uint8Array): boolean => view.length === 4 && BRK.every((byte, i) => view[i] === byte);
