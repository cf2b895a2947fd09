/**
 * Running the guest for a debugger: continue, step, step a range; leaving breakpoints and watchpoints; telling our debug
 * exceptions from the guest's own, which are handed back to it by editing its registers.
 *
 * What answers at once is answered at once: a step needs no promise.
 */
import { ExceptionClass } from '../arm/index.ts';
import type { Execution, Outcome, ResumeAction, Stop, TargetError } from '../gdbstub/index.ts';
import type { GuestBreakpoints, Watchpoint } from './breakpoints.ts';
import { errnoText, refuse } from './errors.ts';
import { handBack } from './hand-back.ts';
import type { Patches } from './patches.ts';
import { stopScope } from './register-table.ts';
import type { GuestCpu } from './registers.ts';
import type { CpuTranslation } from './translation.ts';
import type { Exit, Machine } from './vcpu.ts';

export interface ExecutionCpu extends GuestCpu {
  readonly translation: CpuTranslation;
}

export interface GuestExecutionOptions {
  readonly machine: Machine;
  readonly cpus: readonly ExecutionCpu[];
  readonly breakpoints: GuestBreakpoints;
  readonly patches: Patches;
  /** What a user should know that no debugger asks for. */
  readonly log: (message: string) => void;
}

/** One CPU on its way to the next stop. */
interface Run {
  readonly cpu: ExecutionCpu;
  readonly stepping: boolean;
  readonly range?: { readonly start: bigint; readonly end: bigint };
  /** The next step goes over what stands at the pc: a breakpoint, or an access that was reported. */
  leaving: boolean;
  /** Where our BRK was taken away for this step. */
  lifted: number | undefined;
}

/** Watchpoints that were reported at a pc, before the access: a resume lets the access happen. */
interface Reported {
  readonly pc: bigint;
  readonly watchpoints: Set<Watchpoint>;
}

