/**
 * Decoded code: a page of 1025 records (see Record) for each page of RAM that holds code, each virtual address that it
 * is run at, each exception level, and with SIMD instructions trapped or not. Records are decoded when control first gets to them, a straight run at a time.
 */
import { type A64Instruction, type DecodeContext, HandlerIndex, Layout, Record } from '../../../arm/index.ts';
import type { Handlers } from './handlers.ts';
import type { EngineState } from './state.ts';
import type { Tlb } from './tlb.ts';

/** Instructions decoded in one go; more are decoded when they are reached. */
const runLength = 64;
const pageBytes = 4096;
const wordsPerPage = pageBytes / 4;
/** Stores are compared with decoded code in lines of 64 bytes. */
const lineBits = 6;

/** What decoding depends on, as one number. */
export const decodeMode = (el: number, simdTrapped: boolean, usesSp0: boolean): number =>
  el | (simdTrapped ? 2 : 0) | (usesSp0 ? 4 : 0);

interface Page {
  /** Address of its first record. */
  readonly first: number;
  readonly vaLow: number;
  readonly vaHigh: number;
  /** What decoding depends on: see decodeMode. */
  readonly mode: number;
  /** Place in memory of the code. */
  readonly place: number;
}

export interface CodeOptions {
  readonly state: EngineState;
  /** Of all CPUs. */
  readonly tlbs: readonly Tlb[];
  readonly handlers: Handlers;
  readonly systemSlot: DecodeContext['systemSlot'];
  /** Of the optional ones that instructions name; undefined: all. */
  readonly features: ReadonlySet<string> | undefined;
  /** All pages were dropped: no line is marked any more. */
  readonly dropped: () => void;
}

export class DecodedCode {
  readonly #state: EngineState;
  readonly #tlbs: readonly Tlb[];
  readonly #handlers: Handlers;
  readonly #context: { el: number; simdTrapped: boolean; readonly systemSlot: DecodeContext['systemSlot'] };
  readonly #features: ReadonlySet<string> | undefined;
  #pages: Page[] = [];
  /** By the place of the code. */
  readonly #pagesAt = new Map<number, Page[]>();
  /** Pages of records below this number have been used, and so hold more than zeros. */
  #used = 0;
  #breakpoints: ReadonlySet<bigint> = new Set();
  readonly #dropped: () => void;

  constructor({ state, tlbs, handlers, systemSlot, features, dropped }: CodeOptions) {
    this.#features = features;
    this.#state = state;
    this.#tlbs = tlbs;
    this.#dropped = dropped;
    this.#handlers = handlers;
    this.#context = { el: 0, simdTrapped: false, systemSlot };
    setHandler(state, Layout.part, HandlerIndex.stop);
  }

  /** The first record of the page of RAM at `place`, run at this virtual address. */
  page(place: number, vaLow: number, vaHigh: number, mode: number): number {
    const low = vaLow & -pageBytes;
    const known = this.#pagesAt.get(place)?.find((p) => p.vaLow === low && p.vaHigh === vaHigh && p.mode === mode);
    return known?.first ?? this.#newPage({ place, vaLow: low, vaHigh, mode }).first;
  }

