/**
 * The performance monitors of a simulated CPU: a cycle counter and six event counters. A cycle is an instruction here, or
 * an exception that is taken before one; while the CPU waits there are none. What counts is added to the stored counters
 * when somebody looks or something changes, and the CPU stops where the first counter overflows, so that all is exact
 * to the instruction and nothing is done between.
 *
 * Arm ARM DDI 0487, D13 "The Performance Monitors Extension".
 */
import type { Core } from './core.ts';
import { numberOf } from './state.ts';

/** ID_AA64DFR0_EL1.PMUVer: PMUv3 of Armv8.0. */
export const PMU_VERSION = 1;
/** PMCR_EL0.N after a reset. */
export const EVENT_COUNTERS = 6;
/** The cycle counter's place among the counters. */
const CYCLES = 31;
/** The bits of all counters. */
export const COUNTERS = 2n ** 31n + 2n ** BigInt(EVENT_COUNTERS) - 1n;

export const PmuEvent = { SW_INCR: 0x00, INST_RETIRED: 0x08, CPU_CYCLES: 0x11, CHAIN: 0x1e } as const;
const EVENT_MASK = 0x3ff;

export const Pmcr = { E: 1, P: 2, C: 4, X: 1 << 4, DP: 1 << 5, LC: 1 << 6 } as const;

const PMCR_EL0 = numberOf('PMCR_EL0');
const PMCNTENSET_EL0 = numberOf('PMCNTENSET_EL0');
const PMOVSSET_EL0 = numberOf('PMOVSSET_EL0');
const PMINTENSET_EL1 = numberOf('PMINTENSET_EL1');

const indexes = [...Array.from({ length: EVENT_COUNTERS }, (_, n) => n), CYCLES];
const counterNumbers = new Map(indexes.map((n) => [n, numberOf(n === CYCLES ? 'PMCCNTR_EL0' : `PMEVCNTR${n}_EL0`)]));
const filterNumbers = new Map(indexes.map((n) => [n, numberOf(n === CYCLES ? 'PMCCFILTR_EL0' : `PMEVTYPER${n}_EL0`)]));

/** The register of what PMSELR_EL0 selects; undefined where there is no such counter. */
export const selectedCounter = (select: number): number | undefined =>
  select === CYCLES ? undefined : counterNumbers.get(select);
export const selectedFilter = (select: number): number | undefined => filterNumbers.get(select);

/** Bits 31 and 30 of a filter: what happens at EL1 or EL0 is not counted. */
const isFiltered = (filter: number, el: number): boolean => ((el === 0 ? filter >>> 30 : filter >>> 31) & 1) !== 0;

/** Counters that count: all instructions, all cycles. */
interface Counting {
  readonly retiring: readonly number[];
  readonly cycling: readonly number[];
}

const none: Counting = { retiring: [], cycling: [] };

export interface PmuOptions {
  readonly core: Core;
  /** Instructions and exceptions of this CPU up to now. */
  readonly executed: () => number;
}

export class Pmu {
  /** The CPU must not run beyond so many instructions without an `update`. */
  limit = Number.POSITIVE_INFINITY;
  /** The interrupt. Told again when it is the same. */
  setLine: (level: boolean) => void = () => undefined;
  private readonly core: Core;
  private readonly executed: () => number;
  /** The counters that count at EL0 and at EL1, and those of the present exception level. */
  private atLevels: readonly Counting[] = [none, none];
  private counting: Counting = none;
  /** Up to where both are in the registers. */
  private cycles = 0;
  private retired = 0;

  constructor({ core, executed }: PmuOptions) {
    this.core = core;
    this.executed = executed;
  }

  /** All registers have new values. */
  reset(): void {
    this.mark();
    this.changed();
  }

  /** Counters and flags are as of now, and so is the limit. */
  update(): void {
    this.sync();
    this.changed();
  }

  /** Adds to the counters what they have counted. To be called before anything of them changes. */
  sync(): void {
    const { core, cycles, retired } = this;
    this.mark();
    const before = core.systemLow(PMOVSSET_EL0);
    for (const n of this.counting.cycling) this.add(n, this.cycles - cycles);
    for (const n of this.counting.retiring) this.add(n, this.retired - retired);
    if (core.systemLow(PMOVSSET_EL0) !== before) this.changed();
  }

  private mark(): void {
    this.cycles = this.executed();
    this.retired = this.core.engine.retired;
  }

