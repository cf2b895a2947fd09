/** Looking through long ranges of memory, block by block. */

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/** GDB's CRC-32: highest bit first, neither reflected nor inverted. Starts from 0xffffffff. GDB manual, qCRC. */
export function crc32(start: number, data: Uint8Array): number {
  let crc = start;
  for (let index = 0; index < data.length; index++)
    crc = ((crc << 8) ^ crcTable[((crc >>> 24) ^ data[index]) & 0xff]) >>> 0;
  return crc;
}

/** Knuth, Morris and Pratt: no input takes longer than its length, and blocks need not overlap. */
export class Search {
  readonly #pattern: Uint8Array;
  /** For each length that matched: the longest shorter one that matches at the same end. */
  readonly #shorter: Uint32Array;
  #matched = 0;
  #position = 0;

  /** @param pattern not empty; copied */
  constructor(pattern: Uint8Array) {
    this.#pattern = pattern.slice();
    this.#shorter = new Uint32Array(pattern.length + 1);
    for (let length = 1, matched = 0; length < pattern.length; length++) {
      while (matched > 0 && pattern[length] !== pattern[matched]) matched = this.#shorter[matched];
      if (pattern[length] === pattern[matched]) matched++;
      this.#shorter[length + 1] = matched;
    }
  }

  /** Goes on with the bytes behind the last ones. The place of the pattern from the first byte of all, if it is found. */
  next(data: Uint8Array): number | undefined {
    const pattern = this.#pattern;
    let matched = this.#matched;
    for (let index = 0; index < data.length; index++) {
      while (matched > 0 && data[index] !== pattern[matched]) matched = this.#shorter[matched];
      if (data[index] === pattern[matched]) matched++;
      if (matched === pattern.length) return this.#position + index + 1 - pattern.length;
    }
    this.#matched = matched;
    this.#position += data.length;
    return undefined;
  }
}
