/** The engine's memory and the views on it that its parts share. */
import { Layout } from '../../../arm/index.ts';

const wasmPage = 65536;

/** Memory for a guest with this much RAM, or undefined when it cannot be had. Nothing is committed before it is used. */
export function allocate(ramSize: number): WebAssembly.Memory | undefined {
  const pages = Math.ceil((Layout.ram + ramSize) / wasmPage);
  if (pages > 65536) return undefined;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export class EngineState {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
  /** Physical addresses of RAM: a multiple of 4096, as is the size. */
  readonly ramBase: number;
  readonly ramSize: number;

  constructor(memory: WebAssembly.Memory, ramBase: number, ramSize: number) {
    const { buffer } = memory;
    this.memory = memory;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.ramBase = ramBase;
    this.ramSize = ramSize;
  }

  /** Place in memory of a physical address, or 0 where there is no RAM. */
  place(physical: number): number {
    const offset = physical - this.ramBase;
    return offset >= 0 && offset < this.ramSize ? Layout.ram + offset : 0;
  }
}