  /** What is told in the registers has changed: what counts, how far the next overflow is, and the interrupt. */
  changed(): void {
    const enabled = indexes.filter((n) => this.isEnabled(n));
    const [atEl0, atEl1] = [0, 1].map((el) => enabled.filter((n) => !isFiltered(this.filter(n), el)));
    this.atLevels = [atEl0, atEl1].map((counting) => ({
      retiring: counting.filter((n) => this.event(n) === PmuEvent.INST_RETIRED),
      cycling: counting.filter((n) => this.event(n) === PmuEvent.CPU_CYCLES),
    }));
    const dependsOnLevel = enabled.some((n) => atEl0.includes(n) !== atEl1.includes(n));
    this.core.levelChanged = dependsOnLevel ? this.levelChanged : undefined;
    this.choose();
    this.drive();
  }

  private readonly levelChanged = (): void => {
    this.sync();
    this.choose();
  };

  /** The counters of the exception level, and how far the next overflow is. */
  private choose(): void {
    const { core, limit } = this;
    this.counting = this.atLevels[core.el];
    this.limit = Number.POSITIVE_INFINITY;
    for (const n of this.counting.retiring) this.limit = Math.min(this.limit, this.cycles + this.room(n));
    for (const n of this.counting.cycling) this.limit = Math.min(this.limit, this.cycles + this.room(n));
    if (this.limit < limit) core.engine.stop();
  }

  /** The level of the interrupt. */
  drive(): void {
    const { core } = this;
    const flags = core.systemLow(PMOVSSET_EL0) & core.systemLow(PMINTENSET_EL1) & this.counters;
    this.setLine((core.systemLow(PMCR_EL0) & Pmcr.E) !== 0 && flags !== 0);
  }

  /** PMSWINC_EL0: one more in each of these counters that counts software increments. */
  increment(counters: number): void {
    for (const n of indexes)
      if ((counters >>> n) & 1 && this.counts(n) && this.event(n) === PmuEvent.SW_INCR) this.add(n, 1);
  }

  /** PMCR_EL0.P. */
  clearEvents(): void {
    for (const [n, number] of counterNumbers) if (n !== CYCLES) this.core.writeSystem(number, 0n);
  }

  /** PMCR_EL0.C. */
  clearCycles(): void {
    this.core.writeSystem(counterNumbers.get(CYCLES)!, 0n);
  }

  /** The bits of the counters that PMCR_EL0.N tells: a debugger may show the guest less before the first run. */
  get counters(): number {
    const N = (this.core.systemLow(PMCR_EL0) >>> 11) & 31;
    return (1 << CYCLES) | ((1 << Math.min(N, EVENT_COUNTERS)) - 1);
  }

  private isEnabled(n: number): boolean {
    const { core } = this;
    const enabled = core.systemLow(PMCNTENSET_EL0) & this.counters;
    return (core.systemLow(PMCR_EL0) & Pmcr.E) !== 0 && ((enabled >>> n) & 1) !== 0;
  }

  private counts(n: number): boolean {
    return this.isEnabled(n) && !isFiltered(this.filter(n), this.core.el);
  }

  private filter(n: number): number {
    return this.core.systemLow(filterNumbers.get(n)!);
  }

  private event(n: number): number {
    return n === CYCLES ? PmuEvent.CPU_CYCLES : this.filter(n) & EVENT_MASK;
  }

  /** After so many bits a counter overflows. */
  private width(n: number): number {
    return n === CYCLES && this.core.systemLow(PMCR_EL0) & Pmcr.LC ? 64 : 32;
  }

  private value(n: number): bigint {
    return this.core.readSystem(counterNumbers.get(n)!);
  }

  /** How many more make it overflow. */
  private room(n: number): number {
    const width = this.width(n);
    return Number((1n << BigInt(width)) - BigInt.asUintN(width, this.value(n)));
  }

  private add(n: number, amount: number): void {
    const { core } = this;
    const overflows = amount >= this.room(n);
    core.writeSystem(counterNumbers.get(n)!, BigInt.asUintN(n === CYCLES ? 64 : 32, this.value(n) + BigInt(amount)));
    if (!overflows) return;
    core.writeSystem(PMOVSSET_EL0, core.readSystem(PMOVSSET_EL0) | (1n << BigInt(n)));
    const isEven = n < EVENT_COUNTERS && n % 2 === 0;
    if (isEven && this.counts(n + 1) && this.event(n + 1) === PmuEvent.CHAIN) this.add(n + 1, 1);
  }
}
