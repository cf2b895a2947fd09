/**
 * The sending half of the wire: replies become frames in one growing buffer, so that all answers to one chunk of input
 * leave in one write.
 *
 * GDB manual, Remote Protocol, Overview: frames, escapes, run-length encoding.
 */
import { Byte } from './wire.ts';

const digits = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const highDigit = Uint8Array.from({ length: 256 }, (_, byte) => digits[byte >> 4]);
const lowDigit = Uint8Array.from({ length: 256 }, (_, byte) => digits[byte & 15]);
/** What the two digits of a byte add to a checksum. */
const digitSum = Uint8Array.from({ length: 256 }, (_, byte) => highDigit[byte] + lowDigit[byte]);

/** Bytes that a reply must not hold as they are. */
const special = new Uint8Array(256);
for (const byte of [Byte.hash, Byte.dollar, Byte.star, Byte.escape]) special[byte] = 1;

/** Run lengths make a reply hard to read in a log and gain nothing below this. */
const shortestPacked = 256;
/** Places at which a reply is looked at to see whether it has runs. */
const samples = 64;
const longestRun = 97;
const questionMark = 0x3f;
const letterX = 0x78;

const utf8 = new TextEncoder();
const eight = new Uint8Array(8);
const eightAsValue = new DataView(eight.buffer);

/** A number as it is written everywhere in the protocol. */
export const hex = (value: number | bigint): string => value.toString(16);

/** Text as the hexadecimal digits of its UTF-8 bytes. */
export function hexText(text: string): string {
  let result = '';
  for (const byte of utf8.encode(text)) result += String.fromCharCode(highDigit[byte], lowDigit[byte]);
  return result;
}

export class Output {
  #bytes = new Uint8Array(1024);
  /** What was left last: long replies go by turns, and no memory is asked for. */
  #other = new Uint8Array(1024);
  #length = 0;
  /** Of the frame being written: where its `$` is. */
  #frame = 0;
  #sum = 0;
  /** The last whole frame, for a client that did not get it: its place in the buffer. */
  #lastStart = 0;
  #lastEnd = 0;

  get length(): number {
    return this.#length;
  }

  /** Everything written since the last call. The bytes stay as they are until more is written. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  /** Whoever took the bytes still needs them: go on in another buffer. If they are the `last`, the one before is free. */
  leave(last: boolean): void {
    const next = last ? this.#other : new Uint8Array(1024);
    this.#other = this.#bytes;
    this.#bytes = next;
  }

  /** The last frame, to be kept by one who may have to send it again. */
  lastFrame(): Uint8Array {
    return this.#bytes.slice(this.#lastStart, this.#lastEnd);
  }

  /** One byte as it is. */
  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  begin(): void {
    this.#frame = this.#length;
    this.byte(Byte.dollar);
    this.#sum = 0;
  }

