/**
 * A snapshot from the bytes of a file, read as if an enemy had written it: nothing in it is believed before it has been
 * checked, and no memory is taken that the file's own length does not account for.
 */
import { createHash } from 'node:crypto';
import { idWords } from '../kvm-ids.ts';
import type { VcpuEvents } from '../vcpu.ts';
import { DIGEST, hasMagic, MAGIC, NO_MP_STATE, SnapshotError, START, VERSION } from './format.ts';
import { LONGEST_PIECE } from './ram.ts';
import { type CpuVmstate, type DeviceState, PAGE, type RamImage, type RamPiece, type Snapshot } from './snapshot.ts';

/** No machine has more. */
const Most = { cpus: 512, registers: 4096, devices: 64, deviceWords: 1 << 26, ranges: 64, text: 64 } as const;

/** Where the bytes of a file come from. */
export interface ByteSource {
  /** Of the whole file. */
  readonly length: number;
  /** Fills the front of `into`. How many bytes there were: 0 only at the end. */
  read(into: Uint8Array): number;
}

/** Thrown and caught in this file only. */
class Wrong extends Error {}

const wrong = (message: string): never => {
  throw new Wrong(message);
};

const BUFFER = 1 << 16;

/** Reads on and on, and hashes what it has read. */
class Reader {
  /** What is left of the file without its digest. */
  left: number;
  readonly #source: ByteSource;
  readonly #hash = createHash('sha256');
  readonly #buffer = new Uint8Array(BUFFER);
  #at = 0;
  #end = 0;

  constructor(source: ByteSource) {
    this.#source = source;
    this.left = source.length - DIGEST;
  }

  /** Memory is taken only for bytes that the file can have. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    if (count > this.left) return wrong('ends before it is complete');
    const bytes = new Uint8Array(count);
    this.#fill(bytes);
    this.left -= count;
    this.#hash.update(bytes);
    return bytes;
  }

  #fill(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      if (this.#at < this.#end) {
        const part = this.#buffer.subarray(this.#at, Math.min(this.#end, this.#at + bytes.length - done));
        bytes.set(part, done);
        this.#at += part.length;
        done += part.length;
        continue;
      }
      const isLong = bytes.length - done >= BUFFER;
      const got = this.#source.read(isLong ? bytes.subarray(done) : this.#buffer);
      if (got === 0) wrong('is shorter than it was');
      if (isLong) done += got;
      else [this.#at, this.#end] = [0, got];
    }
  }

  words(count: number): BigUint64Array {
    return new BigUint64Array(this.bytes(8 * count).buffer);
  }

  word(): bigint {
    return this.words(1)[0];
  }

  /** A number of things. */
  count(most: number, what: string): number {
    const value = this.word();
    if (value > BigInt(most)) return wrong(`has ${value} ${what}`);
    return Number(value);
  }

  flag(what: string): boolean {
    const value = this.word();
    if (value > 1n) return wrong(`has ${value} for ${what}`);
    return value === 1n;
  }

  text(what: string): string {
    const length = this.count(Most.text, `bytes in ${what}`);
    const bytes = this.bytes(Math.ceil(length / 8) * 8);
    const text = String.fromCharCode(...bytes.subarray(0, length));
    if (length === 0 || !/^[\x20-\x7e]*$/.test(text)) return wrong(`has no words in ${what}`);
    return text;
  }

  /** Whether the digest, the last of the file, is that of all before. Reads up to it. */
  isIntact(): boolean {
    try {
      while (this.left > 0) this.bytes(Math.min(this.left, LONGEST_PIECE));
      const told = new Uint8Array(DIGEST);
      this.#fill(told);
      return this.#hash.digest().equals(told);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      return false;
    }
  }
}

const DAMAGED = 'is damaged: its SHA-256 is not the one that it carries';

/** What the bytes hold. That they fit a machine is not looked at here. */
export function decodeSnapshot(source: ByteSource): Snapshot | SnapshotError {
  if (source.length < START + DIGEST) return new SnapshotError('is no snapshot: it is too short');
  const reader = new Reader(source);
  try {
    readStart(reader, source.length);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return new SnapshotError(error.message);
  }
  try {
    const snapshot = readSnapshot(reader);
    return reader.isIntact() ? snapshot : new SnapshotError(DAMAGED);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    // A spoilt byte is told as such, wherever it was noticed first.
    return new SnapshotError(reader.isIntact() ? error.message : DAMAGED);
  }
}

