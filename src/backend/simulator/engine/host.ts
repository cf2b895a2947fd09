/**
 * The border between the engine (decoded code, soft TLB, the run loop in WebAssembly) and the CPU around it
 * (translation tables, exceptions, system registers, devices). No BigInt crosses it on the way of an access:
 * virtual addresses come as two 32-bit halves, physical ones as numbers below 2^48.
 */
import { Access, type AccessKind, type Raise } from '../../../arm/index.ts';

export { Access };

/** Why Engine.run returned. */
export const RunStatus = {
  /** The instructions asked for have run. */
  budget: 0,
  /** An exception is pending in the host, which takes it and runs on. pc is the instruction's. */
  exception: 1,
  /** The host asked the engine to return: by `system`, `raise` or `stop`. */
  stopped: 2,
  /** The next instruction is at an address given to setBreakpoints. */
  breakpoint: 3,
} as const;
export type RunStatus = (typeof RunStatus)[keyof typeof RunStatus];

/** What a translation found. One object is used over and over. */
export interface Translation {
  /** Physical address of the byte asked for. */
  physical: number;
  /** Device memory: unaligned accesses fault. */
  device: boolean;
  /** Reads, writes and fetches that the page permits in the context asked for: what the TLB may hold. */
  readable: boolean;
  writable: boolean;
  /** log2 of the bytes of the page or block that the address is in. */
  sizeBits: number;
}

/** What the engine asks of the CPU. */
export interface EngineHost {
  readonly translation: Translation;
  /**
   * Translates an access as the current context would (or, with `unprivileged`, EL0's). True: `translation` holds.
   * False: the abort is pending in the host and the engine returns `exception`.
   * For `execute` the address is Layout.pc as it stands: one that is not a multiple of 4 must be refused, and the host
   * may first take a tag out of Layout.pc.
   */
  translate(vaLow: number, vaHigh: number, access: Access, unprivileged: boolean): boolean;
  /** Makes an alignment fault pending. */
  alignmentFault(vaLow: number, vaHigh: number, write: boolean): void;
  /** Makes an SP alignment fault pending. */
  spAlignmentFault(): void;
  /** Makes a synchronous external abort pending: nothing answers at the physical address. */
  externalAbort(vaLow: number, vaHigh: number, access: Access): void;
  /**
   * A data access to an address that holds no RAM: value in and out through Layout.scratch. False: nothing answers.
   */
  deviceRead(physical: number, bytes: number): boolean;
  deviceWrite(physical: number, bytes: number): boolean;
  /**
   * Watchpoints: asked on every slow access when any is set; pages that hold one never enter the TLB. True: the
   * access is watched; a debug exception or stop is pending and the engine returns `exception`.
   */
  watched(vaLow: number, vaHigh: number, bytes: number, write: boolean, unprivileged: boolean): boolean;
  /** Whether the page of this address may hold watched bytes, and so must stay out of the TLB. */
  pageWatched(vaLow: number, vaHigh: number): boolean;
  /**
   * Builder.system: pc is already the next one's. RunStatus.budget: go on at pc; any other: return it.
   */
  system(word: number): RunStatus;
  /** Builder.raise: pc is the instruction's. Likewise. */
  raise(kind: Raise, immediate: number): RunStatus;
  /** The physical address that a load of the current context would read, or -1. Nothing is pending afterwards. */
  physicalAddress(vaLow: number, vaHigh: number): number;
  /** The CPU's exclusive monitor was cleared by a store of another one. */
  reservationLost(): void;
  /** Decoding asks: offset in Layout.system of a register that is plain storage at this EL, or -1 for `system`. */
  systemSlot(encoding: number, write: boolean): number;
}

/** What the CPU asks of the engine. */
export interface Engine {
  readonly memory: WebAssembly.Memory;
  /**
   * The registers of the CPU, Layout.x to Layout.bankBytes, and its system registers, 8 bytes each by number; as words
   * and as 64-bit values. Those of the registers are replaced when the machine changes CPUs.
   */
  readonly words: Int32Array;
  readonly longs: BigUint64Array;
  readonly systemWords: Int32Array;
  readonly systemLongs: BigUint64Array;
  /**
   * Runs `instructions` from Layout.pc on, exactly so many unless another status than `budget` says otherwise.
   * A breakpoint at the very first instruction does not stop it when `resume` is true, which is the default.
   */
  run(instructions: number, resume?: boolean): RunStatus;
  /** While the host is asked something: `run` returns `stopped` behind the instruction in progress, if nothing else. */
  stop(): void;
  /**
   * Instructions retired since the start, exact also while the host is asked something. Those that faulted are not
   * counted; those that called `system` or `raise` are, whatever these did.
   */
  readonly retired: number;
  /** The registers of the exclusive monitor were written, other than by instructions of the CPU. */
  monitorChanged(): void;
  /** All translations are stale: TLBI, TTBR, TCR, SCTLR. */
  flushTlb(): void;
  /** Those of all CPUs of the machine: TLBI of the inner shareable domain. */
  flushTlbs(): void;
  /** Translations of the page or block of an address (both halves of it) are stale. */
  flushPage(vaLow: number, vaHigh: number): void;
  /** Likewise in all CPUs. */
  flushPages(vaLow: number, vaHigh: number): void;
  /**
   * EL, PAN, SPSel or CPACR_EL1 have changed: other TLBs and other decoded code apply. No flush is needed. Where SIMD and
   * floating-point instructions are trapped they raise `simdAccess`. `usesSp0`: EL1t.
   */
  setContext(el: number, pan: boolean, simdTrapped: boolean, usesSp0?: boolean): void;
  /** RAM was changed from outside: code decoded from it is stale. Physical range. */
  changed(physical: number, bytes: number): void;
  /** Virtual addresses at which to return `breakpoint` before the instruction, whatever the EL. */
  setBreakpoints(addresses: readonly bigint[]): void;
  /** Watched pages have changed. */
  watchpointsChanged(): void;
  /** NZCV as bits 3..0. */
  getNzcv(): number;
  setNzcv(value: number): void;
  /** Offset in `memory` of a physical address in RAM, or -1. */
  ramOffset(physical: number): number;
  /** Likewise of memory that can be read and executed; not all of it can be written. */
  readableOffset(physical: number): number;
  /** Whether the read-only memory can be read and executed; otherwise all accesses to it go to the host. */
  setReadable(isReadable: boolean): void;
  /** Offset in `memory` that a store of the current context goes to without anybody being told of it, or -1: not known. */
  writableOffset(vaLow: number, vaHigh: number): number;
  /** Data accesses for the host's own instructions (DC ZVA ...): as the guest's. False: an exception is pending. */
  load(vaLow: number, vaHigh: number, bytes: number, kind: AccessKind): boolean;
  store(vaLow: number, vaHigh: number, bytes: number, kind: AccessKind): boolean;
}
