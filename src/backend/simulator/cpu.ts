/** A simulated CPU: the host of the engine, and the loop that takes what the engine cannot go on with. */
import {
  Access,
  Esr,
  FaultStatus,
  Layout,
  Pstate,
  type Raise,
  TRANSLATED,
  type TranslationResult,
} from '../../arm/index.ts';
import { Bus } from '../devices/bus.ts';
import type { MappedDevice } from '../devices/device.ts';
import type { Exit, GuestDebug } from '../vcpu.ts';
import type { Clock } from './clock.ts';
import { Core } from './core.ts';
import { CoreBytes } from './core-bytes.ts';
import { type CpuModel, cpuModel, DEFAULT_CPU } from './cpu-models.ts';
import { Debug } from './debug.ts';
import { type Engine, type EngineHost, RunStatus } from './engine/host.ts';
import { Pmu } from './pmu.ts';
import { firmwareCall, type PoweredCpu, PSCI_1_1 } from './psci.ts';
import { SEMIHOSTING_HLT, type Semihosting } from './semihosting.ts';
import { SystemInstructions } from './system-instructions.ts';
import { type Counters, SystemRegisters } from './system-registers.ts';

export interface CpuOptions {
  readonly engine: (host: EngineHost) => Engine;
  readonly devices: readonly MappedDevice[];
  readonly clock: Clock;
  readonly counters: Counters;
  /** Which CPU it is: `max`. The engine must have been made with its features. */
  readonly model?: CpuModel;
  /** As in MPIDR_EL1. */
  readonly affinity?: bigint;
  /** All of the machine, this one among them. */
  readonly cpus?: () => readonly Cpu[];
  /** Who answers HLT #0xF000. Otherwise it is UNDEFINED. */
  readonly semihosting?: Semihosting;
}

/** LDXR, LDAXR, LDXP, LDAXP. */
const isLoadExclusive = (word: number): boolean =>
  (word & 0x3fe00000) === 0x08400000 || (word & 0xbfe00000) >>> 0 === 0x88600000;

export class Cpu implements EngineHost, PoweredCpu {
  readonly core: Core;
  readonly debug: Debug;
  readonly pmu: Pmu;
  readonly registers: SystemRegisters;
  readonly translation: TranslationResult;
  readonly affinity: bigint;
  /** It waits for another one to turn it on. */
  isOff: boolean = false;
  private readonly cpus: () => readonly Cpu[];
  /** Why the CPU stands still; undefined: it may run. */
  exit: Exit | undefined;
  /** Exceptions taken before an instruction. Each counts as one in time. */
  private exceptions = 0;
  /** Someone else is to have a say before the CPU goes on. */
  private paused: boolean = false;
  /** Its turn is over, whatever is left of it. */
  gaveWay: boolean = false;
  /** What PSCI_VERSION answers. */
  psciVersion = (): bigint => PSCI_1_1;
  private readonly instructions: SystemInstructions;
  private readonly bus: Bus;
  private readonly semihosting: Semihosting | undefined;
  private readonly bytes: CoreBytes;
  /** Of the instruction that the guest's software step has just run: whether it was a load-exclusive. */
  stepped: boolean | undefined;

  constructor(options: CpuOptions) {
    const { engine, devices, clock, counters, affinity = 0n, cpus = () => [this] } = options;
    const { model = cpuModel(DEFAULT_CPU) } = options;
    this.semihosting = options.semihosting;
    this.affinity = affinity;
    this.cpus = cpus;
    this.core = new Core(engine(this), model.features);
    this.translation = this.core.translation;
    this.bytes = new CoreBytes(this.core);
    this.debug = new Debug(this.core);
    const { core, debug } = this;
    this.pmu = new Pmu({ core, executed: () => this.executed });
    this.registers = new SystemRegisters({ core, debug, pmu: this.pmu, counters, affinity, model });
    this.instructions = new SystemInstructions({
      core: this.core,
      debug: this.debug,
      registers: this.registers,
      features: model.features,
      clock,
      sendEvent: () => {
        for (const { core } of cpus()) core.event = true;
      },
      giveWay: () => this.giveWay(),
    });
    this.bus = new Bus(devices);
    this.reset();
  }

  reset(): void {
    this.core.reset();
    this.registers.reset();
    this.instructions.wake();
    this.exit = undefined;
    this.stepped = undefined;
  }

