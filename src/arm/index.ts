/** The architecture: registers, instructions, translation, exceptions. Knows no debugger, no KVM, no I/O. */
export * from './a64/instruction.ts';
export * from './bits.ts';
export * from './builder/builder.ts';
export { Layout } from './builder/layout.ts';
export * from './cpreg-list.ts';
export * from './cpu-state.ts';
export * from './exception.ts';
export * from './memory/translate.ts';
export * from './pstate.ts';
export * from './registers/index.ts';
export * from './registers/register.ts';
