/** Makes the interpreter's handlers: functions of one instruction each whose operands stand in its Record. */
import type { A64Instruction, Operands, Shape } from '../a64/instruction.ts';
import type { ImmediateOperand, LabelOperand, Raise, RegisterOperand, Width } from './builder.ts';
import { Emitter, raises, type Value } from './emit.ts';
import { Layout, Record } from './layout.ts';
import { enter, enterFar, FunctionIndex, Status, storeBudget, storePc, TypeIndex } from './runtime.ts';
import { type FunctionBody, Op, ValueType } from './wasm.ts';

export interface Handler {
  readonly body: FunctionBody;
  /** Control never goes on to the next record. */
  readonly ends: boolean;
}

/** Parameters of a handler. */
const [record, limit, context] = [0, 1, 2];

/** The handler of all words of this shape. */
export function emitHandler(instruction: A64Instruction, shape: Shape): Handler {
  const operands = operandsOf(instruction);
  const emitter = new HandlerEmitter(Object.values(operands.labels)[0]);
  instruction.execute(emitter, shape, operands);
  return emitter.finish();
}

/** Operands are their places in the record. */
function operandsOf({ registers, immediates, labels }: A64Instruction): Operands {
  const places = <T>(parts: readonly { readonly name: string }[], place: (index: number) => number) =>
    Object.fromEntries(parts.map(({ name }, i) => [name, place(i) as unknown as T]));
  return {
    registers: places<RegisterOperand>(registers, (i) => Record.registers + 2 * i),
    immediates: places<ImmediateOperand>(immediates, (i) => Record.immediates + 8 * i),
    labels: places<LabelOperand>(labels, (i) => Record.immediates + 8 * (immediates.length + i)),
  };
}

/** The handler of words that no definition has. */
export function emitUnallocated(): Handler {
  const emitter = new HandlerEmitter();
  emitter.raise('undefined', Record.immediates as unknown as ImmediateOperand);
  return emitter.finish();
}

class HandlerEmitter extends Emitter {
  /** The only one that jumps lead to: Record.near tells where. */
  readonly #firstLabel: LabelOperand | undefined;
  #ended: boolean = false;

  constructor(firstLabel?: LabelOperand) {
    super(3);
    this.#firstLabel = firstLabel;
  }

  finish(): Handler {
    const ends = this.#ended;
    if (!ends) this.#next();
    return { body: { type: TypeIndex.handler, locals: this.locals, code: this.code.bytes }, ends };
  }

  #place(operand: RegisterOperand | ImmediateOperand | LabelOperand): number {
    return operand as unknown as number;
  }

  override immediate(width: Width, operand: ImmediateOperand): Value {
    const opcode = width === 64 ? Op.i64Load : Op.i32Load;
    return this.value(width, () => this.code.get(record).memory(opcode, this.#place(operand)));
  }

  override label(operand: LabelOperand): Value {
    return this.value(64, () => this.code.get(record).memory(Op.i64Load, this.#place(operand)));
  }

  override readX(width: Width, register: RegisterOperand): Value {
    return this.value(width, () => {
      const offset = this.pushRegisterAddress(register);
      this.code.memory(width === 64 ? Op.i64Load : Op.i32Load, offset);
    });
  }

  protected override pushRegisterAddress(register: RegisterOperand): number {
    this.code.get(record).memory(Op.i32Load16U, this.#place(register));
    return Layout.x;
  }

  protected override pushContext(): void {
    this.code.get(context);
  }

  protected override slowAccess(write: boolean, address: Value, pushContext: () => void, description: number): void {
    const { code } = this;
    const place = this.newLocal(ValueType.i32);
    address.push();
    code.get(record).get(limit);
    pushContext();
    code.i32(description).call(write ? FunctionIndex.slowStore : FunctionIndex.slowLoad);
    code.tee(place).op(Op.i32Eqz).if().i32(Status.exception).op(Op.return, Op.end).get(place);
  }

  protected override fault(hostFunction: number): void {
    storePc(this.code, () => this.code.get(record).memory(Op.i64Load, Record.pc));
    storeBudget(this.code, () => this.code.get(limit).get(record).op(Op.i32Sub));
    this.code.call(hostFunction).i32(Status.exception).op(Op.return);
  }

  /** Leaves the bytes of records that remain after this instruction. */
  #pushRest(): void {
    this.code.get(limit).get(record).op(Op.i32Sub).i32(Record.bytes).op(Op.i32Sub);
  }

  #next(): void {
    const { code } = this;
    this.commit();
    code.get(record).i32(Record.bytes).op(Op.i32Add).get(limit).get(context);
    code.get(record).memory(Op.i32Load, Record.bytes + Record.handler);
    code.indirect(Op.returnCallIndirect, TypeIndex.handler);
  }

  /** Goes to a label and never returns. */
  #goTo(to: LabelOperand): void {
    if (to !== this.#firstLabel) throw new Error('only the first label may be jumped to');
    const { code } = this;
    const [target, rest] = [this.newLocal(ValueType.i32), this.newLocal(ValueType.i32)];
    this.#pushRest();
    code.set(rest).get(record).memory(Op.i32Load, Record.near).tee(target).if();
    enter(code, target, rest, context);
    code.op(Op.end);
    this.label(to).push();
    code.get(rest).get(context).returnCall(FunctionIndex.far);
  }

  override jump(to: LabelOperand): void {
    this.#ended = true;
    this.commit();
    this.#goTo(to);
  }

  override call(to: LabelOperand, _next: LabelOperand): void {
    this.jump(to);
  }

  override jumpIf(condition: Value, to: LabelOperand): void {
    const holds = this.let(32, condition);
    this.commit();
    holds.push();
    this.code.if();
    this.#goTo(to);
    this.code.op(Op.end);
  }

  override jumpRegister(target: Value): void {
    this.#ended = true;
    const pc = this.newLocal(ValueType.i64);
    const [rest, entry, found] = [ValueType.i32, ValueType.i32, ValueType.i32].map((type) => this.newLocal(type));
    target.push();
    this.code.set(pc);
    this.commit();
    this.#pushRest();
    this.code.set(rest);
    enterFar(this.code, { pc, rest, context, entry, target: found });
  }

  override raise(kind: Raise, immediate: ImmediateOperand): void {
    this.discard();
    this.#callHost(0, () => {
      this.code.i32(raises.indexOf(kind));
      this.immediate(32, immediate).push();
      this.code.call(FunctionIndex.hostRaise);
    });
  }

  override system(word: ImmediateOperand): void {
    this.commit();
    this.#callHost(4, () => {
      this.immediate(32, word).push();
      this.code.call(FunctionIndex.hostSystem);
    });
  }

  /** The host may change everything: state is stored before the call and read afterwards. */
  #callHost(pcOffset: number, call: () => void): void {
    this.#ended = true;
    const { code } = this;
    const status = this.newLocal(ValueType.i32);
    storePc(code, () => code.get(record).memory(Op.i64Load, Record.pc).i64(BigInt(pcOffset)).op(Op.i64Add));
    storeBudget(code, () => this.#pushRest());
    call();
    code.tee(status).if().get(status).op(Op.return, Op.end).returnCall(FunctionIndex.resume);
  }
}
