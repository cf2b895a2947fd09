/** The system counter: 62.5 MHz as on QEMU's virt board, from the host's monotonic clock while it runs. */

const NANOSECONDS_PER_TICK = 16n;
const MASK = (1n << 64n) - 1n;

export const COUNTER_FREQUENCY = 62_500_000n;

export class Clock {
  /** Ticks up to the last stop. */
  private ticks = 0n;
  /** Host time of the last start, in nanoseconds; undefined: it stands still. */
  private startedAt: bigint | undefined;

  /** Ticks since power-on, time spent stopped left out. */
  now(): bigint {
    if (this.startedAt === undefined) return this.ticks;
    return this.ticks + (process.hrtime.bigint() - this.startedAt) / NANOSECONDS_PER_TICK;
  }

  start(): void {
    this.startedAt ??= process.hrtime.bigint();
  }

  stop(): void {
    this.ticks = this.now();
    this.startedAt = undefined;
  }

  /** Back to zero, running or not as before. */
  reset(): void {
    this.ticks = 0n;
    if (this.startedAt !== undefined) this.startedAt = process.hrtime.bigint();
  }
}

/** One CPU's view of the counter: a count that can be set, as CNTVCT_EL0 and CNTPCT_EL0 are by KVM's user. */
export class Counter {
  private readonly clock: Clock;
  private offset = 0n;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  read(): bigint {
    return (this.clock.now() + this.offset) & MASK;
  }

  set(value: bigint): void {
    this.offset = (value - this.clock.now()) & MASK;
  }

  reset(): void {
    this.offset = 0n;
  }
}
