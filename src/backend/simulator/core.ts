/**
 * The state of a simulated CPU and what happens to it: PSTATE and the stack pointers, translation, exceptions.
 *
 * The state lies in the engine's memory (Layout). On hot paths 64-bit values are two 32-bit words, because a BigInt is
 * an object.
 */
import {
  Access,
  currentEl,
  type DescriptorReader,
  Esr,
  type ExceptionState,
  findRegister,
  Layout,
  newTranslationResult,
  Pstate,
  spEl,
  TRANSLATED,
  type TranslationRegime,
  type TranslationResult,
  takeException,
  translate,
  translationRegime,
  translationRegisters,
  Vector,
} from '../../arm/index.ts';
import type { Clock } from './clock.ts';
import type { Engine } from './engine/host.ts';

/** The number of a register by the manual's name. */
export function numberOf(name: string): number {
  const found = findRegister(name);
  if (!('number' in found)) throw new Error(`there is no register ${name}`);
  return found.number;
}

const SCTLR_EL1 = numberOf('SCTLR_EL1');
const ESR_EL1 = numberOf('ESR_EL1');
const FAR_EL1 = numberOf('FAR_EL1');
const ELR_EL1 = numberOf('ELR_EL1');
const SPSR_EL1 = numberOf('SPSR_EL1');
const VBAR_EL1 = numberOf('VBAR_EL1');
const SP_OF_EL = [numberOf('SP_EL0'), numberOf('SP_EL1')];

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

/** Indexes of 32-bit words of the engine's memory. */
const PC = Layout.pc >> 2;
const SP = (Layout.x >> 2) + 32 * 2;
const SCRATCH = Layout.scratch >> 2;
const PSTATE = Layout.pstate >> 2;
const SP_CHECK = Layout.spCheck >> 2;
const ALIGN_CHECK = Layout.alignCheck >> 2;
const MONITOR = Layout.exclusive >> 2;
/** Index of a system register's low word. */
export const systemWord = (number: number): number => (Layout.system >> 2) + number * 2;

const FAR_WORD = systemWord(FAR_EL1);
const ESR_WORD = systemWord(ESR_EL1);
const ELR_WORD = systemWord(ELR_EL1);
const SPSR_WORD = systemWord(SPSR_EL1);
const VBAR_WORD = systemWord(VBAR_EL1);
const SP_WORD = SP_OF_EL.map(systemWord);
const SCTLR_WORD = systemWord(SCTLR_EL1);

/** PSTATE bits that choose decoded code and TLBs. */
const CONTEXT = Pstate.PAN | Pstate.M;

/** What PSTATE has in this CPU beside NZCV. */
export const PSTATE_BITS = Pstate.PAN | Pstate.SS | Pstate.IL | Pstate.DAIF | Pstate.M;

/** No exception is pending. */
const NONE = -1;

export class Core implements ExceptionState, DescriptorReader {
  readonly engine: Engine;
  readonly clock: Clock;
  /** The engine's memory as 32-bit words and as registers of 64 bits. */
  readonly words: Int32Array;
  readonly longs: BigUint64Array;
  /** What the last translation found. */
  readonly translation: TranslationResult = newTranslationResult();
  /** The current exception level. */
  el = 1;
  /** ISS of an SError interrupt that waits to be taken, or -1. */
  serror = NONE;
  /** The event register of WFE and SEV. */
  event: boolean = false;
  /** Descriptor last read. */
  low = 0;
  high = 0;
  private pan = false;
  /** Undefined when a register has changed since. */
  private freshRegime: TranslationRegime | undefined;
  private pendingEsr = NONE;
  private pendingFar: boolean = false;
  private farLow = 0;
  private farHigh = 0;

  constructor(engine: Engine, clock: Clock) {
    this.engine = engine;
    this.clock = clock;
    this.words = new Int32Array(engine.memory.buffer);
    this.longs = new BigUint64Array(engine.memory.buffer, 0, (Layout.system + Layout.systemBytes) >> 3);
  }

