/** The engine's memory and the views on it that its parts share. */
import { Layout } from '../../../arm/index.ts';

const wasmPage = 65536;

/** Memory that can be executed and read, but not written: stores to it go to a device. */
export interface ReadOnlyMemory {
  /** Physical address and size, multiples of 4096. It begins with its first byte behind RAM. */
  readonly base: number;
  readonly size: number;
}

export const noReadOnlyMemory: ReadOnlyMemory = { base: 0, size: 0 };

/**
 * Memory for a guest with so many bytes of RAM and others, or undefined when it cannot be had. Nothing is committed before
 * it is used.
 */
export function allocate(size: number): WebAssembly.Memory | undefined {
  const pages = Math.ceil((Layout.ram + size) / wasmPage);
  if (pages > 65536) return undefined;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The read-only memory of so many bytes in the memory of an engine. */
export const readOnlyView = (memory: WebAssembly.Memory, ramSize: number, size: number): Uint8Array =>
  new Uint8Array(memory.buffer, Layout.ram + ramSize, size);

export class EngineState {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
  /** The registers of the CPU that runs, Layout.x to Layout.bankBytes. */
  readonly words: Int32Array;
  readonly longs: BigUint64Array;
  /** Physical addresses of RAM: a multiple of 4096, as is the size. */
  readonly ramBase: number;
  readonly ramSize: number;
  readonly readOnly: ReadOnlyMemory;
  /** Otherwise reads of it, too, go to the device. */
  isReadable: boolean = true;

  constructor(memory: WebAssembly.Memory, ramBase: number, ramSize: number, readOnly: ReadOnlyMemory) {
    const { buffer } = memory;
    this.memory = memory;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.words = new Int32Array(buffer, 0, Layout.bankBytes >> 2);
    this.longs = new BigUint64Array(buffer, 0, Layout.bankBytes >> 3);
    this.ramBase = ramBase;
    this.ramSize = ramSize;
    this.readOnly = readOnly;
  }

  /** Place in memory of a physical address, or 0 where there is no RAM. */
  place(physical: number): number {
    const offset = physical - this.ramBase;
    return offset >= 0 && offset < this.ramSize ? Layout.ram + offset : 0;
  }

  /** Place in memory of a physical address that can be read and executed there, or 0. */
  readablePlace(physical: number): number {
    return this.place(physical) || (this.isReadable ? this.readOnlyPlace(physical) : 0);
  }

  readOnlyPlace(physical: number): number {
    const { base, size } = this.readOnly;
    const offset = physical - base;
    return offset >= 0 && offset < size ? Layout.ram + this.ramSize + offset : 0;
  }
}