  #newPage(where: Omit<Page, 'first'>): Page {
    if (this.#pages.length === Layout.pageCount) this.#dropAll();
    const index = this.#pages.length;
    const first = Layout.pages + index * Record.pageBytes;
    const { i32 } = this.#state;
    if (index < this.#used) i32.fill(0, first >> 2, (first + Record.pageBytes) >> 2);
    else this.#used = index + 1;
    const last = first + wordsPerPage * Record.bytes;
    const next = (where.vaLow + pageBytes) | 0;
    setHandler(this.#state, last, HandlerIndex.nextPage);
    i32[(last + Record.pc) >> 2] = next;
    i32[(last + Record.pc + 4) >> 2] = next === 0 ? where.vaHigh + 1 : where.vaHigh;
    const page = { ...where, first };
    this.#pages.push(page);
    const others = this.#pagesAt.get(where.place);
    if (others === undefined) {
      this.#pagesAt.set(where.place, [page]);
      for (const tlb of this.#tlbs) tlb.markCode(where.place);
    } else others.push(page);
    return page;
  }

  #dropAll(): void {
    for (const place of this.#pagesAt.keys()) this.#state.i32.fill(0, linesAt(place), linesAt(place) + 2);
    this.#pagesAt.clear();
    this.#pages = [];
    for (const tlb of this.#tlbs) tlb.flushCode();
    this.#dropped();
  }

  /** Whether stores to the page of RAM at `place` must look for decoded code. */
  holdsCode(place: number): boolean {
    return this.#pagesAt.has(place);
  }

  /** Sets Layout.pc to the address of a page's record. */
  setPcTo(record: number): void {
    const { i32 } = this.#state;
    const page = this.#pageOf(record);
    i32[Layout.pc >> 2] = page.vaLow + offsetOf(page, record);
    i32[(Layout.pc >> 2) + 1] = page.vaHigh;
  }

  #pageOf(record: number): Page {
    return this.#pages[Math.floor((record - Layout.pages) / Record.pageBytes)];
  }

  /** Decodes the record and what follows it in a straight line. */
  decode(record: number): void {
    const state = this.#state;
    const page = this.#pageOf(record);
    const end = Math.min(record + runLength * Record.bytes, page.first + wordsPerPage * Record.bytes);
    let at = record;
    while (at < end && ownHandler(state, at) === HandlerIndex.undecoded) {
      this.#decodeRecord(page, at, at);
      if (this.#breakpoints.size > 0 && this.#isBreakpoint(page, at)) setHandler(state, at, HandlerIndex.breakpoint);
      at += Record.bytes;
      if (this.#endsAt(at - Record.bytes)) break;
    }
    this.#setLines(page, offsetOf(page, record), offsetOf(page, at - Record.bytes));
    this.#setSpans(page, at - Record.bytes);
    for (let first = Math.max(page.first, record - Record.bytes); first < at; first += Record.bytes) this.#pair(first);
  }

  #endsAt(record: number): boolean {
    return this.#handlers.ends[ownHandler(this.#state, record)] !== 0;
  }

  /** Lets the record's handler carry out the next one, too, if there is one for both. It looks before it does so. */
  #pair(record: number): void {
    const state = this.#state;
    const own = ownHandler(state, record);
    const next = ownHandler(state, record + Record.bytes);
    state.u16[(record + Record.handler) >> 1] = this.#handlers.numbering.pairHandler(own, next) ?? own;
  }

  /** Decodes the instruction of `record` into another place, breakpoint or not. */
  decodeAlone(record: number, into: number): void {
    this.#decodeRecord(this.#pageOf(record), record, into);
  }

  /** Writes the spans of all decoded records that lead straight to `last`. */
  #setSpans(page: Page, last: number): void {
    const { i32 } = this.#state;
    for (let at = last; at >= page.first; at -= Record.bytes) {
      const ends = this.#endsAt(at);
      if (ownHandler(this.#state, at) === HandlerIndex.undecoded || (ends && at !== last)) return;
      i32[(at + Record.span) >> 2] = Record.bytes + (ends ? 0 : i32[(at + Record.bytes + Record.span) >> 2]);
    }
  }

  #decodeRecord(page: Page, record: number, into: number): void {
    const { i32 } = this.#state;
    const offset = offsetOf(page, record);
    i32[(into + Record.pc) >> 2] = page.vaLow + offset;
    i32[(into + Record.pc + 4) >> 2] = page.vaHigh;
    const word = i32[(page.place + offset) >>> 2];
    const { numbering } = this.#handlers;
    const instruction = numbering.decoder.find(word);
    if (instruction === undefined || this.#isAbsent(instruction)) {
      setHandler(this.#state, into, HandlerIndex.unallocated);
      i32[(into + Record.immediates) >> 2] = 0;
    } else {
      this.#context.el = page.mode & 1;
      this.#context.simdTrapped = (page.mode & 2) !== 0;
      setHandler(this.#state, into, numbering.handler(instruction, word, this.#context));
      this.#decodeOperands(instruction, page, word, into);
    }
  }

  #isAbsent({ features }: A64Instruction): boolean {
    return features.length > 0 && features.some((feature) => this.#features?.has(feature) === false);
  }

  #decodeOperands(instruction: A64Instruction, page: Page, word: number, into: number): void {
    const { i32, u16 } = this.#state;
    const { registers, vectors, immediates, labels } = instruction;
    const fields = instruction.fieldsOf(word);
    let at = (into + Record.registers) >> 1;
    for (let i = 0; i < registers.length; i++) u16[at++] = registers[i].slot(fields) * 8;
    for (let i = 0; i < vectors.length; i++) u16[at++] = vectors[i].place(fields);
    at = (into + Record.immediates) >> 2;
    for (let i = 0; i < immediates.length; i++, at += 2)
      this.#setImmediate(at, immediates[i].value(fields, this.#context, word));
    const pcLow = i32[(into + Record.pc) >> 2];
    for (let i = 0; i < labels.length; i++, at += 2) {
      const base = labels[i].page ? pcLow & -pageBytes : pcLow;
      const low = (base >>> 0) + labels[i].offset(fields);
      i32[at] = low;
      i32[at + 1] = page.vaHigh + Math.floor(low / 2 ** 32);
      if (i === 0) i32[(into + Record.near) >> 2] = nearRecord(page, i32[at], i32[at + 1]);
    }
  }

  #setImmediate(at: number, value: number | bigint): void {
    const { i32, u64 } = this.#state;
    if (typeof value === 'bigint') {
      u64[at >> 1] = value;
    } else {
      i32[at] = value;
      i32[at + 1] = Math.floor(value / 2 ** 32);
    }
  }

  /** Marks a line as if it held decoded code, and takes the mark away. */
  setLine(place: number): void {
    const line = lineOf(place);
    this.#state.i32[linesAt(place) + (line >> 5)] |= 1 << (line & 31);
  }

  clearLine(place: number): void {
    const line = lineOf(place);
    this.#state.i32[linesAt(place) + (line >> 5)] &= ~(1 << (line & 31));
  }

  /** Notes that the lines of these offsets hold decoded code. */
  #setLines(page: Page, from: number, to: number): void {
    for (let line = from >> lineBits; line <= to >> lineBits; line++)
      this.#state.i32[linesAt(page.place) + (line >> 5)] |= 1 << (line & 31);
  }

  /** RAM at these places in memory has been written, or is about to be: what was decoded from it is stale. */
  written(place: number, bytes: number): void {
    const end = place + bytes;
    for (let from = place; from < end; from = from - (from % pageBytes) + pageBytes) {
      const start = from - (from % pageBytes);
      const pages = this.#pagesAt.get(start);
      if (pages !== undefined) this.#dropLines(pages, start, from - start, Math.min(end - start, pageBytes) - 1);
    }
  }

  #dropLines(pages: readonly Page[], place: number, from: number, to: number): void {
    const { i32 } = this.#state;
    for (let line = from >> lineBits; line <= to >> lineBits; line++) {
      const word = linesAt(place) + (line >> 5);
      const bit = 1 << (line & 31);
      if ((i32[word] & bit) === 0) continue;
      i32[word] &= ~bit;
      this.#stopPart();
      for (const page of pages) {
        const first = page.first + ((line << lineBits) / 4) * Record.bytes;
        this.#dropRecords(page, first, 1 << (lineBits - 2));
      }
    }
  }

  /** What runs from a copy of records goes on from the records themselves. */
  #stopPart(): void {
    const state = this.#state;
    for (let at: number = Layout.part; ownHandler(state, at) !== HandlerIndex.stop; at += Record.bytes)
      setHandler(state, at, HandlerIndex.stop);
  }

