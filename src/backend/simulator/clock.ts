/**
 * The time of the machine. It is counted in instructions, whatever the host's clock says: a tick of the system counter,
 * 62.5 MHz as on QEMU's virt board, is two instructions of any CPU. So the same guest sees the same times in every run,
 * time stands still while the guest does, and an alarm goes off at an instruction. When all CPUs wait, time goes on to
 * the next alarm.
 */

const MASK = (1n << 64n) - 1n;

export const COUNTER_FREQUENCY = 62_500_000n;
export const NANOSECONDS_PER_TICK = 16;
/** As fast as the simulator is on a present-day host, so that the guest's time is about that of its user. */
export const INSTRUCTIONS_PER_TICK = 2;

/** Goes off once at a tick. */
export interface Alarm {
  /** Replaces the former time; a past one is due at once, Infinity is never. */
  set(tick: number): void;
}

class ClockAlarm implements Alarm {
  readonly ring: () => void;
  readonly #changed: () => void;
  tick = Number.POSITIVE_INFINITY;

  constructor(ring: () => void, changed: () => void) {
    this.ring = ring;
    this.#changed = changed;
  }

  set(tick: number): void {
    if (tick === this.tick) return;
    this.tick = tick;
    this.#changed();
  }
}

export class Clock {
  readonly #executed: () => number;
  readonly #alarms: ClockAlarm[] = [];
  /** Instructions at tick 0. */
  #zero = 0;
  /** Ticks that passed while all CPUs waited. */
  #skipped = 0;
  #deadline = Number.POSITIVE_INFINITY;
  /** The next alarm is earlier than it was: called while it is not too late. */
  hurry: () => void = () => undefined;

  /** `executed`: the instructions that all CPUs have executed, exact at any time. */
  constructor(executed: () => number) {
    this.#executed = executed;
  }

  /** Ticks since power-on. */
  get tick(): number {
    return Math.floor((this.#executed() - this.#zero) / INSTRUCTIONS_PER_TICK) + this.#skipped;
  }

  /** Instructions executed since the tick began. */
  get phase(): number {
    return (this.#executed() - this.#zero) % INSTRUCTIONS_PER_TICK;
  }

  /** The tick stays. */
  set phase(phase: number) {
    const { tick } = this;
    this.#zero -= phase - this.phase;
    this.#skipped += tick - this.tick;
  }

  /** The tick of the next alarm. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Instructions that may be executed before the next alarm is due. */
  get instructionsLeft(): number {
    const due = (this.#deadline - this.#skipped) * INSTRUCTIONS_PER_TICK;
    return Math.max(0, due - (this.#executed() - this.#zero));
  }

  /** An alarm that is not set. `ring` may set alarms, and calls it again when it is due already. */
  alarm(ring: () => void): Alarm {
    const alarm = new ClockAlarm(ring, () => this.#changed());
    this.#alarms.push(alarm);
    return alarm;
  }

  #changed(): void {
    const before = this.#deadline;
    this.#deadline = this.#alarms.reduce((least, { tick }) => Math.min(least, tick), Number.POSITIVE_INFINITY);
    if (this.#deadline < before) this.hurry();
  }

  /** Lets all alarms go off that are due, in the order in which they were made. */
  ring(): void {
    const { tick } = this;
    if (this.#deadline > tick) return;
    for (const alarm of this.#alarms) {
      if (alarm.tick > tick) continue;
      alarm.set(Number.POSITIVE_INFINITY);
      alarm.ring();
    }
  }

  /** Nothing happens until this tick: time goes on to it. */
  skipTo(tick: number): void {
    this.#skipped += Math.max(0, tick - this.tick);
  }

  /** Back to zero. Alarms are those of devices, which reset them themselves. */
  reset(): void {
    this.#zero = this.#executed();
    this.#skipped = 0;
  }
}

/** A view of the clock that can be set, as CNTVCT_EL0 and CNTPCT_EL0 are by KVM's user. All CPUs have the same. */
export class Counter {
  readonly #clock: Clock;
  #offset = 0n;
  /** Called when the count was set: who waits for a value looks again. */
  readonly changed: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  read(): bigint {
    return (BigInt(this.#clock.tick) + this.#offset) & MASK;
  }

  set(value: bigint): void {
    this.#offset = (value - BigInt(this.#clock.tick)) & MASK;
    for (const changed of this.changed) changed();
  }

  /** The tick at which the count is at least `value`: now, or later, or Infinity. */
  when(value: bigint): number {
    const { tick } = this.#clock;
    const now = this.read();
    if (now >= value) return tick;
    const then = tick + Number(value - now);
    return Number.isSafeInteger(then) ? then : Number.POSITIVE_INFINITY;
  }

  reset(): void {
    this.#offset = 0n;
  }
}
