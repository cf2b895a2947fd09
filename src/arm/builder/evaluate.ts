/**
 * The Builder that carries instructions out at once, on BigInts: slow and readable. It is the oracle that the engine
 * is held against. A value is an unsigned number of its width; a truth value is 0n or 1n.
 */
import { a64Instructions } from '../a64/index.ts';
import type { DecodeContext } from '../a64/instruction.ts';
import { type Decoder, decoderOf } from '../decode/decoder.ts';
import { carryOut, type FpOperation } from '../fp/operation.ts';
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
  ValueWidth,
  VectorOperand,
  WideSize,
  Width,
} from './builder.ts';
import { Slot } from './builder.ts';
import { bitsOf, concrete, placeOf, slotOf } from './concrete.ts';
import { evaluateVector, fromLanes, lanesOf } from './lanes.ts';
import { SystemOffset } from './layout.ts';
import type { VectorOperator } from './vectors.ts';

/** The machine that an instruction is carried out on. */
export interface EvaluateState extends DecodeContext {
  /** What the CPU has of optional features; undefined: all. */
  readonly features?: ReadonlySet<string>;
  /** By Slot, so 34 of them: X0..X30, zero, SP, and one that nobody reads. */
  readonly x: BigUint64Array;
  /** V0..V31, low half then high half. FPCR and FPSR are system registers. */
  readonly v: BigUint64Array;
  pc: bigint;
  /** N is bit 3. */
  nzcv: number;
  readonly exclusive: Record<StateSlot, bigint>;
  /**
   * `bytes` in all, in that many elements; little-endian, the first element lowest. undefined or false: a fault, which
   * the machine has noted; the instruction then changes nothing.
   */
  load(address: bigint, bytes: number, elements: number, kind: AccessKind): bigint | undefined;
  store(address: bigint, bytes: number, elements: number, value: bigint, kind: AccessKind): boolean;
  /** False: SP must be aligned and is not; as a fault. */
  checkSpAlignment(): boolean;
  /** Offsets are those that systemSlot gives. */
  readSystem(offset: number): bigint;
  writeSystem(offset: number, value: bigint): void;
}

export type Outcome =
  /** pc is the next instruction's. */
  | { readonly kind: 'done' }
  /** Nothing but what the machine's own load or store did. pc is the instruction's. */
  | { readonly kind: 'fault' }
  | { readonly kind: 'raise'; readonly raise: Raise; readonly immediate: number }
  /** Left to the caller: see Builder.system. pc is already the next one's. */
  | { readonly kind: 'system'; readonly word: number };

/** Made when it is first needed: most programs never evaluate. */
let decoder: Decoder | undefined;

/** Carries out one instruction at state.pc. */
export function executeWord(word: number, state: EvaluateState): Outcome {
  decoder ??= decoderOf(a64Instructions);
  const instruction = decoder.find(word);
  const { features } = state;
  const isAbsent = features !== undefined && instruction?.features.some((feature) => !features.has(feature));
  if (instruction === undefined || isAbsent) return { kind: 'raise', raise: 'undefined', immediate: 0 };
  if (instruction.simd && state.simdTrapped) return { kind: 'raise', raise: 'simdAccess', immediate: 0 };
  const { shape, operands } = concrete(instruction, word, state.pc, state);
  const evaluator = new Evaluator(state);
  instruction.execute(evaluator, shape, operands);
  return evaluator.finish();
}

const unsigned = (width: Width, value: bigint) => BigInt.asUintN(width, value);
const signed = (width: Width, value: bigint) => BigInt.asIntN(width, value);
const truth = (condition: boolean) => (condition ? 1n : 0n);

const binaryOperators: Readonly<Record<BinaryOperator, (width: Width, a: bigint, b: bigint) => bigint>> = {
  add: (_, a, b) => a + b,
  sub: (_, a, b) => a - b,
  mul: (_, a, b) => a * b,
  and: (_, a, b) => a & b,
  or: (_, a, b) => a | b,
  xor: (_, a, b) => a ^ b,
  shl: (width, a, b) => a << (b % BigInt(width)),
  shr_u: (width, a, b) => a >> (b % BigInt(width)),
  shr_s: (width, a, b) => signed(width, a) >> (b % BigInt(width)),
  rotr: (width, a, b) => (a >> (b % BigInt(width))) | (a << (BigInt(width) - (b % BigInt(width)))),
  div_u: (_, a, b) => a / b,
  div_s: (width, a, b) => signed(width, a) / signed(width, b),
};

const comparisons: Readonly<Record<Comparison, (width: Width, a: bigint, b: bigint) => boolean>> = {
  eq: (_, a, b) => a === b,
  ne: (_, a, b) => a !== b,
  lt_u: (_, a, b) => a < b,
  lt_s: (width, a, b) => signed(width, a) < signed(width, b),
  le_u: (_, a, b) => a <= b,
  le_s: (width, a, b) => signed(width, a) <= signed(width, b),
  gt_u: (_, a, b) => a > b,
  gt_s: (width, a, b) => signed(width, a) > signed(width, b),
  ge_u: (_, a, b) => a >= b,
  ge_s: (width, a, b) => signed(width, a) >= signed(width, b),
};

