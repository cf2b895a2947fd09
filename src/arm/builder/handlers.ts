/** The interpreter: one module with a handler for each shape of each instruction. */
import type { A64Instruction } from '../a64/instruction.ts';
import { shapesOf } from '../a64/shapes.ts';
import { FunctionIndex, imports, specialHandlers, types } from './abi.ts';
import { emitHandler, emitUnallocated } from './handler.ts';
import { runtime } from './runtime.ts';
import { encodeModule } from './wasm.ts';

/** Name of the custom section that tells which handlers end a straight run: a byte each, in the table's order. */
export const endsSection = 'ends';

/**
 * The module's bytes. Its table has the special handlers, the one for unallocated words, and those of the instructions
 * in their order. It exports `start` (record, limit, context: status) and `nzcv`.
 */
export function emitHandlers(instructions: readonly A64Instruction[]): Uint8Array {
  const handlers = [
    emitUnallocated(),
    ...instructions.flatMap((instruction) => shapesOf(instruction).map((shape) => emitHandler(instruction, shape))),
  ];
  return encodeModule({
    types,
    imports,
    functions: [...runtime, ...handlers.map(({ body }) => body)],
    table: [...specialHandlers, ...handlers.map((_, i) => FunctionIndex.handlers + i)],
    exports: [
      { name: 'start', index: FunctionIndex.start },
      { name: 'nzcv', index: FunctionIndex.nzcv },
    ],
    custom: [
      {
        name: endsSection,
        bytes: Uint8Array.from([...specialHandlers.map(() => 1), ...handlers.map(({ ends }) => (ends ? 1 : 0))]),
      },
    ],
  });
}
