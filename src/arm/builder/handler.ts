/** Makes the interpreter's handlers: functions of one instruction each whose operands stand in its Record. */
import type { A64Instruction, Operands } from '../a64/instruction.ts';
import { FunctionIndex, raises, Status, TypeIndex } from './abi.ts';
import type {
  ImmediateOperand,
  LabelOperand,
  Raise,
  RegisterOperand,
  VectorOperand,
  WideSize,
  Width,
} from './builder.ts';
import { Emitter } from './emit.ts';
import { Layout, Record } from './layout.ts';
import type { Meaning } from './numbering.ts';
import { enter, enterFar, goFar, jumpTo, pcOf, storeState } from './runtime.ts';
import type { Value } from './values.ts';
import { type FunctionBody, Op } from './wasm.ts';

export interface Handler {
  readonly body: FunctionBody;
  /** Control never goes on to the next record. */
  readonly ends: boolean;
}

/** The handler of all words of one shape. */
export function emitHandler(meaning: Meaning): Handler {
  const emitter = new HandlerEmitter();
  emitter.execute(meaning);
  return emitter.finish();
}

/** The handler of two instructions in a row; `handler` is the second's own. */
export function emitPair(first: Meaning, handler: number, second: Meaning): Handler {
  const emitter = new HandlerEmitter();
  emitter.execute(first);
  emitter.advance(handler);
  emitter.execute(second);
  return emitter.finish();
}

/** A handler that does no more than raise an exception, with the first immediate. */
export function emitRaise(kind: Raise): Handler {
  const emitter = new HandlerEmitter();
  emitter.raise(kind, Record.immediates as unknown as ImmediateOperand);
  return emitter.finish();
}

/** Operands are their places in the record. */
function operandsOf({ registers, vectors, immediates, labels }: A64Instruction): Operands {
  const places = <T>(parts: readonly { readonly name: string }[], place: (index: number) => number) =>
    Object.fromEntries(parts.map(({ name }, i) => [name, place(i) as unknown as T]));
  return {
    registers: places<RegisterOperand>(registers, (i) => Record.registers + 2 * i),
    vectors: places<VectorOperand>(vectors, (i) => Record.registers + 2 * (registers.length + i)),
    immediates: places<ImmediateOperand>(immediates, (i) => Record.immediates + 8 * i),
    labels: places<LabelOperand>(labels, (i) => Record.immediates + 8 * (immediates.length + i)),
  };
}
const placeOf = (operand: RegisterOperand | VectorOperand | ImmediateOperand | LabelOperand) =>
  operand as unknown as number;

const recordLocal = 0;

class HandlerEmitter extends Emitter {
  readonly #record = this.local(32, recordLocal);
  readonly #limit = this.local(32, 1);
  protected override readonly context = this.local(32, 2);
  /** The only one that jumps lead to: Record.near tells where. */
  #firstLabel: LabelOperand | undefined;
  #ended: boolean = false;

  constructor() {
    super(3);
  }

  execute({ instruction, shape }: Meaning): void {
    const operands = operandsOf(instruction);
    this.#firstLabel = Object.values(operands.labels)[0];
    instruction.execute(this, shape, operands);
  }

  /** Goes on to the next record in line if its own handler is this one, or else by a tail call. */
  advance(handler: number): void {
    this.commit();
    this.binary('add', 32, this.#record, this.number(Record.bytes)).push();
    this.code.set(recordLocal);
    const own = this.read(1, this.#record, Record.own);
    this.if(this.compare('ne', 32, own, this.number(handler)), () =>
      jumpTo(this, this.#record, this.#limit, this.context),
    );
  }

  finish(): Handler {
    const ends = this.#ended;
    if (!ends) {
      this.commit();
      const next = this.binary('add', 32, this.#record, this.number(Record.bytes));
      jumpTo(this, next, this.#limit, this.context);
    }
    return { body: { type: TypeIndex.handler, locals: this.locals, code: this.code.bytes }, ends };
  }

  override immediate(width: Width, operand: ImmediateOperand): Value {
    return this.read(width === 64 ? 3 : 2, this.#record, placeOf(operand));
  }

  override label(operand: LabelOperand): Value {
    return this.read(3, this.#record, placeOf(operand));
  }

  override readX(width: Width, register: RegisterOperand): Value {
    return this.read(width === 64 ? 3 : 2, this.#slot(register), Layout.x);
  }

  protected override readVectors(size: WideSize, place: VectorOperand): Value {
    return this.read(size, this.#slot(place), Layout.v);
  }

  #slot(register: RegisterOperand | VectorOperand): Value {
    return this.read(1, this.#record, placeOf(register));
  }

  protected override pushRegisterAddress(register: RegisterOperand): number {
    this.#slot(register).push();
    return Layout.x;
  }

  protected override pushVectorAddress(place: VectorOperand): number {
    this.#slot(place).push();
    return Layout.v;
  }

  protected override slowAccess(store: boolean, address: Value, context: Value, description: number): Value {
    const index = store ? FunctionIndex.slowStore : FunctionIndex.slowLoad;
    const inputs = [address, this.#record, this.#limit, context, this.number(description)];
    const place = this.let(32, this.called(32, index, ...inputs));
    this.if(this.not(place), () => this.return(this.number(Status.exception)));
    return place;
  }

  protected override fault(hostFunction: number): void {
    storeState(this, pcOf(this, this.#record), this.binary('sub', 32, this.#limit, this.#record));
    this.code.call(hostFunction);
    this.return(this.number(Status.exception));
  }

  /** The bytes of records that remain after this instruction. */
  #rest(): Value {
    return this.binary('sub', 32, this.binary('sub', 32, this.#limit, this.#record), this.number(Record.bytes));
  }

  /** Goes to a label and never returns. */
  #goTo(to: LabelOperand): void {
    if (to !== this.#firstLabel) throw new Error('only the first label may be jumped to');
    const rest = this.let(32, this.#rest());
    const near = this.let(32, this.read(2, this.#record, Record.near));
    this.if(near, () => enter(this, near, rest, this.context));
    goFar(this, this.label(to), rest, this.context);
  }

  override jump(to: LabelOperand): void {
    this.#ended = true;
    this.commit();
    this.#goTo(to);
  }

  override call(to: LabelOperand): void {
    this.jump(to);
  }

  override jumpIf(condition: Value, to: LabelOperand): void {
    const holds = this.let(32, condition);
    this.commit();
    this.if(holds, () => this.#goTo(to));
  }

  override jumpRegister(target: Value): void {
    this.#ended = true;
    const pc = this.let(64, target);
    this.commit();
    enterFar(this, pc, this.let(32, this.#rest()), this.context);
  }

  override raise(kind: Raise, immediate: ImmediateOperand): void {
    this.discard();
    const inputs = [this.number(raises.indexOf(kind)), this.immediate(32, immediate)];
    this.#callHost(pcOf(this, this.#record), this.called(32, FunctionIndex.hostRaise, ...inputs));
  }

  override system(word: ImmediateOperand): void {
    this.commit();
    const next = this.binary('add', 64, pcOf(this, this.#record), this.constant(64, 4n));
    this.#callHost(next, this.called(32, FunctionIndex.hostSystem, this.immediate(32, word)));
  }

  /** The host may change everything: state is stored before the call and read afterwards. */
  #callHost(pc: Value, call: Value): void {
    this.#ended = true;
    storeState(this, pc, this.#rest());
    const status = this.let(32, call);
    this.if(status, () => this.return(status));
    this.code.op(Op.returnCall).unsigned(FunctionIndex.resume);
  }
}
