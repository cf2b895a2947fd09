/**
 * Semihosting: HLT #0xF000 asks the debugger's host for a service. The console and what tells of time and the program;
 * no files of the host.
 *
 * Arm, Semihosting for AArch32 and AArch64, "Semihosting operations".
 */
import { TICKS_PER_SECOND } from '../devices/time.ts';

const Operation = {
  OPEN: 0x01,
  CLOSE: 0x02,
  WRITEC: 0x03,
  WRITE0: 0x04,
  WRITE: 0x05,
  READ: 0x06,
  READC: 0x07,
  ISERROR: 0x08,
  ISTTY: 0x09,
  SEEK: 0x0a,
  FLEN: 0x0c,
  CLOCK: 0x10,
  TIME: 0x11,
  ERRNO: 0x13,
  GET_CMDLINE: 0x15,
  HEAPINFO: 0x16,
  EXIT: 0x18,
  EXIT_EXTENDED: 0x20,
  ELAPSED: 0x30,
  TICKFREQ: 0x31,
} as const;

export const SEMIHOSTING_HLT = 0xf000;

/** ADP_Stopped_ApplicationExit. */
const APPLICATION_EXIT = 0x2_0026n;
/** Handles: standard input, output, error, and the file that tells the features. */
const Handle = { input: 1, output: 2, error: 3, features: 4 } as const;
/** Of modes up to this one a file is read; up to the next it is written; then it is appended to. */
const [READ_MODES, WRITE_MODES] = [4n, 8n];
/** SHFB, and the bits of SYS_EXIT_EXTENDED and of separate standard output and error. */
const features = Uint8Array.of(0x53, 0x48, 0x46, 0x42, 3);
const Errno = { ENOENT: 2, EBADF: 9, EINVAL: 22 } as const;
/** Longer texts are cut. */
const LONGEST = 1 << 16;

/** Memory as the guest addresses it; undefined and false where it has none. */
export interface GuestBytes {
  read(address: bigint, length: number): Uint8Array | undefined;
  write(address: bigint, bytes: Uint8Array): boolean;
}

export interface SemihostingOptions {
  readonly print: (bytes: Uint8Array) => void;
  /** A byte from the keyboard; undefined: there is none yet. */
  readonly take: () => number | undefined;
  /** What the program was called with. */
  readonly commandLine: string;
  /** Ticks of the guest's time. */
  readonly tick: () => number;
  /** Seconds since 1970 at power-on. */
  readonly start: number;
}

/** The value of X0; or that the call is to be made again, because there is no input yet; or the program's end. */
export type SemihostingAnswer = bigint | 'wait' | { readonly code: number };

export class Semihosting {
  private readonly options: SemihostingOptions;
  private errno = 0;
  /** In the file that tells the features. */
  private position = 0;

  constructor(options: SemihostingOptions) {
    this.options = options;
  }

  call(operation: number, parameter: bigint, memory: GuestBytes): SemihostingAnswer {
    const { print, take, tick, start } = this.options;
    const word = (index: number): bigint => wordAt(memory, parameter + BigInt(8 * index)) ?? 0n;
    switch (operation) {
      case Operation.OPEN:
        return this.open(textAt(memory, word(0), Number(word(2) & 0xffffn)), word(1));
      case Operation.CLOSE:
        return this.known(word(0)) ? 0n : this.failed(Errno.EBADF);
      case Operation.WRITEC:
        print(memory.read(parameter, 1) ?? new Uint8Array());
        return 0n;
      case Operation.WRITE0:
        print(textAt(memory, parameter, LONGEST, true));
        return 0n;
      case Operation.WRITE:
        return this.write(word(0), word(1), word(2), memory);
      case Operation.READ:
        return this.read(word(0), word(1), word(2), memory);
      case Operation.READC: {
        const byte = take();
        return byte === undefined ? 'wait' : BigInt(byte);
      }
      case Operation.ISERROR:
        return BigInt.asIntN(64, word(0)) < 0n ? 1n : 0n;
      case Operation.ISTTY:
        return this.known(word(0)) && word(0) !== BigInt(Handle.features) ? 1n : 0n;
      case Operation.SEEK:
        return this.seek(word(0), word(1));
      case Operation.FLEN:
        if (!this.known(word(0))) return this.failed(Errno.EBADF);
        return word(0) === BigInt(Handle.features) ? BigInt(features.length) : 0n;
      case Operation.CLOCK:
        return BigInt(Math.floor(tick() / (TICKS_PER_SECOND / 100)));
      case Operation.TIME:
        return BigInt(start + Math.floor(tick() / TICKS_PER_SECOND));
      case Operation.ERRNO:
        return BigInt(this.errno);
      case Operation.GET_CMDLINE:
        return this.commandLine(word(0), word(1), parameter, memory);
      case Operation.HEAPINFO:
        // Nobody has said where heap and stack are.
        return memory.write(word(0), new Uint8Array(32)) ? 0n : this.failed(Errno.EINVAL);
      case Operation.EXIT:
      case Operation.EXIT_EXTENDED:
        return { code: word(0) === APPLICATION_EXIT ? Number(word(1) & 0xffn) : 1 };
      case Operation.ELAPSED:
        return memory.write(parameter, bytesOf(BigInt(tick()))) ? 0n : this.failed(Errno.EINVAL);
      case Operation.TICKFREQ:
        return BigInt(TICKS_PER_SECOND);
      default:
        return this.failed(Errno.EINVAL);
    }
  }

