/**
 * The small language in which instructions are told. An instruction's meaning is a function of a Builder and of
 * operands; every engine is an implementation of Builder: one evaluates (the tests' oracle), one emits WebAssembly
 * (the simulator's interpreter, with symbolic operands), one lists the registers read and written.
 *
 * Rules for a meaning:
 * - It never computes on operands or on values with JavaScript's operators and never branches on them: shapes,
 *   decided when the instruction is decoded, may steer JavaScript; values go through `select` and `when`.
 * - A value used twice goes through `let`.
 * - Memory is accessed before registers are written: a fault leaves the registers as they were. Writes of registers
 *   are queued in any case and happen together at the end of the instruction.
 * - Truth values are 32-bit values, 0 or 1.
 */

import type { FpOperation } from '../fp/operation.ts';
import type { VectorOperator } from './vectors.ts';

export type Width = 32 | 64;
/** Bits of any value: those of the SIMD&FP registers have 128. */
export type ValueWidth = Width | 128;
/** log2 of the bytes of an access or of an element. */
export type Size = 0 | 1 | 2 | 3;
/** Values of size 4 have 128 bits. */
export type WideSize = Size | 4;

declare const registerOperand: unique symbol;
declare const vectorOperand: unique symbol;
declare const immediateOperand: unique symbol;
declare const labelOperand: unique symbol;
/** A register slot chosen by decoding: see Slot. */
export type RegisterOperand = { readonly [registerOperand]: true };
/** A SIMD&FP register or an element of one, chosen by decoding. */
export type VectorOperand = { readonly [vectorOperand]: true };
/** A 64-bit constant chosen by decoding. */
export type ImmediateOperand = { readonly [immediateOperand]: true };
/** An address relative to the instruction, chosen by decoding and already added to its pc. */
export type LabelOperand = { readonly [labelOperand]: true };

/** Register slots: 0..30 are X0..X30. */
export const Slot = {
  /** As a source: zero. */
  zero: 31,
  /** The stack pointer of the current exception level and PSTATE.SP. */
  sp: 32,
  /** As a destination: nothing is kept. */
  discard: 33,
} as const;

export type BinaryOperator =
  | 'add'
  | 'sub'
  | 'mul'
  | 'and'
  | 'or'
  | 'xor'
  /** Shifts and rotations take the amount modulo the width. */
  | 'shl'
  | 'shr_u'
  | 'shr_s'
  | 'rotr'
  /** The divisor must not be zero, and div_s must not overflow: the meaning sees to it with `select`. */
  | 'div_u'
  | 'div_s';
export type Comparison = 'eq' | 'ne' | 'lt_u' | 'lt_s' | 'le_u' | 'le_s' | 'gt_u' | 'gt_s' | 'ge_u' | 'ge_s';

/** How memory is accessed: it decides alignment checks, permissions and the syndrome of a fault. */
export type AccessKind =
  | 'normal'
  /** LDTR, STTR: as EL0, unless PSTATE.UAO says otherwise. */
  | 'unprivileged'
  /** Load-acquire, store-release: always aligned. */
  | 'ordered'
  /** Exclusives: always aligned (a pair to twice its size). */
  | 'exclusive'
  /** Read-modify-write: always aligned; the load of it already asks for permission to write. */
  | 'atomic';

/** Small state beside the registers. All are 64 bits wide. */
export type StateSlot =
  /** The local exclusive monitor: the address marked (all ones: open) and the value and size seen there. */
  'exclusiveAddress' | 'exclusiveValue' | 'exclusiveHigh' | 'exclusiveSize';

/** simdAccess: a SIMD or floating-point instruction where CPACR_EL1 traps them. */
export type Raise = 'undefined' | 'svc' | 'hvc' | 'smc' | 'brk' | 'hlt' | 'simdAccess';

export interface Builder<V> {
  constant(width: Width, value: bigint): V;
  immediate(width: Width, operand: ImmediateOperand): V;
  label(operand: LabelOperand): V;
  readX(width: Width, register: RegisterOperand): V;
  /** A 32-bit value is zero-extended. Of two writes of one register the later one stays. */
  writeX(width: Width, register: RegisterOperand, value: V): void;

  binary(operator: BinaryOperator, width: Width, a: V, b: V): V;
  /** 0 or 1, 32 bits wide. */
  compare(comparison: Comparison, width: Width, a: V, b: V): V;
  select(width: Width, condition: V, ifTrue: V, ifFalse: V): V;
  countLeadingZeros(width: Width, a: V): V;
  /** 64 to 32 bits. */
  truncate(a: V): V;
  /** 32 to 64 bits. */
  zeroExtend(a: V): V;
  signExtend(a: V): V;
  /** The low `bits` bits of a value of `width`, sign-extended to that width. */
  signExtendFrom(width: Width, bits: 8 | 16 | 32, a: V): V;
  /** Evaluates once. */
  let(width: ValueWidth, value: V): V;

