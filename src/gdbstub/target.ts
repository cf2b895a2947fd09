/**
 * The port of the protocol server: what a machine offers to a debugger.
 *
 * A call goes down and a value comes back. While the machine is stopped everything is synchronous; only
 * {@link Execution.resume} may answer later. A refusal is a returned {@link TargetError}, never an exception.
 * An ability that a machine lacks is an absent member, and the packets that need it are then not offered.
 *
 * Threads are numbered from 1; a machine's CPUs are its threads.
 */
import type { Description } from './description.ts';

/** A refusal that the debugger is told, word for word: a sentence without a full stop at its end. */
export class TargetError {
  readonly message: string;
  /** The number for clients that do not read text: an errno of Linux, 1..255. */
  readonly errno: number;
  constructor(message: string, errno = 1) {
    this.message = message;
    this.errno = errno;
  }
}

export type Result<T> = T | TargetError;
/** Success without a value is undefined. */
export type Outcome = TargetError | undefined;

/** The debugger at the other end: it decides which target description it is given. */
export type Client = 'gdb' | 'lldb';

export interface Target {
  /** The registers, as this client can use them best. Asked once a session, before target.xml is read. */
  describe(client: Client): Description;
  readonly threads: Threads;
  readonly registers: Registers;
  readonly memory: Memory;
  readonly execution: Execution;
  readonly breakpoints?: Breakpoints;
  readonly monitor?: Monitor;
  /** The ranges of memory and their kinds, for qXfer:memory-map. */
  readonly memoryMap?: () => readonly MemoryMapEntry[];
  /** What is mapped at an address, for lldb's qMemoryRegionInfo. */
  readonly memoryRegion?: (thread: number, address: bigint) => Result<MemoryRegion>;
  /** What lldb wants to know of the machine. */
  readonly host?: HostInfo;
  /** R: back to the state after power-on, halted. */
  readonly reset?: () => Outcome;
  /** Ends the machine: k and vKill where the command line allows it. Without it they detach. */
  readonly kill?: () => void;
  /** A debugger has come or gone: a machine may then hand its own debug exceptions to the guest. */
  readonly attached?: (attached: boolean) => void;
}

export interface Threads {
  /** Numbers of all threads, ascending, from 1. Never empty. */
  list(): readonly number[];
  /** Short name, as `cpu0`. */
  name(thread: number): string;
  /** What `info threads` shows behind the name, as `EL1h, running`. */
  extra(thread: number): string;
}

/** A register's number is the one of its description. */
export interface Registers {
  /** The value, unsigned, or undefined when the machine has it but cannot show it (`xx` on the wire). */
  read(thread: number, register: number): Result<bigint | undefined>;
  /** Writes one register. undefined: the machine holds exactly this value. TargetError: nothing changed. */
  write(thread: number, register: number, value: bigint): Outcome;
  /** Writes several or none: `G`, QRestoreRegisterState. */
  writeAll(thread: number, writes: readonly RegisterWrite[]): Outcome;
}

export interface RegisterWrite {
  readonly register: number;
  readonly value: bigint;
}

/** Addresses are virtual, as the thread's CPU would use them now, unsigned 64-bit. */
export interface Memory {
  /**
   * Reads up to `length` bytes: fewer when a later part cannot be read, an error when the first byte cannot.
   * The array may be reused by the next call.
   */
  read(thread: number, address: bigint, length: number): Result<Uint8Array>;
  /** Writes all of `data` or nothing. */
  write(thread: number, address: bigint, data: Uint8Array): Outcome;
}

export interface Execution {
  /**
   * Lets threads go on; those without an action stay where they are. Answers when one of them stops: at once
   * when that takes no longer than a small slice of work, otherwise later. Called again only after the answer.
   */
  resume(actions: readonly ResumeAction[]): Stop | Promise<Stop>;
  /** Asks a running machine to stop soon; resume then answers `interrupted` (or whatever came first). */
  interrupt(): void;
}

export interface ResumeAction {
  readonly thread: number;
  readonly kind: 'continue' | 'step';
  /** A signal of the GDB numbering to be delivered, 0 for none. Machines without signals ignore it. */
  readonly signal: number;
  /** Step until the pc leaves [start, end): `vCont;r`. */
  readonly range?: { readonly start: bigint; readonly end: bigint };
}

export type Stop =
  | { readonly kind: 'step'; readonly thread: number }
  | { readonly kind: 'interrupted'; readonly thread: number }
  /** pc is at the breakpoint. */
  | { readonly kind: 'breakpoint'; readonly thread: number; readonly hardware: boolean }
  /** Told before the access takes place or after it, as the machine does; `address` lies in the watched range. */
  | { readonly kind: 'watchpoint'; readonly thread: number; readonly access: WatchKind; readonly address: bigint }
  /** Any other reason, with a signal of the GDB numbering and a word for the log. */
  | { readonly kind: 'signal'; readonly thread: number; readonly signal: number }
  /** The machine was reset (by itself or by a command) and is held at its start. */
  | { readonly kind: 'reset'; readonly thread: number }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'terminated'; readonly signal: number };

export type WatchKind = 'write' | 'read' | 'access';
export type BreakpointKind = 'software' | 'hardware' | WatchKind;

export interface Breakpoints {
  /** The kinds this machine can do at all, and how many watchpoints lldb may count on. */
  readonly kinds: readonly BreakpointKind[];
  readonly watchpointCount: number;
  /** `length` is Z's kind: bytes of the instruction, or of the watched range. Idempotent. */
  insert(kind: BreakpointKind, address: bigint, length: number): Outcome;
  remove(kind: BreakpointKind, address: bigint, length: number): Outcome;
}

export interface Monitor {
  /** Runs one line of `monitor` and returns its text, lines ended by \n. */
  run(line: string, thread: number): Result<string>;
}

export interface MemoryMapEntry {
  readonly kind: 'ram' | 'rom' | 'flash';
  readonly start: bigint;
  readonly length: bigint;
}

export interface MemoryRegion {
  /** The region or the hole that holds the address. */
  readonly start: bigint;
  /** In bytes; start + length may be 2^64. */
  readonly length: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly mapped: boolean;
  readonly name?: string;
}

export interface HostInfo {
  /** An LLVM triple, as `aarch64-unknown-none-elf`. */
  readonly triple: string;
  readonly endian: 'little' | 'big';
  /** In bytes. */
  readonly pointerSize: number;
  readonly hostname?: string;
  /** Bits of a virtual address that are not tag or sign, for low and high addresses. */
  readonly addressingBits?: () => { readonly low: number; readonly high: number };
  /** lldb's words for what one watchpoint can cover, as `aarch64-mask`. Without them it uses one for each 8 bytes. */
  readonly watchpointTypes?: readonly string[];
}
