/** Time for the devices of a KVM machine: the host's monotonic clock, while the machine may run. */
import { type Alarm, TICKS_PER_SECOND, type Time } from '../devices/time.ts';

const TICKS_PER_MILLISECOND = TICKS_PER_SECOND / 1000;
/** More than setTimeout can wait for. */
const LONGEST = 2 ** 31 - 1;

class HostAlarm implements Alarm {
  readonly #time: HostTime;
  readonly #ring: () => void;
  #due = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(time: HostTime, ring: () => void) {
    this.#time = time;
    this.#ring = ring;
  }

  set(tick: number): void {
    this.#due = tick;
    this.update();
  }

  /** Time has begun or ceased to pass, or another due time was set. */
  update(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#due === Number.POSITIVE_INFINITY || !this.#time.isRunning) return;
    const wait = (this.#due - this.#time.tick) / TICKS_PER_MILLISECOND;
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(0, Math.ceil(wait)), LONGEST));
    // A machine that nobody waits for is not kept alive by its clock.
    this.#timer.unref();
  }

  #look(): void {
    if (this.#time.tick < this.#due) this.update();
    else {
      this.#due = Number.POSITIVE_INFINITY;
      this.#ring();
    }
  }
}

export class HostTime implements Time {
  readonly #alarms: HostAlarm[] = [];
  /** Ticks up to the last stop. */
  #ticks = 0;
  /** Milliseconds of the host at the last start; undefined: time stands still. */
  #startedAt: number | undefined;

  get tick(): number {
    if (this.#startedAt === undefined) return this.#ticks;
    return this.#ticks + Math.floor((performance.now() - this.#startedAt) * TICKS_PER_MILLISECOND);
  }

  get isRunning(): boolean {
    return this.#startedAt !== undefined;
  }

  alarm(ring: () => void): Alarm {
    const alarm = new HostAlarm(this, ring);
    this.#alarms.push(alarm);
    return alarm;
  }

  start(): void {
    if (this.isRunning) return;
    this.#startedAt = performance.now();
    this.#update();
  }

  stop(): void {
    this.#ticks = this.tick;
    this.#startedAt = undefined;
    this.#update();
  }

  /** Back to zero, running or not as before. */
  reset(): void {
    this.#ticks = 0;
    if (this.isRunning) this.#startedAt = performance.now();
    this.#update();
  }

  #update(): void {
    for (const alarm of this.#alarms) alarm.update();
  }
}