  private failed(errno: number): bigint {
    this.errno = errno;
    return -1n;
  }

  private known(handle: bigint): boolean {
    return Object.values(Handle).some((one) => BigInt(one) === handle);
  }

  private open(name: Uint8Array, mode: bigint): bigint {
    const text = Buffer.from(name).toString('latin1');
    if (text === ':semihosting-features' && mode < READ_MODES) {
      this.position = 0;
      return BigInt(Handle.features);
    }
    if (text !== ':tt') return this.failed(Errno.ENOENT);
    return BigInt(mode < READ_MODES ? Handle.input : mode < WRITE_MODES ? Handle.output : Handle.error);
  }

  /** How many bytes were not written. */
  private write(handle: bigint, address: bigint, length: bigint, memory: GuestBytes): bigint {
    if (handle !== BigInt(Handle.output) && handle !== BigInt(Handle.error)) {
      this.errno = Errno.EBADF;
      return length;
    }
    const bytes = memory.read(address, Number(length < LONGEST ? length : LONGEST)) ?? new Uint8Array();
    this.options.print(bytes);
    return length - BigInt(bytes.length);
  }

  /** How many bytes were not read. */
  private read(handle: bigint, address: bigint, length: bigint, memory: GuestBytes): bigint | 'wait' {
    const room = Number(length < LONGEST ? length : LONGEST);
    if (handle === BigInt(Handle.features)) {
      const part = features.subarray(this.position, this.position + room);
      this.position += part.length;
      return memory.write(address, part) ? length - BigInt(part.length) : length;
    }
    if (handle !== BigInt(Handle.input)) {
      this.errno = Errno.EBADF;
      return length;
    }
    if (room === 0) return length;
    const byte = this.options.take();
    if (byte === undefined) return 'wait';
    return memory.write(address, Uint8Array.of(byte)) ? length - 1n : length;
  }

  private seek(handle: bigint, position: bigint): bigint {
    if (handle !== BigInt(Handle.features)) return this.failed(this.known(handle) ? Errno.EINVAL : Errno.EBADF);
    if (position > BigInt(features.length)) return this.failed(Errno.EINVAL);
    this.position = Number(position);
    return 0n;
  }

  private commandLine(address: bigint, room: bigint, block: bigint, memory: GuestBytes): bigint {
    const text = new TextEncoder().encode(`${this.options.commandLine}\0`);
    if (BigInt(text.length) > room) return this.failed(Errno.EINVAL);
    const written = memory.write(address, text) && memory.write(block + 8n, bytesOf(BigInt(text.length - 1)));
    return written ? 0n : this.failed(Errno.EINVAL);
  }
}

const bytesOf = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer);

function wordAt(memory: GuestBytes, address: bigint): bigint | undefined {
  const bytes = memory.read(address, 8);
  return bytes && new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}

/** `length` bytes, or up to a zero, or to where there is no memory. */
function textAt(memory: GuestBytes, address: bigint, length: number, isZeroEnded = false): Uint8Array {
  const found: number[] = [];
  while (found.length < length) {
    const byte = memory.read(address + BigInt(found.length), 1)?.[0];
    if (byte === undefined || (isZeroEnded && byte === 0)) break;
    found.push(byte);
  }
  return Uint8Array.from(found);
}
