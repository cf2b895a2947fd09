/**
 * A bank of parallel NOR flash: two chips of 16 bits side by side, with the Intel command set. The guest gives a command
 * to both at once. What QEMU's virt board has, and so what firmware for it knows.
 *
 * JEDEC JESD68.01, Common Flash Interface; JEP137, command set 0001 (Intel/Sharp extended).
 */
import type { StatefulDevice } from '../vcpu.ts';
import type { Device } from './device.ts';
import { joined } from './words.ts';

const Command = {
  READ_ARRAY: 0xff,
  PROGRAM: 0x40,
  PROGRAM_ALTERNATE: 0x10,
  ERASE: 0x20,
  CLEAR_STATUS: 0x50,
  LOCK: 0x60,
  READ_STATUS: 0x70,
  READ_ID: 0x90,
  CFI_QUERY: 0x98,
  WRITE_BUFFER: 0xe8,
  CONFIRM: 0xd0,
  /** Second word of LOCK. */
  SET_LOCK: 0x01,
} as const;

const Status = { READY: 0x80, ERASE_ERROR: 0x20, PROGRAM_ERROR: 0x10 } as const;

/** Of both chips together. */
const BLOCK = 256 << 10;
const CHIPS = 2;
/** 2^N bytes of one chip. */
const BUFFER_BITS = 11;
/** Words of 32 bits. */
const BUFFER = (CHIPS << BUFFER_BITS) / 4;
const MANUFACTURER = 0x89;
const DEVICE = 0x18;
const PAGE = 4096;
const PAGE_WORDS = PAGE / 8;

/** What the chips answer to a query, by the addresses of the CFI standard. `size`: of the bank, in bytes. */
function queryTable(size: number): Uint8Array {
  const table = new Uint8Array(0x52);
  const put = (at: number, ...bytes: number[]): void => table.set(bytes, at);
  const ascii = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));
  const [chip, block] = [size / CHIPS, BLOCK / CHIPS];
  const blocks = size / BLOCK - 1;
  // Command set 0001, its table at 0x31.
  put(0x10, ...ascii('QRY'), 0x01, 0, 0x31, 0);
  // 4.5 to 5.5 V; times to program and erase, typical and at most.
  put(0x1b, 0x45, 0x55, 0, 0, 0x07, 0x07, 0x0a, 0, 0x04, 0x04, 0x04, 0);
  // Size, x8 and x16, size of the buffer, one region of equal blocks.
  put(0x27, Math.log2(chip), 0x02, 0, BUFFER_BITS, 0, 1);
  put(0x2d, blocks & 0xff, blocks >> 8, (block >> 8) & 0xff, block >> 16);
  put(0x31, ...ascii('PRI10'));
  // One protection field.
  put(0x3f, 0x01);
  return table;
}

export interface FlashOptions {
  /** Of a snapshot. */
  readonly name: string;
  /** Bytes, a multiple of 256 KiB and a power of two. What is in it stays there. */
  readonly storage: Uint8Array;
  /** Called when reads become those of `storage`, or cease to be. */
  readonly readable?: (isArray: boolean) => void;
  /** These bytes of `storage` were changed. */
  readonly changed?: (offset: number, length: number) => void;
}

/** A word that waits in the buffer: the bytes that `mask` has are programmed. */
interface Word {
  readonly offset: number;
  readonly value: number;
  readonly mask: number;
}

export class Flash implements Device, StatefulDevice {
  readonly name: string;
  private readonly words: DataView;
  readonly storage: Uint8Array;
  private readonly query: Uint8Array;
  private readonly readable: (isArray: boolean) => void;
  private readonly changed: (offset: number, length: number) => void;
  /** The command that reads and the next write belong to; READ_ARRAY: none. */
  private command: number = Command.READ_ARRAY;
  private status: number = Status.READY;
  /** Writes that belong to the command so far. */
  private cycle = 0;
  /** Words that are still to come of a buffer. */
  private expected = 0;
  private buffer: Word[] = [];

  constructor({ name, storage, readable = () => undefined, changed = () => undefined }: FlashOptions) {
    this.name = name;
    this.storage = storage;
    this.words = new DataView(storage.buffer, storage.byteOffset, storage.length);
    this.query = queryTable(storage.length);
    this.readable = readable;
    this.changed = changed;
  }

