/**
 * A virtio device in memory-mapped registers, version 2. A driver that breaks the rules gets DEVICE_NEEDS_RESET, and
 * nothing more is done for it.
 *
 * VIRTIO 1.2, 4.2 "Virtio Over MMIO"; 2.1 "Device Status Field".
 */
import type { StatefulDevice } from '../../vcpu.ts';
import type { Device } from '../device.ts';
import type { DeviceMemory } from '../memory.ts';
import type { Alarm, Time } from '../time.ts';
import { joined } from '../words.ts';
import { type VirtioFunction, waits } from './function.ts';
import { broken, MOST_DESCRIPTORS, type QueueSettings, Virtqueue } from './queue.ts';

const Register = {
  MagicValue: 0x000,
  Version: 0x004,
  DeviceID: 0x008,
  VendorID: 0x00c,
  DeviceFeatures: 0x010,
  DeviceFeaturesSel: 0x014,
  DriverFeatures: 0x020,
  DriverFeaturesSel: 0x024,
  QueueSel: 0x030,
  QueueSizeMax: 0x034,
  QueueSize: 0x038,
  QueueReady: 0x044,
  QueueNotify: 0x050,
  InterruptStatus: 0x060,
  InterruptACK: 0x064,
  Status: 0x070,
  QueueDescLow: 0x080,
  QueueDescHigh: 0x084,
  QueueDriverLow: 0x090,
  QueueDriverHigh: 0x094,
  QueueDeviceLow: 0x0a0,
  QueueDeviceHigh: 0x0a4,
  SHMLenLow: 0x0b0,
  SHMBaseHigh: 0x0bc,
  Config: 0x100,
} as const;

const MAGIC = 0x7472_6976;
/** As QEMU's. */
const VENDOR = 0x554d_4551;
const Status = { DRIVER_OK: 4, FEATURES_OK: 8, DEVICE_NEEDS_RESET: 0x40 } as const;
const STATUS_BITS = 0xff;
const Interrupt = { USED_BUFFER: 1, CONFIGURATION: 2 } as const;
const RING_INDIRECT_DESC = 1n << 28n;
const VERSION_1 = 1n << 32n;
const WORD = 0xffff_ffffn;

/** What is done for one notification, in bytes moved; then the CPUs get their turn, and the rest is done later. */
const WORK = 4 << 20;
/** A request costs at least so much. */
const REQUEST = 4096;
/** Ticks until the rest is done. */
const PAUSE = 1000;

/** Registers of the queue that is selected: which setting, and which half of it. */
const addresses: Readonly<Record<number, readonly [keyof QueueSettings, 0 | 1]>> = {
  [Register.QueueDescLow]: ['descriptors', 0],
  [Register.QueueDescHigh]: ['descriptors', 1],
  [Register.QueueDriverLow]: ['driver', 0],
  [Register.QueueDriverHigh]: ['driver', 1],
  [Register.QueueDeviceLow]: ['device', 0],
  [Register.QueueDeviceHigh]: ['device', 1],
};

const TWO_32 = 2 ** 32;
const withHalf = (value: number, half: 0 | 1, word: number): number =>
  half === 0 ? value - (value % TWO_32) + word : word * TWO_32 + (value % TWO_32);

export interface TransportOptions {
  readonly memory: DeviceMemory;
  readonly time: Time;
  readonly wire: (level: boolean) => void;
}

export class VirtioMmio implements Device, StatefulDevice {
  readonly name: string;
  private readonly function: VirtioFunction;
  private readonly wire: (level: boolean) => void;
  private readonly queues: readonly Virtqueue[];
  private readonly config: DataView;
  private readonly time: Time;
  private readonly alarm: Alarm;
  /** Queues of which a part was left for later. */
  private readonly unfinished = new Set<number>();
  private status = 0;
  private interrupts = 0;
  private deviceFeaturesSelect = 0;
  private driverFeaturesSelect = 0;
  private driverFeatures = 0n;
  private queueSelect = 0;
  private level: boolean = false;

  constructor(device: VirtioFunction, { memory, time, wire }: TransportOptions) {
    this.name = `virtio ${device.name}`;
    this.function = device;
    this.wire = wire;
    this.time = time;
    this.alarm = time.alarm(() => this.finish());
    this.queues = Array.from({ length: device.queues }, () => new Virtqueue(memory));
    const { config } = device;
    this.config = new DataView(config.buffer, config.byteOffset, config.length);
    device.ready = (queue) => this.notified(queue);
  }

