/**
 * Running the guest for a debugger. A step runs one CPU and keeps the others still; a continue runs all that the debugger
 * names until one has something to tell, and then stops the others.
 *
 * What answers at once is answered at once: a step needs no promise.
 */
import type { Execution, Outcome, ResumeAction, Stop, TargetError } from '../gdbstub/index.ts';
import type { GuestBreakpoints } from './breakpoints.ts';
import { CpuExecution, type ExecutionContext, type ExecutionCpu } from './cpu-execution.ts';
import { refuse } from './errors.ts';
import type { Patches } from './patches.ts';
import { stopScope } from './register-table.ts';
import type { Exit, Machine } from './vcpu.ts';

export type { ExecutionCpu } from './cpu-execution.ts';

export interface GuestExecutionOptions {
  readonly machine: Machine;
  readonly cpus: readonly ExecutionCpu[];
  readonly breakpoints: GuestBreakpoints;
  readonly patches: Patches;
  /** What a user should know that no debugger asks for. */
  readonly log: (message: string) => void;
  /** Called at every stop, with the registers as they are. */
  readonly stopped?: () => void;
  /** Called when the machine was reset. */
  readonly wasReset?: () => void;
  /** Resets the machine: the guest has asked for it. */
  readonly reset: () => void;
}

/** Exits that are dealt with before others get their turn. */
const TURN = 1000;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Stops that leave nothing of what others have to tell. */
const isEnd = ({ kind }: Stop): boolean => kind === 'exited' || kind === 'terminated' || kind === 'reset';

/** A stop of a CPU that another one was quicker than. */
interface Waiting {
  readonly stop: Stop;
  readonly pc: bigint;
}

export class GuestExecution implements Execution {
  readonly #machine: Machine;
  readonly #breakpoints: GuestBreakpoints;
  readonly #cpus: readonly CpuExecution[];
  readonly #options: GuestExecutionOptions;
  /** Told when the debugger lets that CPU go on, if it still stands there. */
  readonly #waiting = new Map<CpuExecution, Waiting>();
  #interrupting: boolean = false;
  /** One CPU has something to tell: the others leave off. */
  #gathering: boolean = false;
  /** The guest runs without a debugger waiting for it: `monitor resume`. */
  #background: Promise<Stop> | undefined;
  #halting: boolean = false;
  #ended: Stop | undefined;
  /** Index of the CPU that stopped last: what the debugger looks at. */
  current = 0;
  /** A debugger is there: a reset of the guest stops. */
  attached: boolean = false;
  /** A step may land in an interrupt handler. */
  stepsTakeInterrupts: boolean = false;

  constructor(options: GuestExecutionOptions) {
    const { machine, cpus, breakpoints, patches, log } = options;
    this.#options = options;
    this.#machine = machine;
    this.#breakpoints = breakpoints;
    const context: ExecutionContext = {
      machine,
      breakpoints,
      patches,
      log,
      interrupting: () => this.#interrupting,
      stepsTakeInterrupts: () => this.stepsTakeInterrupts,
      reset: (thread) => this.#resetByGuest(thread),
    };
    this.#cpus = cpus.map((cpu) => new CpuExecution(cpu, context));
    machine.stopClock();
  }

  /** Why nothing can be asked of the guest now. */
  unavailable(): TargetError | undefined {
    return this.#background && !this.#halting ? refuse('GUEST_RUNNING') : undefined;
  }

  get running(): boolean {
    return this.#background !== undefined && !this.#halting;
  }

