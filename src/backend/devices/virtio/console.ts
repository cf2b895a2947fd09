/** A console without ports beside the first. VIRTIO 1.2, 5.3 "Console Device". */
import type { DeviceMemory } from '../memory.ts';
import { type Done, type VirtioFunction, waits } from './function.ts';
import { type Chain, gather, scatter, slice } from './queue.ts';

const RECEIVE = 0;
/** Bytes that wait for a guest that does not read. */
const MOST = 1 << 16;
/** What a request sends beyond this is lost: no driver does so. */
const LONGEST = 1 << 20;

export class Console implements VirtioFunction {
  readonly name = 'console';
  readonly id = 3;
  readonly features = 0n;
  readonly queues = 2;
  readonly config = new Uint8Array(12);
  ready: (queue: number) => void = () => undefined;
  private readonly memory: DeviceMemory;
  private readonly send: (bytes: Uint8Array) => void;
  private waiting = new Uint8Array();

  constructor(send: (bytes: Uint8Array) => void, memory: DeviceMemory) {
    this.send = send;
    this.memory = memory;
  }

  /** Bytes from outside. Returns how many were taken. */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, MOST - this.waiting.length);
    if (taken === 0) return 0;
    const all = new Uint8Array(this.waiting.length + taken);
    all.set(this.waiting);
    all.set(bytes.subarray(0, taken), this.waiting.length);
    this.waiting = all;
    this.ready(RECEIVE);
    return taken;
  }

  handle(queue: number, { readable, writable }: Chain): Done | typeof waits | undefined {
    if (queue === RECEIVE) {
      if (this.waiting.length === 0) return waits;
      const written = scatter(this.memory, writable, this.waiting);
      if (written === 0) return undefined;
      this.waiting = this.waiting.slice(written);
      return { written, work: written };
    }
    const bytes = gather(slice(readable, 0, LONGEST));
    this.send(bytes);
    return { written: 0, work: bytes.length };
  }

  /** What waits is outside the machine. */
  reset(): void {}

  save(): BigUint64Array {
    return new BigUint64Array();
  }

  restore(words: BigUint64Array): string | undefined {
    return words.length === 0 ? undefined : 'it has no state';
  }
}
