/**
 * A GICv2 without the Security and Virtualization Extensions: two groups, 5 bits of priority, up to 8 CPUs.
 *
 * Arm GIC Architecture Specification, version 2.0, IHI 0048.
 */

import { Gic, type GicOptions } from './gic.ts';
import { lowestBit, PRIVATE, SGIS, SPURIOUS } from './gic-bank.ts';
import type { Group } from './gic-cpu-interface.ts';

/** The highest pending interrupt is of group 1, and GICC_IAR shows only those of group 0. */
const OTHER_GROUP = 1022;

/** What GICC_CTLR has beyond the fields that a CPU interface of any version has. */
interface Control {
  /** AckCtl: GICC_IAR shows interrupts of both groups. */
  acknowledgesBoth: boolean;
  /** FIQEn. */
  groupZeroIsFiq: boolean;
}

export class Gicv2 extends Gic {
  readonly version = 2;
  /** GICD_IIDR: a GIC-400. A snapshot may bring another one. */
  iidr = 0x0200_043b;
  readonly controls: readonly Control[];
  /** Of each CPU and SGI the CPUs that have sent it, as bits: it is pending once for each of them. */
  readonly sources: readonly Uint8Array[];

  constructor(options: GicOptions) {
    super(options);
    this.controls = options.affinities.map(() => ({ acknowledgesBoth: false, groupZeroIsFiq: false }));
    this.sources = options.affinities.map(() => new Uint8Array(SGIS));
    this.reset();
  }

  override reset(): void {
    super.reset();
    this.targets.fill(this.cpus === 1 ? 1 : 0);
    for (const control of this.controls) {
      control.acknowledgesBoth = false;
      control.groupZeroIsFiq = false;
    }
    for (const sources of this.sources) sources.fill(0);
    // SGIs cannot be disabled.
    for (const bank of this.privates) bank.enabled[0] = (1 << SGIS) - 1;
    this.update();
  }

  get cpus(): number {
    return this.interfaces.length;
  }

  protected signalsFiq(cpu: number): boolean {
    return this.controls[cpu].groupZeroIsFiq;
  }

  targetsOf(interrupt: number, cpu: number): number {
    // One CPU needs no register to say so.
    if (this.cpus === 1) return 0;
    return interrupt < PRIVATE ? 1 << cpu : this.targets[interrupt - PRIVATE];
  }

  setTargets(interrupt: number, cpus: number): void {
    if (this.cpus > 1 && interrupt >= PRIVATE) this.targets[interrupt - PRIVATE] = cpus & ((1 << this.cpus) - 1);
  }

  /** GICD_SGIR: `cpus` are bits. */
  sendSgi(sender: number, interrupt: number, cpus: number): void {
    for (let cpu = 0; cpu < this.cpus; cpu++)
      if ((cpus >> cpu) & 1) this.setSources(cpu, interrupt, this.sources[cpu][interrupt] | (1 << sender));
    this.update();
  }

  setSources(cpu: number, interrupt: number, sources: number): void {
    this.sources[cpu][interrupt] = sources & ((1 << this.cpus) - 1);
    const bank = this.privates[cpu];
    if (this.sources[cpu][interrupt] === 0) bank.latch[0] &= ~(1 << interrupt);
    else bank.latch[0] |= 1 << interrupt;
  }

  /** The group that GICC_IAR and GICC_HPPIR show now, or undefined: that of what is pending is hidden. */
  private shownGroup(cpu: number): Group | undefined {
    const { highestGroup } = this.interfaces[cpu];
    return highestGroup === 0 || this.controls[cpu].acknowledgesBoth ? highestGroup : undefined;
  }

  /** GICC_IAR. */
  acknowledgeShown(cpu: number): number {
    const group = this.shownGroup(cpu);
    if (group !== undefined) return this.acknowledge(cpu, group);
    return this.interfaces[cpu].signals ? OTHER_GROUP : SPURIOUS;
  }

  /** GICC_HPPIR. */
  highestShown(cpu: number): number {
    const group = this.shownGroup(cpu);
    return group === undefined ? OTHER_GROUP : this.withSource(cpu, this.highestPending(cpu, group));
  }

  /** CPUID and Interrupt ID, of the first CPU that has sent it. */
  private withSource(cpu: number, interrupt: number): number {
    if (interrupt >= SGIS) return interrupt;
    const sources = this.sources[cpu][interrupt];
    return interrupt | (lowestBit(sources) << 10);
  }

  protected override takePending(cpu: number, interrupt: number): number {
    if (interrupt >= SGIS) return super.takePending(cpu, interrupt);
    const sources = this.sources[cpu][interrupt];
    const id = this.withSource(cpu, interrupt);
    this.setSources(cpu, interrupt, sources & (sources - 1));
    return id;
  }

  /** GICC_EOIR, of either group: the priority that drops is that of the interrupt's group. */
  endOfInterrupt(cpu: number, value: number): void {
    const interrupt = value & 0x3ff;
    if (this.interfaces[cpu].activeGroup === undefined || interrupt >= PRIVATE + this.targets.length) return;
    this.end(cpu, interrupt, this.groupOf(cpu, interrupt));
  }

  private groupOf(cpu: number, interrupt: number): Group {
    return interrupt < PRIVATE ? this.privates[cpu].groupOf(interrupt) : this.shared.groupOf(interrupt - PRIVATE);
  }
}