/** Exits that are dealt with before others get their turn. */
const TURN = 1000;
const SIGABRT = 6;
const WNR = 1 << 6;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class GuestExecution implements Execution {
  readonly #options: GuestExecutionOptions;
  readonly #machine: Machine;
  readonly #breakpoints: GuestBreakpoints;
  readonly #patches: Patches;
  readonly #reported = new Map<number, Reported>();
  /** What each CPU's KVM_SET_GUEST_DEBUG was last given, as one word; undefined: anything. */
  readonly #armed: (string | undefined)[];
  /** Whether our hardware breakpoints are in the CPU. The guest's own do not fire then: a hit is one of ours. */
  readonly #hardwareArmed: boolean[];
  #interrupting: boolean = false;
  /** The guest runs without a debugger waiting for it: `monitor resume`. */
  #background: Promise<Stop> | undefined;
  #halting: boolean = false;
  #ended: Stop | undefined;
  /** Index of the CPU that stopped last: what the debugger looks at. */
  current = 0;
  /** A debugger is there: a reset of the guest stops. */
  attached: boolean = false;

  constructor(options: GuestExecutionOptions) {
    this.#options = options;
    this.#machine = options.machine;
    this.#breakpoints = options.breakpoints;
    this.#patches = options.patches;
    this.#armed = options.cpus.map(() => undefined);
    this.#hardwareArmed = options.cpus.map(() => false);
  }

  /** Why nothing can be asked of the guest now. */
  unavailable(): TargetError | undefined {
    return this.#background && !this.#halting ? refuse('GUEST_RUNNING') : undefined;
  }

  get running(): boolean {
    return this.#background !== undefined && !this.#halting;
  }

  /** Only one CPU runs: machines have one for now. */
  resume(actions: readonly ResumeAction[]): Stop | Promise<Stop> {
    const action = actions[0];
    if (this.#ended) return this.#ended;
    if (this.#background) return this.#afterBackground(this.#background, actions);
    this.#interrupting = false;
    this.current = action.thread - 1;
    const cpu = this.#options.cpus[this.current];
    cpu.sync.ensure(stopScope);
    if (this.#reported.get(this.current)?.pc !== cpu.sync.state.pc) this.#reported.delete(this.current);
    if (action.kind === 'continue') this.#breakpoints.refresh();
    const stepping = action.kind === 'step';
    const run: Run = { cpu, stepping, range: action.range, leaving: this.#standsAt(cpu), lifted: undefined };
    this.#machine.startClock();
    const stop = this.#drive(run);
    if (!(stop instanceof Promise)) return this.#stopped(run, stop);
    return stop.then((late) => this.#stopped(run, late));
  }

  async #afterBackground(background: Promise<Stop>, actions: readonly ResumeAction[]): Promise<Stop> {
    if (!this.#halting && actions[0].kind === 'continue') return background;
    this.interrupt();
    await background;
    return this.resume(actions);
  }

  interrupt(): void {
    this.#interrupting = true;
    for (const { sync } of this.#options.cpus) sync.vcpu.kick();
  }

  /** Lets the guest run while the debugger believes that it is stopped. */
  resumeInBackground(): Outcome {
    if (this.#background && !this.#halting) return refuse('GUEST_RUNNING');
    const stop = this.resume([{ thread: this.current + 1, kind: 'continue', signal: 0 }]);
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
    for (const { sync } of this.#options.cpus) sync.ran();
  }

  /** The machine was reset: nothing that was known of it holds. */
  afterReset(): void {
    this.#ended = undefined;
    this.#reported.clear();
    this.#armed.fill(undefined);
    for (const { sync } of this.#options.cpus) sync.kvmArchGetRegisters();
    this.#breakpoints.afterReset();
  }

  #stopped(run: Run, stop: Stop): Stop {
    this.#machine.stopClock();
    if (stop.kind === 'exited' || stop.kind === 'terminated') this.#ended = stop;
    else run.cpu.sync.ensure(stopScope);
    return stop;
  }

  #thread(run: Run): number {
    return run.cpu.sync.vcpu.index + 1;
  }

  /** Deals with exits that come at once; a promise is of the first that does not. */
  #drive(run: Run): Stop | Promise<Stop> {
    const next = this.#advance(run);
    return next === undefined || next instanceof Promise ? this.#driveLater(run, next) : next;
  }

  async #driveLater(run: Run, first: Promise<Exit> | undefined): Promise<Stop> {
    for (let pending = first; ; ) {
      let stop: Stop | undefined;
      if (pending) stop = this.#exited(run, await pending);
      else {
        await turn();
        if (this.#interrupting) stop = { kind: 'interrupted', thread: this.#thread(run) };
      }
      if (stop) return stop;
      const next = this.#advance(run);
      if (next !== undefined && !(next instanceof Promise)) return next;
      pending = next;
    }
  }

  /** A stop, an exit to wait for, or undefined when it is the others' turn. */
  #advance(run: Run): Stop | Promise<Exit> | undefined {
    for (let exits = 0; exits < TURN; exits++) {
      const failed = this.#prepare(run);
      if (failed) return failed;
      const exit = run.cpu.sync.vcpu.run();
      if (exit instanceof Promise) return exit;
      const stop = this.#exited(run, exit);
      if (stop) return stop;
    }
    return undefined;
  }

  /** Whether the next instruction would stop at once on something of ours. */
  #standsAt(cpu: ExecutionCpu): boolean {
    const { pc } = cpu.sync.state;
    if (this.#reported.get(cpu.sync.vcpu.index)?.pc === pc || this.#breakpoints.hasHardware(pc)) return true;
    return this.#patchAt(cpu, pc) !== undefined;
  }

  /** Physical address of our BRK that this CPU would execute. */
  #patchAt({ translation }: ExecutionCpu, pc: bigint): number | undefined {
    if (this.#patches.none) return undefined;
    const physical = translation.translate(pc);
    return physical !== undefined && this.#patches.has(physical) ? physical : undefined;
  }

  #prepare(run: Run): Stop | undefined {
    const { cpu, leaving, stepping } = run;
    if (leaving) {
      run.lifted = this.#patchAt(cpu, cpu.sync.state.pc);
      if (run.lifted !== undefined) this.#patches.lift(run.lifted);
    }
    return this.#arm(cpu, stepping || leaving, leaving);
  }

  /** KVM_SET_GUEST_DEBUG, if it is not so already. While leaving, what stands at the pc does not stop. */
  #arm({ sync }: ExecutionCpu, singleStep: boolean, leaving: boolean): Stop | undefined {
    const { index } = sync.vcpu;
    const breakpoints = this.#breakpoints;
    const enable = singleStep || !breakpoints.none;
    const special = leaving && !breakpoints.noHardware;
    const word = special ? undefined : `${enable} ${singleStep} ${breakpoints.version}`;
    if (word !== undefined && word === this.#armed[index]) return undefined;
    this.#armed[index] = word;
    this.#hardwareArmed[index] = !breakpoints.noHardware;
    const { pc } = sync.state;
    const reported = this.#reported.get(index);
    const errno = sync.vcpu.setGuestDebug({
      enable,
      singleStep,
      useSoftwareBreakpoints: enable,
      useHardware: !breakpoints.noHardware,
      breakpoints: breakpoints.breakpointSlots(leaving ? pc : undefined),
      watchpoints: breakpoints.watchpointSlots(leaving && reported?.pc === pc ? reported.watchpoints : undefined),
    });
    return errno === 0 ? undefined : this.#dead(`the machine refused to be debugged (${errnoText(errno)})`);
  }

  #dead(reason: string): Stop {
    this.#options.log(reason);
    return { kind: 'terminated', signal: SIGABRT };
  }

  /** What an exit means: a stop, or undefined to go on. */
  #exited(run: Run, exit: Exit): Stop | undefined {
    const { sync } = run.cpu;
    sync.ran();
    if (run.lifted !== undefined) this.#patches.replant(run.lifted);
    const thread = this.#thread(run);
    switch (exit.kind) {
      case 'debug':
        return this.#debug(run, exit.esr, exit.far);
      case 'interrupted': {
        const { pc } = sync.state;
        sync.ensure(stopScope);
        if (sync.state.pc !== pc) this.#left(run);
        return this.#interrupting ? { kind: 'interrupted', thread } : undefined;
      }
      case 'shutdown':
        return { kind: 'exited', code: 0 };
      case 'reset':
        this.#machine.reset();
        this.afterReset();
        this.#left(run);
        return this.attached ? { kind: 'reset', thread } : undefined;
      case 'crash':
        this.#options.log('the guest reported that it crashed');
        return { kind: 'signal', thread, signal: SIGABRT };
      case 'mmio':
        return this.#dead(`no device answers at physical address 0x${exit.address.toString(16)}`);
      case 'failed':
        return this.#dead(exit.reason);
    }
  }

  /** The instruction that stood in the way has run. */
  #left(run: Run): void {
    run.leaving = false;
    run.lifted = undefined;
    this.#reported.delete(run.cpu.sync.vcpu.index);
  }

  #debug(run: Run, esr: number, far: bigint): Stop | undefined {
    const { sync } = run.cpu;
    sync.ensure(stopScope);
    const { pc } = sync.state;
    switch ((esr >>> 26) & ~1) {
      case ExceptionClass.softwareStep:
        if (run.stepping || run.leaving) return this.#stepped(run, pc);
        break;
      case ExceptionClass.brk:
        if (run.lifted === undefined) return this.#brk(run, esr, pc);
        break;
      case ExceptionClass.breakpoint:
        if (!this.#hardwareArmed[sync.vcpu.index]) break;
        return this.#breakpoints.hasHardware(pc)
          ? { kind: 'breakpoint', thread: this.#thread(run), hardware: true }
          : undefined;
      case ExceptionClass.watchpoint: {
        if (!this.#hardwareArmed[sync.vcpu.index]) break;
        const watchpoint = this.#breakpoints.watchpointAt(far, (esr & WNR) !== 0);
        return watchpoint && this.#watched(run, pc, watchpoint, far);
      }
    }
    return this.#handBack(run, esr, far);
  }

  #brk(run: Run, esr: number, pc: bigint): Stop | undefined {
    if (this.#patchAt(run.cpu, pc) === undefined) {
      // Where there is no BRK any more, it was ours and was removed while the guest ran.
      return this.#isBrk(run.cpu, pc) ? this.#handBack(run, esr, 0n) : undefined;
    }
    if (this.#breakpoints.hasSoftware(pc)) return { kind: 'breakpoint', thread: this.#thread(run), hardware: false };
    // The same memory at another address: no breakpoint for this one.
    run.leaving = true;
    return undefined;
  }

  #isBrk({ translation }: ExecutionCpu, pc: bigint): boolean {
    const physical = translation.translate(pc);
    const bytes = physical === undefined ? undefined : this.#machine.memory.view(BigInt(physical), 4);
    return !bytes || (bytes[3] === 0xd4 && bytes[2] >> 5 === 1 && (bytes[0] & 0x1f) === 0);
  }

  #stepped(run: Run, pc: bigint): Stop | undefined {
    this.#left(run);
    if (!run.stepping) return undefined;
    if (run.range && pc >= run.range.start && pc < run.range.end) return undefined;
    return { kind: 'step', thread: this.#thread(run) };
  }

  #watched(run: Run, pc: bigint, watchpoint: Watchpoint, far: bigint): Stop {
    const { index } = run.cpu.sync.vcpu;
    const reported = this.#reported.get(index);
    if (reported?.pc === pc) reported.watchpoints.add(watchpoint);
    else this.#reported.set(index, { pc, watchpoints: new Set([watchpoint]) });
    const address = far > watchpoint.address ? far : watchpoint.address;
    return { kind: 'watchpoint', thread: this.#thread(run), access: watchpoint.kind, address };
  }

  /** The guest's own. */
  #handBack(run: Run, esr: number, far: bigint): Stop | undefined {
    const failures = handBack(run.cpu, esr, far);
    if (failures.length > 0) return this.#dead(`${failures[0].name} could not be written: ${failures[0].reason}`);
    this.#left(run);
    return run.stepping ? { kind: 'step', thread: this.#thread(run) } : undefined;
  }
}
