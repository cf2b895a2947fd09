/** What a virtio device does behind its transport. VIRTIO 1.2, 5 "Device Types". */
import type { Chain } from './queue.ts';

/** What a queue's request came to. */
export interface Done {
  /** Bytes written into its buffers. */
  readonly written: number;
  /** Bytes moved in all: what a device may do at one go is limited. */
  readonly work: number;
}

/** Of a request that waits for something from outside: it stays in the queue. */
export const waits = 'waits';

export interface VirtioFunction {
  /** Of a snapshot. */
  readonly name: string;
  /** The device ID. */
  readonly id: number;
  /** Feature bits beside those of all devices. */
  readonly features: bigint;
  readonly queues: number;
  /** The configuration space. */
  readonly config: Uint8Array;
  /** A request of a queue. Undefined: it breaks the rules, and the device needs a reset. */
  handle(queue: number, chain: Chain): Done | typeof waits | undefined;
  /** Requests of this queue that wait may be handled now. Set by the transport. */
  ready: (queue: number) => void;
  /** The driver has reset the device, or the machine was. */
  reset(): void;
  /** State beside the transport's. A string: why it cannot be saved. */
  save(): BigUint64Array | string;
  /** A string: why these words cannot be its state. */
  restore(words: BigUint64Array): string | undefined;
  close?(): void;
}
