/**
 * A GICv3 with one security state (GICD_CTLR.DS), affinity routing always on, 5 bits of priority and no LPIs. Interrupts
 * of group 0 are FIQs, those of group 1 IRQs.
 *
 * Arm GIC Architecture Specification, IHI 0069.
 */
import { Gic, type GicOptions } from './gic.ts';
import { SGIS } from './gic-bank.ts';
import type { Group } from './gic-cpu-interface.ts';

/** The CPUs that a software generated interrupt is for. */
export interface SgiTargets {
  /** IRM: all but the one that sends it. */
  readonly others: boolean;
  /** Aff3.Aff2.Aff1 of the CPUs, as bits 31..8. */
  readonly cluster: number;
  /** A bit for each Aff0. */
  readonly list: number;
}

export class Gicv3 extends Gic {
  readonly version = 3;
  /** GICD_IIDR and GICR_IIDR: by Arm. A snapshot may bring another one. */
  iidr = 0x43b;
  readonly affinities: readonly number[];
  /** GICD_IROUTER<n> from the first shared interrupt on: Aff3.Aff2.Aff1.Aff0. */
  private readonly routes = new Uint32Array(this.targets.length);
  /** GICR_WAKER.ProcessorSleep: software says when it wakes, nothing else depends on it. */
  readonly asleep: boolean[];

  constructor(options: GicOptions) {
    super(options);
    this.affinities = options.affinities;
    this.asleep = options.affinities.map(() => true);
    this.reset();
  }

  override reset(): void {
    super.reset();
    this.asleep.fill(true);
    for (let index = 0; index < this.routes.length; index++) this.route(index, 0);
    this.update();
  }

  protected signalsFiq(): boolean {
    return true;
  }

  routeOf(index: number): number {
    return this.routes[index];
  }

  /** An interrupt that is routed to no CPU stays pending. */
  route(index: number, affinity: number): void {
    this.routes[index] = affinity;
    const cpu = this.affinities.indexOf(affinity >>> 0);
    this.targets[index] = cpu < 0 ? 0 : 1 << cpu;
  }

  /**
   * ICC_SGI0R_EL1, ICC_SGI1R_EL1, ICC_ASGI1R_EL1: reaches the CPUs where the interrupt is of one of the groups, which
   * are bits.
   */
  sendSgi(sender: number, interrupt: number, groups: number, { others, cluster, list }: SgiTargets): void {
    for (const [cpu, affinity] of this.affinities.entries()) {
      const Aff0 = affinity & 0xff;
      const isTarget = others
        ? cpu !== sender
        : (affinity & ~0xff) >>> 0 === cluster && Aff0 < SGIS && ((list >> Aff0) & 1) === 1;
      const bank = this.privates[cpu];
      if (isTarget && (groups >> bank.groupOf(interrupt)) & 1) bank.latch[0] |= 1 << interrupt;
    }
    this.update();
  }

  /** ICC_EOIR<n>_EL1: an end of the wrong group is none. */
  endOfGroup(cpu: number, interrupt: number, group: Group): void {
    if (this.interfaces[cpu].activeGroup === group) this.end(cpu, interrupt, group);
  }
}