  // --- registers

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
    return this.longs[spEl(this.words[PSTATE]) === el ? SP >> 1 : SP_WORD[el] >> 1];
  }

  writeSp(el: 0 | 1, value: bigint): void {
    this.longs[spEl(this.words[PSTATE]) === el ? SP >> 1 : SP_WORD[el] >> 1] = value;
  }

  readSystem(number: number): bigint {
    return this.longs[systemWord(number) >> 1];
  }

  writeSystem(number: number, value: bigint): void {
    this.longs[systemWord(number) >> 1] = value;
  }

  /** Bits 31..0 of a system register. */
  systemLow(number: number): number {
    return this.words[systemWord(number)];
  }

  /** The value of an access that the engine makes for the CPU, or the CPU for the engine. */
  setScratch(low: number, high: number): void {
    this.words[SCRATCH] = low;
    this.words[SCRATCH + 1] = high;
  }

  get sctlr(): number {
    return this.words[SCTLR_WORD];
  }

  // --- PSTATE

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
    const [before, after] = [spEl(old), spEl(pstate)];
    if (before !== after) {
      words[SP_WORD[before]] = words[SP];
      words[SP_WORD[before] + 1] = words[SP + 1];
      words[SP] = words[SP_WORD[after]];
      words[SP + 1] = words[SP_WORD[after] + 1];
    }
    this.contextChanged();
  }

  /** Exception level, PAN or SCTLR_EL1 have changed. */
  contextChanged(): void {
    const pstate = this.words[PSTATE];
    const { sctlr } = this;
    this.el = currentEl(pstate);
    this.pan = (pstate & Pstate.PAN) !== 0;
    this.words[SP_CHECK] = sctlr & (this.el === 0 ? Sctlr.SA0 : Sctlr.SA);
    this.words[ALIGN_CHECK] = sctlr & Sctlr.A;
    this.engine.setContext(this.el, this.pan);
  }

  /** ClearExclusiveLocal(). */
  clearExclusive(): void {
    this.words[MONITOR] = this.words[MONITOR + 1] = -1;
  }

  // --- translation

  /** SCTLR_EL1, TCR_EL1, TTBR0_EL1, TTBR1_EL1 or MAIR_EL1 has changed. */
  translationChanged(): void {
    this.freshRegime = undefined;
    this.engine.flushTlb();
  }

  private get regime(): TranslationRegime {
    const { sctlr, tcr, ttbr0, ttbr1, mair } = translationRegisters;
    this.freshRegime ??= translationRegime({
      sctlr: this.readSystem(sctlr),
      tcr: this.readSystem(tcr),
      ttbr0: this.readSystem(ttbr0),
      ttbr1: this.readSystem(ttbr1),
      mair: this.readSystem(mair),
    });
    return this.freshRegime;
  }

  readDescriptor(physical: number): boolean {
    const offset = this.engine.ramOffset(physical);
    if (offset < 0) return false;
    this.low = this.words[offset >> 2];
    this.high = this.words[(offset >> 2) + 1];
    return true;
  }

  /** Translates into `translation` as the current context, or with its PAN and privilege given. Answers as translate(). */
  translateAs(vaLow: number, vaHigh: number, access: Access, privileged = this.el !== 0, pan = this.pan): number {
    return translate(this.regime, this, vaLow, vaHigh, access, privileged, pan, this.translation);
  }

  /** Translates pc for the fetch of an instruction. False: an exception is pending. */
  translatePc(): boolean {
    const { words } = this;
    this.dropPcTag();
    if ((words[PC] & 3) === 0) return this.translateOrAbort(words[PC], words[PC + 1], Access.execute, false);
    this.pendAt(Esr.pcAlignment(), words[PC], words[PC + 1]);
    return false;
  }

  /** As translateAs; makes the abort pending. */
  translateOrAbort(vaLow: number, vaHigh: number, access: Access, unprivileged: boolean): boolean {
    const status = this.translateAs(vaLow, vaHigh, access, this.el !== 0 && !unprivileged);
    if (status === TRANSLATED) return true;
    this.pendAbort(status, vaLow, vaHigh, access);
    return false;
  }

  /** The high word of an address, its top byte a copy of bit 55 where TBI says so. AArch64.BranchAddr(). */
  withoutTag(vaHigh: number): number {
    if (!this.regime.halves[(vaHigh >> 23) & 1].topByteIgnored) return vaHigh;
    return (vaHigh << 8) >> 8;
  }

  pendAbort(status: number, vaLow: number, vaHigh: number, access: Access): void {
    const { el } = this;
    const esr =
      access === Access.execute ? Esr.instructionAbort(el, status) : Esr.dataAbort(el, status, access === Access.write);
    this.pendAt(esr, vaLow, vaHigh);
  }

  /** The word of the instruction at pc, or undefined: its fetch faults or finds no RAM. */
  fetch(): number | undefined {
    const { words } = this;
    if (this.translateAs(words[PC], words[PC + 1], Access.execute) !== TRANSLATED) return undefined;
    const offset = this.engine.ramOffset(this.translation.physical);
    return offset < 0 ? undefined : words[offset >> 2];
  }

  // --- exceptions

  /** Makes an exception pending: it is taken when the instruction has been given up. */
  pend(esr: number): void {
    this.pendingEsr = esr;
    this.pendingFar = false;
  }

  /** Likewise, with FAR_EL1. */
  pendAt(esr: number, farLow: number, farHigh: number): void {
    this.pendingEsr = esr;
    this.pendingFar = true;
    this.farLow = farLow;
    this.farHigh = farHigh;
  }

  /** Takes the pending exception. False: there is none. */
  takePending(): boolean {
    if (this.pendingEsr === NONE) return false;
    if (this.pendingFar) {
      this.words[FAR_WORD] = this.farLow;
      this.words[FAR_WORD + 1] = this.farHigh;
    }
    takeException(this, this.pendingEsr);
    this.pendingEsr = NONE;
    return true;
  }

  /** Takes an exception now; pc is the preferred return address. */
  take(esr: number): void {
    takeException(this, esr);
  }

  /** Takes an SError interrupt that waits, unless it is masked. False: there is none to take. */
  takeSerror(): boolean {
    if (this.serror === NONE || this.words[PSTATE] & Pstate.A) return false;
    const esr = Esr.serror(this.serror);
    this.serror = NONE;
    takeException(this, esr, Vector.serror);
    return true;
  }

  setSyndrome(esr: number, spsr: number): void {
    const { words } = this;
    words[ESR_WORD] = esr;
    words[ESR_WORD + 1] = 0;
    words[SPSR_WORD] = spsr;
    words[SPSR_WORD + 1] = 0;
  }

  enterVector(offset: number): void {
    const { words } = this;
    words[ELR_WORD] = words[PC];
    words[ELR_WORD + 1] = words[PC + 1];
    words[PC] = (words[VBAR_WORD] & ~0x7ff) + offset;
    words[PC + 1] = words[VBAR_WORD + 1];
  }

  /** Branches to ELR_EL1, as the exception level just entered sees the address. */
  branchToElr(): void {
    const { words } = this;
    words[PC] = words[ELR_WORD];
    words[PC + 1] = words[ELR_WORD + 1];
    this.dropPcTag();
  }

  /** A branch goes to an address without a tag. The engine leaves it on, and looks for the page of each new pc. */
  dropPcTag(): void {
    const high = this.words[PC + 1];
    const dropped = this.withoutTag(high);
    if (dropped !== high) this.words[PC + 1] = dropped;
  }

  /** Back to the state after a power-on: KVM's for EL1. */
  reset(): void {
    this.words.fill(0, 0, (Layout.exclusive >> 2) + 8);
    this.words.fill(0, Layout.system >> 2, (Layout.system + Layout.systemBytes) >> 2);
    this.words.fill(0, Layout.v >> 2, (Layout.v >> 2) + 128);
    this.clearExclusive();
    this.engine.setNzcv(0);
    this.words[PSTATE] = 0x3c5;
    this.serror = NONE;
    this.pendingEsr = NONE;
    this.event = false;
  }
}
