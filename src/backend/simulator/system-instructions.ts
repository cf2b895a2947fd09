/**
 * Instructions that the CPU around the engine carries out: MRS, MSR, SYS, exception return, WFI and their like.
 *
 * Arm ARM DDI 0487, C5 "The A64 System Instruction Class".
 */
import { Esr, illegalExceptionReturn, Pstate, pstateFromSpsr } from '../../arm/index.ts';
import type { Alarm, Clock } from './clock.ts';
import type { Core } from './core.ts';
import type { Debug } from './debug.ts';
import { RunStatus } from './engine/host.ts';
import { type Maintenance, maintenanceOf } from './maintenance.ts';
import { numberOf, Sctlr, systemWord } from './state.ts';
import type { SystemRegisters } from './system-registers.ts';

const CNTKCTL_EL1 = numberOf('CNTKCTL_EL1');
const SPSR_WORD = systemWord(numberOf('SPSR_EL1'));
const Cntkctl = { EVNTEN: 1 << 2, EVNTDIR: 1 << 3, EVNTI: 4 } as const;

const Word = {
  ERET: 0xd69f03e0,
  YIELD: 0xd503203f,
  WFE: 0xd503205f,
  WFI: 0xd503207f,
  SEV: 0xd503209f,
  SEVL: 0xd50320bf,
} as const;

/** Words whose bits 31..20 tell: MSR (immediate), SYS, SYSL, MSR and MRS. Bit 19 parts the first two. */
const Group = { immediateOrSys: 0xd50, sysl: 0xd52, msr: 0xd51, mrs: 0xd53 } as const;

export interface SystemInstructionsOptions {
  readonly core: Core;
  readonly debug: Debug;
  readonly registers: SystemRegisters;
  readonly features: ReadonlySet<string>;
  readonly clock: Clock;
  /** SendEvent(): to all CPUs, this one among them. */
  readonly sendEvent: () => void;
  /** Another CPU may have its turn, if there is one. */
  readonly giveWay: () => void;
}

export class SystemInstructions {
  readonly core: Core;
  readonly debug: Debug;
  private readonly registers: SystemRegisters;
  private readonly maintenance: ReadonlyMap<number, Maintenance>;
  private readonly sendEvent: () => void;
  private readonly giveWay: () => void;
  /** What waits for something to wake it. */
  waiting: 'WFI' | 'WFE' | undefined;
  /** Goes off at the next event of the event stream. */
  private readonly eventStream: Alarm;

  constructor({ core, debug, registers, features, clock, sendEvent, giveWay }: SystemInstructionsOptions) {
    this.core = core;
    this.debug = debug;
    this.registers = registers;
    this.maintenance = maintenanceOf(features);
    this.sendEvent = sendEvent;
    this.giveWay = giveWay;
    this.eventStream = clock.alarm(() => {
      core.event = true;
    });
  }

  /** What is waited for has come. */
  get woken(): boolean {
    const { core } = this;
    return this.waiting === 'WFI' ? core.interrupted : core.event || core.interruptible;
  }

  /** Ends the wait. */
  wake(): void {
    if (this.waiting === 'WFE') this.core.event = false;
    this.waiting = undefined;
    this.eventStream.set(Number.POSITIVE_INFINITY);
  }

  /** pc is already the next instruction's. */
  execute(word: number): RunStatus {
    switch (word >>> 20) {
      case Group.mrs:
        return this.mrs(word);
      case Group.msr:
        return this.msr(word);
      case Group.immediateOrSys:
        if (word & (1 << 19)) return this.sys(word);
        return (word & 0xf01f) === 0x401f ? this.msrImmediate(word) : this.hint(word);
      default:
        return this.other(word);
    }
  }

  /** Whether the run loop must look at something before the next instruction. */
  get attention(): boolean {
    const { core } = this;
    const { pstate } = core;
    return (pstate & Pstate.IL) !== 0 || core.interruptible || this.debug.softwareStep;
  }

  private next(): RunStatus {
    return this.attention ? RunStatus.stopped : RunStatus.budget;
  }

  /** Takes an exception whose return address is this instruction. */
  private exception(esr: number): RunStatus {
    this.core.advancePc(-4);
    this.core.take(esr);
    return RunStatus.budget;
  }

  private other(word: number): RunStatus {
    return word === Word.ERET ? this.eret() : this.exception(Esr.unknown());
  }

