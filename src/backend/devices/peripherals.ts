/** What every machine has beside CPUs, interrupt controller and timers: the devices of QEMU's virt board, and their places. */
import {
  FLASH_BANK,
  FLASH_BASE,
  RTC_BASE,
  RTC_SIZE,
  RTC_SPI,
  UART_BASE,
  UART_SIZE,
  UART_SPI,
  VIRTIO_BASE,
  VIRTIO_SIZE,
  VIRTIO_SLOTS,
  VIRTIO_SPI,
} from '../board.ts';
import { type RandomSource, randomSource } from '../random.ts';
import type { StatefulDevice } from '../vcpu.ts';
import type { MappedDevice } from './device.ts';
import type { Disk } from './disk.ts';
import { Flash } from './flash.ts';
import type { DeviceMemory } from './memory.ts';
import { Pl011 } from './pl011.ts';
import { Pl031 } from './pl031.ts';
import { SerialInput } from './serial-input.ts';
import type { Time } from './time.ts';
import { Block } from './virtio/block.ts';
import { Console } from './virtio/console.ts';
import { Entropy } from './virtio/entropy.ts';
import type { VirtioFunction } from './virtio/function.ts';
import { type Link, Network } from './virtio/network.ts';
import { emptySlot, VirtioMmio } from './virtio/transport.ts';

/** What a user chooses of them. */
export interface PeripheralChoice {
  /** Gets what the guest sends over the serial port. */
  readonly serial?: (bytes: Uint8Array) => void;
  /** Seconds since 1970 at power-on; otherwise the host's time. */
  readonly rtc?: number;
  /** What the first bank of flash holds. With it, or with variables, the machine has flash. */
  readonly firmware?: Uint8Array;
  readonly variables?: FlashFile;
  readonly disks?: readonly Disk[];
  /** Gets what the guest sends over the virtio console. Without it there is none. */
  readonly console?: (bytes: Uint8Array) => void;
  readonly network?: Link;
  /** Of the entropy device: `host` for the host's, anything else makes the same bytes in every run. Without it: none. */
  readonly seed?: string;
}

/** What the second bank of flash holds at first, and what hears of changes. */
export interface FlashFile {
  readonly data: Uint8Array;
  readonly changed: (offset: number, bytes: Uint8Array) => void;
}

/** What a machine gives them. */
export interface PeripheralHost {
  /** The level of a shared interrupt, counted from the first of them, has changed. */
  readonly setLine: (spi: number, level: boolean) => void;
  readonly time: Time;
  readonly memory: DeviceMemory;
  /** Memory of a bank of flash, where the machine reads it and runs code from it by itself. */
  readonly flash?: (bank: number) => FlashMemory | undefined;
}

export interface FlashMemory {
  readonly storage: Uint8Array;
  /** Reads of the CPU are to be those of the storage, or to come to the device. */
  readonly setReadable: (isReadable: boolean) => void;
  /** Bytes of the storage were changed by the device. */
  readonly changed: (offset: number, length: number) => void;
}

/** The locally administered address that QEMU gives to its first card. */
const MAC = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

export const hasFlash = ({ firmware, variables }: PeripheralChoice): boolean =>
  firmware !== undefined || variables !== undefined;

export class Peripherals {
  readonly mapped: readonly MappedDevice[];
  readonly stateful: readonly StatefulDevice[];
  /** Slots of virtio with a device. */
  readonly virtioCount: number;
  private readonly choice: PeripheralChoice;
  private readonly uart: Pl011;
  private readonly input: SerialInput;
  private readonly banks: readonly Flash[];
  private readonly firmware: () => void;
  private readonly functions: readonly VirtioFunction[];
  private readonly random: RandomSource | undefined;
  private console: Console | undefined;
  /** Sent by the guest, not yet handed out. */
  private sent: number[] = [];

  constructor(choice: PeripheralChoice, host: PeripheralHost) {
    this.choice = choice;
    this.random = choice.seed === undefined ? undefined : randomSource(choice.seed);
    const line = (spi: number) => (level: boolean) => host.setLine(spi, level);
    this.uart = new Pl011({
      send: (byte) => this.sent.push(byte),
      wire: line(UART_SPI),
      wanted: () => this.input?.wanted(),
    });
    this.input = new SerialInput(this.uart, host.time);
    const rtc = new Pl031({
      start: () => choice.rtc ?? Math.floor(Date.now() / 1000),
      time: host.time,
      wire: line(RTC_SPI),
    });
    const { banks, firmware } = flashBanks(choice, host.flash);
    this.banks = banks;
    this.firmware = firmware;
    this.functions = this.virtioFunctions(host);
    this.virtioCount = this.functions.length;
    const slots = this.functions.map(
      (each, slot) => new VirtioMmio(each, { memory: host.memory, time: host.time, wire: line(VIRTIO_SPI + slot) }),
    );
    this.stateful = [this.uart, rtc, ...banks, ...slots];
    this.mapped = [
      { base: UART_BASE, size: UART_SIZE, device: this.uart },
      { base: RTC_BASE, size: RTC_SIZE, device: rtc },
      ...banks.map((device, i) => ({ base: FLASH_BASE + i * FLASH_BANK, size: FLASH_BANK, device })),
      ...Array.from({ length: VIRTIO_SLOTS }, (_, slot) => ({
        base: VIRTIO_BASE + slot * VIRTIO_SIZE,
        size: VIRTIO_SIZE,
        device: slots[slot] ?? emptySlot,
      })),
    ];
  }

