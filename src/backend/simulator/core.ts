/** What happens to a simulated CPU: translation and exceptions. */
import {
  Access,
  type DescriptorReader,
  Esr,
  type ExceptionState,
  newTranslationResult,
  Pstate,
  TRANSLATED,
  type TranslationRegime,
  type TranslationResult,
  takeException,
  translate,
  translationRegime,
  translationRegisters,
  Vector,
} from '../../arm/index.ts';
import type { Engine } from './engine/host.ts';
import { Interrupts } from './interrupts.ts';
import { numberOf, PC, State, systemWord } from './state.ts';

const FAR = systemWord(numberOf('FAR_EL1'));
const ESR = systemWord(numberOf('ESR_EL1'));
const ELR = systemWord(numberOf('ELR_EL1'));
const SPSR = systemWord(numberOf('SPSR_EL1'));
const VBAR = systemWord(numberOf('VBAR_EL1'));

/** No exception is pending. */
const NONE = -1;

/** An exception that waits for the instruction to be given up. */
export interface PendingException {
  /** -1: there is none. */
  readonly esr: number;
  readonly hasFar: boolean;
  readonly far: bigint;
}

export class Core extends State implements ExceptionState, DescriptorReader {
  /** What the last translation found. */
  readonly translation: TranslationResult = newTranslationResult();
  readonly interrupts = new Interrupts();
  /** ISS of an SError interrupt that waits to be taken, or -1. */
  serror = NONE;
  /** All of the engine's memory. */
  readonly memory: Int32Array;
  /** Descriptor last read. */
  low = 0;
  high = 0;
  /** Undefined when a register has changed since. */
  private freshRegime: TranslationRegime | undefined;
  private pendingEsr = NONE;
  private pendingFar: boolean = false;
  private farLow = 0;
  private farHigh = 0;

  constructor(engine: Engine, features: ReadonlySet<string>) {
    super(engine, features);
    this.memory = new Int32Array(engine.memory.buffer);
  }

  /** SCTLR_EL1 has changed. */
  controlChanged(): void {
    this.translationChanged();
    this.contextChanged();
  }

  /** TCR_EL1, TTBR0_EL1, TTBR1_EL1 or MAIR_EL1 has changed. */
  translationChanged(): void {
    this.freshRegime = undefined;
    this.engine.flushTlb();
  }

  private get regime(): TranslationRegime {
    const { sctlr, tcr, ttbr0, ttbr1, mair, mmfr0 } = translationRegisters;
    this.freshRegime ??= translationRegime({
      sctlr: this.readSystem(sctlr),
      tcr: this.readSystem(tcr),
      ttbr0: this.readSystem(ttbr0),
      ttbr1: this.readSystem(ttbr1),
      mair: this.readSystem(mair),
      mmfr0: this.readSystem(mmfr0),
    });
    return this.freshRegime;
  }

  readDescriptor(physical: number): boolean {
    const offset = this.engine.readableOffset(physical);
    if (offset < 0) return false;
    this.low = this.memory[offset >> 2];
    this.high = this.memory[(offset >> 2) + 1];
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
    const offset = this.engine.readableOffset(this.translation.physical);
    return offset < 0 ? undefined : this.memory[offset >> 2];
  }

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

  get pending(): PendingException {
    const far = (BigInt(this.farHigh >>> 0) << 32n) | BigInt(this.farLow >>> 0);
    return { esr: this.pendingEsr, hasFar: this.pendingFar, far };
  }

  set pending({ esr, hasFar, far }: PendingException) {
    this.pendingEsr = esr;
    this.pendingFar = hasFar;
    this.farLow = Number(far & 0xffffffffn) | 0;
    this.farHigh = Number(far >> 32n) | 0;
  }

  /** Takes the pending exception. False: there is none. */
  takePending(): boolean {
    if (this.pendingEsr === NONE) return false;
    if (this.pendingFar) {
      this.systemWords[FAR] = this.farLow;
      this.systemWords[FAR + 1] = this.farHigh;
    }
    takeException(this, this.pendingEsr);
    this.pendingEsr = NONE;
    return true;
  }

  /** Takes an exception now; pc is the preferred return address. */
  take(esr: number): void {
    takeException(this, esr);
  }

  /** Whether an SError, FIQ or IRQ interrupt waits, masked or not. */
  get interrupted(): boolean {
    return this.serror !== NONE || this.interrupts.fiq || this.interrupts.irq;
  }

  /** Whether one waits that is not masked. */
  get interruptible(): boolean {
    const { interrupts, pstate } = this;
    return (
      (this.serror !== NONE && !(pstate & Pstate.A)) ||
      (interrupts.fiq && !(pstate & Pstate.F)) ||
      (interrupts.irq && !(pstate & Pstate.I))
    );
  }

  /** Takes an interrupt that waits, unless it is masked. False: there is none to take. */
  takeInterrupt(): boolean {
    if (!this.interruptible) return false;
    const { interrupts, pstate } = this;
    if (this.serror !== NONE && !(pstate & Pstate.A)) {
      const esr = Esr.serror(this.serror);
      this.serror = NONE;
      takeException(this, esr, Vector.serror);
    } else {
      // An FIQ or IRQ leaves ESR_EL1 as it is.
      const isFiq = interrupts.fiq && !(pstate & Pstate.F);
      takeException(this, this.systemWords[ESR], isFiq ? Vector.fiq : Vector.irq);
    }
    return true;
  }

  setSyndrome(esr: number, spsr: number): void {
    const { systemWords } = this;
    systemWords[ESR] = esr;
    systemWords[ESR + 1] = 0;
    systemWords[SPSR] = spsr;
    systemWords[SPSR + 1] = 0;
  }

  enterVector(offset: number): void {
    const { words, systemWords } = this;
    systemWords[ELR] = words[PC];
    systemWords[ELR + 1] = words[PC + 1];
    words[PC] = (systemWords[VBAR] & ~0x7ff) + offset;
    words[PC + 1] = systemWords[VBAR + 1];
  }

  /** Branches to ELR_EL1, as the exception level just entered sees the address. */
  branchToElr(): void {
    const { words, systemWords } = this;
    words[PC] = systemWords[ELR];
    words[PC + 1] = systemWords[ELR + 1];
    this.dropPcTag();
  }

  /** A branch goes to an address without a tag. The engine leaves it on, and looks for the page of each new pc. */
  dropPcTag(): void {
    const high = this.words[PC + 1];
    const dropped = this.withoutTag(high);
    if (dropped !== high) this.words[PC + 1] = dropped;
  }

  /** Back to the state after a power-on. */
  reset(): void {
    this.resetState();
    this.engine.monitorChanged();
    this.serror = NONE;
    this.pendingEsr = NONE;
  }
}
