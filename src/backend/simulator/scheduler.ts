/**
 * Runs the CPUs of a machine one after the other, each for so many instructions, so that the same guest with the same
 * input runs alike to the instruction. The host's clock only decides when other events of the host get their turn, and
 * how long to sleep while all CPUs wait.
 */
import { performance } from 'node:perf_hooks';
import type { Exit, StatefulDevice } from '../vcpu.ts';
import { type Clock, INSTRUCTIONS_PER_TICK } from './clock.ts';
import type { Cpu } from './cpu.ts';
import { Idle } from './idle.ts';

/** Instructions of a CPU before it is the next one's turn; of a single one, before the host's clock is looked at. */
const QUANTUM = 20_000;
const QUANTUM_ALONE = 100_000;
/** Other events get their turn after so many milliseconds. */
const SLICE = 1;

/** A CPU whose run is in progress. */
interface Run {
  readonly cpu: Cpu;
  exit: Exit | undefined;
  finish: (exit: Exit) => void;
}

export interface SchedulerOptions {
  readonly cpus: readonly Cpu[];
  readonly clock: Clock;
  /** Called after each turn of a CPU: what the guest has sent goes out. */
  readonly flush: () => void;
}

/** Whose turn it is, how much of it is left, and how far the tick is: so that a guest goes on from a snapshot as it did. */
export class Scheduler implements StatefulDevice {
  readonly name = 'turns of the simulator';
  readonly mayBeLost = true;
  readonly #clock: Clock;
  readonly #flush: () => void;
  readonly #cpus: readonly Cpu[];
  /** By the place of their CPU. */
  readonly #runs: (Run | undefined)[];
  /** Whose turn it is, and how many instructions are left of it. */
  #turn = 0;
  #left: number;
  readonly #quantum: number;
  /** The CPU that runs at this moment. */
  #current: Cpu | undefined;
  #immediate: NodeJS.Immediate | undefined;
  readonly #idle: Idle;

  constructor({ cpus, clock, flush }: SchedulerOptions) {
    this.#cpus = cpus;
    this.#quantum = cpus.length === 1 ? QUANTUM_ALONE : QUANTUM;
    this.#left = this.#quantum;
    this.#clock = clock;
    this.#flush = flush;
    this.#runs = cpus.map(() => undefined);
    this.#idle = new Idle(clock, () => this.#later());
    for (const cpu of cpus)
      cpu.core.interrupts.rose = () => {
        cpu.interrupt();
        this.#wake();
      };
    clock.hurry = () => {
      this.#current?.pause();
      this.#wake();
    };
  }

  /** Milliseconds of the host in which all CPUs waited. */
  get slept(): number {
    return this.#idle.slept;
  }

  save(): BigUint64Array {
    return BigUint64Array.of(BigInt(this.#turn), BigInt(this.#left), BigInt(this.#clock.phase));
  }

  restore(words: BigUint64Array): string | undefined {
    const [turn, left, phase] = words;
    if (words.length !== 3) return `it has not ${words.length} words`;
    if (turn >= this.#cpus.length || left > this.#quantum || phase >= INSTRUCTIONS_PER_TICK)
      return 'a word has a value that it cannot have';
    this.#turn = Number(turn);
    this.#left = Number(left);
    this.#clock.phase = Number(phase);
    return undefined;
  }

  reset(): void {
    this.#turn = 0;
    this.#left = this.#quantum;
    this.#clock.phase = 0;
  }

  /** One instruction of one CPU, while the others stand still. */
  step(cpu: Cpu): Exit {
    this.#guard(cpu, () => {
      this.#clock.ring();
      cpu.step();
    });
    this.#flush();
    return cpu.exit!;
  }

  /** Lets a CPU run until it exits; with others, if they do so too. */
  run(cpu: Cpu): Exit | Promise<Exit> {
    const run: Run = { cpu, exit: undefined, finish: () => undefined };
    this.#runs[this.#cpus.indexOf(cpu)] = run;
    this.#idle.end();
    // Several CPUs begin together, when all of them have been told to run.
    if (this.#cpus.length === 1) this.#pump();
    else this.#later();
    if (run.exit) return run.exit;
    return new Promise((resolve) => {
      run.finish = resolve;
    });
  }

  /** Ends the run of a CPU. False: it does not run. */
  end(cpu: Cpu, exit: Exit): boolean {
    const index = this.#cpus.indexOf(cpu);
    const run = this.#runs[index];
    if (!run) return false;
    this.#runs[index] = undefined;
    if (!this.#busy) this.#idle.end();
    run.exit = exit;
    run.finish(exit);
    return true;
  }

  #later(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      if (this.#busy) this.#pump();
    });
  }

  get #busy(): boolean {
    return this.#runs.some((run) => run !== undefined);
  }

  /** Something has come from outside. */
  #wake(): void {
    if (!this.#idle.sleeping) return;
    this.#idle.end();
    this.#later();
  }

  /** Lets the CPUs have their turns for a moment, or until one of them exits, or all wait. */
  #pump(): void {
    const end = performance.now() + SLICE;
    do {
      const next = this.#next();
      if (!next) {
        // What an alarm has led to may have ended the last run.
        if (!this.#busy || !this.#idle.begin()) return;
      } else if (this.#turnOf(next)) break;
    } while (performance.now() < end);
    if (this.#busy) this.#later();
  }

  /** The CPU whose turn it is; undefined: all of them wait. */
  #next(): Cpu | undefined {
    this.#clock.ring();
    for (let i = 0; i < this.#cpus.length; i++) {
      const run = this.#runs[this.#turn];
      if (run && !run.cpu.waiting) return run.cpu;
      this.#pass();
    }
    return undefined;
  }

  #pass(): void {
    this.#turn = (this.#turn + 1) % this.#cpus.length;
    this.#left = this.#quantum;
  }

  /** Whether the CPU has exited. */
  #turnOf(cpu: Cpu): boolean {
    const before = cpu.executed;
    this.#current = cpu;
    this.#guard(cpu, () => cpu.run(Math.min(this.#left, this.#clock.instructionsLeft)));
    this.#current = undefined;
    this.#left -= cpu.executed - before;
    this.#flush();
    if (this.#left <= 0 || cpu.exit || cpu.gaveWay) this.#pass();
    return cpu.exit !== undefined && this.end(cpu, cpu.exit);
  }

  /** A fault of this program ends the run, not the program. */
  #guard(cpu: Cpu, act: () => void): void {
    try {
      act();
    } catch (error) {
      cpu.exit = { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
    }
  }
}
