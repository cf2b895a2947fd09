/** The breakpoints and watchpoints of a debugger. */

import { hex } from '../arm/index.ts';
import type { BreakpointKind, Breakpoints, Outcome, TargetError, WatchKind } from '../gdbstub/index.ts';
import { breakSlot, LARGEST_WATCH, watchSlots } from './debug-slots.ts';
import { refuse } from './errors.ts';
import type { Patches } from './patches.ts';
import type { DebugSlot } from './vcpu.ts';

const END = 1n << 64n;

interface Software {
  readonly address: bigint;
  /** Where its BRK stands; undefined while its address leads to no RAM. */
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
  /** What a user should know that no debugger asks for. */
  readonly log?: (message: string) => void;
}

export class GuestBreakpoints implements Breakpoints {
  readonly kinds: readonly BreakpointKind[];
  readonly watchpointCount: number;
  readonly #options: GuestBreakpointsOptions;
  readonly #software = new Map<bigint, Software>();
  readonly #hardware = new Map<bigint, DebugSlot>();
  /** Of software breakpoints where no BRK can stand: on a page that is not mapped yet, in a ROM. */
  readonly #standIns = new Map<bigint, DebugSlot>();
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
    if (!this.noHardware) this.version++;
    this.#hardware.clear();
    this.#watchpoints.clear();
  }

  #insertSoftware(address: bigint): Outcome {
    if (this.#software.has(address)) return undefined;
    const physical = this.#options.translate(address);
    const planted = physical !== undefined && this.#options.patches.plant(physical);
    if (!planted && !this.#standIn(address))
      return physical === undefined
        ? refuse('MEMORY_UNMAPPED', address)
        : refuse('MEMORY_NOT_RAM', address, BigInt(physical));
    this.#software.set(address, { address, physical: planted ? physical : undefined });
    return undefined;
  }

  #removeSoftware(address: bigint): void {
    const physical = this.#software.get(address)?.physical;
    if (physical !== undefined) this.#options.patches.remove(physical);
    this.#software.delete(address);
    if (this.#standIns.delete(address)) this.version++;
  }

  /** A hardware breakpoint does the work of a software one. False: there is none left, or none for such an address. */
  #standIn(address: bigint): boolean {
    if (this.#standIns.has(address)) return true;
    const slot = breakSlot(address);
    if (this.#slotsLeft <= 0 || slot.value !== address) return false;
    this.#standIns.set(address, slot);
    this.version++;
    this.#options.log?.(`no BRK can stand at ${hex(address)} now: the breakpoint there is a hardware one`);
    return true;
  }

  get #slotsLeft(): number {
    return this.#options.hardwareBreakpoints - this.#hardware.size - this.#standIns.size;
  }

  #insertHardware(address: bigint): Outcome {
    if (this.#hardware.has(address)) return undefined;
    if (this.#slotsLeft <= 0) return refuse('BREAKPOINTS_FULL', this.#options.hardwareBreakpoints);
    this.#hardware.set(address, breakSlot(address));
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
    return this.#hardware.size + this.#standIns.size + this.#watchpoints.size === 0;
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

  /** Also a hardware one that does the work of a software one. */
  hasHardware(address: bigint): boolean {
    return this.#hardware.has(address) || this.#standIns.has(address);
  }

  isStandIn(address: bigint): boolean {
    return this.#standIns.has(address);
  }

  /** The slots of the hardware breakpoints but that of one address. */
  breakpointSlots(except?: bigint): DebugSlot[] {
    return [...this.#hardware, ...this.#standIns].flatMap(([address, slot]) => (address === except ? [] : [slot]));
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
      if (breakpoint.physical === undefined) this.#standIn(breakpoint.address);
      else if (this.#standIns.delete(breakpoint.address)) this.version++;
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
