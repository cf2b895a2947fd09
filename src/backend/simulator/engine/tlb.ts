/** The soft TLBs that handlers look into: see Context. Filled by what they miss. */
import { Context } from '../../../arm/index.ts';
import type { EngineState } from './state.ts';

const contextCount = 3;
/** Of an exception level. */
export const contextIndex = (el: number, pan: boolean): number => (el === 0 ? 0 : pan ? 2 : 1);
const page = 4096;

const pageBits = 12;
const blockBits = 21;

/** The number of an address's block, its top byte left out. */
const blockOf = (vaLow: number, vaHigh: number): number => (vaHigh & 0xff_ffff) * 2 ** 11 + (vaLow >>> blockBits);

/** By bit 55. */
const halfOf = (vaHigh: number): number => (vaHigh >>> 23) & 1;

const entryIndex = (vaLow: number, entries: number) => (vaLow >>> 12) & (entries - 1);

export class Tlb {
  readonly #state: EngineState;
  /** Address of the first context. */
  readonly #contexts: number;
  /** What code was decoded for in each context. */
  readonly #modes: number[] = new Array(contextCount).fill(0);
  /** Whether a context has been filled since it was flushed. */
  /**
   * Blocks of 2 MiB in which something was filled from more than a page since the last flush; and, for each half of the
   * address space, whether from more still.
   */
  readonly #blocks = new Set<number>();
  readonly #hasLarger = [false, false];
  readonly #filled: boolean[] = new Array(contextCount).fill(true);

  /** `contexts`: their address. */
  constructor(state: EngineState, contexts: number) {
    this.#state = state;
    this.#contexts = contexts;
    this.flush();
  }

  /** The address of a context. */
  context(index: number): number {
    return this.#contexts + index * Context.bytes;
  }

  fillData(
    context: number,
    write: boolean,
    vaLow: number,
    vaHigh: number,
    place: number,
    aligned: boolean,
    code: boolean,
  ): void {
    const at = context + (write ? Context.write : Context.read) + entryIndex(vaLow, Context.entries) * 16;
    this.#fill(context, at, (vaLow & -page) | (write && code ? Context.holdsCode : 0), vaHigh, place - vaLow);
    this.#state.i32[(at + Context.aligned) >> 2] = aligned ? -1 : 0;
  }

  fillCode(context: number, vaLow: number, vaHigh: number, firstRecord: number): void {
    const at = context + Context.code + entryIndex(vaLow, Context.codeEntries) * 16;
    this.#fill(context, at, vaLow & -page, vaHigh, firstRecord);
  }

  #fill(context: number, at: number, tagLow: number, tagHigh: number, value: number): void {
    const { i32 } = this.#state;
    i32[at >> 2] = tagLow;
    i32[(at >> 2) + 1] = tagHigh;
    i32[(at + Context.value) >> 2] = value;
    this.#filled[(context - this.#contexts) / Context.bytes] = true;
  }

  /** The first record of the page of an address, or 0. */
  findCode(context: number, vaLow: number, vaHigh: number): number {
    const { i32 } = this.#state;
    const at = (context + Context.code + entryIndex(vaLow, Context.codeEntries) * 16) >> 2;
    return i32[at] === (vaLow & ~0xffc) && i32[at + 1] === vaHigh ? i32[at + 2] : 0;
  }

  /** The place that an address of Normal memory is written to without a miss or a look for code, or 0. */
  findWrite(context: number, vaLow: number, vaHigh: number): number {
    const { i32 } = this.#state;
    const at = (context + Context.write + entryIndex(vaLow, Context.entries) * 16) >> 2;
    const hit = i32[at] === (vaLow & -page) && i32[at + 1] === vaHigh && i32[at + (Context.aligned >> 2)] === 0;
    return hit ? (vaLow + i32[at + (Context.value >> 2)]) >>> 0 : 0;
  }

  flush(): void {
    this.#hasLarger.fill(false);
    this.#blocks.clear();
    this.#filled.forEach((filled, index) => {
      if (!filled) return;
      const from = this.#contexts + index * Context.bytes;
      this.#state.i32.fill(-1, from >> 2, (from + Context.bytes) >> 2);
      this.#filled[index] = false;
    });
  }

  /** Forgets where code has been decoded to. */
  flushCode(): void {
    this.#eachContext((context) => this.#flushCodeOf(context));
  }

  #flushCodeOf(context: number): void {
    const from = context + Context.code;
    this.#state.i32.fill(-1, from >> 2, (from + Context.codeEntries * 16) >> 2);
  }

  /** From now on code of this context is decoded for this mode: see DecodedCode.page. */
  setMode(index: number, mode: number): void {
    if (this.#modes[index] === mode) return;
    this.#modes[index] = mode;
    this.#flushCodeOf(this.context(index));
  }

  /** An address is filled from a page or block of this size. */
  noteBlock(vaLow: number, vaHigh: number, sizeBits: number): void {
    if (sizeBits <= pageBits) return;
    if (sizeBits > blockBits) this.#hasLarger[halfOf(vaHigh)] = true;
    else this.#blocks.add(blockOf(vaLow, vaHigh));
  }

  /** Forgets the page or block of an address, whatever its tag in the top byte. */
  flushPage(vaLow: number, vaHigh: number): void {
    if (this.#hasLarger[halfOf(vaHigh)] || this.#blocks.has(blockOf(vaLow, vaHigh))) {
      this.flush();
      return;
    }
    this.#eachContext((context) => {
      const data = entryIndex(vaLow, Context.entries) * 16;
      this.#forget(context + Context.read + data);
      this.#forget(context + Context.write + data);
      this.#forget(context + Context.code + entryIndex(vaLow, Context.codeEntries) * 16);
    });
  }

  #forget(entry: number): void {
    const { i32 } = this.#state;
    i32[entry >> 2] = -1;
    i32[(entry >> 2) + 1] = -1;
  }

  /** From now on stores to this page of RAM must look for decoded code. */
  markCode(place: number): void {
    const { i32 } = this.#state;
    this.#eachContext((context) => {
      const from = (context + Context.write) >> 2;
      for (let at = from; at < from + Context.entries * 4; at += 4) {
        const tag = i32[at];
        if ((tag & 0xfff) === 0 && ((tag + i32[at + 2]) | 0) === (place | 0)) i32[at] = tag | Context.holdsCode;
      }
    });
  }

  #eachContext(act: (context: number) => void): void {
    for (let index = 0; index < contextCount; index++) act(this.#contexts + index * Context.bytes);
  }
}
