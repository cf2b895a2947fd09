/**
 * Operands as plain values, for implementations of Builder that look at one instruction at a time: a register is its
 * Slot, a vector its place in the bytes of V0..V31, an immediate and a label are 64-bit numbers.
 */
import type { A64Instruction, DecodeContext, Operands, Shape } from '../a64/instruction.ts';
import type { ImmediateOperand, LabelOperand, RegisterOperand, VectorOperand } from './builder.ts';

export const slotOf = (register: RegisterOperand): number => register as unknown as number;
export const placeOf = (operand: VectorOperand): number => operand as unknown as number;
export const bitsOf = (operand: ImmediateOperand | LabelOperand): bigint => operand as unknown as bigint;

/** The shape and the operands of one allocated word at an address. */
export function concrete(
  instruction: A64Instruction,
  word: number,
  pc: bigint,
  context: DecodeContext,
): { shape: Shape; operands: Operands } {
  const fields = instruction.fieldsOf(word);
  const collect = <T extends { readonly name: string }>(items: readonly T[], value: (item: T) => unknown) =>
    Object.fromEntries(items.map((item) => [item.name, value(item)]));
  return {
    shape: collect(instruction.shape, (item) => item.of(fields, context)) as Shape,
    operands: {
      registers: collect(instruction.registers, (item) => item.slot(fields)) as Operands['registers'],
      vectors: collect(instruction.vectors, (item) => item.place(fields)) as Operands['vectors'],
      immediates: collect(instruction.immediates, (item) =>
        BigInt.asUintN(64, BigInt(item.value(fields, context, word))),
      ) as Operands['immediates'],
      labels: collect(instruction.labels, (item) =>
        BigInt.asUintN(64, (item.page ? pc & ~0xfffn : pc) + BigInt(item.offset(fields))),
      ) as Operands['labels'],
    },
  };
}