  /** Reads are those of the storage. */
  get isArray(): boolean {
    return this.command === Command.READ_ARRAY;
  }

  /** What was programmed stays. */
  reset(): void {
    this.readArray();
    this.status = Status.READY;
  }

  readRegister(offset: number): number {
    switch (this.command) {
      case Command.READ_ARRAY:
        return this.words.getUint32(offset, true);
      case Command.READ_ID:
        return bothChips([MANUFACTURER, DEVICE][(offset >> 2) & 0xff] ?? 0);
      case Command.CFI_QUERY:
        return bothChips(this.query[offset >> 2] ?? 0);
      default:
        return bothChips(this.status);
    }
  }

  writeRegister(offset: number, value: number): void {
    this.write(offset, value, 0xffff_ffff);
  }

  writePart(offset: number, bytes: number, value: number): void {
    const shift = (offset & 3) * 8;
    const mask = (bytes === 1 ? 0xff : 0xffff) << shift;
    // A command may be given to one lane, data has its place.
    if (this.takesData) this.write(offset & ~3, value << shift, mask);
    else this.write(offset & ~3, value, 0xffff_ffff);
  }

  private get takesData(): boolean {
    const { command, cycle } = this;
    if (command === Command.PROGRAM) return true;
    return command === Command.WRITE_BUFFER && cycle === 2;
  }

  private write(offset: number, value: number, mask: number): void {
    if (this.cycle === 0) this.begin(value & 0xff);
    else this.goOn(offset, value, mask);
  }

  private begin(command: number): void {
    switch (command) {
      case Command.PROGRAM:
      case Command.PROGRAM_ALTERNATE:
        this.enter(Command.PROGRAM, 1);
        break;
      case Command.ERASE:
      case Command.LOCK:
      case Command.WRITE_BUFFER:
        this.enter(command, 1);
        break;
      case Command.READ_STATUS:
      case Command.READ_ID:
      case Command.CFI_QUERY:
        this.enter(command, 0);
        break;
      case Command.CLEAR_STATUS:
        this.status = Status.READY;
        this.readArray();
        break;
      default:
        this.readArray();
    }
  }

  private goOn(offset: number, value: number, mask: number): void {
    const isConfirm = (value & 0xff) === Command.CONFIRM;
    switch (this.command) {
      case Command.PROGRAM:
        this.program({ offset, value, mask });
        this.enter(Command.READ_STATUS, 0);
        break;
      case Command.ERASE:
        if (isConfirm) this.erase(offset);
        else this.status |= Status.ERASE_ERROR | Status.PROGRAM_ERROR;
        this.enter(Command.READ_STATUS, 0);
        break;
      // Blocks are never locked.
      case Command.LOCK:
        if (!isConfirm && (value & 0xff) !== Command.SET_LOCK) this.status |= Status.ERASE_ERROR | Status.PROGRAM_ERROR;
        this.enter(Command.READ_STATUS, 0);
        break;
      case Command.WRITE_BUFFER:
        this.fillBuffer(offset, value, mask, isConfirm);
        break;
    }
  }

  /** The count of words less one, the words, the confirmation. */
  private fillBuffer(offset: number, value: number, mask: number, isConfirm: boolean): void {
    if (this.cycle === 1) {
      this.expected = (value & 0xffff) + 1;
      this.buffer = [];
      if (this.expected > BUFFER) this.fail();
      else this.cycle = 2;
    } else if (this.cycle === 2) {
      this.buffer.push({ offset, value, mask });
      if (--this.expected === 0) this.cycle = 3;
    } else if (isConfirm) {
      for (const word of this.buffer) this.program(word);
      this.buffer = [];
      this.enter(Command.READ_STATUS, 0);
    } else this.fail();
  }

  private fail(): void {
    this.status |= Status.ERASE_ERROR | Status.PROGRAM_ERROR;
    this.buffer = [];
    this.enter(Command.READ_STATUS, 0);
  }

  /** Programming makes ones to zeros, and nothing else. */
  private program({ offset, value, mask }: Word): void {
    this.words.setUint32(offset, this.words.getUint32(offset, true) & (value | ~mask), true);
    this.changed(offset, 4);
  }

  private erase(offset: number): void {
    const start = offset - (offset % BLOCK);
    this.storage.fill(0xff, start, start + BLOCK);
    this.changed(start, BLOCK);
  }

