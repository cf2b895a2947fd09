/**
 * PSTATE as one number in the layout of SPSR_EL1 (unsigned, 32 bits).
 *
 * Arm ARM DDI 0487, D1 "The AArch64 System Level Programmers' Model" and "SPSR_EL1".
 */

export const Pstate = {
  NZCV: 0xf0000000,
  PAN: 1 << 22,
  SS: 1 << 21,
  IL: 1 << 20,
  D: 1 << 9,
  A: 1 << 8,
  I: 1 << 7,
  F: 1 << 6,
  DAIF: 0xf << 6,
  /** AArch32 state. */
  nRW: 1 << 4,
  /** nRW, EL and SP. */
  M: 0x1f,
  /** SP_ELx is the stack pointer, not SP_EL0. */
  SP: 1,
} as const;

/** The modes of a CPU that stops at EL1 and has no AArch32: values of M. */
export const Mode = { EL0t: 0b0000, EL1t: 0b0100, EL1h: 0b0101 } as const;

/** The exception level of an AArch64 PSTATE. */
export const currentEl = (pstate: number): number => (pstate >> 2) & 3;

/** The exception level whose SP_ELx is the stack pointer. */
export const spEl = (pstate: number): number => (pstate & Pstate.SP ? currentEl(pstate) : 0);

const modes32: Readonly<Record<number, string>> = {
  16: 'User',
  17: 'FIQ',
  18: 'IRQ',
  19: 'Supervisor',
  22: 'Monitor',
  23: 'Abort',
  26: 'Hyp',
  27: 'Undefined',
  31: 'System',
};

/** `EL1h`, `EL0t`, `Supervisor`; the bits where M means nothing. */
export function modeName(pstate: number): string {
  const mode = pstate & Pstate.M;
  if (mode & Pstate.nRW) return modes32[mode] ?? `M=0b${mode.toString(2)}`;
  if (mode & 2 || mode === 1) return `M=0b${mode.toString(2).padStart(5, '0')}`;
  return `EL${currentEl(mode)}${mode & 1 ? 'h' : 't'}`;
}

/** IllegalExceptionReturn() of a CPU with EL0 and EL1 in AArch64 state only. */
export const illegalExceptionReturn = (pstate: number, spsr: number): boolean => {
  const mode = spsr & Pstate.M;
  if (mode !== Mode.EL0t && mode !== Mode.EL1t && mode !== Mode.EL1h) return true;
  return currentEl(mode) > currentEl(pstate);
};

/** The bits that an exception return takes from SPSR_EL1 whether it is legal or not. PSTATE.SS is for debug to say. */
const returned = Pstate.NZCV | Pstate.PAN | Pstate.DAIF;

/** SetPSTATEFromSPSR(): what an exception return from `pstate` makes of `spsr`. */
export function pstateFromSpsr(pstate: number, spsr: number, ss: boolean): number {
  const state = illegalExceptionReturn(pstate, spsr) ? Pstate.IL | (pstate & Pstate.M) : spsr & (Pstate.IL | Pstate.M);
  return ((spsr & returned) | state | (ss ? Pstate.SS : 0)) >>> 0;
}
