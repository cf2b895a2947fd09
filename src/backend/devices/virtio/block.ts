/** VIRTIO 1.2, 5.2 "Block Device". */
import type { Disk } from '../disk.ts';
import type { DeviceMemory } from '../memory.ts';
import type { Done, VirtioFunction } from './function.ts';
import { type Chain, gather, lengthOf, type Piece, scatter, slice } from './queue.ts';

const SECTOR = 512;
const HEADER = 16;
const Request = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8 } as const;
const Answer = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;
const Feature = { SEG_MAX: 1n << 2n, RO: 1n << 5n, BLK_SIZE: 1n << 6n, FLUSH: 1n << 9n } as const;
const ID_BYTES = 20;
/** A request moves no more: a driver has no need for it, and an enemy gets an error. */
const LONGEST = 64 << 20;
/** Segments of a request, its header and status beside them. */
const SEGMENTS = 126;

export interface BlockOptions {
  readonly disk: Disk;
  readonly memory: DeviceMemory;
  /** What GET_ID answers. */
  readonly serial: string;
}

export class Block implements VirtioFunction {
  readonly name: string;
  readonly id = 2;
  readonly features: bigint;
  readonly queues = 1;
  readonly config = new Uint8Array(60);
  ready: (queue: number) => void = () => undefined;
  private readonly disk: Disk;
  private readonly memory: DeviceMemory;
  private readonly serial: string;

  constructor({ disk, memory, serial }: BlockOptions) {
    this.name = `block ${serial}`;
    this.disk = disk;
    this.memory = memory;
    this.serial = serial;
    this.features = Feature.SEG_MAX | Feature.BLK_SIZE | Feature.FLUSH | (disk.readOnly ? Feature.RO : 0n);
    const config = new DataView(this.config.buffer);
    config.setBigUint64(0, BigInt(Math.floor(disk.size / SECTOR)), true);
    config.setUint32(12, SEGMENTS, true);
    config.setUint32(20, SECTOR, true);
  }

  handle(_queue: number, { readable, writable }: Chain): Done | undefined {
    const room = lengthOf(writable);
    const length = lengthOf(readable);
    if (length < HEADER || room < 1) return undefined;
    const header = new DataView(gather(slice(readable, 0, HEADER)).buffer);
    const type = header.getUint32(0, true);
    const position = Number(header.getBigUint64(8, true)) * SECTOR;
    const from = slice(readable, HEADER, length - HEADER);
    const to = slice(writable, 0, room - 1);
    const answer = this.carryOut(type, position, from, to);
    const status = slice(writable, room - 1, 1);
    scatter(this.memory, status, Uint8Array.of(answer));
    return { written: room, work: length + room };
  }

  private carryOut(type: number, position: number, from: readonly Piece[], to: readonly Piece[]): number {
    const { disk } = this;
    switch (type) {
      case Request.IN:
        if (!this.fits(position, lengthOf(to))) return Answer.IOERR;
        return this.each(to, position, ({ address, bytes }, at) => {
          const done = disk.read(bytes, at);
          this.memory.written(address, bytes.length);
          return done;
        });
      case Request.OUT:
        if (disk.readOnly || !this.fits(position, lengthOf(from))) return Answer.IOERR;
        return this.each(from, position, ({ bytes }, at) => disk.write(bytes, at));
      case Request.FLUSH:
        return disk.readOnly || disk.flush() ? Answer.OK : Answer.IOERR;
      case Request.GET_ID: {
        const text = new Uint8Array(ID_BYTES);
        new TextEncoder().encodeInto(this.serial, text);
        scatter(this.memory, to, text);
        return Answer.OK;
      }
      default:
        return Answer.UNSUPP;
    }
  }

  private fits(position: number, length: number): boolean {
    const size = Math.floor(this.disk.size / SECTOR) * SECTOR;
    return length % SECTOR === 0 && length <= LONGEST && position + length <= size;
  }

  private each(pieces: readonly Piece[], position: number, act: (piece: Piece, at: number) => boolean): number {
    let at = position;
    for (const piece of pieces) {
      if (!act(piece, at)) return Answer.IOERR;
      at += piece.bytes.length;
    }
    return Answer.OK;
  }

  reset(): void {}

  save(): BigUint64Array | string {
    return this.disk.save();
  }

  restore(words: BigUint64Array): string | undefined {
    return this.disk.restore(words);
  }

  close(): void {
    this.disk.close();
  }
}