  private mrs(word: number): RunStatus {
    const number = (word >>> 5) & 0xffff;
    const syndrome = this.registers.denied(number, word, false);
    if (syndrome) return this.exception(syndrome);
    this.core.writeX(word & 31, this.registers.readByGuest(number));
    return RunStatus.budget;
  }

  private msr(word: number): RunStatus {
    const number = (word >>> 5) & 0xffff;
    const syndrome = this.registers.denied(number, word, true);
    if (syndrome) return this.exception(syndrome);
    this.registers.writeByGuest(number, this.core.readX(word & 31));
    return this.next();
  }

  private msrImmediate(word: number): RunStatus {
    const { core } = this;
    const [op1, CRm, op2] = [(word >> 16) & 7, (word >> 8) & 15, (word >> 5) & 7];
    const { pstate } = core;
    if (op1 === 3 && (op2 === 6 || op2 === 7)) {
      if (core.el === 0 && !(core.sctlr & Sctlr.UMA)) return this.exception(Esr.msr(word));
      core.replacePstate(op2 === 6 ? pstate | (CRm << 6) : pstate & ~(CRm << 6));
      return this.next();
    }
    if (core.el === 0 || op1 !== 0) return this.exception(Esr.unknown());
    if (op2 === 4 && core.hasPan) core.replacePstate(CRm & 1 ? pstate | Pstate.PAN : pstate & ~Pstate.PAN);
    else if (op2 === 5) core.replacePstate(CRm & 1 ? pstate | Pstate.SP : pstate & ~Pstate.SP);
    else return this.exception(Esr.unknown());
    return RunStatus.budget;
  }

  private hint(word: number): RunStatus {
    const { core } = this;
    switch (word) {
      case Word.YIELD:
        this.giveWay();
        return RunStatus.budget;
      case Word.SEV:
        this.sendEvent();
        return RunStatus.budget;
      case Word.SEVL:
        core.event = true;
        return RunStatus.budget;
      case Word.WFI:
        return core.interrupted ? RunStatus.budget : this.wait('WFI', Sctlr.nTWI);
      case Word.WFE:
        if (!core.event) return core.interruptible ? RunStatus.stopped : this.wait('WFE', Sctlr.nTWE);
        core.event = false;
        return RunStatus.budget;
      default:
        return this.exception(Esr.unknown());
    }
  }

  private wait(instruction: 'WFI' | 'WFE', enable: number): RunStatus {
    const { core } = this;
    if (core.el === 0 && !(core.sctlr & enable)) return this.exception(Esr.wfx(instruction === 'WFE'));
    this.waiting = instruction;
    if (instruction === 'WFE') this.eventStream.set(this.nextEvent());
    return RunStatus.stopped;
  }

  /** As WFI. */
  suspend(): RunStatus {
    this.waiting = 'WFI';
    return RunStatus.stopped;
  }

  /** The tick of the next event of the event stream: when bit EVNTI of the virtual counter changes in its direction. */
  private nextEvent(): number {
    const control = this.core.systemLow(CNTKCTL_EL1);
    if (!(control & Cntkctl.EVNTEN)) return Number.POSITIVE_INFINITY;
    const half = 1n << BigInt((control >> Cntkctl.EVNTI) & 15);
    const counter = this.registers.virtualCounter;
    const phase = control & Cntkctl.EVNTDIR ? 0n : half;
    const now = counter.read();
    return counter.when(now + 2n * half - ((now - phase) & (2n * half - 1n)));
  }

  private eret(): RunStatus {
    const { core, debug } = this;
    if (core.el === 0) return this.exception(Esr.unknown());
    const spsr = core.systemWords[SPSR_WORD];
    const { pstate } = core;
    const mode = (illegalExceptionReturn(pstate, spsr) ? pstate : spsr) & Pstate.M;
    const returned = pstateFromSpsr(pstate, spsr, debug.stepAfterReturn(spsr, mode));
    core.setPstate((returned & (Pstate.NZCV | core.pstateBits)) >>> 0);
    core.branchToElr();
    core.clearExclusive();
    core.event = true;
    return this.next();
  }

  private sys(word: number): RunStatus {
    const { core } = this;
    const found = this.maintenance.get(0x4000 | ((word >>> 5) & 0x3fff));
    if (!found || core.el < found.el) return this.exception(Esr.unknown());
    if (core.el === 0 && found.enable && !(core.sctlr & found.enable)) return this.exception(Esr.msr(word));
    const register = (word & 31) * 2;
    if (!found.run(this, core.words[register], core.words[register + 1])) {
      core.advancePc(-4);
      core.takePending();
    }
    return RunStatus.budget;
  }
}