  private virtioFunctions({ memory }: PeripheralHost): VirtioFunction[] {
    const { disks = [], network, console } = this.choice;
    const functions: VirtioFunction[] = disks.map((disk, i) => new Block({ disk, memory, serial: `disk${i}` }));
    if (network) functions.push(new Network(network, MAC, memory));
    if (console) {
      this.console = new Console(console, memory);
      functions.push(this.console);
    }
    if (this.random) functions.push(new Entropy(this.random, memory));
    return functions;
  }

  get hasFlash(): boolean {
    return this.banks.length > 0;
  }

  /** Of each bank of flash, whether reads are those of its memory. */
  get readableFlash(): readonly boolean[] {
    return this.banks.map(({ isArray }) => isArray);
  }

  /** What flash holds at a physical address, up to the end of its bank. */
  flashView(address: number, length: number): Uint8Array | undefined {
    const offset = address - FLASH_BASE;
    const bank = this.banks[Math.floor(offset / FLASH_BANK)];
    return bank?.storage.subarray(offset % FLASH_BANK, (offset % FLASH_BANK) + length);
  }

  /** Random bytes for the device tree, those of a seed the same after each reset. */
  get rngSeed(): Uint8Array | undefined {
    const { seed } = this.choice;
    if (seed === undefined) return undefined;
    return randomSource(seed === 'host' ? seed : `${seed} device tree`).bytes(32);
  }

  /** Bytes for the guest's serial port. Returns how many were taken; the others may be offered again. */
  receive(bytes: Uint8Array): number {
    return this.input.receive(bytes);
  }

  /** A byte that waits for the serial port, for others that want one. */
  takeInput(): number | undefined {
    return this.input.take();
  }

  /** Goes out as what the serial port sends does, in order with it. */
  print(bytes: Uint8Array): void {
    for (const byte of bytes) this.sent.push(byte);
  }

  /** Bytes for the virtio console, likewise. */
  receiveConsole(bytes: Uint8Array): number {
    return this.console?.receive(bytes) ?? bytes.length;
  }

  /** What the guest has sent goes out. */
  flush(): void {
    if (this.sent.length === 0) return;
    const bytes = Uint8Array.from(this.sent);
    this.sent = [];
    this.choice.serial?.(bytes);
  }

  /** Back to power-on, behind the reset of the clock. The variables in flash stay, as does what disks hold. */
  reset(): void {
    for (const { device } of this.mapped) device.reset();
    this.input.reset();
    if (this.random) this.random.position = 0;
    this.firmware();
  }

  close(): void {
    this.flush();
    for (const each of this.functions) each.close?.();
  }
}

interface Banks {
  readonly banks: readonly Flash[];
  /** Puts the firmware into its bank again. */
  readonly firmware: () => void;
}

function flashBanks(choice: PeripheralChoice, memoryOf: PeripheralHost['flash'] = () => undefined): Banks {
  if (!hasFlash(choice)) return { banks: [], firmware: () => undefined };
  const { firmware = new Uint8Array(), variables } = choice;
  const bank = (index: number, data: Uint8Array, changed: FlashFile['changed'] = () => undefined): Flash => {
    const memory = memoryOf(index);
    const storage = memory?.storage ?? new Uint8Array(FLASH_BANK);
    storage.set(data.subarray(0, FLASH_BANK));
    return new Flash({
      name: `flash ${index}`,
      storage,
      readable: memory?.setReadable,
      changed: (offset, length) => {
        memory?.changed(offset, length);
        changed(offset, storage.subarray(offset, offset + length));
      },
    });
  };
  const banks = [bank(0, firmware), bank(1, variables?.data ?? new Uint8Array(), variables?.changed)];
  const { storage } = banks[0];
  const restore = (): void => {
    const length = Math.min(firmware.length, FLASH_BANK);
    if (Buffer.compare(storage.subarray(0, length), firmware.subarray(0, length)) === 0) return;
    storage.set(firmware.subarray(0, length));
    memoryOf(0)?.changed(0, length);
  };
  return { banks, firmware: restore };
}
