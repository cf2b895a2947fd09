/**
 * Exceptions to EL1: syndromes, and the one implementation of exception entry. The simulator and the re-injection of
 * debug exceptions into any machine share it.
 *
 * Arm ARM DDI 0487, D1 "Exception entry", AArch64.TakeException(); "ESR_EL1".
 */
import type { CpuState } from './cpu-state.ts';
import { currentEl, Mode, Pstate, spEl } from './pstate.ts';
import { featureFields } from './registers/features.ts';
import { encodingNumber } from './registers/register.ts';

/** ESR_EL1.EC. Of a pair, the first is from a lower exception level and the second, one higher, from EL1 itself. */
export const ExceptionClass = {
  unknown: 0x00,
  wfx: 0x01,
  fpAccess: 0x07,
  illegalState: 0x0e,
  svc: 0x15,
  hvc: 0x16,
  smc: 0x17,
  msr: 0x18,
  instructionAbort: 0x20,
  pcAlignment: 0x22,
  dataAbort: 0x24,
  spAlignment: 0x26,
  serror: 0x2f,
  breakpoint: 0x30,
  softwareStep: 0x32,
  watchpoint: 0x34,
  brk: 0x3c,
} as const;

/** DFSC and IFSC. To the first four and to externalOnWalk the level of the walk is added. */
export const FaultStatus = {
  addressSize: 0x00,
  translation: 0x04,
  accessFlag: 0x08,
  permission: 0x0c,
  external: 0x10,
  externalOnWalk: 0x14,
  alignment: 0x21,
  debug: 0x22,
} as const;

/** Offsets of a vector table entry within its group of four. */
export const Vector = { synchronous: 0x000, irq: 0x080, fiq: 0x100, serror: 0x180 } as const;
export type Vector = (typeof Vector)[keyof typeof Vector];

/** ESR_EL1 as an unsigned number; IL says a 32-bit instruction, as every class but a few of AArch32's does. */
const syndrome = (exceptionClass: number, iss = 0): number => ((exceptionClass << 26) | (1 << 25) | iss) >>> 0;

/** The form for an exception taken from EL1 is one above that from EL0. */
const byLevel = (exceptionClass: number, el: number): number => exceptionClass + (el === 0 ? 0 : 1);

/** CV and COND as AArch64 reports them for trapped instructions. */
const always = (1 << 24) | (0xe << 20);

const write = (isWrite: boolean): number => (isWrite ? 1 << 6 : 0);

/** ESR_EL1 for each kind of exception. `el` is the level that it is taken from. */
export const Esr = {
  unknown: (): number => syndrome(ExceptionClass.unknown),
  wfx: (isWfe: boolean): number => syndrome(ExceptionClass.wfx, always | (isWfe ? 1 : 0)),
  fpAccess: (): number => syndrome(ExceptionClass.fpAccess, always),
  illegalState: (): number => syndrome(ExceptionClass.illegalState),
  svc: (immediate: number): number => syndrome(ExceptionClass.svc, immediate),
  hvc: (immediate: number): number => syndrome(ExceptionClass.hvc, immediate),
  smc: (immediate: number): number => syndrome(ExceptionClass.smc, immediate),
  brk: (immediate: number): number => syndrome(ExceptionClass.brk, immediate),
  /** From the word of an MRS, MSR, SYS or SYSL: direction, op0, op1, CRn, CRm, op2, Rt. */
  msr: (word: number): number =>
    syndrome(
      ExceptionClass.msr,
      (((word >>> 19) & 3) << 20) |
        (((word >>> 5) & 7) << 17) |
        (((word >>> 16) & 7) << 14) |
        (((word >>> 12) & 15) << 10) |
        ((word & 31) << 5) |
        (((word >>> 8) & 15) << 1) |
        ((word >>> 21) & 1),
    ),
  instructionAbort: (el: number, status: number): number =>
    syndrome(byLevel(ExceptionClass.instructionAbort, el), status),
  pcAlignment: (): number => syndrome(ExceptionClass.pcAlignment),
  dataAbort: (el: number, status: number, isWrite: boolean): number =>
    syndrome(byLevel(ExceptionClass.dataAbort, el), write(isWrite) | status),
  /** A data abort of a cache maintenance instruction: CM, and always a write. */
  cacheMaintenanceAbort: (el: number, status: number): number =>
    syndrome(byLevel(ExceptionClass.dataAbort, el), (1 << 8) | write(true) | status),
  spAlignment: (): number => syndrome(ExceptionClass.spAlignment),
  serror: (iss: number): number => syndrome(ExceptionClass.serror, iss & 0x1ffffff),
  breakpoint: (el: number): number => syndrome(byLevel(ExceptionClass.breakpoint, el), FaultStatus.debug),
  /** `exclusive`: the instruction stepped was a load-exclusive; undefined: none was stepped. */
  softwareStep: (el: number, exclusive?: boolean): number =>
    syndrome(
      byLevel(ExceptionClass.softwareStep, el),
      (exclusive === undefined ? 0 : (1 << 24) | (exclusive ? 1 << 6 : 0)) | FaultStatus.debug,
    ),
  watchpoint: (el: number, isWrite: boolean): number =>
    syndrome(byLevel(ExceptionClass.watchpoint, el), write(isWrite) | FaultStatus.debug),
  /** A debug exception's syndrome in the form that EL1 sees when it is taken from `el`, whatever form it came in. */
  debugFrom: (esr: number, el: number): number => {
    const exceptionClass = esr >>> 26;
    if (exceptionClass < ExceptionClass.breakpoint || exceptionClass > ExceptionClass.watchpoint + 1) return esr;
    return ((byLevel(exceptionClass & ~1, el) << 26) | (esr & 0x3ffffff)) >>> 0;
  },
} as const;

