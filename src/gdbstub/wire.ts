/**
 * The receiving half of the wire: bytes come in as the network cuts them, packets and single-byte signals come out.
 *
 * GDB manual, Remote Protocol, Overview; Packet Acknowledgment; Interrupts.
 */

export const Byte = {
  interrupt: 0x03,
  hash: 0x23,
  dollar: 0x24,
  star: 0x2a,
  plus: 0x2b,
  minus: 0x2d,
  escape: 0x7d,
  /** An escaped byte is sent as itself xor this. */
  escapeBit: 0x20,
  /** A run of n more equal bytes is sent as the character n + 29. */
  runBase: 29,
} as const;

/** Value of a hexadecimal digit by its character code, or -1. */
export const digitValue = Int8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? -1 : value;
});

/**
 * - `packet`: a whole packet, its checksum right if it is looked at; its payload lies in the Input.
 * - `interrupt`: the byte 0x03 outside a packet.
 * - `ack`, `nak`: `+` and `-` outside a packet.
 * - `corrupt`: a packet whose checksum is wrong.
 * - `malformed`: a packet that came as it was sent, but its escapes or run lengths mean nothing.
 * - `overlong`: a packet longer than agreed; it was thrown away.
 */
export type InputEvent = 'packet' | 'interrupt' | 'ack' | 'nak' | 'corrupt' | 'malformed' | 'overlong';

const noBytes = new Uint8Array(0);
/** Bytes that are looked at one by one before the engine's search is called. */
const shortPacket = 128;
const worthCopying = 200;

/**
 * Finds the packets in a stream of bytes. After `push(chunk)`, `next()` is called until it answers undefined. A packet
 * that lies whole in one chunk is shown where it lies; one that is cut is put together in a buffer that never grows
 * beyond the longest packet. Everything else between packets is skipped.
 */
export class Input {
  /** The last packet's payload, escapes and runs undone: bytes[start..end). Valid until the next call. */
  bytes: Uint8Array = noBytes;
  start = 0;
  end = 0;
  /** Without acknowledgements no checksum is looked at: no answer could say that it is wrong. */
  verify: boolean = true;

  readonly #longest: number;
  #chunk: Uint8Array = noBytes;
  #at = 0;

  // The packet being read.
  #inPacket: boolean = false;
  #sum = 0;
  /** Has an escape or a run. */
  #packed: boolean = false;
  #length = 0;
  /** What earlier chunks held of it: stored[0..kept). */
  #stored: Uint8Array = noBytes;
  #kept = 0;
  /** Digits of the checksum that have come, or -1 before `#`. */
  #digits = -1;
  #checksum = 0;
  #unpacked: Uint8Array = noBytes;

