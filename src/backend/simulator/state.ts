/**
 * The state of a simulated CPU: its registers, PSTATE and the stack pointers, in the engine's memory (Layout).
 *
 * On hot paths 64-bit values are two 32-bit words, because a BigInt is an object.
 */
import { currentEl, findRegister, Layout, Mode, Pstate, type SystemRegister, spEl } from '../../arm/index.ts';
import type { Engine } from './engine/host.ts';

/** A register by the manual's name. */
export function registerOf(name: string): SystemRegister {
  const found = findRegister(name);
  if (!('number' in found)) throw new Error(`there is no register ${name}`);
  return found;
}

/** Its number. */
export const numberOf = (name: string): number => registerOf(name).number;

export const Sctlr = {
  A: 1 << 1,
  SA: 1 << 3,
  SA0: 1 << 4,
  UMA: 1 << 9,
  DZE: 1 << 14,
  UCT: 1 << 15,
  nTWI: 1 << 16,
  nTWE: 1 << 18,
  UCI: 1 << 26,
} as const;

/** Indexes of 32-bit words of the registers. */
export const PC = Layout.pc >> 2;
const SP = (Layout.x >> 2) + 32 * 2;
const SCRATCH = Layout.scratch >> 2;
const PSTATE = Layout.pstate >> 2;
const SP_CHECK = Layout.spCheck >> 2;
const ALIGN_CHECK = Layout.alignCheck >> 2;
const MONITOR = Layout.exclusive >> 2;
/** Index of a system register's low word among `systemWords`. */
export const systemWord = (number: number): number => number * 2;

const SCTLR_WORD = systemWord(numberOf('SCTLR_EL1'));
const SP_WORD = [numberOf('SP_EL0'), numberOf('SP_EL1')].map(systemWord);

const CPACR_WORD = systemWord(numberOf('CPACR_EL1'));
const FPCR = numberOf('FPCR');
const FPSR = numberOf('FPSR');

/** PSTATE bits that choose decoded code and TLBs. */
const CONTEXT = Pstate.PAN | Pstate.M;

export class State {
  readonly engine: Engine;
  /** FEAT_PAN. */
  readonly hasPan: boolean;
  /** What PSTATE has in this CPU beside NZCV. */
  readonly pstateBits: number;
  /** The system registers but FPCR and FPSR. */
  readonly systemWords: Int32Array;
  readonly systemLongs: BigUint64Array;
  /** The current exception level and PSTATE.PAN. */
  el = 1;
  pan = false;
  /** Whether CPACR_EL1.FPEN traps SIMD and floating-point instructions at the current exception level. */
  simdTrapped = false;
  /** Called when the exception level has changed, if somebody cares. */
  levelChanged: (() => void) | undefined;
  /** The event register of WFE and SEV. */
  event: boolean = false;

  constructor(engine: Engine, features: ReadonlySet<string>) {
    this.engine = engine;
    this.hasPan = features.has('FEAT_PAN');
    this.pstateBits = (this.hasPan ? Pstate.PAN : 0) | Pstate.SS | Pstate.IL | Pstate.DAIF | Pstate.M;
    this.systemWords = engine.systemWords;
    this.systemLongs = engine.systemLongs;
  }

  /** The registers, Layout.x to Layout.bankBytes, as 32-bit words and as 64-bit values. */
  get words(): Int32Array {
    return this.engine.words;
  }

  get longs(): BigUint64Array {
    return this.engine.longs;
  }

  readX(n: number): bigint {
    return this.longs[n];
  }

  /** Of X0..X30; 31 is not kept. */
  writeX(n: number, value: bigint): void {
    if (n < 31) this.longs[n] = value;
  }

  readPc(): bigint {
    return this.longs[Layout.pc >> 3];
  }

  writePc(value: bigint): void {
    this.longs[Layout.pc >> 3] = value;
  }

  /** Moves pc by a few bytes. */
  advancePc(bytes: number): void {
    const low = this.words[PC] >>> 0;
    const sum = low + bytes;
    this.words[PC] = sum;
    if (sum < 0) this.words[PC + 1]--;
    else if (sum > 0xffffffff) this.words[PC + 1]++;
  }