  /** Characters of latin-1; any other becomes `?`. */
  text(text: string): void {
    this.#reserve(2 * text.length);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      this.#escaped(code > 0xff ? questionMark : code);
    }
  }

  /** Bytes, those that have a meaning in a frame escaped. Stops before `limit` bytes of output; returns how many went. */
  binary(bytes: Uint8Array, limit = Number.POSITIVE_INFINITY): number {
    this.#reserve(Math.min(2 * bytes.length, limit));
    const out = this.#bytes;
    const last = Math.min(this.#length + limit, out.length);
    let length = this.#length;
    let sum = this.#sum;
    let index = 0;
    for (; index < bytes.length && length < last; index++) {
      let byte = bytes[index];
      if (special[byte] !== 0) {
        if (length + 1 >= last) break;
        out[length++] = Byte.escape;
        byte ^= Byte.escapeBit;
        sum += Byte.escape;
      }
      out[length++] = byte;
      sum = (sum + byte) | 0;
    }
    this.#length = length;
    this.#sum = sum & 0xff;
    return index;
  }

  /** Bytes as two digits each. */
  hex(bytes: Uint8Array): void {
    this.#reserve(2 * bytes.length);
    const out = this.#bytes;
    let length = this.#length;
    let sum = this.#sum;
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index];
      out[length] = highDigit[byte];
      out[length + 1] = lowDigit[byte];
      length += 2;
      sum = (sum + digitSum[byte]) | 0;
    }
    this.#length = length;
    this.#sum = sum & 0xff;
  }

  /** An unsigned value as the bytes of the target's memory, two digits each. */
  value(value: bigint, size: number, bigEndian = false): void {
    if (size > 8) {
      const low = BigInt.asUintN(64, value);
      if (bigEndian) this.value(value >> 64n, size - 8, true);
      this.value(low, 8, bigEndian);
      if (!bigEndian) this.value(value >> 64n, size - 8);
      return;
    }
    this.#reserve(2 * size);
    eightAsValue.setBigUint64(0, value, !bigEndian);
    const first = bigEndian ? 8 - size : 0;
    for (let index = first; index < first + size; index++) {
      const byte = eight[index];
      this.#bytes[this.#length++] = highDigit[byte];
      this.#bytes[this.#length++] = lowDigit[byte];
      this.#sum += digitSum[byte];
    }
  }

  /** `xx` for each byte: there is a value, but it cannot be known. */
  unavailable(size: number): void {
    this.#reserve(2 * size);
    this.#bytes.fill(letterX, this.#length, this.#length + 2 * size);
    this.#length += 2 * size;
    this.#sum += 2 * size * letterX;
  }

  end(): void {
    const start = this.#frame + 1;
    if (this.#length - start >= shortestPacked && this.#hasRuns(start)) this.#sum = this.#pack(start);
    this.#reserve(3);
    this.#bytes[this.#length++] = Byte.hash;
    this.#bytes[this.#length++] = highDigit[this.#sum & 0xff];
    this.#bytes[this.#length++] = lowDigit[this.#sum & 0xff];
    this.#lastStart = this.#frame;
    this.#lastEnd = this.#length;
  }

  /** Whether half of some places of the payload are like their neighbours: then run lengths pay. */
  #hasRuns(start: number): boolean {
    const bytes = this.#bytes;
    const distance = (this.#length - start - 4) / samples;
    let runs = 0;
    for (let sample = 0; sample < samples; sample++) {
      const at = start + Math.floor(sample * distance);
      if (bytes[at] === bytes[at + 1] && bytes[at] === bytes[at + 2] && bytes[at] === bytes[at + 3]) runs++;
    }
    return 2 * runs >= samples;
  }

  #escaped(byte: number): void {
    let sent = byte;
    if (special[byte] !== 0) {
      this.#bytes[this.#length++] = Byte.escape;
      sent ^= Byte.escapeBit;
      this.#sum += Byte.escape;
    }
    this.#bytes[this.#length++] = sent;
    this.#sum += sent;
  }

  /** Writes runs of the payload from `start` as run lengths, in place. Returns the new sum. */
  #pack(start: number): number {
    const bytes = this.#bytes;
    const end = this.#length;
    let out = start;
    let sum = 0;
    for (let index = start; index < end; ) {
      const byte = bytes[index++];
      bytes[out++] = byte;
      sum += byte;
      if (byte === Byte.escape) {
        // gdb expands runs before it undoes escapes and lldb at the same time: a run after an escape is none.
        sum += bytes[index];
        bytes[out++] = bytes[index++];
        continue;
      }
      let count = 0;
      while (count < longestRun && index + count < end && bytes[index + count] === byte) count++;
      count = legalRun(count);
      if (count === 0) continue;
      sum += Byte.star + count + Byte.runBase;
      bytes[out++] = Byte.star;
      bytes[out++] = count + Byte.runBase;
      index += count;
    }
    this.#length = out;
    return sum;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** The longest run up to this count whose character has no meaning of its own; 0 where a run does not pay. */
function legalRun(count: number): number {
  while (count >= 3) {
    const character = count + Byte.runBase;
    const taken =
      character === Byte.hash || character === Byte.dollar || character === Byte.plus || character === Byte.minus;
    if (!taken) return count;
    count--;
  }
  return 0;
}
