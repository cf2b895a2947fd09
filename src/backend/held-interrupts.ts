/**
 * A step that does not land in an interrupt handler: PSTATE.I and F are set for one instruction, and whatever the guest
 * can see of that is put right afterwards: PSTATE itself, the SPSR of an exception that the instruction took, and what
 * an instruction has read of DAIF or made of it.
 *
 * Arm ARM DDI 0487, C5.2 "Special-purpose registers", DAIF; D1.3 "Exceptions", exception entry.
 */
import { Pstate } from '../arm/index.ts';
import { corePosition } from './core-registers.ts';
import { stopScope } from './register-table.ts';
import type { GuestCpu } from './registers.ts';
import type { Scope, SyncResult } from './sync.ts';

const HELD = BigInt(Pstate.I | Pstate.F);
const DAIF = BigInt(Pstate.DAIF);
const EL1H = 5n;

/** Instructions that read or write DAIF themselves. */
const isReadDaif = (word: number): boolean => (word & ~0x1f) >>> 0 === 0xd53b4220;
const isWriteDaif = (word: number): boolean => (word & ~0x1f) >>> 0 === 0xd51b4220;
const isDaifSet = (word: number): boolean => (word & 0xfffff0ff) >>> 0 === 0xd50340df;
const isDaifClear = (word: number): boolean => (word & 0xfffff0ff) >>> 0 === 0xd50340ff;
/** ERET, ERETAA, ERETAB. */
const isReturn = (word: number): boolean => [0xd69f03e0, 0xd69f0bff, 0xd69f0fff].includes(word >>> 0);
const isSvc = (word: number): boolean => (word & 0xffe0001f) >>> 0 === 0xd4000001;
/** B, BL; B.cond, CBZ, CBNZ, TBZ, TBNZ; BR, BLR, RET, ERET. */
const isBranch = (word: number): boolean =>
  (word & 0x7c000000) === 0x14000000 ||
  (word & 0xfe000000) >>> 0 === 0x54000000 ||
  (word & 0x7c000000) === 0x34000000 ||
  (word & 0xfe000000) >>> 0 === 0xd6000000;
/** CRm, as bits of PSTATE. */
const immediate = (word: number): bigint => BigInt(((word >> 8) & 15) << 6);

const core = (...names: string[]): Scope => ({ core: names.map((name) => corePosition.get(name)!), cpregs: [] });
const pstateScope = core('PSTATE');
const returnScope = core('ELR_EL1', 'SPSR_EL1');
const spsrScope = core('SPSR_EL1');
const xScopes = Array.from({ length: 31 }, (_, n) => core(`X${n}`));

const VECTORS = 0x800n;
/** Which of a group of four, and where in it. */
const VECTOR_MASK = 0x1ffn;
const SERROR = 0x180n;
const none: SyncResult = [];

export class HeldInterrupts {
  readonly #cpu: GuestCpu;
  readonly #vbarScope: Scope;
  readonly #vbar: () => bigint;
  /** While interrupts are held: what they were, and where the CPU stood. */
  #before:
    | { readonly bits: bigint; readonly pc: bigint; readonly word: number; readonly ends: readonly bigint[] }
    | undefined;

  /** `vbar`: the number of VBAR_EL1. */
  constructor(cpu: GuestCpu, vbar: number) {
    this.#cpu = cpu;
    const register = cpu.table.system.get(vbar)!;
    this.#vbarScope = register.scope;
    this.#vbar = () => register.read(cpu.sync);
  }

  /**
   * `word`: the instruction at the pc; 0 where that is unknown. `ends`: where a sequence that is run in one go is left,
   * first of all behind its store.
   */
  hold(word: number, ends: readonly bigint[]): SyncResult {
    const { sync } = this.#cpu;
    const unread = sync.ensure(stopScope);
    if (unread.length > 0) return unread;
    const { state } = sync;
    const bits = state.pstate & HELD;
    if (bits === HELD) return none;
    this.#before = { bits, pc: state.pc, word, ends };
    state.pstate |= HELD;
    return sync.kvmArchPutRegisters('runtime', pstateScope);
  }

  /** After the run, before anything looks at the registers. */
  release(): SyncResult {
    const before = this.#before;
    if (!before) return none;
    this.#before = undefined;
    const { sync } = this.#cpu;
    const { word, bits, ends } = before;
    const unread = sync.ensure(stopScope);
    if (unread.length > 0) return unread;
    const { state } = sync;
    if (ends.length > 0 ? this.#leftSequence(before.pc, ends) : this.#tookException(before.pc, word)) {
      state.spsr[1] = (state.spsr[1] & ~HELD) | bits;
      return sync.kvmArchPutRegisters('runtime', spsrScope);
    }
    const hasRun = state.pc !== before.pc;
    if (hasRun && (isReturn(word) || isWriteDaif(word))) return none;
    if (hasRun && isReadDaif(word)) this.#mendRead(word & 31, bits);
    const present = hasRun && isDaifSet(word) ? bits | immediate(word) : bits;
    const wanted = hasRun && isDaifClear(word) ? present & ~immediate(word) : present;
    state.pstate = (state.pstate & ~HELD) | (wanted & HELD);
    return sync.kvmArchPutRegisters('runtime', pstateScope);
  }

  /**
   * To EL1. The pc may be behind the vector already: KVM lets an exception that it makes itself, and the first
   * instruction of its handler, be one step.
   */
  #tookException(pc: bigint, word: number): boolean {
    const { sync } = this.#cpu;
    const { state } = sync;
    if ((state.pstate & DAIF) !== DAIF || (state.pstate & BigInt(Pstate.M)) !== EL1H) return false;
    if (state.pc === pc || (state.pc === pc + 4n && !isSvc(word))) return false;
    sync.ensure(this.#vbarScope);
    sync.ensure(returnScope);
    const offset = state.pc - (this.#vbar() & ~(VECTORS - 1n));
    const inVectors = offset >= 0n && offset < VECTORS;
    // An SError interrupt may come at any instruction.
    if (inVectors && (offset & VECTOR_MASK) === SERROR) return true;
    const back = state.elr[1];
    return (back === pc || back === pc + 4n) && (inVectors || !isBranch(word));
  }

  /** By an exception: the CPU is elsewhere, and shall return into the sequence. */
  #leftSequence(pc: bigint, ends: readonly bigint[]): boolean {
    const { sync } = this.#cpu;
    const { state } = sync;
    const inside = (address: bigint): boolean => address >= pc && address <= ends[0];
    if (inside(state.pc) || ends.includes(state.pc)) return false;
    sync.ensure(returnScope);
    return inside(state.elr[1]);
  }

  #mendRead(register: number, bits: bigint): void {
    const { sync } = this.#cpu;
    if (register === 31) return;
    const scope = xScopes[register];
    sync.ensure(scope);
    sync.state.x[register] = (sync.state.x[register] & ~HELD) | bits;
    sync.kvmArchPutRegisters('runtime', scope);
  }
}
