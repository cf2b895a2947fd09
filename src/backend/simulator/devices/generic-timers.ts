/**
 * The virtual and the physical timer of a CPU, as sources of interrupts. Their registers are the CPU's; here is what
 * follows from them: a line that is high while the timer is due and not masked, and an alarm for when it will be.
 *
 * Arm ARM DDI 0487, D11.2 "The AArch64 view of the Generic Timer", "Operation of the CompareValue views of the timers".
 */
import type { Alarm, Clock, Counter } from '../clock.ts';
import { numberOf } from '../state.ts';
import type { SystemRegisters } from '../system-registers.ts';

/** INTIDs, as on QEMU's virt board. */
const VIRTUAL_TIMER = 27;
const PHYSICAL_TIMER = 30;

const Control = { ENABLE: 1, IMASK: 2 } as const;

export interface GenericTimersOptions {
  readonly registers: SystemRegisters;
  readonly clock: Clock;
  /** The level of a PPI, by its INTID. Told again when it is the same. */
  readonly setLine: (interrupt: number, level: boolean) => void;
}

class GenericTimer {
  private readonly registers: SystemRegisters;
  private readonly clock: Clock;
  private readonly counter: Counter;
  private readonly control: number;
  private readonly compare: number;
  private readonly setLine: (level: boolean) => void;
  private readonly alarm: Alarm;

  constructor(
    { registers, clock, setLine }: GenericTimersOptions,
    prefix: 'CNTV' | 'CNTP',
    counter: Counter,
    interrupt: number,
  ) {
    this.registers = registers;
    this.clock = clock;
    this.counter = counter;
    this.control = numberOf(`${prefix}_CTL_EL0`);
    this.compare = numberOf(`${prefix}_CVAL_EL0`);
    this.setLine = (level) => setLine(interrupt, level);
    this.alarm = clock.alarm(() => this.update());
  }

  update(): void {
    const { core } = this.registers;
    const control = core.systemLow(this.control);
    const due = control & Control.ENABLE ? this.counter.when(core.readSystem(this.compare)) : Number.POSITIVE_INFINITY;
    const isDue = due <= this.clock.tick;
    this.alarm.set(isDue ? Number.POSITIVE_INFINITY : due);
    this.setLine(isDue && !(control & Control.IMASK));
  }
}

export class GenericTimers {
  private readonly timers: readonly GenericTimer[];

  constructor(options: GenericTimersOptions) {
    const { registers } = options;
    this.timers = [
      new GenericTimer(options, 'CNTV', registers.virtualCounter, VIRTUAL_TIMER),
      new GenericTimer(options, 'CNTP', registers.physicalCounter, PHYSICAL_TIMER),
    ];
    registers.timersChanged = () => this.update();
    this.update();
  }

  update(): void {
    for (const timer of this.timers) timer.update();
  }
}
