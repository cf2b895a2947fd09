/**
 * The time in which all CPUs wait. The guest's clock goes on to its next alarm; the host sleeps as long, so that an idle
 * guest costs nothing and its time is about that of its user.
 */
import { performance } from 'node:perf_hooks';
import { type Clock, NANOSECONDS_PER_TICK } from './clock.ts';

const TICKS_PER_MILLISECOND = 1e6 / NANOSECONDS_PER_TICK;
/** Milliseconds: shorter sleeps are added up first. */
const SHORTEST = 1;
/** Nor may a timer of the host be too long. */
const LONGEST = 2 ** 30;

export class Idle {
  readonly #clock: Clock;
  /** Something may be due. */
  readonly #over: () => void;
  /** The host's time when the sleep began. */
  #since: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Milliseconds by which the guest's time went on without a sleep; negative: the host has slept too long. */
  #owed = 0;
  #slept = 0;

  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** Milliseconds of the host in all sleeps so far. */
  get slept(): number {
    return this.#slept + (this.#since === undefined ? 0 : performance.now() - this.#since);
  }

  get sleeping(): boolean {
    return this.#since !== undefined;
  }

  /** All CPUs wait. True: the next alarm was so near that its time has come already. False: `over` is called. */
  begin(): boolean {
    const clock = this.#clock;
    const wait = (clock.deadline - clock.tick) / TICKS_PER_MILLISECOND;
    if (this.#owed + wait < SHORTEST) {
      this.#owed += wait;
      clock.skipTo(clock.deadline);
      return true;
    }
    this.#since = performance.now();
    // Without an alarm only an event of the host ends it.
    if (wait < LONGEST) this.#timer = setTimeout(() => this.#alarm(), this.#owed + wait);
    return false;
  }

  #alarm(): void {
    const clock = this.#clock;
    const slept = performance.now() - this.#since!;
    this.#slept += slept;
    const wait = (clock.deadline - clock.tick) / TICKS_PER_MILLISECOND;
    // The guest's time does not depend on how exactly the host sleeps.
    clock.skipTo(clock.deadline);
    this.#owed = Math.max(this.#owed + wait - slept, -SHORTEST);
    this.#since = undefined;
    this.#over();
  }

  /** Ends the sleep before its time: the guest's time goes on by what has passed. */
  end(): void {
    if (this.#since === undefined) return;
    const clock = this.#clock;
    const slept = performance.now() - this.#since;
    this.#slept += slept;
    clearTimeout(this.#timer);
    this.#since = undefined;
    this.#owed = 0;
    clock.skipTo(Math.min(clock.deadline, clock.tick + Math.floor(slept * TICKS_PER_MILLISECOND)));
  }
}
