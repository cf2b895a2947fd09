/**
 * The interpreter of a machine: the WebAssembly module with its memory, and the code decoded for it. All CPUs share it;
 * one of them runs at a time, and has its registers where the module looks for them.
 */
import { type A64Instruction, a64Instructions, fpUnit, Layout } from '../../../arm/index.ts';
import { DecodedCode } from './code.ts';
import { handlersOf } from './handlers.ts';
import type { EngineHost, RunStatus } from './host.ts';
import { Monitors, type Reserver } from './monitors.ts';
import { allocate, EngineState, noReadOnlyMemory, type ReadOnlyMemory } from './state.ts';
import type { Tlb } from './tlb.ts';

export interface InterpreterOptions {
  /** Physical address and size of RAM, multiples of 4096. */
  readonly ramBase: number;
  readonly ramSize: number;
  /** Flash memory that code runs from. */
  readonly readOnly?: ReadOnlyMemory;
  /** Optional features that the CPUs have, as instructions name them (FEAT_FP16 ...): all if not given. */
  readonly features?: ReadonlySet<string>;
  /** Other instructions than all: for tests. */
  readonly instructions?: readonly A64Instruction[];
  /** From SimulatorEngine.allocate; without it the constructor throws a RangeError when there is not enough memory. */
  readonly memory?: WebAssembly.Memory;
}

/** What the module asks of the CPU that runs. */
export interface Running extends Reserver {
  readonly host: EngineHost;
  slowLoad(low: number, high: number, description: number): number;
  slowStore(low: number, high: number, description: number): number;
  system(word: number): RunStatus;
  raise(kind: number, immediate: number): RunStatus;
  /** Its registers stand where the module finds them, or in its bank. */
  moved(isRunning: boolean): void;
  /** Address of its bank. */
  readonly bank: number;
}

interface Exports {
  start(record: number, limit: number, context: number): number;
  nzcv(): number;
}

export class Interpreter {
  readonly state: EngineState;
  readonly code: DecodedCode;
  /** Runs from a record. */
  readonly start: Exports['start'];
  /** The flags of the CPU that runs. */
  readonly nzcv: Exports['nzcv'];
  readonly #monitors: Monitors;
  readonly #engines: Running[] = [];
  readonly #tlbs: Tlb[] = [];
  /** Addresses of breakpoints, by CPU. */
  readonly #breakpoints: (readonly bigint[])[] = [];
  #running: Running | undefined;

  constructor(options: InterpreterOptions) {
    const { ramBase, ramSize, readOnly = noReadOnlyMemory, instructions = a64Instructions } = options;
    const { features, memory = allocate(ramSize + readOnly.size) } = options;
    if (memory === undefined) throw new RangeError(`no memory for ${ramSize} bytes of RAM`);
    const handlers = handlersOf(instructions);
    this.state = new EngineState(memory, ramBase, ramSize, readOnly);
    this.code = new DecodedCode({
      state: this.state,
      tlbs: this.#tlbs,
      handlers,
      systemSlot: (encoding, write) => this.#running!.host.systemSlot(encoding, write),
      features,
      dropped: () => this.#monitors.forget(),
    });
    this.#monitors = new Monitors(this.code, this.#engines);
    const instance = new WebAssembly.Instance(handlers.module, { host: { memory, ...this.#imports() } });
    const { start, nzcv } = instance.exports as unknown as Exports;
    this.start = start;
    this.nzcv = nzcv;
  }

  #imports(): Record<string, unknown> {
    return {
      load: (low: number, high: number, description: number) => this.#running!.slowLoad(low, high, description),
      store: (low: number, high: number, description: number) => this.#running!.slowStore(low, high, description),
      system: (word: number) => this.#running!.system(word),
      raise: (kind: number, immediate: number) => this.#running!.raise(kind, immediate),
      spAlignmentFault: () => this.#running!.host.spAlignmentFault(),
      fp: fpUnit(new DataView(this.state.memory.buffer)),
    };
  }

  /** Its CPUs. */
  get count(): number {
    return this.#engines.length;
  }

  /** One more CPU. The first one runs. */
  connect(engine: Running): void {
    this.#engines.push(engine);
    this.#tlbs.push(engine.tlb);
    this.#breakpoints.push([]);
    this.#running ??= engine;
    engine.moved(this.#running === engine);
  }

  /** This CPU is to run. */
  switchTo(engine: Running): void {
    const before = this.#running!;
    if (before === engine && !this.#monitors.isStale) return;
    if (before !== engine) {
      const { u8 } = this.state;
      this.#monitors.leave(before);
      u8.copyWithin(before.bank, 0, Layout.bankBytes);
      u8.copyWithin(0, engine.bank, engine.bank + Layout.bankBytes);
      before.moved(false);
      engine.moved(true);
      this.#running = engine;
    }
    this.#monitors.enter(engine);
  }

  /** The registers of a CPU's monitor were written from outside. */
  monitorChanged(engine: Running): void {
    this.#monitors.changed(engine);
  }

  /** Whether stores to this page of RAM must be told. */
  isWatched(page: number): boolean {
    return this.code.holdsCode(page) || this.#monitors.holds(page);
  }

  /** RAM at these places in memory has been written, or is about to be. */
  written(place: number, bytes: number): void {
    this.code.written(place, bytes);
    this.#monitors.written(place, bytes);
  }

  flushTlbs(): void {
    for (const tlb of this.#tlbs) tlb.flush();
  }

  flushPages(vaLow: number, vaHigh: number): void {
    for (const tlb of this.#tlbs) tlb.flushPage(vaLow, vaHigh);
  }

  /** The decoded code is that of all CPUs: it stops at the breakpoints of each. */
  setBreakpoints(engine: Running, addresses: readonly bigint[]): void {
    this.#breakpoints[this.#engines.indexOf(engine)] = addresses;
    this.code.setBreakpoints(this.#breakpoints.flat());
  }
}
