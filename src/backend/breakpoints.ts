/**
 * Breakpoints and watchpoints of a debugger. Software breakpoints are BRK instructions in the guest's memory, planted
 * by physical address. Hardware ones are kept in the formats of the debug registers.
 *
 * Arm ARM DDI 0487, D2 "AArch64 Self-hosted Debug", DBGBCR<n>_EL1, DBGWCR<n>_EL1.
 */
import type { BreakpointKind, Breakpoints, Outcome, TargetError, WatchKind } from '../gdbstub/index.ts';
import { refuse } from './errors.ts';
import type { DebugSlot, PhysicalMemory } from './vcpu.ts';

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

const END = 1n << 64n;

/** E, PMC = EL1 and EL0, all four bytes: DBGBCR<n>_EL1. */
const BREAK_CONTROL = 0x1e7n;
/** Bits of a virtual address that a value register holds; the bits above are copies of the highest. */
const ADDRESS_BITS = 53;
/** E and PAC = EL1 and EL0: DBGWCR<n>_EL1. */
const WATCH_CONTROL = 0x7n;
const loadStore: Readonly<Record<WatchKind, bigint>> = { read: 1n << 3n, write: 2n << 3n, access: 3n << 3n };
/** MASK ignores at most 31 bits of the address. */
const LARGEST_WATCH = 1n << 31n;

const valueRegister = (address: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(ADDRESS_BITS, address));

/** A range of watched bytes inside one doubleword, by BAS. */
const bytesSlot = (kind: WatchKind, address: bigint, length: bigint): DebugSlot => ({
  control: WATCH_CONTROL | loadStore[kind] | ((((1n << length) - 1n) << (address & 7n)) << 5n),
  value: valueRegister(address & ~7n),
});

/** An aligned power of two of at least 8 bytes, by MASK; 8 bytes are a whole doubleword without one. */
const blockSlot = (kind: WatchKind, address: bigint, length: bigint): DebugSlot => {
  const bits = BigInt(length.toString(2).length - 1);
  return {
    control: WATCH_CONTROL | loadStore[kind] | (0xffn << 5n) | ((bits > 3n ? bits : 0n) << 24n),
    value: valueRegister(address),
  };
};

/** The fewest slots that watch exactly these bytes, from low to high. */
export function watchSlots(kind: WatchKind, address: bigint, length: bigint): DebugSlot[] {
  const slots: DebugSlot[] = [];
  let at = address;
  let rest = length;
  while (rest > 0n) {
    let size = 8n - (at & 7n);
    if (size < 8n || rest < 8n) {
      if (size > rest) size = rest;
      slots.push(bytesSlot(kind, at, size));
    } else {
      while (size * 2n <= rest && (at & (size * 2n - 1n)) === 0n && size < LARGEST_WATCH) size *= 2n;
      slots.push(blockSlot(kind, at, size));
    }
    at += size;
    rest -= size;
  }
  return slots;
}

interface Software {
  readonly address: bigint;
  /** Where its BRK stands; undefined while its address is not mapped. */
  physical: number | undefined;
}

export interface Watchpoint {
  readonly kind: WatchKind;
  readonly address: bigint;
  readonly length: number;
  readonly slots: readonly DebugSlot[];
}

export interface GuestBreakpointsOptions {
  readonly patches: Patches;
  readonly hardwareBreakpoints: number;
  readonly hardwareWatchpoints: number;
  /** Through the CPU that the debugger looks at. Undefined: not mapped. */
  readonly translate: (address: bigint) => number | undefined;
  readonly unavailable: () => TargetError | undefined;
}

export class GuestBreakpoints implements Breakpoints {
  readonly kinds: readonly BreakpointKind[];
  readonly watchpointCount: number;
  readonly #options: GuestBreakpointsOptions;
  readonly #software = new Map<bigint, Software>();
  readonly #hardware = new Map<bigint, DebugSlot>();
  readonly #watchpoints = new Map<string, Watchpoint>();
  /** Counts changes of the hardware ones. */
  version = 0;

  constructor(options: GuestBreakpointsOptions) {
    this.#options = options;
    this.watchpointCount = options.hardwareWatchpoints;
    this.kinds = [
      'software',
      ...(options.hardwareBreakpoints > 0 ? (['hardware'] as const) : []),
      ...(options.hardwareWatchpoints > 0 ? (['write', 'read', 'access'] as const) : []),
    ];
  }

  insert(kind: BreakpointKind, address: bigint, length: number): Outcome {
    const unavailable = this.#options.unavailable();
    if (unavailable) return unavailable;
    if (kind !== 'software' && kind !== 'hardware') return this.#insertWatchpoint(kind, address, length);
    if (length !== 4) return refuse('BREAKPOINT_KIND', length);
    if ((address & 3n) !== 0n) return refuse('BREAKPOINT_ALIGNMENT', address);
    return kind === 'software' ? this.#insertSoftware(address) : this.#insertHardware(address);
  }

  remove(kind: BreakpointKind, address: bigint, length: number): Outcome {
    const unavailable = this.#options.unavailable();
    if (unavailable) return unavailable;
    if (kind === 'software') this.#removeSoftware(address);
    else if (
      kind === 'hardware' ? this.#hardware.delete(address) : this.#watchpoints.delete(key(kind, address, length))
    )
      this.version++;
    return undefined;
  }

