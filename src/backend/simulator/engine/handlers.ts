/** The compiled interpreter: its bytes are made when the package is built, or on the spot when running from sources. */
import { readFileSync } from 'node:fs';
import { type A64Instruction, a64Instructions, emitHandlers, endsSection } from '../../../arm/index.ts';

/** Where the build puts the module: beside the compiled form of this file. */
export const handlersFile = new URL('handlers.wasm', import.meta.url);

export interface Handlers {
  readonly module: WebAssembly.Module;
  /** By handler: control never goes on to the next record. */
  readonly ends: Uint8Array;
}

let shipped: Handlers | undefined;

/** Made once for the instructions that are known; anew for any other list. */
export function handlersOf(instructions: readonly A64Instruction[]): Handlers {
  if (instructions !== a64Instructions) return compile(emitHandlers(instructions));
  shipped ??= compile(readShipped() ?? emitHandlers(instructions));
  return shipped;
}

function readShipped(): Uint8Array | undefined {
  try {
    return readFileSync(handlersFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function compile(bytes: Uint8Array): Handlers {
  const module = new WebAssembly.Module(bytes);
  return { module, ends: new Uint8Array(WebAssembly.Module.customSections(module, endsSection)[0]) };
}
