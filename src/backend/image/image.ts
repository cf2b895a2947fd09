/** What a guest starts with: pieces of physical memory and the address of the first instruction. */

export interface RamRange {
  readonly start: bigint;
  /** In bytes. */
  readonly length: bigint;
}

export interface Image {
  /** `firmware` lies in flash, and has no segments. */
  readonly kind: 'elf' | 'linux' | 'flat' | 'firmware';
  /** By ascending address, without overlap, all inside the RAM. */
  readonly segments: readonly Segment[];
  /** Physical address of the first instruction. */
  readonly entry: bigint;
}

export interface Segment {
  /** Physical. */
  readonly address: bigint;
  /** A view into the file. */
  readonly data: Uint8Array;
  /** Bytes of memory, at least those of `data`: the rest are zeros. */
  readonly length: bigint;
}

/** Why a file cannot be loaded: a sentence without a full stop at its end. */
export class ImageError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}
