/** What every machine has beside CPUs, interrupt controller and timers: the devices of QEMU's virt board, and their places. */
import { RTC_BASE, RTC_SIZE, RTC_SPI, UART_BASE, UART_SIZE, UART_SPI } from '../board.ts';
import type { StatefulDevice } from '../vcpu.ts';
import type { MappedDevice } from './device.ts';
import { Pl011 } from './pl011.ts';
import { Pl031 } from './pl031.ts';
import { SerialInput } from './serial-input.ts';
import type { Time } from './time.ts';

/** What a user chooses of them. */
export interface PeripheralChoice {
  /** Gets what the guest sends over the serial port. */
  readonly serial?: (bytes: Uint8Array) => void;
  /** Seconds since 1970 at power-on; otherwise the host's time. */
  readonly rtc?: number;
}

/** What a machine gives them. */
export interface PeripheralHost {
  /** The level of a shared interrupt, counted from the first of them, has changed. */
  readonly setLine: (spi: number, level: boolean) => void;
  readonly time: Time;
}

export class Peripherals {
  readonly mapped: readonly MappedDevice[];
  readonly stateful: readonly StatefulDevice[];
  private readonly uart: Pl011;
  private readonly rtc: Pl031;
  private readonly input: SerialInput;
  private readonly serial: (bytes: Uint8Array) => void;
  /** Sent by the guest, not yet handed out. */
  private sent: number[] = [];

  constructor({ serial = () => undefined, rtc }: PeripheralChoice, host: PeripheralHost) {
    this.serial = serial;
    const line = (spi: number) => (level: boolean) => host.setLine(spi, level);
    this.uart = new Pl011({
      send: (byte) => this.sent.push(byte),
      wire: line(UART_SPI),
      wanted: () => this.input?.wanted(),
    });
    this.input = new SerialInput(this.uart, host.time);
    this.rtc = new Pl031({
      start: () => rtc ?? Math.floor(Date.now() / 1000),
      time: host.time,
      wire: line(RTC_SPI),
    });
    this.mapped = [
      { base: UART_BASE, size: UART_SIZE, device: this.uart },
      { base: RTC_BASE, size: RTC_SIZE, device: this.rtc },
    ];
    this.stateful = [this.uart, this.rtc];
  }

  /** Bytes for the guest's serial port. Returns how many were taken; the others may be offered again. */
  receive(bytes: Uint8Array): number {
    return this.input.receive(bytes);
  }

  /** What the guest has sent goes out. */
  flush(): void {
    if (this.sent.length === 0) return;
    const bytes = Uint8Array.from(this.sent);
    this.sent = [];
    this.serial(bytes);
  }

  /** Back to power-on. */
  reset(): void {
    for (const { device } of this.mapped) device.reset();
    this.input.reset();
  }

  close(): void {
    this.flush();
  }
}
