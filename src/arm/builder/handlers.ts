/** The interpreter: one module with a handler for each shape of each instruction, and for common pairs of them. */
import { FunctionIndex, HandlerIndex, imports, specialHandlers, types } from './abi.ts';
import { emitHandler, emitPair, emitRaise, type Handler } from './handler.ts';
import type { Numbering } from './numbering.ts';
import { runtime } from './runtime.ts';
import { encodeModule } from './wasm.ts';

/** Name of the custom section that tells which handlers end a straight run: a byte each, in the table's order. */
export const endsSection = 'ends';

/**
 * The module's bytes. Its table has the handlers by their numbers. It exports `start` (record, limit, context: status)
 * and `nzcv`.
 */
export function emitHandlers(numbering: Numbering): Uint8Array {
  const { pairs } = numbering;
  const meanings = numbering.meanings();
  const meaningOf = (handler: number) => meanings[handler - HandlerIndex.instructions];
  const handlers: readonly Handler[] = [
    emitRaise('undefined'),
    emitRaise('simdAccess'),
    ...meanings.map(emitHandler),
    ...pairs.map(([first, second]) => emitPair(meaningOf(first), second, meaningOf(second))),
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
