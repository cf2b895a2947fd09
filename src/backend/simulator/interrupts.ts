/**
 * What reaches a simulated CPU from outside, for those who write devices.
 *
 * - A device is given its line when it is made, a function of the level: `(level: boolean) => void`. It calls it when its
 *   output has changed, from an access of a CPU, from an alarm of the clock (clock.ts) or from an event of the host. All
 *   three may be done at any time: the CPU looks at instruction boundaries, and it does so in the same order in every run.
 * - An interrupt controller drives the inputs of each CPU, `setIrq` and `setFiq`. They are levels: a CPU takes the exception
 *   when PSTATE lets it, and takes it again while the line is up and not masked. What makes the line fall (an acknowledge,
 *   a priority) is the controller's.
 * - A GICv3 has registers in the CPU, ICC_*_EL1: `registers`, by op0:op1:CRn:CRm:op2. They are read and written at EL1 only.
 *   Those that are absent are UNDEFINED. A write may change any line: it is seen behind the MSR.
 * - Generic timers keep their state in the CPU's registers (CNTV_CTL_EL0, CNTV_CVAL_EL0 and so on), so that a debugger
 *   and a snapshot reach it; `SystemRegisters.timersChanged` is called when one of them or a counter was written.
 *
 * Arm ARM DDI 0487, D1.3 "Exceptions", "Asynchronous exception types"; ISR_EL1.
 */

/** A register that an interrupt controller has in the CPU. Without `read` an MRS is UNDEFINED, without `write` an MSR. */
export interface InterfaceRegister {
  readonly read?: () => bigint;
  readonly write?: (value: bigint) => void;
}

export class Interrupts {
  /** The levels of the inputs. */
  irq: boolean = false;
  fiq: boolean = false;
  /** Of the interrupt controller. None: there is no GICv3. */
  registers: ReadonlyMap<number, InterfaceRegister> = new Map();
  /** An input has risen: the CPU may have something to do. */
  rose: () => void = () => undefined;

  readonly setIrq = (level: boolean): void => {
    const rises = level && !this.irq;
    this.irq = level;
    if (rises) this.rose();
  };

  readonly setFiq = (level: boolean): void => {
    const rises = level && !this.fiq;
    this.fiq = level;
    if (rises) this.rose();
  };
}
