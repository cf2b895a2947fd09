/** Runs guest code in the interpreter's WebAssembly module. */
import {
  type A64Instruction,
  type AccessKind,
  a64Instructions,
  accessDescription,
  fpUnit,
  HandlerIndex,
  Layout,
  Record,
  raises,
  Status,
} from '../../../arm/index.ts';
import { SlowAccess } from './access.ts';
import { DecodedCode, decodeMode, ownHandler, setHandler } from './code.ts';
import { handlersOf } from './handlers.ts';
import { Access, type Engine, type EngineHost, RunStatus } from './host.ts';
import { allocate, EngineState, noReadOnlyMemory, type ReadOnlyMemory } from './state.ts';
import { partRecord, Stops } from './stops.ts';
import { Tlb } from './tlb.ts';

export interface EngineOptions {
  /** Physical address and size of RAM, multiples of 4096. */
  readonly ramBase: number;
  readonly ramSize: number;
  /** Flash memory that code runs from. */
  readonly readOnly?: ReadOnlyMemory;
  readonly host: EngineHost;
  /** Optional features that the CPU has, as instructions name them (FEAT_FP16 ...): none if not given. */
  readonly features?: ReadonlySet<string>;
  /** Other instructions than all: for tests. */
  readonly instructions?: readonly A64Instruction[];
  /** From SimulatorEngine.allocate; without it the constructor throws a RangeError when there is not enough memory. */
  readonly memory?: WebAssembly.Memory;
}

interface Exports {
  start(record: number, limit: number, context: number): number;
  nzcv(): number;
}

/** Instructions granted to one call of the module: the limit of a run must fit 32 bits. */
const maximumGrant = 1 << 24;

export class SimulatorEngine implements Engine {
  readonly memory: WebAssembly.Memory;
  readonly #state: EngineState;
  readonly #host: EngineHost;
  readonly #tlb: Tlb;
  readonly #code: DecodedCode;
  readonly #slow: SlowAccess;
  readonly #stops: Stops;
  readonly #start: Exports['start'];
  readonly #nzcv: Exports['nzcv'];
  /** Instructions granted so far; those that Layout.budget still holds have not run. */
  #granted = 0;
  /** Records in Layout.part, when the run began from there. */
  #partCount = 0;
  #mode = 0;

  /** Memory for an engine with so many bytes of RAM and read-only memory; undefined when there is not so much. */
  static allocate(size: number): WebAssembly.Memory | undefined {
    return allocate(size);
  }

