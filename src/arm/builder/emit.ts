/**
 * The Builder that writes WebAssembly. A value is code that leaves it on the stack, written where the value is used;
 * `let` writes it at once and keeps it in a local.
 *
 * What depends on the kind of function being made (where operands come from, how control goes on) is left to
 * subclasses: HandlerEmitter makes the interpreter's handlers, from operands in a record; a translator of whole regions
 * would know the operands.
 */
import type {
  AccessKind,
  BinaryOperator,
  Builder,
  Comparison,
  ImmediateOperand,
  LabelOperand,
  Raise,
  RegisterOperand,
  Size,
  StateSlot,
  Width,
} from './builder.ts';
import { Context, Layout } from './layout.ts';
import { accessDescription, entryOf, FlagsKind, FunctionIndex, firstAlignedKind } from './runtime.ts';
import { Code, Op, ValueType } from './wasm.ts';

const { i32, i64 } = ValueType;

export interface Value {
  readonly width: Width;
  readonly push: () => void;
  /** Costs nothing to push again. */
  readonly cheap?: boolean;
}

/** Opcodes for 32 and 64 bits. */
const binaryOpcodes: Readonly<Record<BinaryOperator, readonly [number, number]>> = {
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
const comparisonOpcodes: Readonly<Record<Comparison, readonly [number, number]>> = {
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

/** By log2 of the bytes. */
const loads = [Op.i32Load8U, Op.i32Load16U, Op.i32Load, Op.i64Load];
const stores = [Op.i32Store8, Op.i32Store16, Op.i32Store, Op.i64Store];

/** In the order that access descriptions number them. */
export const accessKinds: readonly AccessKind[] = ['normal', 'unprivileged', 'ordered', 'exclusive', 'atomic'];
/** In the order in which the host is told them. */
export const raises: readonly Raise[] = ['undefined', 'svc', 'hvc', 'smc', 'brk', 'hlt'];
const stateSlots: readonly StateSlot[] = ['exclusiveAddress', 'exclusiveValue', 'exclusiveHigh', 'exclusiveSize'];
const stateAddress = (slot: StateSlot) => Layout.exclusive + 8 * stateSlots.indexOf(slot);

/** ConditionHolds(cond) for flags as bits 3..0. */
function conditionHolds(cond: number, flags: number): boolean {
  const [n, z, c, v] = [3, 2, 1, 0].map((bit) => ((flags >> bit) & 1) === 1);
  const base = [z, c, n, v, c && !z, n === v, n === v && !z, true][cond >> 1];
  return (cond & 1) === 1 && cond !== 15 ? !base : base;
}
/** Bit `flags` of the number tells whether the condition holds. */
const conditionTable = (cond: number): number =>
  Array.from({ length: 16 }, (_, flags) => (conditionHolds(cond, flags) ? 1 << flags : 0)).reduce((a, b) => a | b);

/**
 * Conditions as a comparison of the lazy flags' operands, after a subtraction and, where C does not matter, after a
 * logical operation, which is a subtraction of zero in all but C.
 */
const directConditions: Readonly<Record<number, { comparison: Comparison; needsC: boolean; ofDifference?: boolean }>> =
  {
    0: { comparison: 'eq', needsC: false },
    1: { comparison: 'ne', needsC: false },
    2: { comparison: 'ge_u', needsC: true },
    3: { comparison: 'lt_u', needsC: true },
    4: { comparison: 'lt_s', needsC: false, ofDifference: true },
    5: { comparison: 'ge_s', needsC: false, ofDifference: true },
    8: { comparison: 'gt_u', needsC: true },
    9: { comparison: 'le_u', needsC: true },
    10: { comparison: 'ge_s', needsC: false },
    11: { comparison: 'lt_s', needsC: false },
    12: { comparison: 'gt_s', needsC: false },
    13: { comparison: 'le_s', needsC: false },
  };

/** A store that waits for the end of the instruction. */
interface Write {
  /** Leaves the address, and returns the offset from it. */
  readonly address: () => number;
  readonly value: () => void;
  readonly opcode: number;
}

export abstract class Emitter implements Builder<Value> {
  protected readonly code = new Code();
  readonly locals: ValueType[] = [];
  readonly #parameters: number;
  #writes: Write[] = [];

  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  abstract immediate(width: Width, operand: ImmediateOperand): Value;
  abstract label(operand: LabelOperand): Value;
  abstract readX(width: Width, register: RegisterOperand): Value;
  abstract jump(to: LabelOperand): void;
  abstract jumpIf(condition: Value, to: LabelOperand): void;
  abstract jumpRegister(target: Value, kind: 'br' | 'blr' | 'ret'): void;
  abstract call(to: LabelOperand, next: LabelOperand): void;
  abstract raise(kind: Raise, immediate: ImmediateOperand): void;
  abstract system(word: ImmediateOperand): void;
  /** Leaves the address of a register's slot but for the offset that is returned. */
  protected abstract pushRegisterAddress(register: RegisterOperand): number;
  protected abstract pushContext(): void;
  /** Leaves the place in memory of an access that missed the TLB; on an exception leaves the function. */
  protected abstract slowAccess(write: boolean, address: Value, pushContext: () => void, description: number): void;
  /** Leaves the function with an exception that the host's function has made pending. */
  protected abstract fault(hostFunction: number): void;

  protected newLocal(type: ValueType): number {
    this.locals.push(type);
    return this.#parameters + this.locals.length - 1;
  }

  protected value(width: Width, push: () => void): Value {
    return { width, push };
  }

  #local(width: Width, index: number): Value {
    return { width, push: () => this.code.get(index), cheap: true };
  }

  let(width: Width, value: Value): Value {
    if (value.cheap) return value;
    const index = this.newLocal(width === 64 ? i64 : i32);
    value.push();
    this.code.set(index);
    return this.#local(width, index);
  }

  constant(width: Width, value: bigint): Value {
    const push = width === 64 ? () => this.code.i64(value) : () => this.code.i32(Number(BigInt.asIntN(32, value)));
    return { width, push, cheap: true };
  }

  #operation(width: Width, opcode: number, ...inputs: Value[]): Value {
    return this.value(width, () => {
      for (const input of inputs) input.push();
      this.code.op(opcode);
    });
  }

  binary(operator: BinaryOperator, width: Width, a: Value, b: Value): Value {
    return this.#operation(width, binaryOpcodes[operator][width === 64 ? 1 : 0], a, b);
  }

  compare(comparison: Comparison, width: Width, a: Value, b: Value): Value {
    return this.#operation(32, comparisonOpcodes[comparison][width === 64 ? 1 : 0], a, b);
  }

  select(width: Width, condition: Value, ifTrue: Value, ifFalse: Value): Value {
    return this.#operation(width, Op.select, ifTrue, ifFalse, condition);
  }

  countLeadingZeros(width: Width, a: Value): Value {
    return this.#operation(width, width === 64 ? Op.i64Clz : Op.i32Clz, a);
  }

  truncate(a: Value): Value {
    return this.#operation(32, Op.i32WrapI64, a);
  }

  zeroExtend(a: Value): Value {
    return this.#operation(64, Op.i64ExtendI32U, a);
  }

  signExtend(a: Value): Value {
    return this.#operation(64, Op.i64ExtendI32S, a);
  }

  signExtendFrom(width: Width, bits: 8 | 16 | 32, a: Value): Value {
    if (width === 64) return this.#operation(64, signExtensions[64][bits], a);
    return bits === 32 ? a : this.#operation(32, signExtensions[32][bits], a);
  }

  // Writes: queued, so that every value is made from the state before the instruction.

  writeX(width: Width, register: RegisterOperand, value: Value): void {
    this.#writes.push({
      address: () => this.pushRegisterAddress(register),
      value: () => {
        value.push();
        if (width === 32) this.code.op(Op.i64ExtendI32U);
      },
      opcode: Op.i64Store,
    });
  }

  #write(address: number, opcode: number, value: () => void): void {
    this.#writes.push({
      address: () => {
        this.code.i32(0);
        return address;
      },
      value,
      opcode,
    });
  }

  /** Carries out the queued writes. All values are made before the first write; the last of one place stays. */
  protected commit(): void {
    const writes = this.#writes;
    this.#writes = [];
    const offsets = writes.map(() => 0);
    for (let i = writes.length - 1; i >= 0; i--) {
      offsets[i] = writes[i].address();
      writes[i].value();
    }
    for (const [i, { opcode }] of writes.entries()) this.code.memory(opcode, offsets[i]);
  }

  /** Nothing of the instruction happens. */
  protected discard(): void {
    this.#writes = [];
  }

  // Flags: kept as the operation that made them. 32-bit operands go to the high halves, where they give the same flags.

  flags(operator: 'add' | 'sub' | 'logic', width: Width, a: Value, b?: Value): void {
    const operand = (value: Value) => () => {
      value.push();
      if (width === 32) this.code.op(Op.i64ExtendI32U).i64(32n).op(Op.i64Shl);
    };
    this.#write(Layout.flagsKind, Op.i32Store, () => this.code.i32(FlagsKind[operator]));
    this.#write(Layout.flagsA, Op.i64Store, operand(a));
    this.#write(Layout.flagsB, Op.i64Store, operand(b ?? this.constant(width, 0n)));
  }

  setNzcv(value: Value): void {
    this.#write(Layout.flagsKind, Op.i32Store, () => this.code.i32(FlagsKind.nzcv));
    this.#write(Layout.flagsA, Op.i64Store, () => {
      value.push();
      this.code.op(Op.i64ExtendI32U);
    });
  }

  nzcv(): Value {
    return this.value(32, () => this.code.call(FunctionIndex.nzcv));
  }

  condition(cond: number): Value {
    if (cond >= 14) return this.constant(32, 1n);
    const direct = directConditions[cond];
    const general = () => {
      this.code.i32(conditionTable(cond)).call(FunctionIndex.nzcv).op(Op.i32ShrU).i32(1).op(Op.i32And);
    };
    if (direct === undefined) return this.value(32, general);
    return this.value(32, () => {
      const { code } = this;
      code.loadAt(Op.i32Load, Layout.flagsKind).i32(FlagsKind.sub);
      if (direct.needsC) code.op(Op.i32Eq);
      else code.op(Op.i32Sub).i32(2).op(Op.i32LtU);
      code.if(i32).loadAt(Op.i64Load, Layout.flagsA).loadAt(Op.i64Load, Layout.flagsB);
      if (direct.ofDifference) code.op(Op.i64Sub).i64(0n);
      code.op(comparisonOpcodes[direct.comparison][1], Op.else);
      general();
      code.op(Op.end);
    });
  }

  // Memory: a look into the TLB in line, the rest behind slowAccess.

  load(size: Size, address: Value, kind: AccessKind): Value {
    const va = this.let(64, address);
    // What is read to be written asks for permission to write at once.
    const place = () =>
      this.#place(kind === 'atomic', va, size, false, kind, () => this.#slowLoad(va, size, false, kind));
    return this.let(
      size === 3 ? 64 : 32,
      this.value(size === 3 ? 64 : 32, () => {
        place();
        this.code.memory(loads[size], 0);
      }),
    );
  }

  loadPair(size: 2 | 3, address: Value, kind: AccessKind): [Value, Value] {
    const va = this.let(64, address);
    const width = size === 3 ? 64 : 32;
    const place = this.let(
      32,
      this.value(32, () =>
        this.#place(kind === 'atomic', va, size, true, kind, () => this.#slowLoad(va, size, true, kind)),
      ),
    );
    const element = (offset: number) =>
      this.let(
        width,
        this.value(width, () => {
          place.push();
          this.code.memory(loads[size], offset);
        }),
      );
    return [element(0), element(1 << size)];
  }

  store(size: Size, address: Value, value: Value, kind: AccessKind): void {
    this.#store(size, address, [this.let(size === 3 ? 64 : 32, value)], kind);
  }

  storePair(size: 2 | 3, address: Value, first: Value, second: Value, kind: AccessKind): void {
    const width = size === 3 ? 64 : 32;
    this.#store(size, address, [this.let(width, first), this.let(width, second)], kind);
  }

  #store(size: Size, address: Value, values: Value[], kind: AccessKind): void {
    const { code } = this;
    const va = this.let(64, address);
    const pair = values.length === 2;
    const place = this.newLocal(i32);
    this.#place(true, va, size, pair, kind, () => {
      values.forEach((value, i) => {
        code.i32(0);
        value.push();
        code.memory(stores[size], Layout.scratch + (i << size));
      });
      this.#slow(true, va, size, pair, kind);
    });
    code.set(place);
    values.forEach((value, i) => {
      code.get(place);
      value.push();
      code.memory(stores[size], i << size);
    });
  }

  #slowLoad(va: Value, size: Size, pair: boolean, kind: AccessKind): void {
    this.#slow(false, va, size, pair, kind);
  }

  #slow(write: boolean, va: Value, size: Size, pair: boolean, kind: AccessKind): void {
    const description = accessDescription(size, pair, accessKinds.indexOf(kind));
    this.slowAccess(write, va, () => this.#pushContextOf(kind), description);
  }

  #pushContextOf(kind: AccessKind): void {
    if (kind === 'unprivileged') this.code.i32(Layout.contexts);
    else this.pushContext();
  }

  /** Leaves the place of an access in memory. The fast path takes what is aligned, and so in one page. */
  #place(write: boolean, va: Value, size: Size, pair: boolean, kind: AccessKind, slow: () => void): void {
    const { code } = this;
    const table = write ? Context.write : Context.read;
    const entry = this.newLocal(i32);
    va.push();
    entryOf(code, Context.entries, () => this.#pushContextOf(kind)).tee(entry);
    code.memory(Op.i64Load, table);
    va.push();
    const whole = pair && accessKinds.indexOf(kind) >= firstAlignedKind;
    // The last element of a pair is in the same page as the first, or there is no hit.
    if (pair && !whole) code.i64(1n << BigInt(size)).op(Op.i64Add);
    code
      .i64(-4096n | ((1n << BigInt(whole ? size + 1 : size)) - 1n))
      .op(Op.i64And, Op.i64Eq)
      .if(i32);
    va.push();
    code
      .op(Op.i32WrapI64)
      .get(entry)
      .memory(Op.i32Load, table + Context.value)
      .op(Op.i32Add, Op.else);
    slow();
    code.op(Op.end);
  }

  checkSpAlignment(): void {
    const { code } = this;
    code
      .loadAt(Op.i32Load, Layout.x + 32 * 8)
      .i32(15)
      .op(Op.i32And)
      .if();
    code.loadAt(Op.i32Load, Layout.spCheck).if();
    this.fault(FunctionIndex.hostSpAlignmentFault);
    code.op(Op.end, Op.end);
  }

  when(condition: Value, then: () => Value | void): Value {
    const { code } = this;
    const result = this.newLocal(i32);
    condition.push();
    code.if(i32);
    (then() ?? this.constant(32, 0n)).push();
    code.op(Op.else).i32(0).op(Op.end).set(result);
    return this.#local(32, result);
  }

  // State that only few instructions touch: read and written at once.

  readState(slot: StateSlot): Value {
    return this.let(
      64,
      this.value(64, () => this.code.loadAt(Op.i64Load, stateAddress(slot))),
    );
  }

  writeState(slot: StateSlot, value: Value): void {
    this.code.i32(0);
    value.push();
    this.code.memory(Op.i64Store, stateAddress(slot));
  }

  readSystem(offset: ImmediateOperand): Value {
    return this.value(64, () => {
      this.immediate(32, offset).push();
      this.code.memory(Op.i64Load, Layout.system);
    });
  }

  writeSystem(offset: ImmediateOperand, value: Value): void {
    this.#writes.push({
      address: () => {
        this.immediate(32, offset).push();
        return Layout.system;
      },
      value: () => value.push(),
      opcode: Op.i64Store,
    });
  }
}