  reset(): void {
    this.status = 0;
    this.interrupts = 0;
    this.deviceFeaturesSelect = 0;
    this.driverFeaturesSelect = 0;
    this.driverFeatures = 0n;
    this.queueSelect = 0;
    for (const queue of this.queues) queue.reset();
    this.unfinished.clear();
    this.alarm.set(Number.POSITIVE_INFINITY);
    this.function.reset();
    this.updateWire();
  }

  // --- registers

  readRegister(offset: number): number {
    switch (offset) {
      case Register.MagicValue:
        return MAGIC;
      case Register.Version:
        return 2;
      case Register.DeviceID:
        return this.function.id;
      case Register.VendorID:
        return VENDOR;
      case Register.DeviceFeatures:
        return this.deviceFeaturesSelect < 2
          ? Number((this.features >> BigInt(32 * this.deviceFeaturesSelect)) & WORD)
          : 0;
      case Register.QueueSizeMax:
        return this.queue ? MOST_DESCRIPTORS : 0;
      case Register.QueueReady:
        return Number(this.queue?.ready ?? false);
      case Register.InterruptStatus:
        return this.interrupts;
      case Register.Status:
        return this.status;
    }
    // There is no shared memory.
    if (offset >= Register.SHMLenLow && offset <= Register.SHMBaseHigh) return 0xffff_ffff;
    return offset >= Register.Config ? this.readConfig(offset, 4) : 0;
  }

  /** Only the configuration space has narrow parts. */
  readPart(offset: number, bytes: number): number {
    return offset >= Register.Config ? this.readConfig(offset, bytes) : 0;
  }

  writePart(): void {}

  writeRegister(offset: number, value: number): void {
    const { queue } = this;
    const address = addresses[offset];
    if (address) {
      const [setting, half] = address;
      if (queue && !queue.ready) queue.settings[setting] = withHalf(queue.settings[setting], half, value);
      return;
    }
    switch (offset) {
      case Register.DeviceFeaturesSel:
        this.deviceFeaturesSelect = value;
        break;
      case Register.DriverFeatures:
        this.negotiate(value);
        break;
      case Register.DriverFeaturesSel:
        this.driverFeaturesSelect = value;
        break;
      case Register.QueueSel:
        this.queueSelect = value;
        break;
      case Register.QueueSize:
        if (queue && !queue.ready) queue.settings.size = value;
        break;
      case Register.QueueReady:
        if (queue) this.makeReady(queue, value);
        break;
      case Register.QueueNotify:
        this.notified(value);
        break;
      case Register.InterruptACK:
        this.interrupts &= ~value;
        this.updateWire();
        break;
      case Register.Status:
        this.setStatus(value & STATUS_BITS);
        break;
    }
  }

  private get queue(): Virtqueue | undefined {
    return this.queues[this.queueSelect];
  }

  private get features(): bigint {
    return this.function.features | RING_INDIRECT_DESC | VERSION_1;
  }

  /** Bytes behind the end are zeros. */
  private readConfig(offset: number, bytes: number): number {
    const at = offset - Register.Config;
    let value = 0;
    for (let i = Math.min(bytes, this.config.byteLength - at) - 1; i >= 0; i--)
      value = (value << 8) | this.config.getUint8(at + i);
    return value >>> 0;
  }

  private negotiate(word: number): void {
    const { driverFeaturesSelect: half } = this;
    if (half > 1 || this.status & Status.FEATURES_OK) return;
    const shift = BigInt(32 * half);
    this.driverFeatures = (this.driverFeatures & ~(WORD << shift)) | (BigInt(word) << shift);
  }

  private setStatus(value: number): void {
    if (value === 0) {
      this.reset();
      return;
    }
    const accepted = (this.driverFeatures & ~this.features) === 0n && (this.driverFeatures & VERSION_1) !== 0n;
    const refused = accepted ? 0 : Status.FEATURES_OK;
    // Bits are not cleared but by a reset, and the device sets its own.
    this.status |= value & ~refused & ~Status.DEVICE_NEEDS_RESET;
    const indirect = (this.driverFeatures & RING_INDIRECT_DESC) !== 0n;
    for (const queue of this.queues) queue.indirect = indirect;
  }

  private makeReady(queue: Virtqueue, value: number): void {
    if ((value & 1) === 0) queue.disable();
    else if (!queue.ready && !queue.enable()) this.needsReset();
  }

  // --- queues

  private get works(): boolean {
    return (this.status & (Status.DRIVER_OK | Status.DEVICE_NEEDS_RESET)) === Status.DRIVER_OK;
  }