  resume(actions: readonly ResumeAction[]): Stop | Promise<Stop> {
    if (this.#ended) return this.#ended;
    if (this.#background) return this.#afterBackground(this.#background, actions);
    this.#interrupting = false;
    this.#gathering = false;
    const step = actions.find(({ kind }) => kind === 'step');
    const chosen = step ? [step] : actions;
    this.current = chosen[0].thread - 1;
    const cpus = chosen.map(({ thread }) => this.#cpus[thread - 1]);
    if (step && cpus[0].isOff) return { kind: 'step', thread: step.thread };
    const waiting = this.#takeWaiting(cpus);
    if (waiting) return this.#stopped(waiting);
    for (const [i, cpu] of cpus.entries()) cpu.begin(chosen[i]);
    if (!step) this.#breakpoints.refresh();
    this.#machine.startClock();
    const stop = cpus.length === 1 ? this.#drive(cpus[0], false) : this.#runTogether(cpus);
    return stop instanceof Promise ? stop.then((late) => this.#stopped(late!)) : this.#stopped(stop!);
  }

  /** What one of the CPUs had to tell when another one was quicker. */
  #takeWaiting(cpus: readonly CpuExecution[]): Stop | undefined {
    for (const cpu of cpus) {
      const waiting = this.#waiting.get(cpu);
      if (!waiting) continue;
      this.#waiting.delete(cpu);
      if (isEnd(waiting.stop) || (cpu.pc === waiting.pc && this.#holds(waiting))) return waiting.stop;
    }
    return undefined;
  }

  /** Whether the reason for a stop is still there. */
  #holds({ stop, pc }: Waiting): boolean {
    if (stop.kind !== 'breakpoint') return true;
    return stop.hardware ? this.#breakpoints.hasHardware(pc) : this.#breakpoints.hasSoftware(pc);
  }

  async #afterBackground(background: Promise<Stop>, actions: readonly ResumeAction[]): Promise<Stop> {
    if (!this.#halting && actions[0].kind === 'continue') return background;
    this.interrupt();
    await background;
    return this.resume(actions);
  }

  interrupt(): void {
    this.#interrupting = true;
    for (const { cpu } of this.#cpus) cpu.sync.vcpu.kick();
  }

  /** Lets the guest run while the debugger believes that it is stopped. */
  resumeInBackground(): Outcome {
    if (this.#background && !this.#halting) return refuse('GUEST_RUNNING');
    const first = this.#cpus[this.current];
    const others = this.#cpus.filter((cpu) => cpu !== first);
    const stop = this.resume([first, ...others].map(({ thread }) => ({ thread, kind: 'continue', signal: 0 })));
    if (!(stop instanceof Promise)) return undefined;
    this.#halting = false;
    const background = stop.finally(() => {
      if (this.#background === background) this.#background = undefined;
      this.#halting = false;
    });
    this.#background = background;
    return undefined;
  }

  haltBackground(): void {
    if (!this.#background) return;
    this.#halting = true;
    this.interrupt();
    for (const { cpu } of this.#cpus) cpu.sync.ran();
  }

  /** The machine was reset: nothing that was known of it holds. */
  afterReset(): void {
    this.#ended = undefined;
    this.#waiting.clear();
    this.#machine.stopClock();
    for (const cpu of this.#cpus) {
      cpu.afterReset();
      cpu.cpu.sync.kvmArchGetRegisters();
    }
    this.#breakpoints.afterReset();
    this.#options.wasReset?.();
  }

  /** Nothing of ours is armed in the CPUs any more. */
  rearm(): void {
    for (const cpu of this.#cpus) cpu.rearm();
  }

  #resetByGuest(thread: number): Stop | undefined {
    this.#options.reset();
    return this.attached ? { kind: 'reset', thread } : undefined;
  }

  #stopped(stop: Stop): Stop {
    this.#machine.stopClock();
    if (stop.kind === 'exited' || stop.kind === 'terminated') this.#ended = stop;
    else {
      this.current = stop.thread - 1;
      this.#cpus[this.current].cpu.sync.ensure(stopScope);
      this.#options.stopped?.();
    }
    return stop;
  }

  /**
   * One CPU, the others still: until it stops, or only until it has left what stands in its way, which is undefined.
   * Deals with exits that come at once; a promise is of the first that does not.
   */
  #drive(cpu: CpuExecution, onlyLeave: boolean): Stop | undefined | Promise<Stop | undefined> {
    const next = this.#advance(cpu, onlyLeave);
    if (next === 'left') return undefined;
    return next === 'turn' || next instanceof Promise ? this.#driveLater(cpu, onlyLeave, next) : next;
  }

  async #driveLater(cpu: CpuExecution, onlyLeave: boolean, first: 'turn' | Promise<Exit>): Promise<Stop | undefined> {
    for (let pending = first; ; ) {
      let stop: Stop | undefined;
      if (pending !== 'turn') stop = cpu.exited(await pending);
      else {
        await turn();
        if (this.#interrupting) stop = { kind: 'interrupted', thread: cpu.thread };
      }
      if (stop) return stop;
      const next = this.#advance(cpu, onlyLeave);
      if (next === 'left') return undefined;
      if (next !== 'turn' && !(next instanceof Promise)) return next;
      pending = next;
    }
  }

  /** A stop, an exit to wait for, or that it is the others' turn. */
  #advance(cpu: CpuExecution, onlyLeave: boolean): Stop | Promise<Exit> | 'turn' | 'left' {
    for (let exits = 0; exits < TURN; exits++) {
      if (onlyLeave && !cpu.leaving) return 'left';
      const failed = cpu.prepare();
      if (failed) return failed;
      const exit = cpu.cpu.sync.vcpu.run();
      if (exit instanceof Promise) return exit;
      const stop = cpu.exited(exit);
      if (stop) return stop;
    }
    return 'turn';
  }

  /** Several CPUs. One that has to leave something does so alone: its BRK is not there for the others meanwhile. */
  async #runTogether(cpus: readonly CpuExecution[]): Promise<Stop> {
    for (;;) {
      for (const cpu of cpus) {
        if (!cpu.leaving) continue;
        const stop = await this.#drive(cpu, true);
        if (stop) return stop;
      }
      this.#gathering = false;
      const stops = await Promise.all(cpus.map((cpu) => this.#course(cpu, cpus)));
      const stop = this.#choose(cpus, stops);
      if (stop) return stop;
    }
  }

  /** One CPU among several, until one of them has something to tell or to leave. */
  async #course(cpu: CpuExecution, cpus: readonly CpuExecution[]): Promise<Stop | undefined> {
    let stop: Stop | undefined;
    for (let exits = 1; !stop && !cpu.leaving && !this.#gathering; exits++) {
      stop = cpu.prepare() ?? cpu.exited(await cpu.cpu.sync.vcpu.run());
      if (exits % TURN === 0) await turn();
    }
    if (!this.#gathering) {
      this.#gathering = true;
      for (const other of cpus) if (other !== cpu) other.cpu.sync.vcpu.kick();
    }
    return stop;
  }

  /** The stop that is told now; the others wait. */
  #choose(cpus: readonly CpuExecution[], stops: readonly (Stop | undefined)[]): Stop | undefined {
    const told = cpus.flatMap((cpu, i) => (stops[i] ? [{ cpu, stop: stops[i] }] : []));
    const first =
      told.find(({ stop }) => isEnd(stop)) ?? told.find(({ stop }) => stop.kind !== 'interrupted') ?? told[0];
    if (!first || isEnd(first.stop)) return first?.stop;
    for (const { cpu, stop } of told)
      if (cpu !== first.cpu && stop.kind !== 'interrupted') this.#waiting.set(cpu, { stop, pc: cpu.pc });
    return first.stop;
  }
}
