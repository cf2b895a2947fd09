/** Bytes on their way to a serial port: they wait here until its FIFO has room, and the guest cares for them. */
import type { Pl011 } from './pl011.ts';
import { type Alarm, TICKS_PER_SECOND, type Time } from './time.ts';

/** More is not taken from outside. */
const MOST = 1 << 16;
/** A FIFO's worth at a time, as on a line of a million baud: a driver that empties the FIFO gets away from it. */
const PACE = (16 * TICKS_PER_SECOND) / 100_000;

export class SerialInput {
  private readonly uart: Pl011;
  private readonly time: Time;
  private readonly alarm: Alarm;
  private readonly waiting = new Uint8Array(MOST);
  private length = 0;
  /** The next tick at which bytes may go. */
  private next = 0;

  constructor(uart: Pl011, time: Time) {
    this.uart = uart;
    this.time = time;
    this.alarm = time.alarm(() => this.deliver());
  }

  /** Returns how many bytes were taken. */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, MOST - this.length);
    this.waiting.set(bytes.subarray(0, taken), this.length);
    this.length += taken;
    this.wanted();
    return taken;
  }

  /** The first byte that waits, for someone else than the port. */
  take(): number | undefined {
    if (this.length === 0) return undefined;
    const [byte] = this.waiting;
    this.waiting.copyWithin(0, 1, this.length);
    this.length--;
    return byte;
  }

  /** The port may have room, or its guest has begun to care for input. */
  wanted(): void {
    if (this.length === 0 || !this.uart.listens) return;
    if (this.time.tick >= this.next) this.deliver();
    else this.alarm.set(this.next);
  }

  reset(): void {
    this.next = 0;
    this.alarm.set(Number.POSITIVE_INFINITY);
  }

  private deliver(): void {
    const taken = this.uart.receive(this.waiting.subarray(0, this.length));
    if (taken === 0) return;
    this.waiting.copyWithin(0, taken, this.length);
    this.length -= taken;
    this.next = this.time.tick + PACE;
  }
}
