/** Access to the system registers of the modelled CPU: raw, for the debugger, and by MRS and MSR, for the guest. */
import { Esr, Mode, Pstate, type SystemRegister } from '../../arm/index.ts';
import type { Counter } from './clock.ts';
import type { Core } from './core.ts';
import type { CpuModel } from './cpu-models.ts';
import type { Debug } from './debug.ts';
import type { Pmu } from './pmu.ts';
import type { Definition, RegisterUnit } from './register-rule.ts';
import { ALL, definitions } from './register-rules.ts';
import { numberOf } from './state.ts';

const MPIDR_EL1 = numberOf('MPIDR_EL1');
/** MPIDR_EL1.31, which is RES1. */
const MULTIPROCESSOR = 1n << 31n;

/** Whether MRS or MSR may be executed at an exception level. */
const isAllowed = ({ access, readEl, writeEl }: SystemRegister, el: number, write: boolean): boolean =>
  write ? access !== 'RO' && el >= writeEl : access !== 'WO' && el >= readEl;

/** Counters, which the CPUs of a machine share. */
export interface Counters {
  readonly virtualCounter: Counter;
  readonly physicalCounter: Counter;
}

export interface SystemRegistersOptions {
  readonly core: Core;
  readonly debug: Debug;
  readonly pmu: Pmu;
  readonly counters: Counters;
  /** As in MPIDR_EL1. */
  readonly affinity: bigint;
  readonly model: CpuModel;
}

export class SystemRegisters implements RegisterUnit {
  readonly core: Core;
  readonly debug: Debug;
  readonly pmu: Pmu;
  readonly virtualCounter: Counter;
  readonly physicalCounter: Counter;
  readonly cacheSizes: readonly number[];
  private readonly affinity: bigint;
  private readonly definitions: ReadonlyMap<number, Definition>;
  /** Written raw since the CPU last ran: the hardware has not seen them. */
  private readonly unseen = new Set<number>();
  /** A register of a timer or a counter was written, or all were reset: for who drives the timers' lines. */
  timersChanged: () => void = () => undefined;

  constructor({ core, debug, pmu, counters, affinity, model }: SystemRegistersOptions) {
    const { virtualCounter, physicalCounter } = counters;
    this.core = core;
    this.debug = debug;
    this.pmu = pmu;
    this.affinity = affinity;
    this.cacheSizes = model.cacheSizes;
    this.definitions = definitions(model);
    this.virtualCounter = virtualCounter;
    this.physicalCounter = physicalCounter;
    for (const counter of [virtualCounter, physicalCounter]) counter.changed.push(() => this.timersChanged());
  }

  reset(): void {
    for (const { register, reset } of this.definitions.values())
      if (reset !== undefined) this.core.writeSystem(register.number, reset);
    this.core.writeSystem(MPIDR_EL1, MULTIPROCESSOR | this.affinity);
    this.unseen.clear();
    // Before the exception level changes, which the monitors would count from what was.
    this.pmu.reset();
    this.core.translationChanged();
    this.core.contextChanged();
    this.debug.changed();
    this.timersChanged();
  }

  // --- raw access

  read(number: number): bigint {
    return this.definitions.get(number)?.read?.(this) ?? this.core.readSystem(number);
  }

  /** Every bit is stored; the hardware drops what it does not keep when it runs: `settle`. */
  write(number: number, value: bigint): void {
    const definition = this.definitions.get(number);
    definition?.changing?.(this);
    if (definition?.write) {
      definition.write(this, value);
      definition.changed?.(this);
    } else if (this.core.readSystem(number) !== value) {
      this.core.writeSystem(number, value);
      this.unseen.add(number);
      definition?.changed?.(this);
    }
  }

  /** The bits of a register that this CPU keeps. */
  keeps(number: number): bigint {
    return this.definitions.get(number)?.keeps ?? ALL;
  }

  /** The CPU runs: values written raw become what the hardware keeps of them. */
  settle(): void {
    for (const number of this.unseen) {
      const definition = this.definitions.get(number);
      const value = this.core.readSystem(number);
      if (!definition || (value & definition.keeps) === value) continue;
      this.core.writeSystem(number, value & definition.keeps);
      definition.changed?.(this);
    }
    this.unseen.clear();
  }

  // --- the guest's access

  /**
   * Where a register is plain storage at the current exception level: its offset in Layout.system for a
   * decoded MRS or MSR, or -1.
   */
  slot(number: number, write: boolean): number {
    const definition = this.definitions.get(number);
    if (!definition) return !write && isIdRegister(number) && this.core.el > 0 ? number * 8 : -1;
    const { register, keeps, read, changed, trapped, undefinedNow, simd, storedAtEl1h } = definition;
    // FPCR and FPSR stand with the vectors.
    if (simd) return -1;
    if (!isAllowed(register, this.core.el, write)) return -1;
    if (storedAtEl1h && (this.core.pstate & Pstate.M) === Mode.EL1h) return number * 8;
    if (undefinedNow || (trapped && this.core.el === 0)) return -1;
    if (write ? definition.write || definition.msr || changed || keeps !== ALL : read) return -1;
    return number * 8;
  }

  /** MRS or MSR. Returns 0 when the access may go on, or the syndrome of the exception to take. */
  denied(number: number, word: number, write: boolean): number {
    const { el } = this.core;
    const controller = this.core.interrupts.registers.get(number);
    if (controller) return el > 0 && (write ? controller.write : controller.read) ? 0 : Esr.unknown();
    const definition = this.definitions.get(number);
    if (!definition) return !write && el > 0 && isIdRegister(number) ? 0 : Esr.unknown();
    if (!isAllowed(definition.register, el, write) || definition.undefinedNow?.(this)) return Esr.unknown();
    if (definition.simd && this.core.simdTrapped) return Esr.fpAccess();
    return el === 0 && definition.trapped?.(this, write) ? Esr.msr(word) : 0;
  }

  /** MRS of a register that `denied` has let through. */
  readByGuest(number: number): bigint {
    return this.core.interrupts.registers.get(number)?.read?.() ?? this.read(number);
  }

  /** MSR of a register that `denied` has let through. */
  writeByGuest(number: number, value: bigint): void {
    const controller = this.core.interrupts.registers.get(number);
    if (controller) {
      controller.write?.(value);
      return;
    }
    const definition = this.definitions.get(number);
    if (!definition) return;
    const { keeps, write, msr = write } = definition;
    definition.changing?.(this);
    if (msr) msr(this, value);
    else this.core.writeSystem(number, value & keeps);
    definition.changed?.(this);
  }
}

/** The space of identification registers, op0 3, op1 0, CRn 0, CRm 1..7: those without a meaning read as zero. */
const isIdRegister = (number: number): boolean => number >> 6 === 0xc000 >> 6 && (number & 0x38) !== 0;
