/**
 * A split virtqueue, from the device's side. What lies in RAM was written by a driver that may be an enemy: every index,
 * address and length is looked at, and a queue that makes no sense answers `broken`.
 *
 * Virtual I/O Device (VIRTIO) 1.2, 2.7 "Split Virtqueues".
 */
import type { DeviceMemory } from '../memory.ts';

export const MOST_DESCRIPTORS = 256;

/** VIRTQ_DESC_F_NEXT, _WRITE, _INDIRECT. */
const Flag = { NEXT: 1, WRITE: 2, INDIRECT: 4 } as const;
const NO_INTERRUPT = 1;
const DESCRIPTOR = 16;
/** Larger addresses are no RAM anyway. */
const END = 2 ** 48;

export const broken = 'broken';

/** A piece of RAM. */
export interface Piece {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** The buffers of a request: first those that the device reads, then those that it writes. */
export interface Chain {
  readonly head: number;
  readonly readable: readonly Piece[];
  readonly writable: readonly Piece[];
}

export const lengthOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** Parts of the pieces that make up `length` bytes from `from` on; fewer where they end. */
export function slice(pieces: readonly Piece[], from: number, length: number): Piece[] {
  const found: Piece[] = [];
  let [skip, left] = [from, length];
  for (const { address, bytes } of pieces) {
    const part = bytes.subarray(Math.min(skip, bytes.length), Math.min(skip + left, bytes.length));
    if (part.length > 0) found.push({ address: address + skip, bytes: part });
    skip = Math.max(0, skip - bytes.length);
    left -= part.length;
    if (left <= 0) break;
  }
  return found;
}

/** A copy of what they hold. */
export function gather(pieces: readonly Piece[]): Uint8Array {
  const all = new Uint8Array(lengthOf(pieces));
  let at = 0;
  for (const { bytes } of pieces) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}

/** Copies into them, as much as fits; how much that was. */
export function scatter(memory: DeviceMemory, pieces: readonly Piece[], data: Uint8Array): number {
  let at = 0;
  for (const { address, bytes } of pieces) {
    if (at >= data.length) break;
    const part = data.subarray(at, at + bytes.length);
    bytes.set(part);
    memory.written(address, part.length);
    at += part.length;
  }
  return at;
}

/** The three areas in RAM. */
interface Areas {
  readonly descriptors: DataView;
  /** flags, idx, ring. */
  readonly available: Uint16Array;
  readonly used: Uint16Array;
  /** The same as pairs of words, behind flags and idx. */
  readonly usedRing: Uint32Array;
}

/** What a driver sets before it makes a queue ready. */
export interface QueueSettings {
  size: number;
  descriptors: number;
  driver: number;
  device: number;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function areasOf(memory: DeviceMemory, { size, descriptors, driver, device }: QueueSettings): Areas | undefined {
  if (size === 0 || size > MOST_DESCRIPTORS || (size & (size - 1)) !== 0) return undefined;
  if (descriptors % 16 !== 0 || driver % 2 !== 0 || device % 4 !== 0) return undefined;
  const table = descriptors < END ? memory.view(descriptors, size * DESCRIPTOR) : undefined;
  const available = driver < END ? memory.view(driver, 4 + 2 * size) : undefined;
  const used = device < END ? memory.view(device, 4 + 8 * size) : undefined;
  if (!table || !available || !used) return undefined;
  return {
    descriptors: view(table),
    available: new Uint16Array(available.buffer, available.byteOffset, 2 + size),
    used: new Uint16Array(used.buffer, used.byteOffset, 2),
    usedRing: new Uint32Array(used.buffer, used.byteOffset + 4, 2 * size),
  };
}

export class Virtqueue {
  readonly settings: QueueSettings = { size: 0, descriptors: 0, driver: 0, device: 0 };
  /** idx of the next buffer to take, and of the next one to give back. */
  next = 0;
  used = 0;
  /** VIRTIO_F_RING_INDIRECT_DESC was negotiated. */
  indirect: boolean = false;
  private readonly memory: DeviceMemory;
  private areas: Areas | undefined;

  constructor(memory: DeviceMemory) {
    this.memory = memory;
  }

  get ready(): boolean {
    return this.areas !== undefined;
  }

  /** False: the settings make no queue. */
  enable(): boolean {
    this.areas = areasOf(this.memory, this.settings);
    return this.ready;
  }

  disable(): void {
    this.areas = undefined;
    this.next = 0;
    this.used = 0;
  }

  reset(): void {
    this.disable();
    Object.assign(this.settings, { size: 0, descriptors: 0, driver: 0, device: 0 });
  }

  /** The next request; undefined: there is none. */
  pop(): Chain | undefined | typeof broken {
    const { areas } = this;
    if (!areas) return undefined;
    const { size } = this.settings;
    const waiting = (Atomics.load(areas.available, 1) - this.next) & 0xffff;
    if (waiting === 0) return undefined;
    if (waiting > size) return broken;
    const head = areas.available[2 + (this.next & (size - 1))];
    const chain = this.follow(areas.descriptors, head);
    if (chain !== broken) this.next = (this.next + 1) & 0xffff;
    return chain;
  }

  /** The request was not taken after all. */
  unpop(): void {
    this.next = (this.next - 1) & 0xffff;
  }

  /** Gives the buffers back, `written` bytes of them filled. */
  push({ head }: Chain, written: number): void {
    const { areas } = this;
    if (!areas) return;
    const { size, device } = this.settings;
    const slot = this.used & (size - 1);
    areas.usedRing[2 * slot] = head;
    areas.usedRing[2 * slot + 1] = written;
    this.used = (this.used + 1) & 0xffff;
    // The driver may run on another processor: what is in the ring comes before its index.
    Atomics.store(areas.used, 1, this.used);
    this.memory.written(device, 4 + 8 * size);
  }

  /** Whether the driver wants to hear of buffers that were given back. */
  get wantsInterrupt(): boolean {
    return this.areas !== undefined && (Atomics.load(this.areas.available, 0) & NO_INTERRUPT) === 0;
  }

  private follow(queueTable: DataView, head: number): Chain | typeof broken {
    const readable: Piece[] = [];
    const writable: Piece[] = [];
    let table = queueTable;
    let index = head;
    for (let count = 0; count < MOST_DESCRIPTORS + 1; count++) {
      const at = index * DESCRIPTOR;
      if (at + DESCRIPTOR > table.byteLength) return broken;
      const address = Number(table.getBigUint64(at, true));
      const length = table.getUint32(at + 8, true);
      const flags = table.getUint16(at + 12, true);
      const bytes = address < END && length > 0 ? this.memory.view(address, length) : undefined;
      if (!bytes) return broken;
      if (flags & Flag.INDIRECT) {
        const mayBe = this.indirect && table === queueTable && (flags & Flag.NEXT) === 0 && length % DESCRIPTOR === 0;
        if (!mayBe) return broken;
        table = view(bytes);
        index = 0;
        continue;
      }
      if (flags & Flag.WRITE) writable.push({ address, bytes });
      else if (writable.length > 0) return broken;
      else readable.push({ address, bytes });
      if (readable.length + writable.length > this.settings.size) return broken;
      if ((flags & Flag.NEXT) === 0) return { head, readable, writable };
      index = table.getUint16(at + 14, true);
    }
    return broken;
  }
}
