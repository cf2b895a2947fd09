/** A clock for tests of devices: it goes on when it is told. */
import type { Alarm, Time } from '../../../src/backend/devices/time.ts';

export class HandClock implements Time {
  tick = 0;
  readonly #alarms: { tick: number; readonly ring: () => void }[] = [];

  alarm(ring: () => void): Alarm {
    const alarm = { tick: Number.POSITIVE_INFINITY, ring };
    this.#alarms.push(alarm);
    return {
      set: (tick) => {
        alarm.tick = tick;
      },
    };
  }

  /** Alarms that are due go off in their order. */
  pass(ticks: number): void {
    const end = this.tick + ticks;
    for (;;) {
      const next = this.#alarms.reduce((a, b) => (b.tick < a.tick ? b : a), { tick: end + 1, ring: () => undefined });
      if (next.tick > end) break;
      this.tick = Math.max(this.tick, next.tick);
      next.tick = Number.POSITIVE_INFINITY;
      next.ring();
    }
    this.tick = end;
  }
}
