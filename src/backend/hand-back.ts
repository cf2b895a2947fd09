/**
 * A debug exception that is the guest's own is given back to it: exception entry on CpuState, put into the machine. The
 * guest finds ESR, FAR, ELR and SPSR as if no debugger had been there.
 */
import {
  currentEl,
  Esr,
  ExceptionClass,
  exceptionState,
  findRegister,
  Pstate,
  type SystemRegister,
  takeException,
} from '../arm/index.ts';
import { corePosition } from './core-registers.ts';
import type { GuestCpu } from './registers.ts';
import type { Scope, SyncResult } from './sync.ts';

const numberOf = (name: string): number => (findRegister(name) as SystemRegister).number;
const [SCTLR_EL1, VBAR_EL1, ESR_EL1, FAR_EL1, MDSCR_EL1, ID_AA64MMFR1_EL1] = [
  'SCTLR_EL1',
  'VBAR_EL1',
  'ESR_EL1',
  'FAR_EL1',
  'MDSCR_EL1',
  'ID_AA64MMFR1_EL1',
].map(numberOf);
/** MDSCR_EL1.KDE. */
const KDE = 1n << 13n;

/** What exception entry reads and writes. */
const core = ['PSTATE', 'PC', 'ELR_EL1', 'SPSR_EL1'].map((name) => corePosition.get(name)!);
const scopeOf = ({ table }: GuestCpu, ...numbers: number[]): Scope => ({
  core,
  cpregs: numbers.flatMap((number) => table.system.get(number)?.scope.cpregs ?? []),
});

/**
 * Takes an exception to EL1 at the present pc, as the CPU would: `esr` as EL1 sees it, and FAR_EL1 where the exception
 * has one.
 */
export function injectException(cpu: GuestCpu, esr: number, far?: bigint): SyncResult {
  const { sync } = cpu;
  // What is written must have been read, or it is not carried over.
  const unread = sync.ensure(scopeOf(cpu, SCTLR_EL1, VBAR_EL1, ESR_EL1, FAR_EL1, ID_AA64MMFR1_EL1));
  if (unread.length > 0) return unread;
  const { state } = sync;
  takeException(exceptionState(state), esr);
  if (far === undefined) return sync.kvmArchPutRegisters('runtime', scopeOf(cpu, ESR_EL1));
  state.system[FAR_EL1] = far;
  return sync.kvmArchPutRegisters('runtime', scopeOf(cpu, ESR_EL1, FAR_EL1));
}

/**
 * Whether the guest has masked its own breakpoint or watchpoint: KVM routes debug exceptions to EL2 while it debugs a
 * guest, and what goes to a higher level is not masked.
 *
 * Arm ARM DDI 0487, D2.4 "Enabling debug exceptions".
 */
export function isMasked({ sync, table }: GuestCpu, esr: number): boolean {
  const debugClass = (esr >>> 26) & ~1;
  if (debugClass !== ExceptionClass.breakpoint && debugClass !== ExceptionClass.watchpoint) return false;
  sync.ensure({ core, cpregs: table.system.get(MDSCR_EL1)?.scope.cpregs ?? [] });
  const { state } = sync;
  const pstate = Number(state.pstate & 0xffff_ffffn);
  if (currentEl(pstate) === 0) return false;
  return (pstate & Pstate.D) !== 0 || (state.system[MDSCR_EL1] & KDE) === 0n;
}

/** `esr` in the form of a lower exception level, as KVM reports it: for one taken from EL1 it becomes that of EL1. */
export function handBack(cpu: GuestCpu, esr: number, far: bigint): SyncResult {
  const { sync } = cpu;
  sync.ensure(scopeOf(cpu));
  const el = currentEl(Number(sync.state.pstate & 0xffff_ffffn));
  const isWatchpoint = ((esr >>> 26) & ~1) === ExceptionClass.watchpoint;
  return injectException(cpu, Esr.debugFrom(esr, el), isWatchpoint ? far : undefined);
}
