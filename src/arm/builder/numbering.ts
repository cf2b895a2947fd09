/** The numbers of handlers: the special ones, then one for each shape of each instruction, then one for each pair. */
import type { A64Instruction, DecodeContext, Shape } from '../a64/instruction.ts';
import { shapeCount, shapeIndex, shapesOf } from '../a64/shapes.ts';
import { type Decoder, decoderOf } from '../decode/decoder.ts';
import { HandlerIndex } from './abi.ts';
import type { Pair } from './pairs.ts';

/** Nothing in a pair may depend on the CPU. */
const noContext: DecodeContext = { el: 1, simdTrapped: false, systemSlot: () => -1 };

/** What a handler carries out. */
export interface Meaning {
  readonly instruction: A64Instruction;
  readonly shape: Shape;
}

export class Numbering {
  readonly decoder: Decoder;
  /** Of the pairs' handlers, which follow: two numbers of instructions' handlers each. */
  readonly pairs: readonly (readonly [number, number])[];
  readonly #instructions: readonly A64Instruction[];
  /** Handlers of instructions, from HandlerIndex.instructions on. */
  readonly #own: number;
  readonly #first = new Map<A64Instruction, number>();
  readonly #pairHandlers = new Map<number, number>();

  /** Pairs with words that are no instruction, or that are the same as one before, are left out. */
  constructor(instructions: readonly A64Instruction[], pairs: readonly Pair[]) {
    this.decoder = decoderOf(instructions);
    this.#instructions = instructions;
    let next: number = HandlerIndex.instructions;
    for (const instruction of instructions) {
      this.#first.set(instruction, next);
      next += shapeCount(instruction);
    }
    this.#own = next - HandlerIndex.instructions;
    const numbered: [number, number][] = [];
    for (const [firstWord, secondWord] of pairs) {
      const [first, second] = [this.#ofWord(firstWord), this.#ofWord(secondWord)];
      if (first === undefined || second === undefined || this.pairHandler(first, second) !== undefined) continue;
      this.#pairHandlers.set(first * 65536 + second, next + numbered.length);
      numbered.push([first, second]);
    }
    this.pairs = numbered;
  }

  /** Of the instructions' own handlers, from HandlerIndex.instructions on: made for who makes handlers. */
  meanings(): readonly Meaning[] {
    return this.#instructions.flatMap((instruction) => shapesOf(instruction).map((shape) => ({ instruction, shape })));
  }

  #ofWord(word: number): number | undefined {
    const instruction = this.decoder.find(word);
    return instruction && this.handler(instruction, word, noContext);
  }

  /** The handler of a word, for which the decoder has found this instruction. */
  handler(instruction: A64Instruction, word: number, context: DecodeContext): number {
    if (instruction.simd && context.simdTrapped) return HandlerIndex.simdAccess;
    return this.#first.get(instruction)! + shapeIndex(instruction, instruction.fieldsOf(word), context);
  }

  /** The handler of two instructions in a row, given the handlers of each. */
  pairHandler(first: number, second: number): number | undefined {
    return this.#pairHandlers.get(first * 65536 + second);
  }

  get count(): number {
    return HandlerIndex.instructions + this.#own + this.pairs.length;
  }
}