  constructor(options: EngineOptions) {
    const { ramBase, ramSize, readOnly = noReadOnlyMemory, host, instructions = a64Instructions } = options;
    const { features = new Set<string>() } = options;
    const { memory = allocate(ramSize + readOnly.size) } = options;
    if (memory === undefined) throw new RangeError(`no memory for ${ramSize} bytes of RAM`);
    const handlers = handlersOf(instructions);
    this.memory = memory;
    this.#host = host;
    this.#state = new EngineState(memory, ramBase, ramSize, readOnly);
    this.#stops = new Stops(this.#state);
    this.#tlb = new Tlb(this.#state);
    this.#code = new DecodedCode({
      state: this.#state,
      tlb: this.#tlb,
      handlers,
      systemSlot: (encoding, write) => host.systemSlot(encoding, write),
      features,
    });
    this.#slow = new SlowAccess(this.#state, this.#tlb, this.#code, host);
    const instance = new WebAssembly.Instance(handlers.module, { host: { memory, ...this.#imports() } });
    const { start, nzcv } = instance.exports as unknown as Exports;
    this.#start = start;
    this.#nzcv = nzcv;
    this.setContext(1, false, false);
  }

  #imports(): Record<string, unknown> {
    const slow = this.#slow;
    const host = this.#host;
    const stops = this.#stops;
    const accessed = (place: number): number => {
      if (stops.asked && place !== 0) this.#stopBehind();
      return place;
    };
    const carriedOut = (status: RunStatus): RunStatus =>
      stops.asked && status === RunStatus.budget ? RunStatus.stopped : status;
    return {
      load: (low: number, high: number, description: number) => accessed(slow.access(low, high, description, false)),
      store: (low: number, high: number, description: number) => accessed(slow.access(low, high, description, true)),
      system: (word: number) => carriedOut(host.system(word)),
      raise: (kind: number, immediate: number) => carriedOut(host.raise(raises[kind], immediate)),
      spAlignmentFault: () => host.spAlignmentFault(),
      fp: fpUnit(new DataView(this.memory.buffer)),
    };
  }

  get retired(): number {
    return this.#granted - this.#state.i32[Layout.budget >> 2];
  }

  run(instructions: number, resume = true): RunStatus {
    const { i32 } = this.#state;
    const budget = Layout.budget >> 2;
    const end = this.retired + instructions;
    let stepOver = resume;
    for (;;) {
      const left = end - this.retired;
      if (left <= 0) return RunStatus.budget;
      const record = this.#find();
      if (record === 0) return RunStatus.exception;
      const status = this.#runFrom(record, left, stepOver);
      this.#granted -= i32[budget];
      i32[budget] = 0;
      const stopped = this.#stops.clear();
      if (status === Status.undecoded) this.#code.setPcTo(i32[Layout.undecoded >> 2]);
      else if (status !== Status.budget && status !== Status.miss) return status as RunStatus;
      if (stopped) return RunStatus.stopped;
      if (end - this.retired !== left) stepOver = false;
    }
  }

  stop(): void {
    this.#stops.asked = true;
  }

  /** The instruction at Layout.pc has touched a device, and is the last one. */
  #stopBehind(): void {
    const { i32 } = this.#state;
    const [low, high] = [i32[Layout.pc >> 2], i32[(Layout.pc >> 2) + 1]];
    const first = this.#tlb.findCode(i32[Layout.context >> 2], low, high);
    const record = first === 0 ? 0 : first + ((low & 0xffc) << 4);
    // Where the run began from a part, a branch may have led back to the page itself: either of the two is running.
    const part = this.#partCount === 0 ? 0 : partRecord(low - i32[(Layout.part + Record.pc) >> 2], this.#partCount);
    this.#stops.behind(record, part);
  }

  #runFrom(record: number, left: number, stepOver: boolean): number {
    const { i32 } = this.#state;
    let start = record;
    let count = Math.min(left, maximumGrant);
    this.#partCount = 0;
    if (stepOver && ownHandler(this.#state, record) === HandlerIndex.breakpoint) {
      count = 1;
      this.#partCount = 1;
      start = Layout.part;
      this.#code.decodeAlone(record, start);
      this.#stopAfter(record, 1);
    } else if (i32[(record + Record.span) >> 2] > count * Record.bytes) {
      start = Layout.part;
      this.#partCount = count;
      i32.copyWithin(start >> 2, record >> 2, (record + count * Record.bytes) >> 2);
      this.#stopAfter(record, count);
    }
    this.#granted += count;
    return this.#start(start, start + count * Record.bytes, i32[Layout.context >> 2]);
  }

  /** Ends the part of records that was copied from `record`. */
  #stopAfter(record: number, count: number): void {
    const { i32 } = this.#state;
    const stop = Layout.part + count * Record.bytes;
    setHandler(this.#state, stop, HandlerIndex.stop);
    const [pc, stopPc] = [(record + Record.pc) >> 2, (stop + Record.pc) >> 2];
    const low = (i32[pc] >>> 0) + 4 * count;
    i32[stopPc] = low;
    i32[stopPc + 1] = i32[pc + 1] + (low >= 2 ** 32 ? 1 : 0);
  }

  /** The decoded record at Layout.pc, or 0 with an exception pending. */
  #find(): number {
    const { i32 } = this.#state;
    const pc = Layout.pc >> 2;
    const context = i32[Layout.context >> 2];
    let first = this.#tlb.findCode(context, i32[pc], i32[pc + 1]);
    if (first === 0) {
      first = this.#fetch(context);
      if (first === 0) return 0;
    }
    const record = first + ((i32[pc] & 0xffc) << 4);
    if (ownHandler(this.#state, record) === HandlerIndex.undecoded) this.#code.decode(record);
    return record;
  }

  /** The first record of the page at Layout.pc, or 0 with an exception pending. */
  #fetch(context: number): number {
    const { i32 } = this.#state;
    const pc = Layout.pc >> 2;
    const host = this.#host;
    if (!host.translate(i32[pc], i32[pc + 1], Access.execute, false)) return 0;
    const low = i32[pc];
    const high = i32[pc + 1];
    const place = this.#state.readablePlace(host.translation.physical);
    if (place === 0) {
      host.externalAbort(low, high, Access.execute);
      return 0;
    }
    const first = this.#code.page(place - (low & 0xfff), low, high, this.#mode);
    this.#tlb.fillCode(context, low, high, first);
    return first;
  }

  flushTlb(): void {
    this.#tlb.flush();
  }

  flushPage(vaLow: number, _vaHigh: number): void {
    this.#tlb.flushPage(vaLow);
  }

  setContext(el: number, pan: boolean, simdTrapped: boolean): void {
    const context = Tlb.context(el, pan);
    this.#mode = decodeMode(el, simdTrapped);
    this.#tlb.setMode(context, this.#mode);
    this.#state.i32[Layout.context >> 2] = context;
  }

  changed(physical: number, bytes: number): void {
    const { ramBase, ramSize, readOnly } = this.#state;
    const from = Math.max(physical, ramBase);
    const to = Math.min(physical + bytes, ramBase + ramSize);
    if (from < to) this.#code.written(this.#state.place(from), to - from);
    const place = this.#state.readOnlyPlace(physical);
    if (place !== 0) this.#code.written(place, Math.min(bytes, readOnly.base + readOnly.size - physical));
  }

  setReadable(isReadable: boolean): void {
    this.#state.isReadable = isReadable;
    this.#tlb.flush();
  }

  setBreakpoints(addresses: readonly bigint[]): void {
    this.#code.setBreakpoints(addresses);
  }

  watchpointsChanged(): void {
    this.#tlb.flush();
  }

  getNzcv(): number {
    return this.#nzcv();
  }

  setNzcv(value: number): void {
    const { i32 } = this.#state;
    i32[Layout.flagsKind >> 2] = 0;
    i32[Layout.flagsA >> 2] = value;
    i32[(Layout.flagsA >> 2) + 1] = 0;
  }

  ramOffset(physical: number): number {
    return this.#state.place(physical) || -1;
  }

  readableOffset(physical: number): number {
    return this.#state.readablePlace(physical) || -1;
  }

  load(vaLow: number, vaHigh: number, bytes: number, kind: AccessKind): boolean {
    const place = this.#access(vaLow, vaHigh, bytes, kind, false);
    if (place !== 0) this.#state.u8.copyWithin(Layout.scratch, place, place + bytes);
    return place !== 0;
  }

  store(vaLow: number, vaHigh: number, bytes: number, kind: AccessKind): boolean {
    const place = this.#access(vaLow, vaHigh, bytes, kind, true);
    if (place !== 0) this.#state.u8.copyWithin(place, Layout.scratch, Layout.scratch + bytes);
    return place !== 0;
  }

  /** 16 bytes are a pair. */
  #access(vaLow: number, vaHigh: number, bytes: number, kind: AccessKind, store: boolean): number {
    const pair = bytes === 16;
    const description = accessDescription(pair ? 3 : Math.log2(bytes), pair ? 1 : 0, kind);
    return this.#slow.access(vaLow, vaHigh, description, store);
  }
}
