/** Runs the code of one CPU in the interpreter's WebAssembly module. */
import {
  type AccessKind,
  accessDescription,
  cpuArea,
  HandlerIndex,
  Layout,
  Record,
  raises,
  Status,
} from '../../../arm/index.ts';
import { SlowAccess } from './access.ts';
import { type DecodedCode, decodeMode, ownHandler, setHandler } from './code.ts';
import { Access, type Engine, type EngineHost, RunStatus } from './host.ts';
import { Interpreter, type InterpreterOptions, type Running } from './interpreter.ts';
import { allocate, type EngineState } from './state.ts';
import { partRecord, Stops } from './stops.ts';
import { contextIndex, Tlb } from './tlb.ts';

/** On the interpreter of a machine, whose next CPU it is, or with one of its own. */
export type EngineOptions = { readonly host: EngineHost } & (
  | InterpreterOptions
  | { readonly interpreter: Interpreter }
);

/** Instructions granted to one call of the module: the limit of a run must fit 32 bits. */
const maximumGrant = 1 << 24;

const { bankBytes } = Layout;

export class SimulatorEngine implements Engine, Running {
  readonly memory: WebAssembly.Memory;
  readonly host: EngineHost;
  readonly tlb: Tlb;
  readonly bank: number;
  readonly systemWords: Int32Array;
  readonly systemLongs: BigUint64Array;
  words: Int32Array;
  longs: BigUint64Array;
  readonly #interpreter: Interpreter;
  readonly #state: EngineState;
  readonly #code: DecodedCode;
  readonly #slow: SlowAccess;
  readonly #stops: Stops;
  /** The registers while the CPU does not run. */
  readonly #bankWords: Int32Array;
  readonly #bankLongs: BigUint64Array;
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
    const { host } = options;
    this.#interpreter = 'interpreter' in options ? options.interpreter : new Interpreter(options);
    this.host = host;
    this.#state = this.#interpreter.state;
    this.#code = this.#interpreter.code;
    this.memory = this.#state.memory;
    const { buffer } = this.memory;
    const area = cpuArea(this.#interpreter.count);
    this.bank = area + Layout.bank;
    this.systemWords = new Int32Array(buffer, area + Layout.system, Layout.systemBytes >> 2);
    this.systemLongs = new BigUint64Array(buffer, area + Layout.system, Layout.systemBytes >> 3);
    this.#bankWords = new Int32Array(buffer, this.bank, bankBytes >> 2);
    this.#bankLongs = new BigUint64Array(buffer, this.bank, bankBytes >> 3);
    this.words = this.#bankWords;
    this.longs = this.#bankLongs;
    this.tlb = new Tlb(this.#state, area + Layout.contexts);
    this.#stops = new Stops(this.#state);
    this.#slow = new SlowAccess({ state: this.#state, tlb: this.tlb, host, stores: this.#interpreter });
    this.#interpreter.connect(this);
    this.words[Layout.systemBase >> 2] = area + Layout.system;
    this.words[Layout.unprivileged >> 2] = this.tlb.context(contextIndex(0, false));
    this.setContext(1, false, false);
  }

  moved(isRunning: boolean): void {
    const { state } = this.#interpreter;
    this.words = isRunning ? state.words : this.#bankWords;
    this.longs = isRunning ? state.longs : this.#bankLongs;
  }

  placeOf(vaLow: number, vaHigh: number): number {
    const physical = this.host.physicalAddress(vaLow, vaHigh);
    return physical < 0 ? 0 : this.#state.place(physical);
  }

  monitorChanged(): void {
    this.#interpreter.monitorChanged(this);
  }

  reservationLost(): void {
    this.words.fill(-1, Layout.exclusive >> 2, (Layout.exclusive >> 2) + 2);
    this.host.reservationLost();
  }

  slowLoad(low: number, high: number, description: number): number {
    return this.#accessed(this.#slow.access(low, high, description, false));
  }

  slowStore(low: number, high: number, description: number): number {
    return this.#accessed(this.#slow.access(low, high, description, true));
  }

  #accessed(place: number): number {
    if (this.#stops.asked && place !== 0) this.#stopBehind();
    return place;
  }

  system(word: number): RunStatus {
    return this.#carriedOut(this.host.system(word));
  }

  raise(kind: number, immediate: number): RunStatus {
    return this.#carriedOut(this.host.raise(raises[kind], immediate));
  }

  #carriedOut(status: RunStatus): RunStatus {
    return this.#stops.asked && status === RunStatus.budget ? RunStatus.stopped : status;
  }