  /** Operands stay: the instruction that writes on itself still needs them. */
  #dropRecords(page: Page, first: number, count: number): void {
    const { i32 } = this.#state;
    for (let at = first; at < first + count * Record.bytes; at += Record.bytes) {
      setHandler(this.#state, at, HandlerIndex.undecoded);
      i32[(at + Record.span) >> 2] = 0;
    }
    this.#setSpans(page, first - Record.bytes);
  }

  setBreakpoints(addresses: readonly bigint[]): void {
    const old = this.#breakpoints;
    const now = new Set(addresses);
    this.#breakpoints = now;
    const changed = [...old, ...now].filter((address) => !(old.has(address) && now.has(address)));
    for (const page of this.#pages) {
      for (const address of changed) {
        if (address >> 12n !== addressOf(page.vaLow, page.vaHigh) >> 12n) continue;
        this.#dropRecords(page, page.first + (Number(address & 0xffcn) / 4) * Record.bytes, 1);
      }
    }
  }

  #isBreakpoint(page: Page, record: number): boolean {
    return this.#breakpoints.has(addressOf(page.vaLow + offsetOf(page, record), page.vaHigh));
  }
}

/** The instruction's own handler. */
export const ownHandler = ({ u16 }: EngineState, record: number): number => u16[(record + Record.own) >> 1];

export function setHandler({ u16 }: EngineState, record: number, handler: number): void {
  u16[(record + Record.handler) >> 1] = handler;
  u16[(record + Record.own) >> 1] = handler;
}

const addressOf = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** Bytes from the start of the page of code. */
const offsetOf = (page: Page, record: number): number => ((record - page.first) / Record.bytes) * 4;

/** The record of an address in the page, or 0. */
const nearRecord = (page: Page, low: number, high: number): number =>
  (low & -pageBytes) === page.vaLow && high === page.vaHigh ? page.first + ((low & 0xffc) / 4) * Record.bytes : 0;

/** Index in i32 of a page's 64 line bits. */
const linesAt = (place: number): number => (Layout.codeLines + Math.floor((place - Layout.ram) / pageBytes) * 8) >> 2;

/** The number of a place's line in its page. */
const lineOf = (place: number): number => (place % pageBytes) >> lineBits;
