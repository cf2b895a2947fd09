/** The architecture: registers, instructions, translation, exceptions. Knows no debugger, no KVM, no I/O. */
export { a64Groups, a64Instructions } from './a64/index.ts';
export * from './a64/instruction.ts';
export { shapeIndex, shapesOf } from './a64/shapes.ts';
export * from './bits.ts';
export * from './builder/builder.ts';
export { type EvaluateState, executeWord, type Outcome } from './builder/evaluate.ts';
export { Layout } from './builder/layout.ts';
export * from './cpreg-list.ts';
export * from './cpu-state.ts';
export { type Decoder, decoderOf } from './decode/decoder.ts';
export * from './exception.ts';
export * from './memory/translate.ts';
export * from './pstate.ts';
export * from './registers/explain.ts';
export * from './registers/index.ts';
export * from './registers/register.ts';
export * from './registers/syndrome.ts';
