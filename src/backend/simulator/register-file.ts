/**
 * The registers of a simulated CPU as raw storage: what the simulated kernel (kernel-registers.ts) reads and writes
 * for the debugger. No permission, no trap and no write mask of an MSR applies, but the consequences do: stale
 * translations are dropped, the stack pointers follow PSTATE, watchpoints follow the debug registers.
 *
 * Masks of the modelled hardware show only when the CPU has run with the value, as on KVM.
 */
export interface RegisterFile {
  /** X0..X30. */
  readX(n: number): bigint;
  writeX(n: number, value: bigint): void;
  /** SP_EL0 or SP_EL1, whichever is the current one. */
  readSp(el: 0 | 1): bigint;
  writeSp(el: 0 | 1, value: bigint): void;
  readPc(): bigint;
  writePc(value: bigint): void;
  /** In the format of SPSR_EL1, NZCV included. The caller has checked the mode: EL0t, EL1t or EL1h. */
  readPstate(): bigint;
  writePstate(value: bigint): void;
  /** V0..V31, one half. FPSR and FPCR are system registers. */
  readV(n: number, half: 0 | 1): bigint;
  writeV(n: number, half: 0 | 1, value: bigint): void;
  /**
   * By op0:op1:CRn:CRm:op2; every number has storage. ELR_EL1, SPSR_EL1 and the banked SPSRs are among them.
   * CNTVCT_EL0 and CNTPCT_EL0 are the counters now, and writing one sets it; timers' CTL shows ISTATUS.
   */
  readSystem(number: number): bigint;
  writeSystem(number: number, value: bigint): void;
  /** The bits that the CPU keeps when it runs: the others are RES0 in this CPU, whatever the catalogue says. */
  keptBits(number: number): bigint;
  /** CCSIDR_EL1 for each value of CSSELR_EL1, 0..13. */
  readonly cacheSizes: readonly number[];
  /** Whether the CPU has run since its reset. */
  readonly hasRun: boolean;
}
