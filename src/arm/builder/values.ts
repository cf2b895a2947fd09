/**
 * The arithmetic of the Builder as WebAssembly. A value is code that leaves it on the stack, written where the value is
 * used; `let` writes it at once and keeps it in a local.
 */
import type { BinaryOperator, Comparison, Size, ValueWidth, Width } from './builder.ts';
import { type VectorOperator, vectorOperations } from './vectors.ts';
import { Code, Op, ValueType, VectorOp } from './wasm.ts';

export interface Value {
  readonly width: ValueWidth;
  readonly push: () => void;
  /** Costs nothing to push again. */
  readonly cheap?: boolean;
}

type Pair = readonly [for32: number, for64: number];

const binaryOpcodes: Readonly<Record<BinaryOperator, Pair>> = {
  add: [0x6a, 0x7c],
  sub: [0x6b, 0x7d],
  mul: [0x6c, 0x7e],
  div_s: [0x6d, 0x7f],
  div_u: [0x6e, 0x80],
  and: [0x71, 0x83],
  or: [0x72, 0x84],
  xor: [0x73, 0x85],
  shl: [0x74, 0x86],
  shr_s: [0x75, 0x87],
  shr_u: [0x76, 0x88],
  rotr: [0x78, 0x8a],
};
const comparisonOpcodes: Readonly<Record<Comparison, Pair>> = {
  eq: [0x46, 0x51],
  ne: [0x47, 0x52],
  lt_s: [0x48, 0x53],
  lt_u: [0x49, 0x54],
  gt_s: [0x4a, 0x55],
  gt_u: [0x4b, 0x56],
  le_s: [0x4c, 0x57],
  le_u: [0x4d, 0x58],
  ge_s: [0x4e, 0x59],
  ge_u: [0x4f, 0x5a],
};
const signExtensions = {
  32: { 8: Op.i32Extend8S, 16: Op.i32Extend16S },
  64: { 8: Op.i64Extend8S, 16: Op.i64Extend16S, 32: Op.i64Extend32S },
} as const;

/** Of memory, by log2 of the bytes; what is loaded is zero-extended to 32 bits. */
const loads = [Op.i32Load8U, Op.i32Load16U, Op.i32Load, Op.i64Load];
const stores = [Op.i32Store8, Op.i32Store16, Op.i32Store, Op.i64Store];

/** The width of a value that has been loaded, by log2 of the bytes. */
export const widthOf = (log2Bytes: number): ValueWidth => (log2Bytes === 4 ? 128 : log2Bytes === 3 ? 64 : 32);
const typeOf = (width: ValueWidth): ValueType =>
  width === 128 ? ValueType.v128 : width === 64 ? ValueType.i64 : ValueType.i32;

/** One function in the making. */
export class Values {
  readonly code = new Code();
  /** Beyond the parameters. */
  readonly locals: ValueType[] = [];
  readonly #parameters: number;

  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  protected value(width: ValueWidth, push: () => void): Value {
    return { width, push };
  }

  /** What an opcode makes of values. */
  operation(width: Width, opcode: number, ...inputs: { readonly push: () => void }[]): Value {
    return this.value(width, () => {
      for (const input of inputs) input.push();
      this.code.op(opcode);
    });
  }

  /** A parameter or another local. */
  local(width: ValueWidth, index: number): Value {
    return { width, push: () => this.code.get(index), cheap: true };
  }

  let(width: ValueWidth, value: Value): Value {
    return value.cheap ? value : { width, ...this.keep(typeOf(width), value.push) };
  }

  /** Evaluates once, to a local of any type. */
  keep(type: ValueType, push: () => void): { readonly push: () => void; readonly cheap: true } {
    this.locals.push(type);
    const index = this.#parameters + this.locals.length - 1;
    push();
    this.code.set(index);
    return { push: () => this.code.get(index), cheap: true };
  }

  constant(width: Width, value: bigint): Value {
    const push = width === 64 ? () => this.code.i64(value) : () => this.code.i32(Number(BigInt.asIntN(32, value)));
    return { width, push, cheap: true };
  }

  number(value: number): Value {
    return { width: 32, push: () => this.code.i32(value), cheap: true };
  }

  binary(operator: BinaryOperator, width: Width, a: Value, b: Value): Value {
    return this.operation(width, binaryOpcodes[operator][width === 64 ? 1 : 0], a, b);
  }

  compare(comparison: Comparison, width: Width, a: Value, b: Value): Value {
    return this.operation(32, comparisonOpcodes[comparison][width === 64 ? 1 : 0], a, b);
  }