  /** All 128 bits. */
  readV(register: VectorOperand): V;
  writeV(register: VectorOperand, value: V): void;
  /** Zero-extended to 32 bits for sizes below 3. */
  readElement(size: Size, element: VectorOperand): V;
  /** The rest of the register stays, and what other writes of this instruction have made of it. */
  writeElement(size: Size, element: VectorOperand, value: V): void;
  /** The low element; the rest of the register becomes zero. Bits of the value beyond the element are cut off. */
  writeScalar(size: Size, register: VectorOperand, value: V): void;
  /** See VectorOperator. */
  vector(operator: VectorOperator, ...inputs: V[]): V;
  /** 16 bytes by number: 0 to 15 of the first, 16 to 31 of the second. */
  shuffle(bytes: readonly number[], a: V, b: V): V;
  vectorConstant(value: bigint): V;
  /** Zero-extended to 32 bits for sizes below 3. */
  extractLane(size: Size, lane: number, vector: V): V;
  replaceLane(size: Size, lane: number, vector: V, value: V): V;
  /**
   * A floating-point operation as FPCR says; FPSR's flags are set at once. A single element is 32 bits wide, or 64 for
   * doubles; several stand in a vector, and what lies above them in the result is zero. `fbits` is 32 bits wide.
   */
  fp(operation: FpOperation, inputs: readonly V[], fbits?: V): V;
  /** FPCR, 32 bits. */
  readFpcr(): V;
  /** Sets bits of FPSR at the end of the instruction: those of a 32-bit value that are one. */
  accumulateFpsr(bits: V): void;

  /** NZCV from an addition or subtraction of a and b, or of the logical result a. */
  flags(operator: 'add' | 'sub' | 'logic', width: Width, a: V, b?: V): void;
  /** NZCV from bits 3..0 of a 32-bit value: N is bit 3. */
  setNzcv(value: V): void;
  nzcv(): V;
  /** ConditionHolds(cond), from the flags before this instruction. */
  condition(cond: number): V;

  /** 32-bit value for sizes below 3, zero-extended. Faults end the instruction with nothing changed. Size 4 is 'normal'. */
  load(size: WideSize, address: V, kind: AccessKind): V;
  store(size: WideSize, address: V, value: V, kind: AccessKind): void;
  /** Two elements of `size` at address and behind it, checked as one access of both. */
  loadPair(size: 2 | 3 | 4, address: V, kind: AccessKind): [V, V];
  storePair(size: 2 | 3 | 4, address: V, first: V, second: V, kind: AccessKind): void;
  /**
   * 8 or 16 bytes that are elements of `size`, each of which must be aligned where alignment is checked; a vector, of
   * which the upper half is zero or not looked at where they are 8.
   */
  loadElements(size: Size, bytes: 8 | 16, address: V): V;
  storeElements(size: Size, bytes: 8 | 16, address: V, value: V): void;
  /** An alignment fault when SP is used as a base, is not a multiple of 16 and SCTLR.SA or SA0 asks for the check. */
  checkSpAlignment(): void;
  /**
   * Runs `then` only if the condition holds: loads, stores, writes of state slots and another `when` may stand in it.
   * Values made in it stay in it, but for the 32-bit value that it returns: the result of `when`, which is 0 where
   * `then` did not run or returned nothing. The result may be ignored.
   */
  when(condition: V, then: () => V | void): V;

  readState(slot: StateSlot): V;
  writeState(slot: StateSlot, value: V): void;
  /** A system register that is plain storage; the operand is the offset that decoding got from its context. */
  readSystem(offset: ImmediateOperand): V;
  writeSystem(offset: ImmediateOperand, value: V): void;

  jump(to: LabelOperand): void;
  /** Falls through to the next instruction otherwise. */
  jumpIf(condition: V, to: LabelOperand): void;
  jumpRegister(target: V, kind: 'br' | 'blr' | 'ret'): void;
  /** As jump, told to be a call: `next` is the return address. */
  call(to: LabelOperand, next: LabelOperand): void;
  /** Ends the instruction with an exception; nothing else of it happens. */
  raise(kind: Raise, immediate: ImmediateOperand): void;
  /**
   * An instruction that the CPU around the engine carries out whole, from its word: MRS, MSR, SYS, ERET, WFI ... It
   * may change any state; the next pc is set before it runs. Ends the block.
   */
  system(word: ImmediateOperand): void;
}