/** What exception entry reads and changes. PSTATE is in the layout of SPSR_EL1, NZCV included, unsigned. */
export interface ExceptionState {
  getPstate(): number;
  /** Also makes the SP of the new exception level the current one. */
  setPstate(pstate: number): void;
  /** Bits 31..0. */
  readonly sctlr: number;
  /** FEAT_PAN. */
  readonly hasPan: boolean;
  /** ESR_EL1 and SPSR_EL1. */
  setSyndrome(esr: number, spsr: number): void;
  /** ELR_EL1 = PC; PC = VBAR_EL1<63:11>:offset. */
  enterVector(offset: number): void;
}

const SPAN = 1 << 23;
/** PSTATE bits that live on in the handler: NZCV, DIT, PAN. */
const kept = Pstate.NZCV | (1 << 24) | Pstate.PAN;

/** Offset of the group of vectors for exceptions taken from this state. */
function vectorGroup(pstate: number): number {
  if (pstate & Pstate.nRW) return 0x600;
  if (currentEl(pstate) === 0) return 0x400;
  return spEl(pstate) === 0 ? 0x000 : 0x200;
}

/**
 * Takes an exception to EL1. PC must be the preferred return address; FAR_EL1, where the exception has one, is the
 * caller's to write.
 */
export function takeException(state: ExceptionState, esr: number, vector: Vector = Vector.synchronous): void {
  const pstate = state.getPstate();
  state.setSyndrome(esr, pstate);
  state.enterVector(vectorGroup(pstate) + vector);
  const pan = state.hasPan && !(state.sctlr & SPAN) ? Pstate.PAN : 0;
  state.setPstate(((pstate & kept) | pan | Pstate.DAIF | Mode.EL1h) >>> 0);
}

const SCTLR_EL1 = encodingNumber([3, 0, 1, 0, 0]);
const ESR_EL1 = encodingNumber([3, 0, 5, 2, 0]);
const VBAR_EL1 = encodingNumber([3, 0, 12, 0, 0]);
const pan = featureFields.get('FEAT_PAN')!;

/** Exception entry on a CpuState. */
export const exceptionState = (cpu: CpuState): ExceptionState => ({
  getPstate: () => Number(cpu.pstate & 0xffffffffn),
  setPstate: (pstate) => {
    cpu.pstate = BigInt(pstate);
  },
  get sctlr() {
    return Number(cpu.system[SCTLR_EL1] & 0xffffffffn);
  },
  get hasPan() {
    return pan.tells(cpu.system[pan.number]);
  },
  setSyndrome: (esr, spsr) => {
    cpu.system[ESR_EL1] = BigInt(esr);
    cpu.spsr[1] = BigInt(spsr);
  },
  enterVector: (offset) => {
    cpu.elr[1] = cpu.pc;
    cpu.pc = (cpu.system[VBAR_EL1] & ~0x7ffn) + BigInt(offset);
  },
});
