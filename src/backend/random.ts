/** Random bytes: of the host, or the same in every run. */
import { createHash, randomBytes } from 'node:crypto';

const BLOCK = 32;

export interface RandomSource {
  /** Bytes given so far. */
  position: number;
  bytes(length: number): Uint8Array;
}

/** The host's. */
class HostRandom implements RandomSource {
  position = 0;

  bytes(length: number): Uint8Array {
    this.position += length;
    return randomBytes(length);
  }
}

/** SHA-256 of the seed and a count. Not for secrets. */
class SeededRandom implements RandomSource {
  position = 0;
  private readonly seed: string;

  constructor(seed: string) {
    this.seed = seed;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const block = createHash('sha256')
        .update(`${this.seed} ${Math.floor(this.position / BLOCK)}`)
        .digest();
      const part = block.subarray(this.position % BLOCK).subarray(0, length - at);
      bytes.set(part, at);
      at += part.length;
      this.position += part.length;
    }
    return bytes;
  }
}

/** `host` for the host's, anything else for what this seed makes of it. */
export const randomSource = (seed: string): RandomSource =>
  seed === 'host' ? new HostRandom() : new SeededRandom(seed);
