/** A simulated CPU with a device that drives its interrupt inputs: the guest is its own interrupt controller. */
import type { Device } from '../../../src/backend/devices/device.ts';
import { type Alarm, Clock, Counter } from '../../../src/backend/simulator/clock.ts';
import { Cpu } from '../../../src/backend/simulator/cpu.ts';
import { SimulatorEngine } from '../../../src/backend/simulator/engine/engine.ts';
import { Scheduler } from '../../../src/backend/simulator/scheduler.ts';
import { SimulatorVcpu } from '../../../src/backend/simulator/vcpu.ts';
import type { Exit } from '../../../src/backend/vcpu.ts';
import { assemble, START } from './assembled.ts';

export const LINES = 0x0a00_0000;
const RAM = 1 << 20;

/**
 * Writing offset 0 sets the lines (bit 0: IRQ, bit 1: FIQ), reading it tells them. Writing offset 4 lets IRQ rise after
 * so many ticks.
 */
class Lines implements Device {
  readonly #cpu: () => Cpu;
  readonly #clock: Clock;
  readonly #alarm: Alarm;

  constructor(cpu: () => Cpu, clock: Clock) {
    this.#cpu = cpu;
    this.#clock = clock;
    this.#alarm = clock.alarm(() => this.set(1));
  }

  set(lines: number): void {
    const { interrupts } = this.#cpu().core;
    interrupts.setIrq((lines & 1) !== 0);
    interrupts.setFiq((lines & 2) !== 0);
  }

  readRegister(): number {
    const { irq, fiq } = this.#cpu().core.interrupts;
    return (irq ? 1 : 0) | (fiq ? 2 : 0);
  }

  writeRegister(offset: number, value: number): void {
    if (offset === 0) this.set(value);
    else this.#alarm.set(this.#clock.tick + value);
  }

  reset(): void {
    this.set(0);
  }
}

export class Rig {
  readonly clock = new Clock(() => this.cpu?.executed ?? 0);
  readonly cpu: Cpu;
  readonly vcpu: SimulatorVcpu;
  readonly lines: Lines;

  constructor(source: string) {
    this.lines = new Lines(() => this.cpu, this.clock);
    this.cpu = new Cpu({
      engine: (host) => new SimulatorEngine({ ramBase: Number(START), ramSize: RAM, host }),
      devices: [{ base: LINES, size: 0x1000, device: this.lines }],
      clock: this.clock,
      counters: { virtualCounter: new Counter(this.clock), physicalCounter: new Counter(this.clock) },
    });
    const { engine } = this.cpu.core;
    new Uint8Array(engine.memory.buffer).set(assemble(source), engine.ramOffset(Number(START)));
    this.cpu.core.writePc(START);
    this.vcpu = new SimulatorVcpu(
      0,
      this.cpu,
      new Scheduler({ cpus: [this.cpu], clock: this.clock, flush: () => undefined }),
    );
  }

  /** Until the guest shuts the machine down. */
  async finish(): Promise<void> {
    const exit: Exit = await this.vcpu.run();
    if (exit.kind !== 'shutdown') throw new Error(`${exit.kind} at 0x${this.cpu.core.readPc().toString(16)}`);
  }
}

/** SYSTEM_OFF. */
export const off = 'ldr x0, =0x84000008\n hvc #0\n';
