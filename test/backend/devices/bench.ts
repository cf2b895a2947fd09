/** Devices on a bus with a little RAM, and a driver of virtio's registers and rings, for tests. */
import { RAM_BASE, VIRTIO_BASE } from '../../../src/backend/board.ts';
import { Bus } from '../../../src/backend/devices/bus.ts';
import { type PeripheralChoice, Peripherals } from '../../../src/backend/devices/peripherals.ts';
import { HandClock } from './clock.ts';

export const RAM_SIZE = 1 << 16;

export class Bench {
  readonly clock = new HandClock();
  readonly ram = new Uint8Array(RAM_SIZE);
  readonly view = new DataView(this.ram.buffer);
  /** Levels of the shared interrupts. */
  readonly lines = new Map<number, boolean>();
  readonly peripherals: Peripherals;
  readonly bus: Bus;

  constructor(choice: PeripheralChoice) {
    this.peripherals = new Peripherals(choice, {
      setLine: (spi, level) => void this.lines.set(spi, level),
      time: this.clock,
      memory: {
        view: (address, length) => {
          const offset = address - RAM_BASE;
          const isRam = offset >= 0 && offset + length <= RAM_SIZE;
          return isRam ? this.ram.subarray(offset, offset + length) : undefined;
        },
        written: () => undefined,
      },
    });
    this.bus = new Bus(this.peripherals.mapped);
  }

  read(address: number, bytes = 4): number {
    return this.bus.read(address, bytes) ? this.bus.low >>> 0 : Number.NaN;
  }

  write(address: number, value: number, bytes = 4): void {
    this.bus.write(address, bytes, value | 0, 0);
  }
}

export const Register = {
  FEATURES: 0x10,
  FEATURES_SEL: 0x14,
  DRIVER: 0x20,
  DRIVER_SEL: 0x24,
  QUEUE_SEL: 0x30,
  QUEUE_MAX: 0x34,
  QUEUE_SIZE: 0x38,
  READY: 0x44,
  NOTIFY: 0x50,
  INTERRUPTS: 0x60,
  ACK: 0x64,
  STATUS: 0x70,
  DESC: 0x80,
  AVAIL: 0x90,
  USED: 0xa0,
  CONFIG: 0x100,
} as const;

export const Flag = { NEXT: 1, WRITE: 2, INDIRECT: 4 } as const;

/** A descriptor: an offset in RAM, a length, flags; the next one follows in the table. */
export type Descriptor = readonly [offset: number, length: number, flags: number];

const SIZE = 8;

/** Offsets in RAM: the rings of a queue, and where buffers may lie. */
const ringsOf = (queue: number): number => queue * 0x1000;
export const BUFFERS = 0x8000;

export class Driver {
  readonly bench: Bench;
  readonly slot: number;
  readonly #used = new Map<number, number>();

  constructor(bench: Bench, slot: number) {
    this.bench = bench;
    this.slot = slot;
  }

  get(register: number, bytes = 4): number {
    return this.bench.read(VIRTIO_BASE + 0x200 * this.slot + register, bytes);
  }

  set(register: number, value: number): void {
    this.bench.write(VIRTIO_BASE + 0x200 * this.slot + register, value);
  }

  /** From reset to DRIVER_OK, with these queues. */
  start(features: bigint, ...queues: readonly number[]): void {
    this.set(Register.STATUS, 0);
    this.set(Register.STATUS, 3);
    for (const half of [0, 1]) {
      this.set(Register.DRIVER_SEL, half);
      this.set(Register.DRIVER, Number((features >> BigInt(32 * half)) & 0xffff_ffffn));
    }
    this.set(Register.STATUS, 11);
    for (const queue of queues) this.queue(queue);
    this.set(Register.STATUS, 15);
  }

  queue(index: number, size = SIZE): void {
    const at = ringsOf(index);
    this.bench.ram.fill(0, at, at + 0x1000);
    this.#used.set(index, 0);
    this.set(Register.QUEUE_SEL, index);
    this.set(Register.QUEUE_SIZE, size);
    this.set(Register.DESC, RAM_BASE + at);
    this.set(Register.AVAIL, RAM_BASE + at + 0x400);
    this.set(Register.USED, RAM_BASE + at + 0x800);
    this.set(Register.READY, 1);
  }

  /** Puts a chain into the table from `head` on, makes it available and notifies. */
  submit(index: number, chain: readonly Descriptor[], head = 0): void {
    const { view } = this.bench;
    const at = ringsOf(index);
    for (const [i, [offset, length, flags]] of chain.entries()) {
      const place = at + 16 * (head + i);
      view.setBigUint64(place, BigInt(RAM_BASE + offset), true);
      view.setUint32(place + 8, length, true);
      view.setUint16(place + 12, flags, true);
      view.setUint16(place + 14, head + i + 1, true);
    }
    const next = view.getUint16(at + 0x402, true);
    view.setUint16(at + 0x404 + 2 * (next % SIZE), head, true);
    view.setUint16(at + 0x402, next + 1, true);
    this.set(Register.NOTIFY, index);
  }

  /** What has come back since: heads and lengths. */
  used(index: number): [head: number, length: number][] {
    const { view } = this.bench;
    const at = ringsOf(index) + 0x800;
    const found: [number, number][] = [];
    let seen = this.#used.get(index) ?? 0;
    for (; seen !== view.getUint16(at + 2, true); seen = (seen + 1) & 0xffff) {
      const entry = at + 4 + 8 * (seen % SIZE);
      found.push([view.getUint32(entry, true), view.getUint32(entry + 4, true)]);
    }
    this.#used.set(index, seen);
    return found;
  }
}

export const VERSION_1 = 1n << 32n;