  /** 1 for 0, else 0. */
  not(a: Value): Value {
    return this.operation(32, Op.i32Eqz, a);
  }

  select(width: Width, condition: Value, ifTrue: Value, ifFalse: Value): Value {
    return this.operation(width, Op.select, ifTrue, ifFalse, condition);
  }

  countLeadingZeros(width: Width, a: Value): Value {
    return this.operation(width, width === 64 ? Op.i64Clz : Op.i32Clz, a);
  }

  truncate(a: Value): Value {
    return this.operation(32, Op.i32WrapI64, a);
  }

  zeroExtend(a: Value): Value {
    return this.operation(64, Op.i64ExtendI32U, a);
  }

  signExtend(a: Value): Value {
    return this.operation(64, Op.i64ExtendI32S, a);
  }

  signExtendFrom(width: Width, bits: 8 | 16 | 32, a: Value): Value {
    if (width === 64) return this.operation(64, signExtensions[64][bits], a);
    return bits === 32 ? a : this.operation(32, signExtensions[32][bits], a);
  }

  vector(operator: VectorOperator, ...inputs: Value[]): Value {
    const { opcode, output } = vectorOperations[operator];
    return this.#vector(output, inputs, opcode);
  }

  /** What an opcode behind the prefix of vector instructions makes of values. */
  vectorOperation(width: ValueWidth, opcode: number, ...inputs: Value[]): Value {
    return this.#vector(width, inputs, opcode);
  }

  #vector(width: ValueWidth, inputs: readonly Value[], opcode: number, ...immediates: number[]): Value {
    return this.value(width, () => {
      for (const input of inputs) input.push();
      this.code.simd(opcode, ...immediates);
    });
  }

  shuffle(bytes: readonly number[], a: Value, b: Value): Value {
    return this.#vector(128, [a, b], VectorOp.shuffle, ...bytes);
  }

  vectorConstant(value: bigint): Value {
    const bytes = Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
    return { ...this.#vector(128, [], VectorOp.const, ...bytes), cheap: true };
  }

  extractLane(size: Size, lane: number, vector: Value): Value {
    return this.#vector(widthOf(size), [vector], VectorOp.extractLane[size], lane);
  }

  replaceLane(size: Size, lane: number, vector: Value, value: Value): Value {
    return this.#vector(128, [vector, value], VectorOp.replaceLane[size], lane);
  }

  /** What memory holds at an offset from an address. */
  read(log2Bytes: number, address: Value, offset: number): Value {
    return this.value(widthOf(log2Bytes), () => {
      address.push();
      if (log2Bytes === 4) this.code.simdMemory(VectorOp.load, offset);
      else this.code.memory(loads[log2Bytes], offset);
    });
  }

  /** 8 bytes of memory as the lower half of a vector, of which the rest is zero. */
  readLowerHalf(address: Value, offset: number): Value {
    return this.value(128, () => {
      address.push();
      this.code.simdMemory(VectorOp.load64Zero, offset);
    });
  }

  write(log2Bytes: number, address: Value, offset: number, value: Value): void {
    address.push();
    value.push();
    this.storePushed(log2Bytes, offset);
  }

  /** Stores the value on the stack at an offset from the address below it. */
  protected storePushed(log2Bytes: number, offset: number): void {
    if (log2Bytes === 4) this.code.simdMemory(VectorOp.store, offset);
    else this.code.memory(stores[log2Bytes], offset);
  }

  /** What memory holds at a fixed place. */
  readAt(log2Bytes: number, place: number): Value {
    return this.read(log2Bytes, this.number(0), place);
  }

  writeAt(log2Bytes: number, place: number, value: Value): void {
    this.write(log2Bytes, this.number(0), place, value);
  }

  /** The result of another function. */
  called(width: Width, index: number, ...inputs: Value[]): Value {
    return this.value(width, () => {
      for (const input of inputs) input.push();
      this.code.call(index);
    });
  }

  /** One of two values, of which only that one is computed. */
  choose(width: ValueWidth, condition: Value, ifTrue: () => Value, ifFalse: () => Value): Value {
    return this.value(width, () => {
      condition.push();
      this.code.if(typeOf(width));
      ifTrue().push();
      this.code.op(Op.else);
      ifFalse().push();
      this.code.op(Op.end);
    });
  }

  if(condition: Value, then: () => void): void {
    condition.push();
    this.code.if();
    then();
    this.code.op(Op.end);
  }

  return(value: Value): void {
    value.push();
    this.code.op(Op.return);
  }
}