  setGuestDebug(debug: GuestDebug): void {
    this.debug.set(debug);
  }

  /** Instructions executed since the machine was made, exact also while a device is asked something. */
  get executed(): number {
    return this.core.engine.retired + this.exceptions;
  }

  /** From its reset on, while others run. */
  powerOn(entry: bigint, context: bigint): void {
    this.reset();
    this.isOff = false;
    this.core.writePc(entry);
    this.core.writeX(0, context);
  }

  /** Whether it is off, or WFI or WFE waits: it goes on when what it waits for has come. */
  get waiting(): boolean {
    if (this.isOff) return true;
    const { instructions } = this;
    if (instructions.waiting !== undefined && instructions.woken) instructions.wake();
    return instructions.waiting !== undefined;
  }

  // --- running

  /** Begins a run: nothing has happened yet, and the hardware sees the registers as they were put. */
  begin(): void {
    this.exit = undefined;
    this.instructions.wake();
    this.registers.settle();
    this.core.replacePstate(this.core.pstate & this.core.pstateBits);
    this.core.takePending();
  }

  /** Runs so many instructions, less when `exit` is set, the CPU waits or is paused. An exception counts as one. */
  run(instructions: number): void {
    const { core } = this;
    const { engine } = core;
    const end = this.executed + instructions;
    let resume = false;
    this.paused = false;
    this.gaveWay = false;
    while (this.exit === undefined && this.instructions.waiting === undefined && !this.paused && !this.isOff) {
      const left = end - this.executed;
      if (left <= 0) break;
      if (this.instructions.attention && this.attend()) {
        this.exceptions++;
        continue;
      }
      const isStep = this.debug.softwareStep;
      const status = engine.run(isStep ? 1 : Math.min(left, this.pmu.limit - this.executed), resume);
      resume = false;
      if (status === RunStatus.exception) {
        if (core.takePending()) this.exceptions++;
      } else if (status === RunStatus.breakpoint) resume = !this.break();
      if (isStep) this.endStep();
      if (this.executed >= this.pmu.limit) this.pmu.update();
    }
    core.dropPcTag();
  }

  /** One instruction, or the exception that it or its fetch takes. */
  step(): void {
    this.run(1);
    this.instructions.wake();
    this.exit ??= { kind: 'debug', esr: Esr.softwareStep(0, false), far: 0n };
  }

  /** Lets `run` return after the instruction in progress. */
  pause(): void {
    this.paused = true;
    this.core.engine.stop();
  }

  private giveWay(): void {
    if (this.cpus().length === 1) return;
    this.gaveWay = true;
    this.pause();
  }

  /** An input has risen: where it is not masked the exception is taken after the instruction in progress. */
  interrupt(): void {
    if (this.core.interruptible) this.core.engine.stop();
  }

  /** What comes before an instruction. True: an exception was taken. */
  private attend(): boolean {
    const { core, debug } = this;
    const { pstate } = core;
    if (debug.softwareStep) {
      if (!(pstate & Pstate.SS)) {
        core.take(Esr.softwareStep(core.el, this.stepped));
        this.stepped = undefined;
        return true;
      }
      const word = core.fetch();
      this.stepped = word !== undefined && isLoadExclusive(word);
    }
    if (core.takeInterrupt()) return true;
    if (!(pstate & Pstate.IL)) return false;
    // A fetch that faults comes first.
    if (core.translatePc()) core.take(Esr.illegalState());
    else core.takePending();
    return true;
  }

  /** The instruction that the guest steps over has run: the step exception is due, unless another was taken. */
  private endStep(): void {
    const { core } = this;
    if (core.pstate & Pstate.SS) core.replacePstate(core.pstate & ~Pstate.SS);
    else this.stepped = undefined;
  }

  /** The engine stands before an address of a breakpoint. False: it does not match here. */
  private break(): boolean {
    const { core, debug } = this;
    if (!debug.breaksAt(core.readPc())) return false;
    if (debug.exits) this.exit = { kind: 'debug', esr: Esr.breakpoint(0), far: 0n };
    else core.take(Esr.breakpoint(core.el));
    return true;
  }

  // --- EngineHost

  translate(vaLow: number, vaHigh: number, access: Access, unprivileged: boolean): boolean {
    // A fetch is always that of the instruction at pc.
    return access === Access.execute
      ? this.core.translatePc()
      : this.core.translateOrAbort(vaLow, vaHigh, access, unprivileged);
  }

