/** The shapes of an instruction: one handler each. */
import type { A64Instruction, DecodeContext, Fields, Shape } from './instruction.ts';

interface Numbering {
  readonly shapes: readonly Shape[];
  /** From mixed-radix number to place in `shapes`, or -1. */
  readonly dense: Int16Array;
}

const numberings = new WeakMap<A64Instruction, Numbering>();

function numberingOf(instruction: A64Instruction): Numbering {
  const known = numberings.get(instruction);
  if (known !== undefined) return known;
  const items = instruction.shape;
  const total = items.reduce((product, item) => product * item.count, 1);
  const dense = new Int16Array(total).fill(-1);
  const shapes: Shape[] = [];
  for (let number = 0; number < total; number++) {
    const shape: Record<string, number> = {};
    let rest = number;
    for (let i = items.length - 1; i >= 0; i--) {
      shape[items[i].name] = rest % items[i].count;
      rest = Math.floor(rest / items[i].count);
    }
    if (instruction.possible?.(shape) === false) continue;
    dense[number] = shapes.length;
    shapes.push(shape);
  }
  const numbering = { shapes, dense };
  numberings.set(instruction, numbering);
  return numbering;
}

/** All possible shapes, in the order of their numbers. */
export const shapesOf = (instruction: A64Instruction): readonly Shape[] => numberingOf(instruction).shapes;

/** The place in `shapesOf` of a word's shape. The word must be allocated. Allocates nothing. */
export function shapeIndex(instruction: A64Instruction, fields: Fields, context: DecodeContext): number {
  const items = instruction.shape;
  let number = 0;
  for (let i = 0; i < items.length; i++) number = number * items[i].count + items[i].of(fields, context);
  return numberingOf(instruction).dense[number];
}
