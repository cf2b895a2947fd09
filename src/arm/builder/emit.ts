/**
 * The Builder that writes WebAssembly. What depends on the kind of function being made (where operands come from, how
 * control goes on) is left to subclasses: handler.ts makes the interpreter's handlers, from operands in a record; a
 * translator of whole regions would know the operands.
 */

import { type FpOperation, fpWidths, numberOf } from '../fp/operation.ts';
import { fbitsShift } from '../fp/unit.ts';
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
  ValueWidth,
  VectorOperand,
  WideSize,
  Width,
} from './builder.ts';
import { Slot } from './builder.ts';
import { fpPath } from './fp-paths.ts';
import { Context, Layout } from './layout.ts';
import { tlbEntry } from './runtime.ts';
import { type Value, Values, widthOf } from './values.ts';

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
  readonly pushAddress: () => number;
  /** log2 of the bytes. */
  readonly size: WideSize;
  readonly value: Value;
}

/** What a data access is, beside its address. */
interface Access {
  /** Of an element. */
  readonly size: WideSize;
  readonly log2Count: number;
  readonly kind: AccessKind;
  /** Permission to write is needed: for what is read to be written, too. */
  readonly write: boolean;
}

const bytesOf = ({ size, log2Count }: Access): number => 1 << (size + log2Count);

const elementAccess = (size: Size, bytes: 8 | 16, write: boolean): Access => ({
  size,
  log2Count: (bytes === 16 ? 4 : 3) - size,
  kind: 'normal',
  write,
});

export abstract class Emitter extends Values implements Builder<Value> {
  #writes: Write[] = [];

  abstract immediate(width: Width, operand: ImmediateOperand): Value;
  abstract label(operand: LabelOperand): Value;
  abstract readX(width: Width, register: RegisterOperand): Value;
  /** The element of this size, at the operand's place. */
  protected abstract readVectors(size: WideSize, place: VectorOperand): Value;
  abstract jump(to: LabelOperand): void;
  abstract jumpIf(condition: Value, to: LabelOperand): void;
  abstract jumpRegister(target: Value, kind: 'br' | 'blr' | 'ret'): void;
  abstract call(to: LabelOperand, next: LabelOperand): void;
  abstract raise(kind: Raise, immediate: ImmediateOperand): void;
  abstract system(word: ImmediateOperand): void;
  /** Leaves the address of a register's slot but for the offset that is returned. */
  protected abstract pushRegisterAddress(register: RegisterOperand): number;
  protected abstract pushVectorAddress(place: VectorOperand): number;
  /** The TLBs that apply. */
  protected abstract readonly context: Value;
  /** The place in memory of an access that missed the TLB; the function is left on an exception. */
  protected abstract slowAccess(store: boolean, address: Value, context: Value, description: number): Value;
  /** Leaves the function with the exception that this function of the host makes pending. */
  protected abstract fault(hostFunction: number): void;

  // Writes: queued, so that every value is made from the state before the instruction.

  writeX(width: Width, register: RegisterOperand, value: Value): void {
    const pushAddress = () => this.pushRegisterAddress(register);
    this.#writes.push({ pushAddress, size: 3, value: width === 32 ? this.zeroExtend(value) : value });
  }

