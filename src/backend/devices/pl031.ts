/**
 * The PL031 real time clock: seconds since 1970, from the machine's time.
 *
 * Arm PrimeCell Real Time Clock (PL031) Technical Reference Manual, DDI 0224, "Programmer's Model".
 */
import type { StatefulDevice } from '../vcpu.ts';
import type { Device } from './device.ts';
import { type Alarm, TICKS_PER_SECOND, type Time } from './time.ts';

const Register = {
  DR: 0x00,
  MR: 0x04,
  LR: 0x08,
  CR: 0x0c,
  IMSC: 0x10,
  RIS: 0x14,
  MIS: 0x18,
  ICR: 0x1c,
  PeriphID0: 0xfe0,
} as const;

/** RTCPeriphID0..3 and RTCPCellID0..3. */
const identification = [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

export interface Pl031Options {
  /** Seconds since 1970 at power-on. */
  readonly start: () => number;
  readonly time: Time;
  /** RTCINTR: called when the level has changed. */
  readonly wire: (level: boolean) => void;
}

export class Pl031 implements Device, StatefulDevice {
  readonly name = 'pl031';
  private readonly options: Pl031Options;
  private readonly alarm: Alarm;
  /** What the counter would be at the machine's time 0. */
  private offset = 0;
  private load = 0;
  private match = 0;
  private mask = 0;
  private raw = 0;
  private level: boolean = false;
  /** The counter at the last look. */
  private seen = 0;

  constructor(options: Pl031Options) {
    this.options = options;
    this.alarm = options.time.alarm(() => this.update());
    this.reset();
  }

  reset(): void {
    this.load = 0;
    this.match = 0;
    this.mask = 0;
    this.raw = 0;
    this.set(this.options.start() >>> 0);
    this.updateWire();
  }

  /** Looks whether the counter has come to the match register. */
  private update(): void {
    const now = this.counter;
    const passed = (now - this.seen) >>> 0;
    if (passed !== 0 && (this.match - this.seen - 1) >>> 0 < passed) this.raw = 1;
    this.seen = now;
    this.updateWire();
  }

  save(): BigUint64Array {
    this.update();
    return BigUint64Array.from([this.counter, this.load, this.match, this.mask, this.raw].map(BigInt));
  }

  restore(words: BigUint64Array): string | undefined {
    if (words.length !== 5) return `it has not ${words.length} words`;
    const limits = [0xffff_ffffn, 0xffff_ffffn, 0xffff_ffffn, 1n, 1n];
    if (words.some((word, i) => word > limits[i])) return 'a register has bits that it does not keep';
    const [counter, load, match, mask, raw] = Array.from(words, Number);
    Object.assign(this, { load, match, mask, raw });
    this.set(counter);
    this.updateWire();
    this.options.wire(this.level);
    return undefined;
  }

  readRegister(offset: number): number {
    this.update();
    switch (offset) {
      case Register.DR:
        return this.seen;
      case Register.MR:
        return this.match;
      case Register.LR:
        return this.load;
      case Register.CR:
        return 1;
      case Register.IMSC:
        return this.mask;
      case Register.RIS:
        return this.raw;
      case Register.MIS:
        return this.raw & this.mask;
      default:
        return offset >= Register.PeriphID0 ? identification[(offset - Register.PeriphID0) >> 2] : 0;
    }
  }

  writeRegister(offset: number, value: number): void {
    this.update();
    if (offset === Register.LR) {
      this.load = value >>> 0;
      this.set(this.load);
      this.compare();
    } else if (offset === Register.MR) {
      this.match = value >>> 0;
      this.setAlarm();
      this.compare();
    } else if (offset === Register.IMSC) {
      this.mask = value & 1;
      this.setAlarm();
    } else if (offset === Register.ICR) this.raw &= ~value;
    this.updateWire();
  }

  private compare(): void {
    if (this.match === this.seen) this.raw = 1;
  }

  private get elapsed(): number {
    return Math.floor(this.options.time.tick / TICKS_PER_SECOND);
  }

  private get counter(): number {
    return (this.offset + this.elapsed) >>> 0;
  }

  private set(counter: number): void {
    this.offset = (counter - this.elapsed) >>> 0;
    this.seen = counter;
    this.setAlarm();
  }

  /** Nobody hears of a match that is masked: it is found when somebody looks. */
  private setAlarm(): void {
    const seconds = (this.match - this.seen) >>> 0;
    this.alarm.set(this.mask === 0 ? Number.POSITIVE_INFINITY : (this.elapsed + seconds) * TICKS_PER_SECOND);
  }

  private updateWire(): void {
    const level = (this.raw & this.mask) !== 0;
    if (level === this.level) return;
    this.level = level;
    this.options.wire(level);
  }
}
