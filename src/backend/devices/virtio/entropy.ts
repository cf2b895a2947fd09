/** VIRTIO 1.2, 5.4 "Entropy Device". */
import type { RandomSource } from '../../random.ts';
import type { DeviceMemory } from '../memory.ts';
import type { Done, VirtioFunction } from './function.ts';
import { type Chain, lengthOf, scatter, slice } from './queue.ts';

/** A request gets no more: a driver asks again. */
const MOST = 4096;

export class Entropy implements VirtioFunction {
  readonly name = 'entropy';
  readonly id = 4;
  readonly features = 0n;
  readonly queues = 1;
  readonly config = new Uint8Array();
  ready: (queue: number) => void = () => undefined;
  private readonly memory: DeviceMemory;
  private readonly source: RandomSource;

  constructor(source: RandomSource, memory: DeviceMemory) {
    this.source = source;
    this.memory = memory;
  }

  handle(_queue: number, { readable, writable }: Chain): Done | undefined {
    if (readable.length > 0) return undefined;
    const length = Math.min(lengthOf(writable), MOST);
    scatter(this.memory, slice(writable, 0, length), this.source.bytes(length));
    return { written: length, work: length };
  }

  reset(): void {}

  save(): BigUint64Array {
    return BigUint64Array.of(BigInt(this.source.position));
  }

  restore(words: BigUint64Array): string | undefined {
    if (words.length !== 1 || words[0] > BigInt(Number.MAX_SAFE_INTEGER)) return 'its source was another one';
    this.source.position = Number(words[0]);
    return undefined;
  }
}
