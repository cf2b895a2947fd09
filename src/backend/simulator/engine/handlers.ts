/** The compiled interpreter: its bytes are made when the package is built, or on the spot when running from sources. */
import { readFileSync } from 'node:fs';
import {
  type A64Instruction,
  a64Instructions,
  type Decoder,
  decoderOf,
  emitHandlers,
  endsSection,
  HandlerIndex,
  shapesOf,
} from '../../../arm/index.ts';

/** Where the build puts the module: beside the compiled form of this file. */
export const handlersFile = new URL('handlers.wasm', import.meta.url);

export interface Handlers {
  readonly module: WebAssembly.Module;
  readonly decoder: Decoder;
  /** The handler of an instruction's first shape; the others follow in the order of shapesOf(). */
  readonly first: ReadonlyMap<A64Instruction, number>;
  /** By handler: control never goes on to the next record. */
  readonly ends: Uint8Array;
}

let shipped: Handlers | undefined;

/** Made once for the instructions that are known; anew for any other list. */
export function handlersOf(instructions: readonly A64Instruction[]): Handlers {
  if (instructions !== a64Instructions) return compile(instructions, emitHandlers(instructions));
  shipped ??= compile(instructions, readShipped() ?? emitHandlers(instructions));
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

function compile(instructions: readonly A64Instruction[], bytes: Uint8Array): Handlers {
  const module = new WebAssembly.Module(bytes);
  const ends = new Uint8Array(WebAssembly.Module.customSections(module, endsSection)[0]);
  const first = new Map<A64Instruction, number>();
  let next: number = HandlerIndex.instructions;
  for (const instruction of instructions) {
    first.set(instruction, next);
    next += shapesOf(instruction).length;
  }
  if (ends.length !== next) throw new Error(`the module has ${ends.length} handlers, not ${next}: build it again`);
  return { module, decoder: decoderOf(instructions), first, ends };
}