  /** @param longest most bytes of a payload, before and after its escapes and runs are undone */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** The chunk must stay as it is until next() has answered undefined. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  next(): InputEvent | undefined {
    if (this.#inPacket) return this.#packet(this.#at);
    const chunk = this.#chunk;
    while (this.#at < chunk.length) {
      switch (chunk[this.#at++]) {
        case Byte.dollar:
          this.#inPacket = true;
          this.#packed = false;
          this.#sum = this.#length = this.#kept = this.#checksum = 0;
          this.#digits = -1;
          return this.#packet(this.#at);
        case Byte.interrupt:
          return 'interrupt';
        case Byte.plus:
          return 'ack';
        case Byte.minus:
          return 'nak';
      }
    }
    this.#chunk = noBytes;
    this.#at = 0;
    return undefined;
  }

  /** Goes on with a packet whose next byte is chunk[start]. */
  #packet(start: number): InputEvent | undefined {
    const chunk = this.#chunk;
    let end = start;
    if (this.#digits < 0) {
      end = this.#scan(start);
      this.#length += end - start;
      this.#at = end;
      if (end < chunk.length) {
        this.#digits = 0;
        this.#at++;
      }
    }
    while (this.#digits >= 0 && this.#digits < 2 && this.#at < chunk.length) {
      const value = digitValue[chunk[this.#at++]];
      this.#checksum = value < 0 ? Number.NaN : this.#checksum * 16 + value;
      this.#digits++;
    }
    const whole = this.#digits === 2;
    if (!whole || this.#kept > 0) this.#keep(start, end);
    if (!whole) return undefined;
    this.#inPacket = false;
    if (this.#length > this.#longest) return 'overlong';
    if (this.verify && this.#checksum !== (this.#sum & 0xff)) return 'corrupt';
    this.bytes = this.#kept > 0 ? this.#stored : chunk;
    this.start = this.#kept > 0 ? 0 : start;
    this.end = this.start + this.#length;
    return this.#packed ? this.#unpack() : 'packet';
  }

  /** Where the payload ends in this chunk: at its `#` or at the end of the chunk. */
  #scan(start: number): number {
    const chunk = this.#chunk;
    const near = Math.min(chunk.length, start + shortPacket);
    let sum = this.#sum;
    let at = start;
    for (; at < near; at++) {
      const byte = chunk[at];
      if (byte === Byte.hash) break;
      sum += byte;
      if (byte === Byte.escape || byte === Byte.star) this.#packed = true;
    }
    this.#sum = sum & 0xff;
    return at === near && near < chunk.length ? this.#scanFar(at) : at;
  }

  /** Long packets: the engine's own search is faster than a loop, but not worth calling for short ones. */
  #scanFar(start: number): number {
    const chunk = this.#chunk;
    const hash = chunk.indexOf(Byte.hash, start);
    const end = hash < 0 ? chunk.length : hash;
    const rest = chunk.subarray(start, end);
    this.#packed ||= rest.includes(Byte.escape) || rest.includes(Byte.star);
    if (this.verify) this.#sum = (this.#sum + checksum(rest)) & 0xff;
    return end;
  }

  #keep(start: number, end: number): void {
    if (end === start || this.#length > this.#longest) return;
    const needed = this.#kept + end - start;
    if (needed > this.#stored.length) {
      const larger = new Uint8Array(Math.min(this.#longest, Math.max(needed, 2 * this.#stored.length, 1024)));
      larger.set(this.#stored.subarray(0, this.#kept));
      this.#stored = larger;
    }
    this.#stored.set(this.#chunk.subarray(start, end), this.#kept);
    this.#kept = needed;
  }

  #unpack(): InputEvent {
    if (this.#unpacked.length === 0) this.#unpacked = new Uint8Array(this.#longest);
    const length = unpack(this.bytes.subarray(this.start, this.end), this.#unpacked);
    if (typeof length === 'string') return length;
    this.bytes = this.#unpacked;
    this.start = 0;
    this.end = length;
    return 'packet';
  }
}

function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index++) sum = (sum + bytes[index]) | 0;
  return sum & 0xff;
}

/** Undoes escapes (`}c`) and runs (`c*n`). The length of the result, or what is wrong. */
function unpack(bytes: Uint8Array, out: Uint8Array): number | 'malformed' | 'overlong' {
  return bytes.includes(Byte.star) ? unpackAll(bytes, out) : unpackEscapes(bytes, out);
}

function unpackEscapes(bytes: Uint8Array, out: Uint8Array): number | 'malformed' {
  let length = 0;
  let at = 0;
  for (;;) {
    const found = bytes.indexOf(Byte.escape, at);
    const end = found < 0 ? bytes.length : found;
    if (end - at < worthCopying) while (at < end) out[length++] = bytes[at++];
    else {
      out.set(bytes.subarray(at, end), length);
      length += end - at;
    }
    if (found < 0) return length;
    if (found + 1 === bytes.length) return 'malformed';
    out[length++] = bytes[found + 1] ^ Byte.escapeBit;
    at = found + 2;
  }
}

function unpackAll(bytes: Uint8Array, out: Uint8Array): number | 'malformed' | 'overlong' {
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === Byte.star) {
      const count = ++at < bytes.length ? bytes[at] - Byte.runBase : 0;
      if (count < 3 || count > 97 || length === 0) return 'malformed';
      if (length + count > out.length) return 'overlong';
      out.fill(out[length - 1], length, length + count);
      length += count;
    } else if (length === out.length) return 'overlong';
    else if (byte !== Byte.escape) out[length++] = byte;
    else if (++at === bytes.length) return 'malformed';
    else out[length++] = bytes[at] ^ Byte.escapeBit;
  }
  return length;
}
