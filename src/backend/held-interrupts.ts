/**
 * A step that does not land in an interrupt handler: PSTATE.I and F are set for one instruction, and whatever the guest
 * can see of that is put right afterwards: PSTATE itself, the SPSR of an exception that the instruction took, and what
 * an instruction has read of DAIF or made of it.
 *
 * Arm ARM DDI 0487, C5.2 "Special-purpose registers", DAIF; D1.3 "Exceptions", exception entry.
 */
import { Pstate } from '../arm/index.ts';
import { corePosition } from './core-registers.ts';
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
/** CRm, as bits of PSTATE. */
const immediate = (word: number): bigint => BigInt(((word >> 8) & 15) << 6);

const core = (...names: string[]): Scope => ({ core: names.map((name) => corePosition.get(name)!), cpregs: [] });
const pstateScope = core('PSTATE');
const exceptionScope = core('PSTATE', 'PC', 'ELR_EL1', 'SPSR_EL1');
const spsrScope = core('SPSR_EL1');
const xScopes = Array.from({ length: 31 }, (_, n) => core(`X${n}`));

const VECTORS = 0x800n;
const VECTOR_MASK = 0x7fn;
const none: SyncResult = [];

export class HeldInterrupts {
  readonly #cpu: GuestCpu;
  readonly #vbarScope: Scope;
  readonly #vbar: () => bigint;
  /** While interrupts are held: what they were, and where the CPU stood. */
  #before: { readonly bits: bigint; readonly pc: bigint; readonly elr: bigint; readonly word: number } | undefined;

  /** `vbar`: the number of VBAR_EL1. */
  constructor(cpu: GuestCpu, vbar: number) {
    this.#cpu = cpu;
    const register = cpu.table.system.get(vbar)!;
    this.#vbarScope = register.scope;
    this.#vbar = () => register.read(cpu.sync);
  }

  /** `word`: the instruction at the pc; 0 where that is unknown. */
  hold(word: number): SyncResult {
    const { sync } = this.#cpu;
    const { state } = sync;
    let unread = sync.ensure(pstateScope);
    const bits = state.pstate & HELD;
    if (unread.length === 0 && bits === HELD) return none;
    unread = sync.ensure(exceptionScope);
    if (unread.length > 0) return unread;
    this.#before = { bits, pc: state.pc, elr: state.elr[1], word };
    state.pstate |= HELD;
    return sync.kvmArchPutRegisters('runtime', pstateScope);
  }

  /** After the run, before anything looks at the registers. */
  release(): SyncResult {
    const before = this.#before;
    if (!before) return none;
    this.#before = undefined;
    const { sync } = this.#cpu;
    const { word, bits } = before;
    const unread = [...sync.ensure(exceptionScope), ...sync.ensure(this.#vbarScope)];
    if (unread.length > 0) return unread;
    const { state } = sync;
    if (this.#tookException(before.pc, before.elr)) {
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

  /** To EL1: the pc is a vector, everything is masked, and the return address is new or that of the instruction. */
  #tookException(pc: bigint, elr: bigint): boolean {
    const { state } = this.#cpu.sync;
    const offset = state.pc - (this.#vbar() & ~(VECTORS - 1n));
    if (offset < 0n || offset >= VECTORS || (offset & VECTOR_MASK) !== 0n) return false;
    if ((state.pstate & DAIF) !== DAIF || (state.pstate & BigInt(Pstate.M)) !== EL1H) return false;
    const now = state.elr[1];
    return now !== elr || now === pc || now === pc + 4n;
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
