/**
 * The state of one CPU as plain storage: what a debugger edits and the state path carries into the machine. It has no
 * rules of its own; the machine decides what it takes.
 */
export class CpuState {
  /** X0..X30. */
  readonly x = new BigUint64Array(31);
  /** SP_EL0..SP_EL3. */
  readonly sp = new BigUint64Array(4);
  pc = 0n;
  /** PSTATE in the layout of SPSR_EL1; bit 4 (nRW) tells AArch32. */
  pstate = 0n;
  /** ELR_EL1..ELR_EL3 at 1..3. */
  readonly elr = new BigUint64Array(4);
  /** SPSR_EL1..SPSR_EL3 at 1..3. */
  readonly spsr = new BigUint64Array(4);
  /** SPSR_abt, SPSR_und, SPSR_irq, SPSR_fiq. */
  readonly bankedSpsr = new BigUint64Array(4);
  /** V0..V31, low half then high half. */
  readonly v = new BigUint64Array(64);
  fpsr = 0n;
  fpcr = 0n;
  /** System registers by the 16-bit number op0:op1:CRn:CRm:op2. */
  readonly system = new BigUint64Array(0x10000);
}