  readSp(el: 0 | 1): bigint {
    return spEl(this.words[PSTATE]) === el ? this.longs[SP >> 1] : this.systemLongs[SP_WORD[el] >> 1];
  }

  writeSp(el: 0 | 1, value: bigint): void {
    if (spEl(this.words[PSTATE]) === el) this.longs[SP >> 1] = value;
    else this.systemLongs[SP_WORD[el] >> 1] = value;
  }

  readSystem(number: number): bigint {
    if (number === FPCR) return this.longs[Layout.fpcr >> 3];
    return number === FPSR ? this.longs[Layout.fpsr >> 3] : this.systemLongs[number];
  }

  writeSystem(number: number, value: bigint): void {
    if (number === FPCR) this.longs[Layout.fpcr >> 3] = value;
    else if (number === FPSR) this.longs[Layout.fpsr >> 3] = value;
    else this.systemLongs[number] = value;
  }

  /** Bits 31..0 of a system register, FPCR and FPSR left out. */
  systemLow(number: number): number {
    return this.systemWords[systemWord(number)];
  }

  /** The value of an access that the engine makes for the CPU, or the CPU for the engine. */
  setScratch(low: number, high: number): void {
    this.words[SCRATCH] = low;
    this.words[SCRATCH + 1] = high;
  }

  get sctlr(): number {
    return this.systemWords[SCTLR_WORD];
  }

  /** PSTATE without NZCV. */
  get pstate(): number {
    return this.words[PSTATE];
  }

  getPstate(): number {
    return ((this.engine.getNzcv() << 28) | this.words[PSTATE]) >>> 0;
  }

  setPstate(pstate: number): void {
    this.engine.setNzcv(pstate >>> 28);
    this.replacePstate(pstate & ~Pstate.NZCV);
  }

  /** PSTATE without NZCV, which stay. */
  replacePstate(pstate: number): void {
    const { words } = this;
    const old = words[PSTATE];
    words[PSTATE] = pstate;
    if (((old ^ pstate) & CONTEXT) === 0) return;
    const before = spEl(old);
    const after = spEl(pstate);
    if (before !== after) {
      const { systemWords } = this;
      systemWords[SP_WORD[before]] = words[SP];
      systemWords[SP_WORD[before] + 1] = words[SP + 1];
      words[SP] = systemWords[SP_WORD[after]];
      words[SP + 1] = systemWords[SP_WORD[after] + 1];
    }
    this.contextChanged();
  }

  /** Exception level, PAN, SCTLR_EL1 or CPACR_EL1 have changed. */
  contextChanged(): void {
    const { words, systemWords } = this;
    const pstate = words[PSTATE];
    const sctlr = systemWords[SCTLR_WORD];
    const el = currentEl(pstate);
    const FPEN = (systemWords[CPACR_WORD] >> 20) & 3;
    words[SP_CHECK] = sctlr & (el === 0 ? Sctlr.SA0 : Sctlr.SA);
    words[ALIGN_CHECK] = sctlr & Sctlr.A;
    const isOther = el !== this.el;
    this.el = el;
    this.pan = (pstate & Pstate.PAN) !== 0;
    this.simdTrapped = FPEN === 1 ? el === 0 : FPEN !== 3;
    this.engine.setContext(el, this.pan, this.simdTrapped, el === 1 && spEl(pstate) === 0);
    if (isOther) this.levelChanged?.();
  }

  /** ClearExclusiveLocal(). */
  clearExclusive(): void {
    this.words[MONITOR] = this.words[MONITOR + 1] = -1;
  }

  /** All registers zero, at EL1h with everything masked: KVM's state after a power-on. */
  protected resetState(): void {
    this.words.fill(0, 0, (Layout.exclusive >> 2) + 8);
    this.words.fill(0, Layout.fpcr >> 2, (Layout.fpsr >> 2) + 2);
    this.words.fill(0, Layout.v >> 2, (Layout.v >> 2) + 128);
    this.systemLongs.fill(0n);
    this.clearExclusive();
    this.engine.setNzcv(0);
    this.words[PSTATE] = Pstate.DAIF | Mode.EL1h;
    this.event = false;
  }
}
