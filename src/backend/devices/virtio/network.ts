/** A network card without offloads. VIRTIO 1.2, 5.1 "Network Device". */
import type { DeviceMemory } from '../memory.ts';
import { type Done, type VirtioFunction, waits } from './function.ts';
import { type Chain, gather, lengthOf, scatter, slice } from './queue.ts';

const RECEIVE = 0;
/** struct virtio_net_hdr with num_buffers. */
const HEADER = 12;
const NUM_BUFFERS = 10;
const MAC = 1n << 5n;
/** More is no frame. */
const LONGEST = 65_536;
/** Frames that wait for a guest that does not take them; the others are lost, as on a wire. */
const MOST = 256;

/** The wire. */
export interface Link {
  send(frame: Uint8Array): void;
  /** Called with each frame that comes. Set by the card. */
  received: (frame: Uint8Array) => void;
  close?(): void;
}

/** What is sent comes back. */
export class Loopback implements Link {
  received: (frame: Uint8Array) => void = () => undefined;

  send(frame: Uint8Array): void {
    this.received(frame);
  }
}

export class Network implements VirtioFunction {
  readonly name = 'network';
  readonly id = 1;
  readonly features = MAC;
  readonly queues = 2;
  readonly config: Uint8Array;
  ready: (queue: number) => void = () => undefined;
  private readonly memory: DeviceMemory;
  private readonly link: Link;
  private waiting: Uint8Array[] = [];

  /** `address`: the six bytes of the card. */
  constructor(link: Link, address: readonly number[], memory: DeviceMemory) {
    this.link = link;
    this.memory = memory;
    this.config = Uint8Array.of(...address, 0, 0);
    link.received = (frame) => this.receive(frame);
  }

  handle(queue: number, { readable, writable }: Chain): Done | typeof waits | undefined {
    if (queue === RECEIVE) return this.fill(writable);
    const length = lengthOf(readable);
    if (length < HEADER || writable.length > 0) return undefined;
    if (length <= HEADER + LONGEST) this.link.send(gather(slice(readable, HEADER, length - HEADER)));
    return { written: 0, work: Math.min(length, LONGEST) };
  }

  private receive(frame: Uint8Array): void {
    if (frame.length > LONGEST || this.waiting.length >= MOST) return;
    this.waiting.push(frame);
    this.ready(RECEIVE);
  }

  /** A frame that does not fit is lost; its buffer comes back empty. */
  private fill(writable: Chain['writable']): Done | typeof waits {
    const frame = this.waiting.shift();
    if (!frame) return waits;
    if (lengthOf(writable) < HEADER + frame.length) return { written: 0, work: 0 };
    const all = new Uint8Array(HEADER + frame.length);
    all[NUM_BUFFERS] = 1;
    all.set(frame, HEADER);
    return { written: scatter(this.memory, writable, all), work: all.length };
  }

  /** What is on the wire is lost. */
  reset(): void {
    this.waiting = [];
  }

  save(): BigUint64Array {
    return new BigUint64Array();
  }

  restore(words: BigUint64Array): string | undefined {
    this.waiting = [];
    return words.length === 0 ? undefined : 'it has no state';
  }

  close(): void {
    this.link.close?.();
  }
}
