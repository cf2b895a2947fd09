/**
 * The Builder that lists what an instruction touches. It holds meanings to the rules of the language on the way: widths
 * that fit, values that are used once or come from `let`, state written after the last access to memory.
 */
import type { A64Instruction, DecodeContext, Operands, Shape } from '../a64/instruction.ts';
import { type FpOperation, fpWidths, operandsOf } from '../fp/operation.ts';
import type {
  AccessKind,
  Builder,
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
import { concrete, placeOf, slotOf } from './concrete.ts';
import { type VectorOperator, vectorOperations } from './vectors.ts';

/** `Register` is what stands for a register: its Slot or the number of a vector, or its operand's name. */
export interface Analysis<Register> {
  readonly reads: readonly Register[];
  readonly writes: readonly Register[];
  /** SIMD&FP registers, or elements of them. */
  readonly readsVectors: readonly Register[];
  readonly writesVectors: readonly Register[];
  readonly readsFpcr: boolean;
  readonly accumulatesFpsr: boolean;
  readonly readsFlags: boolean;
  /** How NZCV come about, if they do: nzcv when they are computed bit by bit. */
  readonly writesFlags: 'add' | 'sub' | 'logic' | 'nzcv' | undefined;
  /** In order; bytes in all. Those that depend on a condition are among them. */
  readonly accesses: readonly {
    readonly access: 'load' | 'store';
    readonly bytes: number;
    readonly kind: AccessKind;
  }[];
  readonly readsState: readonly StateSlot[];
  readonly writesState: readonly StateSlot[];
  readonly branch: 'jump' | 'jumpIf' | 'call' | 'br' | 'blr' | 'ret' | undefined;
  readonly raise: Raise | undefined;
  /** A system register that is plain storage is read or written. */
  readonly plainSystem: 'read' | 'write' | undefined;
  /** The CPU around the engine carries the instruction out, and may touch anything. */
  readonly system: boolean;
}

/** One word: registers are Slots, ascending; zero and discard are left out. The word must be allocated. */
export function analyseWord(instruction: A64Instruction, word: number, context: DecodeContext): Analysis<number> {
  const { shape, operands } = concrete(instruction, word, 0n, context);
  const number = (place: VectorOperand) => placeOf(place) >> 4;
  const analysis = analyse(instruction, shape, operands, slotOf, number);
  const kept = (slots: readonly number[]) =>
    slots.filter((slot) => slot !== Slot.zero && slot !== Slot.discard).sort((a, b) => a - b);
  const once = (numbers: readonly number[]) => [...new Set(numbers)].sort((a, b) => a - b);
  return {
    ...analysis,
    reads: kept(analysis.reads),
    writes: kept(analysis.writes),
    readsVectors: once(analysis.readsVectors),
    writesVectors: once(analysis.writesVectors),
  };
}

/** All words of a shape: registers are the names of operands. Throws when the meaning breaks a rule. */
export function analyseShape(instruction: A64Instruction, shape: Shape): Analysis<string> {
  const named = (parts: readonly { readonly name: string }[]) =>
    Object.fromEntries(parts.map(({ name }) => [name, name])) as unknown;
  const operands = {
    registers: named(instruction.registers),
    vectors: named(instruction.vectors),
    immediates: named(instruction.immediates),
    labels: named(instruction.labels),
  } as Operands;
  const name = (operand: RegisterOperand | VectorOperand) => operand as unknown as string;
  return analyse(instruction, shape, operands, name, name);
}

function analyse<Register>(
  instruction: A64Instruction,
  shape: Shape,
  operands: Operands,
  register: (operand: RegisterOperand) => Register,
  vector: (operand: VectorOperand) => Register,
): Analysis<Register> {
  const analyser = new Analyser(`${instruction.name} ${JSON.stringify(shape)}`);
  instruction.execute(analyser, shape, operands);
  return {
    ...analyser.found,
    reads: [...analyser.reads].map(register),
    writes: [...analyser.writes].map(register),
    readsVectors: [...analyser.readsVectors].map(vector),
    writesVectors: [...analyser.writesVectors].map(vector),
    readsState: [...analyser.readsState],
    writesState: [...analyser.writesState],
  };
}

interface Value {
  readonly width: ValueWidth;
  /** Free to be used again. */
  readonly kept: boolean;
  used: boolean;
}

/** Of a value that has been loaded. */
const widthOf = (size: WideSize): ValueWidth => (size === 4 ? 128 : size === 3 ? 64 : 32);

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

class Analyser implements Builder<Value> {
  readonly reads = new Set<RegisterOperand>();
  readonly writes = new Set<RegisterOperand>();
  readonly readsVectors = new Set<VectorOperand>();
  readonly writesVectors = new Set<VectorOperand>();
  readonly readsState = new Set<StateSlot>();
  readonly writesState = new Set<StateSlot>();
  readonly #accesses: { access: 'load' | 'store'; bytes: number; kind: AccessKind }[] = [];
  readonly found: Mutable<
    Omit<
      Analysis<RegisterOperand>,
      'reads' | 'writes' | 'readsVectors' | 'writesVectors' | 'readsState' | 'writesState'
    >
  > = {
    readsFpcr: false,
    accumulatesFpsr: false,
    readsFlags: false,
    writesFlags: undefined,
    accesses: this.#accesses,
    branch: undefined,
    raise: undefined,
    plainSystem: undefined,
    system: false,
  };
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  #fail(problem: string): never {
    throw new Error(`${this.#name}: ${problem}`);
  }
  #value(width: ValueWidth, kept = false): Value {
    return { width, kept, used: false };
  }
  /** The values come to an end here, each of this width. */
  #use(width: ValueWidth, ...values: Value[]): void {
    for (const value of values) {
      if (value.width !== width) this.#fail(`a ${value.width}-bit value stands where ${width} bits are due`);
      if (value.used && !value.kept) this.#fail('a value is used twice without let');
      value.used = true;
    }
  }
  #access(access: 'load' | 'store', bytes: number, kind: AccessKind, address: Value): void {
    if (this.writesState.size > 0) this.#fail('memory is accessed after a state slot was written');
    this.#use(64, address);
    this.#accesses.push({ access, bytes, kind });
  }

  constant(width: Width): Value {
    return this.#value(width, true);
  }
  immediate(width: Width): Value {
    return this.#value(width);
  }
  label(): Value {
    return this.#value(64);
  }
  readX(width: Width, register: RegisterOperand): Value {
    this.reads.add(register);
    return this.#value(width);
  }
  writeX(width: Width, register: RegisterOperand, value: Value): void {
    this.#use(width, value);
    this.writes.add(register);
  }

  binary(_operator: string, width: Width, a: Value, b: Value): Value {
    this.#use(width, a, b);
    return this.#value(width);
  }
  compare(_comparison: string, width: Width, a: Value, b: Value): Value {
    this.#use(width, a, b);
    return this.#value(32);
  }
  select(width: Width, condition: Value, ifTrue: Value, ifFalse: Value): Value {
    this.#use(32, condition);
    this.#use(width, ifTrue, ifFalse);
    return this.#value(width);
  }
  countLeadingZeros(width: Width, a: Value): Value {
    this.#use(width, a);
    return this.#value(width);
  }
  truncate(a: Value): Value {
    this.#use(64, a);
    return this.#value(32);
  }
  zeroExtend(a: Value): Value {
    this.#use(32, a);
    return this.#value(64);
  }
  signExtend(a: Value): Value {
    this.#use(32, a);
    return this.#value(64);
  }
  signExtendFrom(width: Width, _bits: number, a: Value): Value {
    this.#use(width, a);
    return this.#value(width);
  }
  let(width: ValueWidth, value: Value): Value {
    this.#use(width, value);
    return this.#value(width, true);
  }

  readV(register: VectorOperand): Value {
    this.readsVectors.add(register);
    return this.#value(128);
  }
  writeV(register: VectorOperand, value: Value): void {
    this.#use(128, value);
    this.writesVectors.add(register);
  }
  readElement(size: Size, element: VectorOperand): Value {
    this.readsVectors.add(element);
    return this.#value(widthOf(size));
  }
  writeElement(size: Size, element: VectorOperand, value: Value): void {
    this.#use(widthOf(size), value);
    this.writesVectors.add(element);
  }
  writeScalar(size: Size, register: VectorOperand, value: Value): void {
    this.writeElement(size, register, value);
  }
  vector(operator: VectorOperator, ...inputs: Value[]): Value {
    const operation = vectorOperations[operator];
    if (inputs.length !== operation.inputs.length) this.#fail(`${operator} with a wrong number of values`);
    for (const [i, width] of operation.inputs.entries()) this.#use(width, inputs[i]);
    return this.#value(operation.output);
  }
  shuffle(bytes: readonly number[], a: Value, b: Value): Value {
    if (bytes.length !== 16 || bytes.some((byte) => !(byte >= 0 && byte < 32))) this.#fail('no 16 bytes of 32');
    this.#use(128, a, b);
    return this.#value(128);
  }
  vectorConstant(): Value {
    return this.#value(128, true);
  }
  extractLane(size: Size, lane: number, vector: Value): Value {
    this.#lane(size, lane);
    this.#use(128, vector);
    return this.#value(widthOf(size));
  }
  replaceLane(size: Size, lane: number, vector: Value, value: Value): Value {
    this.#lane(size, lane);
    this.#use(128, vector);
    this.#use(widthOf(size), value);
    return this.#value(128);
  }
  #lane(size: Size, lane: number): void {
    if (!(lane >= 0 && lane < 16 >> size)) this.#fail(`no lane ${lane} of size ${size}`);
  }
  fp(operation: FpOperation, inputs: readonly Value[], fbits?: Value): Value {
    if (inputs.length !== operandsOf(operation)) this.#fail(`${operation.name} with a wrong number of values`);
    this.#use(fpWidths(operation).inputs, ...inputs);
    if (fbits) this.#use(32, fbits);
    this.found.readsFpcr = true;
    this.found.accumulatesFpsr = true;
    return this.#value(fpWidths(operation).output);
  }
  readFpcr(): Value {
    this.found.readsFpcr = true;
    return this.#value(32);
  }
  accumulateFpsr(bits: Value): void {
    this.#use(32, bits);
    this.found.accumulatesFpsr = true;
  }

  flags(operator: 'add' | 'sub' | 'logic', width: Width, a: Value, b?: Value): void {
    if ((operator === 'logic') !== (b === undefined)) this.#fail(`flags of ${operator} with a wrong number of values`);
    this.#use(width, a, ...(b === undefined ? [] : [b]));
    this.found.writesFlags = operator;
  }
  setNzcv(value: Value): void {
    this.#use(32, value);
    this.found.writesFlags = 'nzcv';
  }
  nzcv(): Value {
    this.found.readsFlags = true;
    return this.#value(32);
  }
  condition(cond: number): Value {
    // AL and NV look at no flag.
    if (cond < 14) this.found.readsFlags = true;
    return this.#value(32);
  }

  load(size: WideSize, address: Value, kind: AccessKind): Value {
    this.#access('load', 1 << size, kind, address);
    return this.#value(widthOf(size));
  }
  store(size: WideSize, address: Value, value: Value, kind: AccessKind): void {
    this.#use(widthOf(size), value);
    this.#access('store', 1 << size, kind, address);
  }
  loadPair(size: 2 | 3 | 4, address: Value, kind: AccessKind): [Value, Value] {
    this.#access('load', 2 << size, kind, address);
    return [this.#value(widthOf(size)), this.#value(widthOf(size))];
  }
  storePair(size: 2 | 3 | 4, address: Value, first: Value, second: Value, kind: AccessKind): void {
    this.#use(widthOf(size), first, second);
    this.#access('store', 2 << size, kind, address);
  }
  loadElements(_size: Size, bytes: 8 | 16, address: Value): Value {
    this.#access('load', bytes, 'normal', address);
    return this.#value(128);
  }
  storeElements(_size: Size, bytes: 8 | 16, address: Value, value: Value): void {
    this.#use(128, value);
    this.#access('store', bytes, 'normal', address);
  }
  checkSpAlignment(): void {
    // No more than a fault comes of it.
  }
  when(condition: Value, then: () => Value | void): Value {
    this.#use(32, condition);
    const result = then();
    if (result) this.#use(32, result);
    return this.#value(32);
  }

  readState(slot: StateSlot): Value {
    this.readsState.add(slot);
    return this.#value(64);
  }
  writeState(slot: StateSlot, value: Value): void {
    this.#use(64, value);
    this.writesState.add(slot);
  }
  readSystem(): Value {
    this.found.plainSystem = 'read';
    return this.#value(64);
  }
  writeSystem(_offset: ImmediateOperand, value: Value): void {
    this.#use(64, value);
    this.found.plainSystem = 'write';
  }

  jump(): void {
    this.#branch('jump');
  }
  jumpIf(condition: Value): void {
    this.#use(32, condition);
    this.#branch('jumpIf');
  }
  jumpRegister(target: Value, kind: 'br' | 'blr' | 'ret'): void {
    this.#use(64, target);
    this.#branch(kind);
  }
  call(_to: LabelOperand): void {
    this.#branch('call');
  }
  #branch(branch: Analysis<never>['branch']): void {
    if (this.found.branch !== undefined) this.#fail('there are two branches');
    this.found.branch = branch;
  }
  raise(raise: Raise): void {
    this.found.raise = raise;
  }
  system(): void {
    this.found.system = true;
  }
}
