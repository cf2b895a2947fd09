/**
 * The CPU interface of a GIC: which interrupt is signalled, what runs, what may preempt it. Priorities have 5 bits, so
 * there are 32 levels of preemption. The same for GICv2 and GICv3; how a guest reaches it is theirs.
 *
 * Arm GIC Architecture Specification, IHI 0069, 4.8 "Interrupt prioritization".
 */
import { lowestBit, PRIORITY_BITS, SPURIOUS } from './gic-bank.ts';

export type Group = 0 | 1;

/** The running priority when nothing runs. */
const IDLE = 0xff;
/** The least binary points: with 5 bits all of a priority can be group priority. */
export const MINIMUM_BINARY_POINTS = [2, 3] as const;
const LEVEL_SHIFT = 3;

export class CpuInterface {
  /** PMR. */
  priorityMask = 0;
  /** BPR0 and BPR1, or BPR and ABPR. */
  readonly binaryPoint: number[] = [...MINIMUM_BINARY_POINTS];
  /** Bit n: group n is enabled. */
  groups = 0;
  /** CBPR: BPR0 holds for both groups. */
  commonBinaryPoint: boolean = false;
  /** EOImode: an end of interrupt only drops the priority. */
  splitsEnd: boolean = false;
  /** AP0R0 and AP1R0: a bit for each level of preemption that is active. */
  readonly activePriorities = new Int32Array(2);
  /** The highest-priority pending interrupt, or SPURIOUS. */
  highest = SPURIOUS;
  highestPriority = IDLE;
  highestGroup: Group = 0;

  reset(): void {
    this.priorityMask = 0;
    this.binaryPoint.splice(0, 2, ...MINIMUM_BINARY_POINTS);
    this.groups = 0;
    this.commonBinaryPoint = false;
    this.splitsEnd = false;
    this.activePriorities.fill(0);
    this.forget();
  }

  /** Nothing is pending, as far as `offer` has not been told. */
  forget(): void {
    this.highest = SPURIOUS;
    this.highestPriority = IDLE;
    this.highestGroup = 0;
  }

  /** A pending interrupt for this CPU. Of those of one priority the lowest number wins. */
  offer(interrupt: number, priority: number, group: Group): void {
    if (!((this.groups >> group) & 1)) return;
    if (priority > this.highestPriority || (priority === this.highestPriority && interrupt > this.highest)) return;
    this.highest = interrupt;
    this.highestPriority = priority;
    this.highestGroup = group;
  }

  /** The bits of a priority that decide about preemption. */
  private groupMask(group: Group): number {
    if (group === 0 || this.commonBinaryPoint) return -1 << (this.binaryPoint[0] + 1);
    return -1 << this.binaryPoint[1];
  }

  /** RPR. */
  get runningPriority(): number {
    const active = this.activePriorities[0] | this.activePriorities[1];
    return active === 0 ? IDLE : lowestBit(active) << LEVEL_SHIFT;
  }

  /** Whether the highest pending interrupt is signalled to the CPU. */
  get signals(): boolean {
    if (this.highest === SPURIOUS || this.highestPriority >= this.priorityMask) return false;
    const { runningPriority } = this;
    if (runningPriority === IDLE) return true;
    const mask = this.groupMask(this.highestGroup);
    return (this.highestPriority & mask) < (runningPriority & mask);
  }

  setPriorityMask(value: number): void {
    this.priorityMask = value & PRIORITY_BITS;
  }

  setBinaryPoint(group: Group, value: number): void {
    this.binaryPoint[group] = Math.max(value & 7, MINIMUM_BINARY_POINTS[group]);
  }

  /** BPR1 as it is read: where BPR0 holds for both groups it is one more than that. */
  readBinaryPoint(group: Group): number {
    if (group === 1 && this.commonBinaryPoint) return Math.min(this.binaryPoint[0] + 1, 7);
    return this.binaryPoint[group];
  }

  /** The highest pending interrupt runs. */
  activate(): void {
    const level = (this.highestPriority & this.groupMask(this.highestGroup)) >> LEVEL_SHIFT;
    this.activePriorities[this.highestGroup] |= 1 << level;
  }

  /** The group of what runs; undefined: nothing does. */
  get activeGroup(): Group | undefined {
    const [zero, one] = this.activePriorities;
    if ((zero | one) === 0) return undefined;
    return zero & (1 << lowestBit(zero | one)) ? 0 : 1;
  }

  /** Priority drop. */
  drop(group: Group): void {
    this.activePriorities[group] &= this.activePriorities[group] - 1;
  }
}
