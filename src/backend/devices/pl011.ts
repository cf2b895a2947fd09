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
/** Receive, transmit, receive timeout, overrun. */
const Interrupt = { RX: 1 << 4, TX: 1 << 5, RT: 1 << 6, OE: 1 << 10 } as const;
/** LCR_H: the FIFOs are on. */
const FEN = 1 << 4;
/** CR: what is sent is received. */
const LBE = 1 << 7;
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
  // No DMA controller hears of it.
  [Register.DMACR]: [0x7, 0],
};

const offsets = Object.keys(stored).map(Number);

/** UARTPeriphID0..3 and UARTPCellID0..3. */
const identification = [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

const DEPTH = 16;
/** IFLS.RXIFLSEL: bytes in the FIFO at which the receive interrupt is raised. The other values are reserved. */
const triggers = [2, 4, 8, 12, 14];
/** Bytes that a saved FIFO may hold: former versions had a larger one. */
const MOST_SAVED = 4096;
/** A transmitter looks at FR once before and once behind a byte; who looks more often waits for input. */
const LOOKS = 3;

export interface Pl011Options {
  readonly send: (byte: number) => void;
  /** UARTINTR: called when the level has changed. */
  readonly wire?: (level: boolean) => void;
  /** Called when there may be room for input, or the guest has begun to care for it. */
  readonly wanted?: () => void;
}

export class Pl011 implements Device, StatefulDevice {
  readonly name = 'pl011';
  private readonly send: (byte: number) => void;
  private readonly wire: (level: boolean) => void;
  private readonly wanted: () => void;
  private level: boolean = false;
  private readonly registers = new Map<number, number>();
  private received: number[] = [];
  /** Raw interrupts. */
  private interrupts = 0;
  /** Reads of FR since the last write of DR, up to LOOKS. */
  private looks = 0;

  constructor({ send, wire = () => undefined, wanted = () => undefined }: Pl011Options) {
    this.send = send;
    this.wire = wire;
    this.wanted = wanted;
    this.reset();
  }

  reset(): void {
    for (const [offset, [, value]] of Object.entries(stored)) this.registers.set(Number(offset), value);
    this.received = [];
    this.interrupts = 0;
    this.looks = 0;
    this.updateWire();
  }

  /**
   * Whether the guest cares for input: it has unmasked a receive interrupt, or asks again and again. A terminal that
   * waits for that loses nothing to a driver that empties the FIFO when it starts.
   */
  get listens(): boolean {
    return (this.value(Register.IMSC) & (Interrupt.RX | Interrupt.RT)) !== 0 || this.looks >= LOOKS;
  }

  /** Bytes from outside. Returns how many the FIFO took. */
  receive(bytes: Uint8Array): number {
    const taken = Math.max(0, Math.min(bytes.length, this.depth - this.received.length));
    if (taken === 0) return 0;
    for (let i = 0; i < taken; i++) this.received.push(bytes[i]);
    if (this.received.length >= this.trigger) this.interrupts |= Interrupt.RX;
    // There is no time between bytes: the line is silent from now on.
    if (this.value(Register.LCR_H) & FEN) this.interrupts |= Interrupt.RT;
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
    if (words.length < end || words.length > end + MOST_SAVED) return `it has not ${words.length} words`;
    const isWithin = (word: bigint, mask: number): boolean => (word & ~BigInt(mask)) === 0n;
    const [interrupts, ...rest] = words;
    const fits = offsets.every((offset, i) => isWithin(rest[i], stored[offset][0]));
    const bytes = words.slice(end);
    if (!fits || !isWithin(interrupts, ALL_INTERRUPTS) || !bytes.every((byte) => isWithin(byte, 0xff)))
      return 'a register has bits that it does not keep';
    this.interrupts = Number(interrupts);
    for (const [i, offset] of offsets.entries()) this.registers.set(offset, Number(rest[i]));
    this.received = Array.from(bytes, Number);
    this.looks = 0;
    this.updateWire();
    // What it leads to may be another one than before.
    this.wire(this.level);
    this.wanted();
    return undefined;
  }

  readRegister(offset: number): number {
    switch (offset) {
      case Register.DR:
        return this.take();
      case Register.FR:
        this.look();
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
    if (offset === Register.DR) this.transmit(value & 0xff);
    else if (offset === Register.ICR) this.interrupts &= ~value;
    else if (offset in stored) this.store(offset, value & stored[offset][0]);
    this.updateWire();
  }

  private transmit(byte: number): void {
    this.looks = 0;
    if (this.value(Register.CR) & LBE) {
      if (this.receive(Uint8Array.of(byte)) === 0) this.interrupts |= Interrupt.OE;
    } else this.send(byte);
    // The FIFO is empty again at once, and so has passed its trigger level.
    this.interrupts |= Interrupt.TX;
  }

  private store(offset: number, value: number): void {
    // FIFOs that are switched on or off begin empty.
    if (offset === Register.LCR_H && (value ^ this.value(offset)) & FEN) this.empty();
    this.registers.set(offset, value);
    if (offset === Register.IMSC && this.listens) this.wanted();
  }

  private look(): void {
    if (this.looks === LOOKS) return;
    this.looks++;
    if (this.looks === LOOKS) this.wanted();
  }

  private empty(): void {
    this.received = [];
    this.interrupts &= ~(Interrupt.RX | Interrupt.RT);
  }

  private value(offset: number): number {
    return this.registers.get(offset) ?? 0;
  }

  /** Without FIFOs a byte has one place. */
  private get depth(): number {
    return this.value(Register.LCR_H) & FEN ? DEPTH : 1;
  }

  private get trigger(): number {
    if ((this.value(Register.LCR_H) & FEN) === 0) return 1;
    return triggers[(this.value(Register.IFLS) >> 3) & 7] ?? DEPTH;
  }

  private updateWire(): void {
    const level = (this.interrupts & this.value(Register.IMSC)) !== 0;
    if (level === this.level) return;
    this.level = level;
    this.wire(level);
  }

  private take(): number {
    const byte = this.received.shift() ?? 0;
    if (this.received.length < this.trigger) this.interrupts &= ~Interrupt.RX;
    if (this.received.length === 0) this.interrupts &= ~Interrupt.RT;
    this.updateWire();
    this.wanted();
    return byte;
  }

  private flags(): number {
    const { length } = this.received;
    return Flag.TXFE | (length === 0 ? Flag.RXFE : 0) | (length >= this.depth ? Flag.RXFF : 0);
  }
}
