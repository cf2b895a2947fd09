/** The interrupt controller of the simulated machine, joined with its CPUs and their timers. */
import { type GicVersion, PMU_PPI } from '../board.ts';
import type { MappedDevice } from '../devices/device.ts';
import type { StatefulDevice } from '../vcpu.ts';
import type { Clock } from './clock.ts';
import type { Cpu } from './cpu.ts';
import { GenericTimers } from './devices/generic-timers.ts';
import { PRIVATE } from './devices/gic-bank.ts';
import { Gicv2 } from './devices/gicv2.ts';
import { gicv2Frames } from './devices/gicv2-frames.ts';
import { Gicv2State } from './devices/gicv2-state.ts';
import { Gicv3 } from './devices/gicv3.ts';
import { gicv3Frames } from './devices/gicv3-frames.ts';
import { gicv3Interface } from './devices/gicv3-registers.ts';
import { Gicv3State } from './devices/gicv3-state.ts';

/** INTID; private peripheral interrupts begin at 16. */
const PMU_INTERRUPT = 16 + PMU_PPI;

export class InterruptController {
  readonly state: StatefulDevice;
  private readonly gic: Gicv2 | Gicv3;
  private cpus: readonly Cpu[] = [];
  private timers: readonly GenericTimers[] = [];

  /** `affinities`: Aff3.Aff2.Aff1.Aff0 of each CPU, as a number of 32 bits. */
  constructor(version: GicVersion, affinities: readonly number[]) {
    const setLines = (cpu: number, irq: boolean, fiq: boolean): void => {
      const { interrupts } = this.cpus[cpu].core;
      interrupts.setIrq(irq);
      interrupts.setFiq(fiq);
    };
    const drive = (): void => {
      for (const timers of this.timers) timers.update();
      for (const { pmu } of this.cpus) pmu.drive();
    };
    if (version === 2) {
      this.gic = new Gicv2({ affinities, setLines });
      this.state = new Gicv2State(this.gic, drive);
    } else {
      this.gic = new Gicv3({ affinities, setLines });
      this.state = new Gicv3State(this.gic, drive);
    }
  }

  /** Its registers in memory, as the CPU of this index finds them. */
  frames(cpu: number): readonly MappedDevice[] {
    return this.gic.version === 2 ? gicv2Frames(this.gic, cpu) : gicv3Frames(this.gic);
  }

  /** Drives the CPUs' inputs from now on, and has their timers as sources. */
  connect(cpus: readonly Cpu[], clock: Clock): void {
    const { gic } = this;
    this.cpus = cpus;
    this.timers = cpus.map((cpu, index) => {
      if (gic.version === 3) cpu.core.interrupts.registers = gicv3Interface(gic, index);
      cpu.pmu.setLine = (level) => gic.setPrivateLine(index, PMU_INTERRUPT, level);
      return new GenericTimers({
        registers: cpu.registers,
        clock,
        setLine: (interrupt, level) => gic.setPrivateLine(index, interrupt, level),
      });
    });
  }

  /** The level of a shared interrupt, counted from the first of them. */
  setLine(spi: number, level: boolean): void {
    this.gic.setLine(PRIVATE + spi, level);
  }

  /** Back to power-on. The lines stay as their devices drive them. */
  reset(): void {
    this.gic.reset();
  }
}