  #writeLater(place: number, value: Value): void {
    const pushAddress = () => {
      this.number(0).push();
      return place;
    };
    this.#writes.push({ pushAddress, size: value.width === 64 ? 3 : 2, value });
  }

  #writeVectors(size: WideSize, place: VectorOperand, value: Value): void {
    this.#writes.push({ pushAddress: () => this.pushVectorAddress(place), size, value });
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
    for (const [i, { size }] of writes.entries()) this.storePushed(size, offsets[i]);
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

  // SIMD&FP registers: whole ones are always written in one store, so that the processor can forward it to a load.

  readV(register: VectorOperand): Value {
    return this.readVectors(4, register);
  }

  writeV(register: VectorOperand, value: Value): void {
    this.#writeVectors(4, register, value);
  }

  readElement(size: Size, element: VectorOperand): Value {
    return this.readVectors(size, element);
  }

  writeElement(size: Size, element: VectorOperand, value: Value): void {
    this.#writeVectors(size, element, value);
  }

  writeScalar(size: Size, register: VectorOperand, value: Value): void {
    this.writeV(register, this.replaceLane(size, 0, this.vectorConstant(0n), value));
  }

  fp(operation: FpOperation, inputs: readonly Value[], fbits?: Value): Value {
    const operands = inputs.map((input) => this.let(input.width, input));
    const number = fbits && this.let(32, fbits);
    const { output } = fpWidths(operation);
    return this.let(
      output,
      fpPath(this, operation, operands, number, () => this.#slowFp(operation, operands, number)),
    );
  }

  #slowFp(operation: FpOperation, operands: readonly Value[], fbits: Value | undefined): Value {
    const sizeOf = (width: ValueWidth) => (width === 128 ? 4 : width === 64 ? 3 : 2);
    const description = this.number(numberOf(operation));
    const { output } = fpWidths(operation);
    return this.value(output, () => {
      for (const [i, operand] of operands.entries())
        this.writeAt(sizeOf(operand.width), Layout.fpOperands + 16 * i, operand);
      const shifted = fbits && this.binary('shl', 32, fbits, this.number(fbitsShift));
      (shifted ? this.binary('or', 32, description, shifted) : description).push();
      this.code.call(FunctionIndex.hostFp);
      this.readAt(sizeOf(output), Layout.fpOperands).push();
    });
  }

  readFpcr(): Value {
    return this.readAt(2, Layout.fpcr);
  }

  accumulateFpsr(bits: Value): void {
    this.#writeLater(Layout.fpsr, this.binary('or', 32, this.readAt(2, Layout.fpsr), bits));
  }

  // Memory: a look into the TLB in line, the rest behind slowAccess.

  load(size: WideSize, address: Value, kind: AccessKind): Value {
    const access = { size, log2Count: 0, kind, write: kind === 'atomic' };
    return this.let(widthOf(size), this.read(size, this.#loadPlace(address, access), 0));
  }

  loadPair(size: 2 | 3 | 4, address: Value, kind: AccessKind): [Value, Value] {
    const place = this.let(32, this.#loadPlace(address, { size, log2Count: 1, kind, write: kind === 'atomic' }));
    const element = (offset: number) => this.let(widthOf(size), this.read(size, place, offset));
    return [element(0), element(1 << size)];
  }

  loadElements(size: Size, bytes: 8 | 16, address: Value): Value {
    const place = this.#loadPlace(address, elementAccess(size, bytes, false));
    return this.let(128, bytes === 16 ? this.read(4, place, 0) : this.readLowerHalf(place, 0));
  }

  store(size: WideSize, address: Value, value: Value, kind: AccessKind): void {
    this.#store(address, { size, log2Count: 0, kind, write: true }, [value]);
  }

  storePair(size: 2 | 3 | 4, address: Value, first: Value, second: Value, kind: AccessKind): void {
    this.#store(address, { size, log2Count: 1, kind, write: true }, [first, second]);
  }

  storeElements(size: Size, bytes: 8 | 16, address: Value, value: Value): void {
    const low = bytes === 16 ? value : this.extractLane(3, 0, value);
    this.#store(address, elementAccess(size, bytes, true), [low], bytes === 16 ? 4 : 3);
  }

  #loadPlace(address: Value, access: Access): Value {
    const va = this.let(64, address);
    return this.#place(va, access, () => this.#slow(false, va, access));
  }

  /** The values are of `size`: that of an element, or of all elements of a vector. */
  #store(address: Value, access: Access, parts: readonly Value[], size: WideSize = access.size): void {
    const va = this.let(64, address);
    const values = parts.map((value) => this.let(widthOf(size), value));
    const place = this.#place(va, access, () => {
      for (const [i, value] of values.entries()) this.writeAt(size, Layout.scratch + (i << size), value);
      return this.#slow(true, va, access);
    });
    const evaluated = this.let(32, place);
    for (const [i, value] of values.entries()) this.write(size, evaluated, i << size, value);
  }

  #slow(store: boolean, va: Value, { size, log2Count, kind }: Access): Value {
    return this.slowAccess(store, va, this.#contextOf(kind), accessDescription(size, log2Count, kind));
  }

  #contextOf(kind: AccessKind): Value {
    return kind === 'unprivileged' ? this.readAt(2, Layout.unprivileged) : this.context;
  }

  /** The place in memory of an access. */
  #place(va: Value, access: Access, slow: () => Value): Value {
    const table = access.write ? Context.write : Context.read;
    const entry = this.let(32, tlbEntry(this, Context.entries, va, this.#contextOf(access.kind)));
    const isVector = access.size === 4 || access.log2Count > 1;
    const page = isVector ? this.#pageOfVector(va, entry, table, access) : this.#pageOf(va, access);
    return this.choose(
      32,
      this.compare('eq', 64, this.read(3, entry, table), page),
      () => this.binary('add', 32, this.truncate(va), this.read(2, entry, table + Context.value)),
      slow,
    );
  }

  /** What the tag must be. The fast path takes what is aligned, and so in one page. */
  #pageOf(va: Value, { size, log2Count, kind }: Access): Value {
    const whole = log2Count === 1 && accessKinds.indexOf(kind) >= firstAlignedKind;
    // The last element of a pair is in the same page as the first, or there is no hit.
    const isSplit = log2Count === 1 && !whole;
    const last = isSplit ? this.binary('add', 64, va, this.constant(64, 1n << BigInt(size))) : va;
    const unit = 1n << BigInt(whole ? size + 1 : size);
    return this.binary('and', 64, last, this.constant(64, -4096n | (unit - 1n)));
  }

  /** Likewise of vectors, which are often not aligned: that keeps them off the fast path only where it is checked. */
  #pageOfVector(va: Value, entry: Value, table: number, access: Access): Value {
    const last = this.binary('add', 64, va, this.constant(64, BigInt(bytesOf(access) - 1)));
    const page = this.binary('and', 64, last, this.constant(64, -4096n));
    if (access.size === 0) return page;
    const checked = this.binary(
      'and',
      32,
      this.read(2, entry, table + Context.aligned),
      this.number((1 << access.size) - 1),
    );
    return this.binary('or', 64, page, this.binary('and', 64, va, this.zeroExtend(checked)));
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

  #systemAddress(offset: ImmediateOperand): Value {
    return this.binary('add', 32, this.readAt(2, Layout.systemBase), this.immediate(32, offset));
  }

  readSystem(offset: ImmediateOperand): Value {
    return this.read(3, this.#systemAddress(offset), 0);
  }

  writeSystem(offset: ImmediateOperand, value: Value): void {
    const pushAddress = () => {
      this.#systemAddress(offset).push();
      return 0;
    };
    this.#writes.push({ pushAddress, size: 3, value });
  }
}