function readStart(reader: Reader, length: number): void {
  if (!hasMagic(reader.bytes(MAGIC.length))) wrong('is no snapshot');
  const [version, told] = reader.words(2);
  if (version !== VERSION) wrong(`is a snapshot of version ${version}; this program knows version ${VERSION}`);
  if (told > BigInt(length)) wrong(`is cut short: ${length} of ${told} bytes are there`);
  if (told < BigInt(length)) wrong(`has ${BigInt(length) - told} bytes behind its end`);
}

function readSnapshot(reader: Reader): Snapshot {
  const time = reader.count(Number.MAX_SAFE_INTEGER, 'for the time');
  const machine = reader.text('the name of the machine');
  const cpus = many(reader, Most.cpus, 'CPUs', readCpu);
  if (cpus.length === 0) wrong('has no CPU');
  const devices = many(reader, Most.devices, 'devices', readDevice);
  if (new Set(devices.map(({ name }) => name)).size < devices.length) wrong('has a device twice');
  const ram = many(reader, Most.ranges, 'ranges of RAM', readRam);
  if (reader.left > 0) wrong(`has ${reader.left} bytes that belong to nothing`);
  return { machine, time, cpus, devices, ram };
}

/** No memory is taken for a count alone. */
function many<T>(reader: Reader, most: number, what: string, read: (reader: Reader) => T): T[] {
  const found: T[] = [];
  for (let left = reader.count(most, what); left > 0; left--) found.push(read(reader));
  return found;
}

function readCpu(reader: Reader): CpuVmstate {
  const ids = reader.words(reader.count(Most.registers, 'registers in a CPU'));
  for (let i = 1; i < ids.length; i++) if (ids[i] <= ids[i - 1]) wrong('has registers out of order');
  const registers = new Map<bigint, bigint>();
  for (const id of ids) registers.set(id, readValue(reader, id));
  const events: VcpuEvents = {
    serrorPending: reader.flag('a pending SError'),
    serrorHasEsr: reader.flag("an SError's syndrome"),
    serrorEsr: reader.word(),
    extDabtPending: reader.flag('a pending abort'),
  };
  const mpState = reader.word();
  if (mpState !== NO_MP_STATE && mpState > 0xffff_ffffn) wrong(`has ${mpState} for a run state`);
  return { registers, events, mpState: mpState === NO_MP_STATE ? undefined : Number(mpState) };
}

/** By the size that the id tells. */
function readValue(reader: Reader, id: bigint): bigint {
  const log2 = Number((id >> 52n) & 15n);
  if (log2 > 8) wrong(`has a register of ${1 << log2} bytes`);
  let value = 0n;
  for (const [i, word] of reader.words(idWords(id)).entries()) value |= word << BigInt(64 * i);
  if (value >> BigInt(8 << log2) !== 0n) wrong(`has a value that is wider than its register 0x${id.toString(16)}`);
  return value;
}

function readDevice(reader: Reader): DeviceState {
  const name = reader.text('the name of a device');
  const mayBeLost = reader.flag(`whether ${name} may be lost`);
  return { name, mayBeLost, words: reader.words(reader.count(Most.deviceWords, `words for ${name}`)) };
}

function readRam(reader: Reader): RamImage {
  const start = reader.word();
  const length = reader.count(Number.MAX_SAFE_INTEGER, 'bytes of RAM');
  if (start % BigInt(PAGE) !== 0n || length % PAGE !== 0) wrong('has RAM that does not consist of pages');
  let end = 0;
  const pieces = many(reader, length / PAGE, 'pieces of RAM', (): RamPiece => {
    const offset = reader.count(length, 'for a place in RAM');
    const bytes = reader.count(LONGEST_PIECE, 'bytes in a piece of RAM');
    if (offset % PAGE !== 0 || bytes % PAGE !== 0 || bytes === 0) wrong('has a piece of RAM that is not of pages');
    if (offset < end) wrong('has pieces of RAM out of order');
    if (offset + bytes > length) wrong('has a piece of RAM behind its end');
    end = offset + bytes;
    return { offset, data: reader.bytes(bytes) };
  });
  return { start, length, pieces };
}
