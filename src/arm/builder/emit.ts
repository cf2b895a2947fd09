/**
 * The Builder that writes WebAssembly. What depends on the kind of function being made (where operands come from, how
 * control goes on) is left to subclasses: handler.ts makes the interpreter's handlers, from operands in a record; a
 * translator of whole regions would know the operands.
 */
import { accessDescription, accessKinds, FlagsKind, FunctionIndex, firstAlignedKind, stateSlots } from './abi.ts';
import type {
  AccessKind,
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
import { Slot } from './builder.ts';
import { Context, Layout } from './layout.ts';
import { tlbEntry } from './runtime.ts';
import { type Value, Values } from './values.ts';
import { Op } from './wasm.ts';

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

/** A store of 64 or 32 bits that waits for the end of the instruction. */
interface Write {
  /** Leaves the address, and returns the offset from it. */
  readonly pushAddress: () => number;
  readonly value: Value;
}

/** What a data access is, beside its address. */
interface Access {
  readonly size: Size;
  readonly pair: boolean;
  readonly kind: AccessKind;
  /** Permission to write is needed: for what is read to be written, too. */
  readonly write: boolean;
}

export abstract class Emitter extends Values implements Builder<Value> {
  #writes: Write[] = [];

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
  /** The TLBs that apply. */
  protected abstract readonly context: Value;
  /** The place in memory of an access that missed the TLB; the function is left on an exception. */
  protected abstract slowAccess(store: boolean, address: Value, context: Value, description: number): Value;
  /** Leaves the function with the exception that this function of the host makes pending. */
  protected abstract fault(hostFunction: number): void;

  // Writes: queued, so that every value is made from the state before the instruction.

  writeX(width: Width, register: RegisterOperand, value: Value): void {
    this.#writes.push({
      pushAddress: () => this.pushRegisterAddress(register),
      value: width === 32 ? this.zeroExtend(value) : value,
    });
  }

  #writeLater(place: number, value: Value): void {
    this.#writes.push({
      pushAddress: () => {
        this.number(0).push();
        return place;
      },
      value,
    });
  }

  /** Carries out the queued writes. All values are made before the first write; the last of one place stays. */
  protected commit(): void {
    const writes = this.#writes;
    this.#writes = [];
    const offsets = writes.map(() => 0);
    for (let i = writes.length - 1; i >= 0; i--) {
      offsets[i] = writes[i].pushAddress();
      writes[i].value.push();
    }
    for (const [i, { value }] of writes.entries())
      this.code.memory(value.width === 64 ? Op.i64Store : Op.i32Store, offsets[i]);
  }

  /** Nothing of the instruction happens. */
  protected discard(): void {
    this.#writes = [];
  }

  // Flags: kept as the operation that made them. 32-bit operands go to the high halves, where they give the same flags.

  flags(operator: 'add' | 'sub' | 'logic', width: Width, a: Value, b: Value = this.constant(width, 0n)): void {
    const operand = (value: Value) =>
      width === 64 ? value : this.binary('shl', 64, this.zeroExtend(value), this.constant(64, 32n));
    this.#writeLater(Layout.flagsKind, this.number(FlagsKind[operator]));
    this.#writeLater(Layout.flagsA, operand(a));
    this.#writeLater(Layout.flagsB, operand(b));
  }

  setNzcv(value: Value): void {
    this.#writeLater(Layout.flagsKind, this.number(FlagsKind.nzcv));
    this.#writeLater(Layout.flagsA, this.zeroExtend(value));
  }

  nzcv(): Value {
    return this.called(32, FunctionIndex.nzcv);
  }

  condition(cond: number): Value {
    if (cond >= 14) return this.number(1);
    const general = () => {
      const row = this.binary('shr_u', 32, this.number(conditionTable(cond)), this.nzcv());
      return this.binary('and', 32, row, this.number(1));
    };
    const direct = directConditions[cond];
    if (direct === undefined) return general();
    const kind = this.readAt(2, Layout.flagsKind);
    const sub = this.number(FlagsKind.sub);
    const isDirect = direct.needsC
      ? this.compare('eq', 32, kind, sub)
      : this.compare('lt_u', 32, this.binary('sub', 32, kind, sub), this.number(2));
    const [a, b] = [this.readAt(3, Layout.flagsA), this.readAt(3, Layout.flagsB)];
    return this.choose(
      32,
      isDirect,
      () =>
        direct.ofDifference
          ? this.compare(direct.comparison, 64, this.binary('sub', 64, a, b), this.constant(64, 0n))
          : this.compare(direct.comparison, 64, a, b),
      general,
    );
  }

  // Memory: a look into the TLB in line, the rest behind slowAccess.

  load(size: Size, address: Value, kind: AccessKind): Value {
    const access = { size, pair: false, kind, write: kind === 'atomic' };
    return this.let(size === 3 ? 64 : 32, this.read(size, this.#loadPlace(address, access), 0));
  }

  loadPair(size: 2 | 3, address: Value, kind: AccessKind): [Value, Value] {
    const place = this.let(32, this.#loadPlace(address, { size, pair: true, kind, write: kind === 'atomic' }));
    const element = (offset: number) => this.let(size === 3 ? 64 : 32, this.read(size, place, offset));
    return [element(0), element(1 << size)];
  }

  store(size: Size, address: Value, value: Value, kind: AccessKind): void {
    this.#store(address, { size, pair: false, kind, write: true }, [value]);
  }

  storePair(size: 2 | 3, address: Value, first: Value, second: Value, kind: AccessKind): void {
    this.#store(address, { size, pair: true, kind, write: true }, [first, second]);
  }

  #loadPlace(address: Value, access: Access): Value {
    const va = this.let(64, address);
    return this.#place(va, access, () => this.#slow(false, va, access));
  }

  #store(address: Value, access: Access, elements: readonly Value[]): void {
    const { size } = access;
    const va = this.let(64, address);
    const values = elements.map((value) => this.let(size === 3 ? 64 : 32, value));
    const place = this.#place(va, access, () => {
      for (const [i, value] of values.entries()) this.writeAt(size, Layout.scratch + (i << size), value);
      return this.#slow(true, va, access);
    });
    const evaluated = this.let(32, place);
    for (const [i, value] of values.entries()) this.write(size, evaluated, i << size, value);
  }

  #slow(store: boolean, va: Value, { size, pair, kind }: Access): Value {
    return this.slowAccess(store, va, this.#contextOf(kind), accessDescription(size, pair, kind));
  }

  #contextOf(kind: AccessKind): Value {
    return kind === 'unprivileged' ? this.number(Layout.contexts) : this.context;
  }

  /** The place of an access in memory. The fast path takes what is aligned, and so in one page. */
  #place(va: Value, { size, pair, kind, write }: Access, slow: () => Value): Value {
    const table = write ? Context.write : Context.read;
    const whole = pair && accessKinds.indexOf(kind) >= firstAlignedKind;
    const entry = this.let(32, tlbEntry(this, Context.entries, va, this.#contextOf(kind)));
    // The last element of a pair is in the same page as the first, or there is no hit.
    const last = pair && !whole ? this.binary('add', 64, va, this.constant(64, 1n << BigInt(size))) : va;
    const unit = 1n << BigInt(whole ? size + 1 : size);
    const page = this.binary('and', 64, last, this.constant(64, -4096n | (unit - 1n)));
    return this.choose(
      32,
      this.compare('eq', 64, this.read(3, entry, table), page),
      () => this.binary('add', 32, this.truncate(va), this.read(2, entry, table + Context.value)),
      slow,
    );
  }

  checkSpAlignment(): void {
    const sp = this.readAt(2, Layout.x + 8 * Slot.sp);
    this.if(this.binary('and', 32, sp, this.number(15)), () =>
      this.if(this.readAt(2, Layout.spCheck), () => this.fault(FunctionIndex.hostSpAlignmentFault)),
    );
  }

  when(condition: Value, then: () => Value | void): Value {
    const zero = this.number(0);
    return this.let(
      32,
      this.choose(
        32,
        condition,
        () => then() ?? zero,
        () => zero,
      ),
    );
  }

  // State that only few instructions touch: read and written at once.

  readState(slot: StateSlot): Value {
    return this.let(64, this.readAt(3, stateAddress(slot)));
  }

  writeState(slot: StateSlot, value: Value): void {
    this.writeAt(3, stateAddress(slot), value);
  }

  readSystem(offset: ImmediateOperand): Value {
    return this.read(3, this.immediate(32, offset), Layout.system);
  }

  writeSystem(offset: ImmediateOperand, value: Value): void {
    this.#writes.push({
      pushAddress: () => {
        this.immediate(32, offset).push();
        return Layout.system;
      },
      value,
    });
  }
}
