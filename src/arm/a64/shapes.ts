/** The shapes of an instruction: one handler each. */
import type { A64Instruction, DecodeContext, Fields, Shape } from './instruction.ts';

interface Numbering {
  readonly count: number;
  /** From mixed-radix number to place among the possible shapes, or -1. */
  readonly dense: Int16Array;
}

const numberings = new WeakMap<A64Instruction, Numbering>();

function numberingOf(instruction: A64Instruction): Numbering {
  const known = numberings.get(instruction);
  if (known !== undefined) return known;
  const total = instruction.shape.reduce((product, item) => product * item.count, 1);
  const dense = new Int16Array(total).fill(-1);
  const shape: Record<string, number> = {};
  let count = 0;
  for (let number = 0; number < total; number++) {
    setShape(instruction, number, shape);
    if (instruction.possible?.(shape) !== false) dense[number] = count++;
  }
  const numbering = { count, dense };
  numberings.set(instruction, numbering);
  return numbering;
}

/** Makes the shape one of a mixed-radix number. */
function setShape({ shape: items }: A64Instruction, number: number, shape: Record<string, number>): void {
  let rest = number;
  for (let i = items.length - 1; i >= 0; i--) {
    shape[items[i].name] = rest % items[i].count;
    rest = Math.floor(rest / items[i].count);
  }
}

/** How many shapes are possible. */
export const shapeCount = (instruction: A64Instruction): number => numberingOf(instruction).count;

/** All possible shapes, in the order of their numbers. */
export function shapesOf(instruction: A64Instruction): readonly Shape[] {
  const shapes: Shape[] = [];
  for (const [number, place] of numberingOf(instruction).dense.entries()) {
    if (place < 0) continue;
    const shape = {};
    setShape(instruction, number, shape);
    shapes.push(shape);
  }
  return shapes;
}

/** The place in `shapesOf` of a word's shape. The word must be allocated. Allocates nothing. */
export function shapeIndex(instruction: A64Instruction, fields: Fields, context: DecodeContext): number {
  const items = instruction.shape;
  let number = 0;
  for (let i = 0; i < items.length; i++) number = number * items[i].count + items[i].of(fields, context);
  return numberingOf(instruction).dense[number];
}