  private enter(command: number, cycle: number): void {
    const was = this.isArray;
    this.command = command;
    this.cycle = cycle;
    if (was !== this.isArray) this.readable(this.isArray);
  }

  private readArray(): void {
    this.buffer = [];
    this.enter(Command.READ_ARRAY, 0);
  }

  // --- snapshots

  /** Command, status, cycle, words expected, those in the buffer by three; then pages that are not zeros. */
  save(): BigUint64Array {
    const { command, status, cycle, expected, buffer } = this;
    const waiting = buffer.flatMap(({ offset, value, mask }) => [offset, value >>> 0, mask >>> 0]);
    const state = BigUint64Array.from([command, status, cycle, expected, buffer.length, ...waiting].map(BigInt));
    const pages: BigUint64Array[] = [];
    for (let at = 0; at < this.storage.length; at += PAGE) {
      const page = new BigUint64Array(this.storage.slice(at, at + PAGE).buffer);
      const first = page[0];
      if (first === 0n && page.every((word) => word === 0n)) continue;
      const isErased = first === ERASED && page.every((word) => word === ERASED);
      pages.push(BigUint64Array.of(BigInt(at / PAGE), BigInt(isErased)), isErased ? new BigUint64Array() : page);
    }
    return joined([state, ...pages]);
  }

  restore(words: BigUint64Array): string | undefined {
    const [command, status, cycle, expected, count] = words;
    const end = 5 + 3 * Number(count ?? 0n);
    if (words.length < 5 || count > BigInt(BUFFER) || words.length < end) return 'it is cut short';
    if (!savedCommands.includes(Number(command)) || status > 0xffn || cycle > 3n || expected > BigInt(BUFFER))
      return 'it has a command that there is not';
    const buffer = Array.from({ length: Number(count) }, (_, i) => {
      const [offset, value, mask] = words.subarray(5 + 3 * i, 8 + 3 * i);
      return { offset: Number(offset), value: Number(value) | 0, mask: Number(mask) | 0 };
    });
    if (buffer.some(({ offset }) => offset % 4 !== 0 || offset >= this.storage.length))
      return 'it has words outside of the flash';
    const pages = this.savedPages(words.subarray(end));
    if (!pages) return 'its pages are not those of the flash';
    this.putPages(pages);
    Object.assign(this, { status: Number(status), expected: Number(expected), buffer });
    this.enter(Number(command), Number(cycle));
    return undefined;
  }

  private savedPages(words: BigUint64Array): Map<number, BigUint64Array | undefined> | undefined {
    const pages = new Map<number, BigUint64Array | undefined>();
    for (let at = 0; at < words.length; ) {
      const [number, isErased] = [words[at], words[at + 1]];
      const data = isErased === 0n ? words.subarray(at + 2, at + 2 + PAGE_WORDS) : undefined;
      if (number * BigInt(PAGE) >= BigInt(this.storage.length) || isErased === undefined || isErased > 1n)
        return undefined;
      if (data && data.length < PAGE_WORDS) return undefined;
      pages.set(Number(number), data);
      at += 2 + (data ? PAGE_WORDS : 0);
    }
    return pages;
  }

  /** What is there already is left alone. */
  private putPages(pages: ReadonlyMap<number, BigUint64Array | undefined>): void {
    const zeros = new Uint8Array(PAGE);
    const ones = new Uint8Array(PAGE).fill(0xff);
    for (let at = 0; at < this.storage.length; at += PAGE) {
      const number = at / PAGE;
      const data = pages.get(number);
      const wanted = data ? new Uint8Array(data.slice().buffer) : pages.has(number) ? ones : zeros;
      const page = this.storage.subarray(at, at + PAGE);
      if (Buffer.compare(page, wanted) === 0) continue;
      page.set(wanted);
      this.changed(at, PAGE);
    }
  }
}

const ERASED = (1n << 64n) - 1n;

const savedCommands: readonly number[] = [
  Command.READ_ARRAY,
  Command.PROGRAM,
  Command.ERASE,
  Command.LOCK,
  Command.READ_STATUS,
  Command.READ_ID,
  Command.CFI_QUERY,
  Command.WRITE_BUFFER,
];

const bothChips = (value: number): number => value | (value << 16);
