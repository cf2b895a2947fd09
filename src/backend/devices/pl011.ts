/**
 * The PL011 serial port, without a line: what the guest sends is out at once, and there is no baud rate.
 *
 * Arm PrimeCell UART (PL011) Technical Reference Manual, DDI 0183, "Programmers Model".
 */
import type { StatefulDevice } from '../vcpu.ts';
import type { Device } from './device.ts';

const Register = {
  DR: 0x00,
  RSR: 0x04,
  FR: 0x18,
  ILPR: 0x20,
  IBRD: 0x24,
  FBRD: 0x28,
  LCR_H: 0x2c,
  CR: 0x30,
  IFLS: 0x34,
  IMSC: 0x38,
  RIS: 0x3c,
  MIS: 0x40,
  ICR: 0x44,
  DMACR: 0x48,
  PeriphID0: 0xfe0,
} as const;

const Flag = { RXFE: 1 << 4, RXFF: 1 << 6, TXFE: 1 << 7 } as const;
const Interrupt = { RX: 1 << 4, TX: 1 << 5 } as const;
const FEN = 1 << 4;
const ALL_INTERRUPTS = 0x7ff;

/** Registers that only keep what is written: their bits, and their value after a reset. */
const stored: Readonly<Record<number, readonly [mask: number, reset: number]>> = {
  [Register.ILPR]: [0xff, 0],
  [Register.IBRD]: [0xffff, 0],
  [Register.FBRD]: [0x3f, 0],
  [Register.LCR_H]: [0xff, 0],
  [Register.CR]: [0xff87, 0x300],
  [Register.IFLS]: [0x3f, 0x12],
  [Register.IMSC]: [0x7ff, 0],
  [Register.DMACR]: [0x7, 0],
};

const offsets = Object.keys(stored).map(Number);

/** UARTPeriphID0..3 and UARTPCellID0..3. */
const identification = [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

/** Received bytes that wait, the FIFO's 16 among them. */
const BACKLOG = 4096;

export class Pl011 implements Device, StatefulDevice {
  readonly name = 'pl011';
  private readonly send: (byte: number) => void;
  /** UARTINTR: called when the level has changed. */
  private readonly wire: (level: boolean) => void;
  private level: boolean = false;
  private readonly registers = new Map<number, number>();
  private received: number[] = [];
  /** Raw interrupts. */
  private interrupts = 0;

  constructor(send: (byte: number) => void, wire: (level: boolean) => void = () => undefined) {
    this.send = send;
    this.wire = wire;
    this.reset();
  }

  reset(): void {
    for (const [offset, [, value]] of Object.entries(stored)) this.registers.set(Number(offset), value);
    this.received = [];
    this.interrupts = 0;
    this.updateWire();
  }

  /** Bytes from outside. Returns how many were taken; the rest finds no room. */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, BACKLOG - this.received.length);
    for (let i = 0; i < taken; i++) this.received.push(bytes[i]);
    if (taken > 0) this.interrupts |= Interrupt.RX;
    this.updateWire();
    return taken;
  }

  /** Raw interrupts, the registers in the order of their table, the bytes that wait. */
  save(): BigUint64Array {
    return BigUint64Array.from(
      [this.interrupts, ...offsets.map((offset) => this.value(offset)), ...this.received].map(BigInt),
    );
  }

  restore(words: BigUint64Array): string | undefined {
    const end = 1 + offsets.length;
    if (words.length < end || words.length > end + BACKLOG) return `it has not ${words.length} words`;
    const isWithin = (word: bigint, mask: number): boolean => (word & ~BigInt(mask)) === 0n;
    const [interrupts, ...rest] = words;
    const fits = offsets.every((offset, i) => isWithin(rest[i], stored[offset][0]));
    const bytes = words.slice(end);
    if (!fits || !isWithin(interrupts, ALL_INTERRUPTS) || !bytes.every((byte) => isWithin(byte, 0xff)))
      return 'a register has bits that it does not keep';
    this.interrupts = Number(interrupts);
    for (const [i, offset] of offsets.entries()) this.registers.set(offset, Number(rest[i]));
    this.received = Array.from(bytes, Number);
    this.updateWire();
    // What it leads to may be another one than before.
    this.wire(this.level);
    return undefined;
  }

  readRegister(offset: number): number {
    switch (offset) {
      case Register.DR:
        return this.take();
      case Register.FR:
        return this.flags();
      case Register.RIS:
        return this.interrupts;
      case Register.MIS:
        return this.interrupts & this.value(Register.IMSC);
      default:
        if (offset >= Register.PeriphID0) return identification[(offset - Register.PeriphID0) >> 2];
        return this.value(offset);
    }
  }

  writeRegister(offset: number, value: number): void {
    if (offset === Register.DR) {
      this.send(value & 0xff);
      this.interrupts |= Interrupt.TX;
    } else if (offset === Register.ICR) this.interrupts &= ~value;
    else if (offset in stored) this.registers.set(offset, value & stored[offset][0]);
    this.updateWire();
  }

  private value(offset: number): number {
    return this.registers.get(offset) ?? 0;
  }

  private updateWire(): void {
    const level = (this.interrupts & this.value(Register.IMSC)) !== 0;
    if (level === this.level) return;
    this.level = level;
    this.wire(level);
  }

  private take(): number {
    const byte = this.received.shift() ?? 0;
    if (this.received.length === 0) this.interrupts &= ~Interrupt.RX;
    this.updateWire();
    return byte;
  }

  private flags(): number {
    const { length } = this.received;
    const depth = this.value(Register.LCR_H) & FEN ? 16 : 1;
    return Flag.TXFE | (length === 0 ? Flag.RXFE : 0) | (length >= depth ? Flag.RXFF : 0);
  }
}
