/** Time as devices know it: that of the guest, which stands still while the guest does. */

/** Of `Time.tick`: 62.5 MHz. */
export const TICKS_PER_SECOND = 62_500_000;

export interface Time {
  /** Since power-on. */
  readonly tick: number;
  /** Calls `ring` once when the tick has come that was last set. */
  alarm(ring: () => void): Alarm;
}

export interface Alarm {
  /** Replaces the former tick; a past one is due at once, Infinity is never. */
  set(tick: number): void;
}