  alignmentFault(vaLow: number, vaHigh: number, write: boolean): void {
    this.core.pendAbort(FaultStatus.alignment, vaLow, vaHigh, write ? Access.write : Access.read);
  }

  spAlignmentFault(): void {
    this.core.pend(Esr.spAlignment());
  }

  externalAbort(vaLow: number, vaHigh: number, access: Access): void {
    this.core.pendAbort(FaultStatus.external, vaLow, vaHigh, access);
  }

  deviceRead(physical: number, bytes: number): boolean {
    const { bus } = this;
    if (!bus.read(physical, bytes)) return false;
    this.core.setScratch(bus.low, bus.high);
    return true;
  }

  deviceWrite(physical: number, bytes: number): boolean {
    const { words } = this.core;
    const scratch = Layout.scratch >> 2;
    return this.bus.write(physical, bytes, words[scratch], words[scratch + 1]);
  }

  watched(vaLow: number, vaHigh: number, bytes: number, write: boolean, unprivileged: boolean): boolean {
    const { core, debug } = this;
    if (!debug.watches(vaLow, vaHigh, bytes, write, unprivileged)) return false;
    const far = debug.watchedAddress;
    if (debug.exits) this.exit = { kind: 'debug', esr: Esr.watchpoint(0, write), far };
    else core.pendAt(Esr.watchpoint(core.el, write), Number(far & 0xffffffffn) | 0, Number(far >> 32n) | 0);
    return true;
  }

  pageWatched(vaLow: number, vaHigh: number): boolean {
    return this.debug.watchesPage(vaLow, vaHigh);
  }

  system(word: number): RunStatus {
    return this.instructions.execute(word >>> 0);
  }

  raise(kind: Raise, immediate: number): RunStatus {
    const { core } = this;
    switch (kind) {
      case 'svc':
        core.advancePc(4);
        // SSAdvance(): the instruction counts as stepped.
        core.replacePstate(core.pstate & ~Pstate.SS);
        core.take(Esr.svc(immediate));
        return RunStatus.budget;
      case 'hvc':
      case 'smc':
        if (core.el === 0) break;
        core.advancePc(4);
        return this.firmware();
      case 'brk':
        if (this.debug.exits) {
          this.exit = { kind: 'debug', esr: Esr.brk(immediate), far: 0n };
          return RunStatus.stopped;
        }
        core.take(Esr.brk(immediate));
        return RunStatus.budget;
      case 'hlt':
        if (immediate !== SEMIHOSTING_HLT || !this.semihosting || core.el === 0) break;
        return this.semihost(this.semihosting);
      case 'simdAccess':
        core.take(Esr.fpAccess());
        return RunStatus.budget;
    }
    core.take(Esr.unknown());
    return RunStatus.budget;
  }

  private firmware(): RunStatus {
    const { core } = this;
    const answer = firmwareCall({
      number: core.words[0] >>> 0,
      inputs: [core.readX(1), core.readX(2), core.readX(3)],
      psciVersion: this.psciVersion(),
      cpus: this.cpus(),
    });
    core.writeX(0, typeof answer === 'bigint' ? BigInt.asUintN(64, answer) : 0n);
    if (typeof answer === 'bigint') return RunStatus.budget;
    if (answer === 'suspend') return this.instructions.suspend();
    if (answer === 'off') this.isOff = true;
    else this.exit = { kind: answer };
    return RunStatus.stopped;
  }

  physicalAddress(vaLow: number, vaHigh: number): number {
    const { core } = this;
    return core.translateAs(vaLow, vaHigh, Access.read) === TRANSLATED ? core.translation.physical : -1;
  }

  reservationLost(): void {
    this.core.event = true;
  }

  private semihost(semihosting: Semihosting): RunStatus {
    const { core } = this;
    const answer = semihosting.call(core.words[0] >>> 0, core.readX(1), this.bytes);
    // It is made again until there is input.
    if (answer === 'wait') return RunStatus.budget;
    core.advancePc(4);
    if (typeof answer === 'bigint') {
      core.writeX(0, BigInt.asUintN(64, answer));
      return RunStatus.budget;
    }
    this.exit = { kind: 'shutdown', code: answer.code };
    return RunStatus.stopped;
  }

  systemSlot(encoding: number, write: boolean): number {
    return this.registers.slot(encoding, write);
  }
}