export class Evaluator implements Builder<bigint> {
  readonly #state: EvaluateState;
  #outcome: Outcome = { kind: 'done' };
  /** What happens at the end, if the instruction gets there. */
  readonly #writes: (() => void)[] = [];
  #next: bigint;

  constructor(state: EvaluateState) {
    this.#state = state;
    this.#next = unsigned(64, state.pc + 4n);
  }

  /** Carries out what was queued. */
  finish(): Outcome {
    if (this.#outcome.kind === 'fault' || this.#outcome.kind === 'raise') return this.#outcome;
    for (const write of this.#writes) write();
    this.#state.pc = this.#next;
    return this.#outcome;
  }

  constant(width: Width, value: bigint): bigint {
    return unsigned(width, value);
  }
  immediate(width: Width, operand: ImmediateOperand): bigint {
    return unsigned(width, bitsOf(operand));
  }
  label(operand: LabelOperand): bigint {
    return bitsOf(operand);
  }

  readX(width: Width, register: RegisterOperand): bigint {
    const slot = slotOf(register);
    return slot === Slot.zero ? 0n : unsigned(width, this.#state.x[slot]);
  }
  writeX(_width: Width, register: RegisterOperand, value: bigint): void {
    const slot = slotOf(register);
    this.#writes.push(() => {
      if (slot !== Slot.discard) this.#state.x[slot] = value;
    });
  }

  binary(operator: BinaryOperator, width: Width, a: bigint, b: bigint): bigint {
    return unsigned(width, binaryOperators[operator](width, a, b));
  }
  compare(comparison: Comparison, width: Width, a: bigint, b: bigint): bigint {
    return truth(comparisons[comparison](width, a, b));
  }
  select(_width: Width, condition: bigint, ifTrue: bigint, ifFalse: bigint): bigint {
    return condition !== 0n ? ifTrue : ifFalse;
  }
  countLeadingZeros(width: Width, a: bigint): bigint {
    return BigInt(a === 0n ? width : width - a.toString(2).length);
  }
  truncate(a: bigint): bigint {
    return unsigned(32, a);
  }
  zeroExtend(a: bigint): bigint {
    return a;
  }
  signExtend(a: bigint): bigint {
    return unsigned(64, signed(32, a));
  }
  signExtendFrom(width: Width, bits: 8 | 16 | 32, a: bigint): bigint {
    return unsigned(width, BigInt.asIntN(bits, a));
  }
  let(_width: ValueWidth, value: bigint): bigint {
    return value;
  }

  readV(register: VectorOperand): bigint {
    const at = placeOf(register) >> 3;
    return this.#state.v[at] | (this.#state.v[at + 1] << 64n);
  }
  writeV(register: VectorOperand, value: bigint): void {
    const at = placeOf(register) >> 3;
    this.#writes.push(() => {
      this.#state.v[at] = value;
      this.#state.v[at + 1] = value >> 64n;
    });
  }
  readElement(size: Size, element: VectorOperand): bigint {
    const place = placeOf(element);
    return BigInt.asUintN(8 << size, this.#state.v[place >> 3] >> BigInt((place & 7) * 8));
  }
  writeElement(size: Size, element: VectorOperand, value: bigint): void {
    const place = placeOf(element);
    this.#writes.push(() => {
      const shift = BigInt((place & 7) * 8);
      const mask = ((1n << BigInt(8 << size)) - 1n) << shift;
      const old = this.#state.v[place >> 3];
      this.#state.v[place >> 3] = (old & ~mask) | ((value << shift) & mask);
    });
  }
  writeScalar(size: Size, register: VectorOperand, value: bigint): void {
    this.writeV(register, BigInt.asUintN(8 << size, value));
  }
  vector(operator: VectorOperator, ...[a, b, c]: bigint[]): bigint {
    return evaluateVector(operator, a, b, c);
  }
  shuffle(bytes: readonly number[], a: bigint, b: bigint): bigint {
    const all = [...lanesOf(a, 8), ...lanesOf(b, 8)];
    return fromLanes(
      bytes.map((i) => all[i]),
      8,
    );
  }
  vectorConstant(value: bigint): bigint {
    return BigInt.asUintN(128, value);
  }
  extractLane(size: Size, lane: number, vector: bigint): bigint {
    return lanesOf(vector, 8 << size)[lane];
  }
  replaceLane(size: Size, lane: number, vector: bigint, value: bigint): bigint {
    return fromLanes(lanesOf(vector, 8 << size).with(lane, value), 8 << size);
  }
  fp(operation: FpOperation, [a, b = 0n, c = 0n]: readonly bigint[], fbits = 0n): bigint {
    const fp = { fpcr: Number(this.readFpcr()), fpsr: 0 };
    const result = carryOut(operation, fp, Number(fbits), a, b, c);
    this.accumulateFpsr(BigInt(fp.fpsr));
    return result;
  }
  readFpcr(): bigint {
    return unsigned(32, this.#state.readSystem(SystemOffset.fpcr));
  }
  accumulateFpsr(bits: bigint): void {
    const offset = SystemOffset.fpsr;
    this.#writes.push(() => this.#state.writeSystem(offset, this.#state.readSystem(offset) | bits));
  }

  /** Arm ARM, AddWithCarry(): a flag is where the exact sum and the result disagree. */
  flags(operator: 'add' | 'sub' | 'logic', width: Width, a: bigint, b = 0n): void {
    const other = operator === 'sub' ? unsigned(width, ~b) : b;
    const carry = operator === 'sub' ? 1n : 0n;
    const result = unsigned(width, a + other + carry);
    const n = truth(signed(width, result) < 0n);
    const z = truth(result === 0n);
    const c = truth(result !== a + other + carry);
    const v = truth(signed(width, result) !== signed(width, a) + signed(width, other) + carry);
    this.setNzcv((n << 3n) | (z << 2n) | (c << 1n) | v);
  }
  setNzcv(value: bigint): void {
    this.#writes.push(() => {
      this.#state.nzcv = Number(value & 15n);
    });
  }
  nzcv(): bigint {
    return BigInt(this.#state.nzcv);
  }
  condition(cond: number): bigint {
    return truth(conditionHolds(this.#state.nzcv, cond));
  }

  load(size: WideSize, address: bigint, kind: AccessKind): bigint {
    return this.#load(address, 1 << size, 1, kind);
  }
  store(size: WideSize, address: bigint, value: bigint, kind: AccessKind): void {
    this.#store(address, 1 << size, 1, BigInt.asUintN(8 << size, value), kind);
  }
  loadPair(size: 2 | 3 | 4, address: bigint, kind: AccessKind): [bigint, bigint] {
    const bits = 8 << size;
    const both = this.#load(address, 2 << size, 2, kind);
    return [BigInt.asUintN(bits, both), both >> BigInt(bits)];
  }
  storePair(size: 2 | 3 | 4, address: bigint, first: bigint, second: bigint, kind: AccessKind): void {
    this.#store(address, 2 << size, 2, first | (second << BigInt(8 << size)), kind);
  }
  loadElements(size: Size, bytes: 8 | 16, address: bigint): bigint {
    return this.#load(address, bytes, bytes >> size, 'normal');
  }
  storeElements(size: Size, bytes: 8 | 16, address: bigint, value: bigint): void {
    this.#store(address, bytes, bytes >> size, BigInt.asUintN(8 * bytes, value), 'normal');
  }
  checkSpAlignment(): void {
    if (!this.#state.checkSpAlignment()) this.#outcome = { kind: 'fault' };
  }
  when(condition: bigint, then: () => bigint | void): bigint {
    return condition !== 0n && this.#outcome.kind === 'done' ? (then() ?? 0n) : 0n;
  }
  // After a fault the meaning runs on, but nothing that it says happens.
  #load(address: bigint, bytes: number, elements: number, kind: AccessKind): bigint {
    if (this.#outcome.kind === 'fault') return 0n;
    const value = this.#state.load(address, bytes, elements, kind);
    if (value === undefined) this.#outcome = { kind: 'fault' };
    return value ?? 0n;
  }
  #store(address: bigint, bytes: number, elements: number, value: bigint, kind: AccessKind): void {
    if (this.#outcome.kind === 'fault') return;
    if (!this.#state.store(address, bytes, elements, value, kind)) this.#outcome = { kind: 'fault' };
  }

  readState(slot: StateSlot): bigint {
    return this.#state.exclusive[slot];
  }
  writeState(slot: StateSlot, value: bigint): void {
    this.#writes.push(() => {
      this.#state.exclusive[slot] = value;
    });
  }
  readSystem(offset: ImmediateOperand): bigint {
    return this.#state.readSystem(Number(bitsOf(offset)));
  }
  writeSystem(offset: ImmediateOperand, value: bigint): void {
    this.#writes.push(() => this.#state.writeSystem(Number(bitsOf(offset)), value));
  }

  jump(to: LabelOperand): void {
    this.#next = bitsOf(to);
  }
  jumpIf(condition: bigint, to: LabelOperand): void {
    if (condition !== 0n) this.jump(to);
  }
  jumpRegister(target: bigint): void {
    this.#next = target;
  }
  call(to: LabelOperand): void {
    this.jump(to);
  }
  raise(raise: Raise, immediate: ImmediateOperand): void {
    this.#outcome = { kind: 'raise', raise, immediate: Number(bitsOf(immediate)) };
  }
  system(word: ImmediateOperand): void {
    this.#outcome = { kind: 'system', word: Number(bitsOf(word)) };
  }
}

/** ConditionHolds(). */
function conditionHolds(nzcv: number, cond: number): boolean {
  const [n, z, c, v] = [8, 4, 2, 1].map((flag) => (nzcv & flag) !== 0);
  const holds = [z, c, n, v, c && !z, n === v, n === v && !z, true][cond >> 1];
  // 1111 is "always" too.
  return (cond & 1) === 1 && cond !== 15 ? !holds : holds;
}
