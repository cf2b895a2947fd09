/**
 * One CPU on its way to the next stop: leaving breakpoints and watchpoints, steps, and telling our debug exceptions from
 * the guest's own, which are handed back to it.
 */
import { ExceptionClass, findRegister, type SystemRegister } from '../arm/index.ts';
import type { ResumeAction, Stop } from '../gdbstub/index.ts';
import type { GuestBreakpoints, Watchpoint } from './breakpoints.ts';
import { errnoText } from './errors.ts';
import { exclusiveEnds } from './exclusives.ts';
import { handBack, isMasked } from './hand-back.ts';
import { HeldInterrupts } from './held-interrupts.ts';
import type { Patches } from './patches.ts';
import { stopScope } from './register-table.ts';
import type { GuestCpu } from './registers.ts';
import type { SyncResult } from './sync.ts';
import type { CpuTranslation } from './translation.ts';
import type { Exit, Machine } from './vcpu.ts';

export interface ExecutionCpu extends GuestCpu {
  readonly translation: CpuTranslation;
}

/** What the CPUs of a machine share. */
export interface ExecutionContext {
  readonly machine: Machine;
  readonly breakpoints: GuestBreakpoints;
  readonly patches: Patches;
  readonly log: (message: string) => void;
  /** The debugger wants a stop. */
  interrupting(): boolean;
  /** A step may land in an interrupt handler. */
  stepsTakeInterrupts(): boolean;
  /** The guest has reset the machine: a stop, if anybody looks. */
  reset(thread: number): Stop | undefined;
}

const SIGABRT = 6;
const WNR = 1 << 6;
/** Milliseconds for a sequence of exclusives. */
const PATIENCE = 20;
/** KVM_MP_STATE_STOPPED. */
const MP_STATE_STOPPED = 5;
const VBAR_EL1 = (findRegister('VBAR_EL1') as SystemRegister).number;

/** Watchpoints that were reported at a pc, before the access: a resume lets the access happen. */
interface Reported {
  readonly pc: bigint;
  readonly watchpoints: Set<Watchpoint>;
}

export class CpuExecution {
  readonly cpu: ExecutionCpu;
  readonly #context: ExecutionContext;
  readonly #held: HeldInterrupts;
  /** What KVM_SET_GUEST_DEBUG was last given, as one word; undefined: anything. */
  #armed: string | undefined;
  /** Whether our hardware breakpoints are in the CPU. The guest's own do not fire then: a hit is one of ours. */
  #hardwareArmed: boolean = false;
  #reported: Reported | undefined;
  #stepping: boolean = false;
  #range: ResumeAction['range'];
  /** The next step goes over what stands at the pc: a breakpoint, or an access that was reported. */
  leaving: boolean = false;
  /** The next step has none of the guest's own breakpoints and watchpoints: one of them is masked. */
  #overMasked: boolean = false;
  /** Where our BRK was taken away for this step. */
  #lifted: number | undefined;
  /** Where a sequence of exclusives is left: physical addresses of BRKs that only this step has. */
  #ends: readonly number[] = [];
  /** Kicks the CPU when it does not come to one of them. */
  #patience: NodeJS.Timeout | undefined;
  #lostPatience: boolean = false;

  constructor(cpu: ExecutionCpu, context: ExecutionContext) {
    this.cpu = cpu;
    this.#context = context;
    this.#held = new HeldInterrupts(cpu, VBAR_EL1);
  }

  get thread(): number {
    return this.cpu.sync.vcpu.index + 1;
  }

  /** It waits for the guest to start it: KVM_RUN would not come back from a step. */
  get isOff(): boolean {
    const { vcpu } = this.cpu.sync;
    return this.#context.machine.vcpus.length > 1 && vcpu.getMpState?.() === MP_STATE_STOPPED;
  }

  get pc(): bigint {
    this.cpu.sync.ensure(stopScope);
    return this.cpu.sync.state.pc;
  }

  /** The CPU is another one: what KVM_SET_GUEST_DEBUG was given is gone. */
  rearm(): void {
    this.#armed = undefined;
  }

  /** Nothing that was known of the machine holds. */
  afterReset(): void {
    this.#reported = undefined;
    this.rearm();
    this.#lifted = undefined;
    this.#ends = [];
    this.leaving = false;
    this.#overMasked = false;
  }