  get retired(): number {
    return this.#granted - this.words[Layout.budget >> 2];
  }

  run(instructions: number, resume = true): RunStatus {
    this.#interpreter.switchTo(this);
    this.#stops.asked = false;
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
    const first = this.tlb.findCode(i32[Layout.context >> 2], low, high);
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
    return this.#interpreter.start(start, start + count * Record.bytes, i32[Layout.context >> 2]);
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
    let first = this.tlb.findCode(context, i32[pc], i32[pc + 1]);
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
    const { host } = this;
    if (!host.translate(i32[pc], i32[pc + 1], Access.execute, false)) return 0;
    const low = i32[pc];
    const high = i32[pc + 1];
    const place = this.#state.readablePlace(host.translation.physical);
    if (place === 0) {
      host.externalAbort(low, high, Access.execute);
      return 0;
    }
    const first = this.#code.page(place - (low & 0xfff), low, high, this.#mode);
    this.tlb.noteBlock(low, high, host.translation.sizeBits);
    this.tlb.fillCode(context, low, high, first);
    return first;
  }

  flushTlb(): void {
    this.tlb.flush();
  }

  flushTlbs(): void {
    this.#interpreter.flushTlbs();
  }

  flushPage(vaLow: number, vaHigh: number): void {
    this.tlb.flushPage(vaLow, vaHigh);
  }

  flushPages(vaLow: number, vaHigh: number): void {
    this.#interpreter.flushPages(vaLow, vaHigh);
  }

  setContext(el: number, pan: boolean, simdTrapped: boolean, usesSp0 = false): void {
    const index = contextIndex(el, pan);
    const mode = decodeMode(el, simdTrapped, usesSp0);
    this.#mode = mode;
    this.tlb.setMode(index, mode);
    this.words[Layout.context >> 2] = this.tlb.context(index);
  }

  changed(physical: number, bytes: number): void {
    const { ramBase, ramSize, readOnly } = this.#state;
    const from = Math.max(physical, ramBase);
    const to = Math.min(physical + bytes, ramBase + ramSize);
    if (from < to) this.#interpreter.written(this.#state.place(from), to - from);
    const place = this.#state.readOnlyPlace(physical);
    if (place !== 0) this.#interpreter.written(place, Math.min(bytes, readOnly.base + readOnly.size - physical));
  }

  setReadable(isReadable: boolean): void {
    this.#state.isReadable = isReadable;
    this.flushTlbs();
  }

  setBreakpoints(addresses: readonly bigint[]): void {
    this.#interpreter.setBreakpoints(this, addresses);
  }

  watchpointsChanged(): void {
    this.tlb.flush();
  }

  getNzcv(): number {
    const { words } = this;
    // They stand there already.
    if (words[Layout.flagsKind >> 2] === 0) return words[Layout.flagsA >> 2];
    this.#interpreter.switchTo(this);
    return this.#interpreter.nzcv();
  }

  setNzcv(value: number): void {
    const { words } = this;
    words[Layout.flagsKind >> 2] = 0;
    words[Layout.flagsA >> 2] = value;
    words[(Layout.flagsA >> 2) + 1] = 0;
  }

  ramOffset(physical: number): number {
    return this.#state.place(physical) || -1;
  }

  readableOffset(physical: number): number {
    return this.#state.readablePlace(physical) || -1;
  }

  writableOffset(vaLow: number, vaHigh: number): number {
    return this.tlb.findWrite(this.words[Layout.context >> 2], vaLow, vaHigh) || -1;
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
