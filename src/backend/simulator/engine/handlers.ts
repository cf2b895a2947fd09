/** The compiled interpreter: its bytes are made when the package is built, or on the spot when running from sources. */
import { readFileSync } from 'node:fs';
import {
  type A64Instruction,
  a64Instructions,
  commonPairs,
  emitHandlers,
  endsSection,
  Numbering,
} from '../../../arm/index.ts';

/** Where the build puts the module: beside the compiled form of this file. */
export const handlersFile = new URL('handlers.wasm', import.meta.url);

export interface Handlers {
  readonly module: WebAssembly.Module;
  readonly numbering: Numbering;
  /** By handler: control never goes on to the next record. */
  readonly ends: Uint8Array;
}

let shipped: Handlers | undefined;

/** Made once for the instructions that are known; anew for any other list. */
export function handlersOf(instructions: readonly A64Instruction[]): Handlers {
  const numbering = () => new Numbering(instructions, commonPairs);
  if (instructions !== a64Instructions) return compile(numbering(), undefined);
  shipped ??= compile(numbering(), readShipped());
  return shipped;
}

/** The bytes of the module that is shipped. */
export const emitShipped = (): Uint8Array => emitHandlers(new Numbering(a64Instructions, commonPairs));

function readShipped(): Uint8Array | undefined {
  try {
    return readFileSync(handlersFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function compile(numbering: Numbering, bytes: Uint8Array = emitHandlers(numbering)): Handlers {
  const module = new WebAssembly.Module(bytes);
  const ends = new Uint8Array(WebAssembly.Module.customSections(module, endsSection)[0]);
  if (ends.length !== numbering.count)
    throw new Error(`the module has ${ends.length} handlers, not ${numbering.count}: build it again`);
  return { module, numbering, ends };
}