  /** What the debugger wants next. */
  begin({ kind, range }: Pick<ResumeAction, 'kind' | 'range'>): void {
    if (this.#reported?.pc !== this.pc) this.#reported = undefined;
    this.#stepping = kind === 'step';
    this.#range = range;
    this.leaving = this.#standsAt(this.pc);
    this.#overMasked = false;
    this.#lifted = undefined;
  }

  /** Whether the next instruction would stop at once on something of ours. */
  #standsAt(pc: bigint): boolean {
    if (this.#reported?.pc === pc || this.#context.breakpoints.hasHardware(pc)) return true;
    return this.#patchAt(pc) !== undefined;
  }

  /** Physical address of our BRK that this CPU would execute. */
  #patchAt(pc: bigint): number | undefined {
    const { patches } = this.#context;
    if (patches.none) return undefined;
    const physical = this.cpu.translation.translate(pc);
    return physical !== undefined && patches.has(physical) ? physical : undefined;
  }

  /** The guest's own instruction, whatever we have put there. */
  #fetch = (address: bigint): number | undefined => {
    const physical = this.cpu.translation.translate(address);
    const view = physical === undefined ? undefined : this.#context.machine.memory.view(BigInt(physical), 4);
    if (!view || view.length < 4) return undefined;
    const bytes = view.slice();
    this.#context.patches.hide(physical!, bytes);
    return bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24);
  };

  /** Before each run. */
  prepare(): Stop | undefined {
    const { patches } = this.#context;
    const isStep = this.#stepping || this.leaving;
    if (this.leaving) {
      this.#lifted = this.#patchAt(this.cpu.sync.state.pc);
      if (this.#lifted !== undefined) patches.lift(this.#lifted);
    }
    if (isStep) {
      const failed = this.#prepareStep();
      if (failed.length > 0) return this.#failed(failed);
    }
    return this.#arm(isStep && this.#ends.length === 0);
  }

  #prepareStep(): SyncResult {
    const { pc } = this;
    const ends = exclusiveEnds(pc, this.#fetch) ?? [];
    this.#ends = ends.flatMap((end) => {
      const physical = this.cpu.translation.translate(end);
      return physical !== undefined && this.#context.patches.plant(physical) ? [physical] : [];
    });
    if (this.#ends.length > 0) this.#limit();
    if (this.#stepping && !this.leaving && this.#context.stepsTakeInterrupts()) return [];
    return this.#held.hold(this.#fetch(pc) ?? 0, this.#ends.length > 0 ? ends : []);
  }

  /** A loop that waits for a lock never leaves the sequence while the CPU that has the lock is kept still. */
  #limit(): void {
    this.#lostPatience = false;
    this.#patience = setTimeout(() => {
      this.#lostPatience = true;
      this.cpu.sync.vcpu.kick();
    }, PATIENCE);
  }

  /** KVM_SET_GUEST_DEBUG, if it is not so already. While leaving, what stands at the pc does not stop. */
  #arm(singleStep: boolean): Stop | undefined {
    const { breakpoints } = this.#context;
    const { vcpu, state } = this.cpu.sync;
    const enable = singleStep || this.#ends.length > 0 || !breakpoints.none;
    const useHardware = this.#overMasked || !breakpoints.noHardware;
    const special = this.leaving && useHardware;
    const word = special ? undefined : `${enable} ${singleStep} ${breakpoints.version}`;
    if (word !== undefined && word === this.#armed) return undefined;
    this.#armed = word;
    this.#hardwareArmed = useHardware;
    const reported = this.leaving && this.#reported?.pc === state.pc ? this.#reported.watchpoints : undefined;
    const errno = vcpu.setGuestDebug({
      enable,
      singleStep,
      useSoftwareBreakpoints: enable,
      useHardware,
      breakpoints: breakpoints.breakpointSlots(this.leaving ? state.pc : undefined),
      watchpoints: breakpoints.watchpointSlots(reported),
    });
    return errno === 0 ? undefined : this.#dead(`the machine refused to be debugged (${errnoText(errno)})`);
  }

  #dead(reason: string): Stop {
    this.#context.log(reason);
    return { kind: 'terminated', signal: SIGABRT };
  }

  #failed([{ name, reason }]: SyncResult): Stop {
    return this.#dead(`${name} could not be carried over: ${reason}`);
  }

  /** After each run. What an exit means: a stop, or undefined to go on. */
  exited(exit: Exit): Stop | undefined {
    const { sync } = this.cpu;
    const { patches } = this.#context;
    const before = sync.state.pc;
    sync.ran();
    const atEnd = this.#endOfExclusives(exit, before);
    if (this.#lifted !== undefined) patches.replant(this.#lifted);
    if (exit.kind !== 'reset') {
      const failed = this.#held.release();
      if (failed.length > 0) return this.#failed(failed);
    }
    if (atEnd) return this.#stepped(this.pc);
    switch (exit.kind) {
      case 'debug':
        return this.#debug(exit.esr, exit.far, before);
      case 'interrupted':
        if (this.pc !== before) this.#left();
        return this.#context.interrupting() ? { kind: 'interrupted', thread: this.thread } : undefined;
      case 'shutdown':
        return { kind: 'exited', code: exit.code ?? 0 };
      case 'reset':
        this.#left();
        return this.#context.reset(this.thread);
      case 'crash':
        this.#context.log('the guest reported that it crashed');
        return { kind: 'signal', thread: this.thread, signal: SIGABRT };
      case 'mmio':
        return this.#dead(`no device answers at physical address 0x${exit.address.toString(16)}`);
      case 'failed':
        return this.#dead(exit.reason);
    }
  }

  /** Takes the BRKs of a sequence of exclusives away. Whether the CPU stands at one of them, or took too long. */
  #endOfExclusives(exit: Exit, before: bigint): boolean {
    if (this.#ends.length === 0) return false;
    clearTimeout(this.#patience);
    const physical = this.#patchAt(this.pc);
    const ends = this.#ends;
    this.#ends = [];
    for (const end of ends) this.#context.patches.remove(end);
    if (exit.kind === 'interrupted' && this.#lostPatience && !this.#context.interrupting())
      return this.#stepping || this.pc !== before;
    const isBrk = exit.kind === 'debug' && exit.esr >>> 26 === ExceptionClass.brk;
    return isBrk && physical !== undefined && ends.includes(physical);
  }

  /** The instruction that stood in the way has run. */
  #left(): void {
    this.leaving = false;
    this.#overMasked = false;
    this.#lifted = undefined;
    this.#reported = undefined;
  }

  /** `before`: where the run began. */
  #debug(esr: number, far: bigint, before: bigint): Stop | undefined {
    const { breakpoints } = this.#context;
    const { pc, thread } = this;
    switch ((esr >>> 26) & ~1) {
      case ExceptionClass.softwareStep:
        if (this.#stepping || this.leaving) return this.#stepped(pc);
        break;
      case ExceptionClass.brk:
        // Under a BRK of ours that was taken away there was one of the guest.
        if (this.#lifted === undefined || pc !== before) return this.#brk(esr, pc);
        break;
      case ExceptionClass.breakpoint:
        if (!this.#hardwareArmed) break;
        if (!breakpoints.hasHardware(pc)) return undefined;
        return { kind: 'breakpoint', thread, hardware: !breakpoints.hasSoftware(pc) };
      case ExceptionClass.watchpoint: {
        if (!this.#hardwareArmed) break;
        const watchpoint = breakpoints.watchpointAt(far, (esr & WNR) !== 0);
        return watchpoint && this.#watched(pc, watchpoint, far);
      }
    }
    return this.#handBack(esr, far);
  }

  #brk(esr: number, pc: bigint): Stop | undefined {
    if (this.#patchAt(pc) === undefined) {
      // Where there is no BRK any more, it was ours and was removed while the guest ran.
      return this.#isBrk(pc) ? this.#handBack(esr, 0n) : undefined;
    }
    if (this.#context.breakpoints.hasSoftware(pc)) return { kind: 'breakpoint', thread: this.thread, hardware: false };
    // The same memory at another address: no breakpoint for this one.
    this.leaving = true;
    return undefined;
  }

  #isBrk(pc: bigint): boolean {
    const physical = this.cpu.translation.translate(pc);
    const bytes = physical === undefined ? undefined : this.#context.machine.memory.view(BigInt(physical), 4);
    return !bytes || (bytes[3] === 0xd4 && bytes[2] >> 5 === 1 && (bytes[0] & 0x1f) === 0);
  }

  #stepped(pc: bigint): Stop | undefined {
    this.#left();
    if (!this.#stepping) return undefined;
    const range = this.#range;
    if (range && pc >= range.start && pc < range.end) return undefined;
    return { kind: 'step', thread: this.thread };
  }

  #watched(pc: bigint, watchpoint: Watchpoint, far: bigint): Stop {
    if (this.#reported?.pc === pc) this.#reported.watchpoints.add(watchpoint);
    else this.#reported = { pc, watchpoints: new Set([watchpoint]) };
    const address = far > watchpoint.address ? far : watchpoint.address;
    return { kind: 'watchpoint', thread: this.thread, access: watchpoint.kind, address };
  }

  /** The guest's own. */
  #handBack(esr: number, far: bigint): Stop | undefined {
    if (isMasked(this.cpu, esr)) {
      this.leaving = true;
      this.#overMasked = true;
      return undefined;
    }
    const failures = handBack(this.cpu, esr, far);
    if (failures.length > 0) return this.#failed(failures);
    this.#left();
    return this.#stepping ? { kind: 'step', thread: this.thread } : undefined;
  }
}