  removeAll(): void {
    for (const address of [...this.#software.keys()]) this.#removeSoftware(address);
    if (this.#hardware.size + this.#watchpoints.size > 0) this.version++;
    this.#hardware.clear();
    this.#watchpoints.clear();
  }

  #insertSoftware(address: bigint): Outcome {
    if (this.#software.has(address)) return undefined;
    const physical = this.#options.translate(address);
    if (physical === undefined) return refuse('MEMORY_UNMAPPED', address);
    if (!this.#options.patches.plant(physical)) return refuse('MEMORY_NOT_RAM', address, BigInt(physical));
    this.#software.set(address, { address, physical });
    return undefined;
  }

  #removeSoftware(address: bigint): void {
    const physical = this.#software.get(address)?.physical;
    if (physical !== undefined) this.#options.patches.remove(physical);
    this.#software.delete(address);
  }

  #insertHardware(address: bigint): Outcome {
    if (this.#hardware.has(address)) return undefined;
    if (this.#hardware.size >= this.#options.hardwareBreakpoints)
      return refuse('BREAKPOINTS_FULL', this.#options.hardwareBreakpoints);
    this.#hardware.set(address, { control: BREAK_CONTROL, value: valueRegister(address) });
    this.version++;
    return undefined;
  }

  #insertWatchpoint(kind: WatchKind, address: bigint, length: number): Outcome {
    if (this.#watchpoints.has(key(kind, address, length))) return undefined;
    const count = this.#options.hardwareWatchpoints;
    if (length <= 0 || length > count * Number(LARGEST_WATCH)) return refuse('WATCHPOINT_LENGTH', length);
    if (address + BigInt(length) > END) return refuse('MEMORY_WRAPS', address);
    const slots = watchSlots(kind, address, BigInt(length));
    const used = [...this.#watchpoints.values()].reduce((sum, watchpoint) => sum + watchpoint.slots.length, 0);
    if (used + slots.length > count) return refuse('WATCHPOINTS_FULL', slots.length, count - used, count);
    this.#watchpoints.set(key(kind, address, length), { kind, address, length, slots });
    this.version++;
    return undefined;
  }

  /** Whether a debug exception may come because of these breakpoints. */
  get none(): boolean {
    return this.#software.size + this.#hardware.size + this.#watchpoints.size === 0;
  }

  get noHardware(): boolean {
    return this.#hardware.size + this.#watchpoints.size === 0;
  }

  get software(): IterableIterator<bigint> {
    return this.#software.keys();
  }

  get hardware(): IterableIterator<bigint> {
    return this.#hardware.keys();
  }

  get watchpoints(): IterableIterator<Watchpoint> {
    return this.#watchpoints.values();
  }

  hasSoftware(address: bigint): boolean {
    return this.#software.has(address);
  }

  hasHardware(address: bigint): boolean {
    return this.#hardware.has(address);
  }

  /** The slots of the hardware breakpoints but that of one address. */
  breakpointSlots(except?: bigint): DebugSlot[] {
    return [...this.#hardware].flatMap(([address, slot]) => (address === except ? [] : [slot]));
  }

  watchpointSlots(except?: ReadonlySet<Watchpoint>): DebugSlot[] {
    return [...this.#watchpoints.values()].flatMap((watchpoint) => (except?.has(watchpoint) ? [] : watchpoint.slots));
  }

  /**
   * Whose bytes an access touched that the hardware reported at `far`: the watchpoint that holds it, else the nearest
   * one, because the access may begin below the watched bytes (DC ZVA, pairs of vectors).
   */
  watchpointAt(far: bigint, write: boolean): Watchpoint | undefined {
    const fitting = [...this.#watchpoints.values()].filter(
      ({ kind }) => kind === 'access' || (kind === 'write') === write,
    );
    const distance = ({ address, length }: Watchpoint): bigint =>
      far < address ? address - far : far < address + BigInt(length) ? 0n : far - address;
    return fitting.sort((a, b) => (distance(a) < distance(b) ? -1 : 1))[0];
  }

  /**
   * Before the guest runs on: breakpoints follow their virtual addresses, and those that the guest has written over are
   * planted again.
   */
  refresh(): void {
    const { patches, translate } = this.#options;
    for (const breakpoint of this.#software.values()) {
      const physical = translate(breakpoint.address);
      if (physical === breakpoint.physical) {
        if (physical !== undefined) patches.replant(physical);
        continue;
      }
      if (breakpoint.physical !== undefined) patches.remove(breakpoint.physical);
      breakpoint.physical = physical !== undefined && patches.plant(physical) ? physical : undefined;
    }
  }

  /** RAM was made anew: every breakpoint that can be is planted again. */
  afterReset(): void {
    this.#options.patches.forget();
    for (const breakpoint of this.#software.values()) breakpoint.physical = undefined;
    this.refresh();
  }
}

const key = (kind: WatchKind, address: bigint, length: number): string => `${kind} ${address} ${length}`;
