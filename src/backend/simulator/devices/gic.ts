/** What GICv2 and GICv3 have in common: lines in, the highest pending interrupt of each CPU out, its life until its end. */
import { GIC_INTERRUPTS } from '../../board.ts';
import { InterruptBank, lowestBit, PRIVATE, SGIS, SPURIOUS } from './gic-bank.ts';
import { CpuInterface, type Group } from './gic-cpu-interface.ts';

/** The two interrupt inputs of a CPU. */
export type SetLines = (cpu: number, irq: boolean, fiq: boolean) => void;

export interface GicOptions {
  /** Aff3.Aff2.Aff1.Aff0 of each CPU, as a number of 32 bits. */
  readonly affinities: readonly number[];
  /** Called when a level has changed. */
  readonly setLines: SetLines;
}

const IRQ = 1;
const FIQ = 2;

export abstract class Gic {
  readonly interfaces: readonly CpuInterface[];
  /** SGIs and PPIs of each CPU. */
  readonly privates: readonly InterruptBank[];
  readonly shared = new InterruptBank((GIC_INTERRUPTS - PRIVATE) / 32);
  /** A bit for each CPU that gets a shared interrupt. */
  protected readonly targets = new Uint8Array(GIC_INTERRUPTS - PRIVATE);
  /** GICD_CTLR: EnableGrp0 and EnableGrp1. */
  groups = 0;
  private readonly setLines: SetLines;
  /** IRQ and FIQ as they were told last. */
  private readonly told: number[];

  constructor({ affinities, setLines }: GicOptions) {
    this.setLines = setLines;
    this.interfaces = affinities.map(() => new CpuInterface());
    this.privates = affinities.map(() => new InterruptBank(1));
    this.told = affinities.map(() => 0);
  }

  /** Whether an interrupt of group 0 is signalled as FIQ. */
  protected abstract signalsFiq(cpu: number): boolean;

  reset(): void {
    this.groups = 0;
    this.shared.reset();
    for (const bank of this.privates) {
      bank.reset();
      bank.edge[0] = (1 << SGIS) - 1;
    }
    for (const one of this.interfaces) one.reset();
  }

  /** A device's line to a shared interrupt, by its INTID. */
  setLine(interrupt: number, level: boolean): void {
    if (this.shared.setLine(interrupt - PRIVATE, level)) this.update();
  }

  /** A line to a PPI of a CPU, by its INTID. */
  setPrivateLine(cpu: number, interrupt: number, level: boolean): void {
    if (this.privates[cpu].setLine(interrupt, level)) this.update();
  }

  /** Something has changed that decides what is signalled. */
  update(): void {
    const { interfaces, privates, shared, targets, groups } = this;
    for (let cpu = 0; cpu < interfaces.length; cpu++) {
      interfaces[cpu].forget();
      let bits = privates[cpu].forwarded(0, groups);
      for (; bits !== 0; bits &= bits - 1) this.offer(cpu, privates[cpu], lowestBit(bits), 0);
    }
    for (let word = 0; word < shared.words; word++) {
      let bits = shared.forwarded(word, groups);
      for (; bits !== 0; bits &= bits - 1) {
        const index = 32 * word + lowestBit(bits);
        for (let cpus = targets[index]; cpus !== 0; cpus &= cpus - 1)
          this.offer(lowestBit(cpus), shared, index, PRIVATE);
      }
    }
    for (let cpu = 0; cpu < interfaces.length; cpu++) this.tell(cpu);
  }

  private offer(cpu: number, bank: InterruptBank, index: number, first: number): void {
    this.interfaces[cpu].offer(first + index, bank.priority[index], bank.groupOf(index));
  }

  private tell(cpu: number): void {
    const { signals, highestGroup } = this.interfaces[cpu];
    let lines = 0;
    if (signals) lines = highestGroup === 0 && this.signalsFiq(cpu) ? FIQ : IRQ;
    if (lines === this.told[cpu]) return;
    this.told[cpu] = lines;
    this.setLines(cpu, lines === IRQ, lines === FIQ);
  }

  /** IAR: the signalled interrupt, if it is of this group, becomes active. */
  acknowledge(cpu: number, group: Group): number {
    const one = this.interfaces[cpu];
    if (!one.signals || one.highestGroup !== group) return SPURIOUS;
    const interrupt = one.highest;
    one.activate();
    this.bank(cpu, interrupt).active[wordOf(interrupt)] |= bitOf(interrupt);
    const id = this.takePending(cpu, interrupt);
    this.update();
    return id;
  }

  /** An edge or a written pending state is used up; a line that is still high is pending again at the end. */
  protected takePending(cpu: number, interrupt: number): number {
    this.bank(cpu, interrupt).latch[wordOf(interrupt)] &= ~bitOf(interrupt);
    return interrupt;
  }

  /** HPPIR. */
  highestPending(cpu: number, group: Group): number {
    const one = this.interfaces[cpu];
    return one.highestGroup === group ? one.highest : SPURIOUS;
  }

  /** EOIR of an interrupt whose group is that of what runs: priority drop, and the end where that is one with it. */
  end(cpu: number, interrupt: number, group: Group): void {
    if (interrupt >= GIC_INTERRUPTS) return;
    const one = this.interfaces[cpu];
    one.drop(group);
    if (one.splitsEnd) this.update();
    else this.deactivate(cpu, interrupt);
  }

  deactivate(cpu: number, interrupt: number): void {
    if (interrupt >= GIC_INTERRUPTS) return;
    this.bank(cpu, interrupt).active[wordOf(interrupt)] &= ~bitOf(interrupt);
    this.update();
  }

  private bank(cpu: number, interrupt: number): InterruptBank {
    return interrupt < PRIVATE ? this.privates[cpu] : this.shared;
  }
}

/** Where an interrupt stands in its bank. */
const wordOf = (interrupt: number): number => (interrupt < PRIVATE ? 0 : (interrupt - PRIVATE) >> 5);
const bitOf = (interrupt: number): number => 1 << (interrupt & 31);