  /** The driver has made buffers available, or the device can go on with some. */
  private notified(index: number): void {
    const queue = this.queues[index];
    if (!queue || !this.works) return;
    const used = queue.used;
    const done = this.work(queue, index);
    if (queue.used !== used && queue.wantsInterrupt) this.interrupt(Interrupt.USED_BUFFER);
    if (done === broken) this.needsReset();
    else if (!done) {
      this.unfinished.add(index);
      this.alarm.set(this.time.tick + PAUSE);
    }
  }

  /** False: there may be more to do. */
  private work(queue: Virtqueue, index: number): boolean | typeof broken {
    for (let work = 0; work < WORK; ) {
      const chain = queue.pop();
      if (chain === undefined) return true;
      if (chain === broken) return broken;
      const done = this.function.handle(index, chain);
      if (done === undefined) return broken;
      if (done === waits) {
        queue.unpop();
        return true;
      }
      queue.push(chain, done.written);
      work += REQUEST + done.work;
    }
    return false;
  }

  private finish(): void {
    const indexes = [...this.unfinished];
    this.unfinished.clear();
    for (const index of indexes) this.notified(index);
  }

  private needsReset(): void {
    this.status |= Status.DEVICE_NEEDS_RESET;
    if (this.status & Status.DRIVER_OK) this.interrupt(Interrupt.CONFIGURATION);
  }

  private interrupt(bit: number): void {
    this.interrupts |= bit;
    this.updateWire();
  }

  private updateWire(): void {
    const level = this.interrupts !== 0;
    if (level === this.level) return;
    this.level = level;
    this.wire(level);
  }

  // --- snapshots

  /** The registers, five words of each queue and its indexes, the function's. */
  save(): BigUint64Array | string {
    const own = this.function.save();
    if (typeof own === 'string') return own;
    const registers = [
      this.status,
      this.interrupts,
      this.deviceFeaturesSelect,
      this.driverFeaturesSelect,
      this.driverFeatures,
      this.queueSelect,
    ];
    const queues = this.queues.flatMap(({ settings: { size, descriptors, driver, device }, ready, next, used }) => [
      ...[size, descriptors, driver, device],
      ...[Number(ready), next, used],
    ]);
    return joined([BigUint64Array.from([...registers, ...queues].map(BigInt)), own]);
  }

  restore(words: BigUint64Array): string | undefined {
    const end = 6 + 7 * this.queues.length;
    if (words.length < end) return `it has not ${words.length} words`;
    const [status, interrupts, deviceSelect, driverSelect, features, queueSelect] = words;
    const queues = this.queues.map((_, i) => words.subarray(6 + 7 * i, 13 + 7 * i));
    const small = [deviceSelect, driverSelect, queueSelect, ...queues.map(([size]) => size)];
    if (status > BigInt(STATUS_BITS) || interrupts > 3n || small.some((word) => word > WORD))
      return 'a register has bits that it does not keep';
    if (queues.some(([, , , , ready, next, used]) => ready > 1n || next > 0xffffn || used > 0xffffn))
      return 'a queue has indexes of more than 16 bits';
    const wrong = this.function.restore(words.subarray(end));
    if (wrong !== undefined) return wrong;
    this.status = Number(status);
    this.interrupts = Number(interrupts);
    this.deviceFeaturesSelect = Number(deviceSelect);
    this.driverFeaturesSelect = Number(driverSelect);
    this.driverFeatures = features;
    this.queueSelect = Number(queueSelect);
    this.unfinished.clear();
    for (const [i, queue] of this.queues.entries()) this.restoreQueue(queue, Array.from(queues[i], Number), i);
    this.level = this.interrupts !== 0;
    this.wire(this.level);
    return undefined;
  }

  private restoreQueue(queue: Virtqueue, words: readonly number[], index: number): void {
    const [size, descriptors, driver, device, ready, next, used] = words;
    queue.reset();
    Object.assign(queue.settings, { size, descriptors, driver, device });
    queue.indirect = (this.driverFeatures & RING_INDIRECT_DESC) !== 0n;
    if (ready === 0) return;
    if (!queue.enable()) this.status |= Status.DEVICE_NEEDS_RESET;
    Object.assign(queue, { next, used });
    // It may have been saved between two turns.
    this.unfinished.add(index);
    this.alarm.set(this.time.tick + PAUSE);
  }
}

/** A slot without a device. */
export const emptySlot: Device = {
  readRegister: (offset) => (offset === Register.MagicValue ? MAGIC : offset === Register.Version ? 2 : 0),
  writeRegister: () => undefined,
  reset: () => undefined,
};
