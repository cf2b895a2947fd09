/** The simulated machine: one CPU, RAM, interrupt controller and peripherals, where QEMU's virt board has them. */
import type { GicVersion } from '../board.ts';
import { type PeripheralChoice, Peripherals } from '../devices/peripherals.ts';
import type { Image } from '../image/image.ts';
import type { Machine, PhysicalMemory, StatefulDevice, Vcpu } from '../vcpu.ts';
import { Clock, Counter } from './clock.ts';
import { Cpu } from './cpu.ts';
import { BREAKPOINTS, WATCHPOINTS } from './debug.ts';
import { SimulatorEngine } from './engine/engine.ts';
import { HiddenState } from './hidden-state.ts';
import { InterruptController } from './interrupt-controller.ts';
import { Scheduler } from './scheduler.ts';
import { SimulatorVcpu } from './vcpu.ts';

export const RAM_BASE = 0x4000_0000;

export interface SimulatorOptions extends PeripheralChoice {
  /** Bytes, a multiple of 4096. */
  readonly ramSize: number;
  readonly image: Image;
  /** The interrupt controller, GICv3 unless told. */
  readonly gic?: GicVersion;
}

export class SimulatorMachine implements Machine {
  readonly name = 'simulator';
  readonly vcpus: readonly Vcpu[];
  readonly memory: PhysicalMemory;
  readonly hardwareBreakpoints = BREAKPOINTS;
  readonly hardwareWatchpoints = WATCHPOINTS;
  private readonly clock = new Clock(() => this.cpu?.executed ?? 0);
  private readonly counters = { virtualCounter: new Counter(this.clock), physicalCounter: new Counter(this.clock) };
  private readonly cpu: Cpu;
  private readonly vcpu: SimulatorVcpu;
  private readonly peripherals: Peripherals;
  readonly devices: readonly StatefulDevice[];
  private readonly controller: InterruptController;
  private readonly image: Image;
  private readonly ram: Uint8Array;

  /** Throws a RangeError when the host has not so much memory. */
  constructor({ ramSize, image, gic = 3, ...peripherals }: SimulatorOptions) {
    this.image = image;
    const { clock } = this;
    this.controller = new InterruptController(gic, [0]);
    this.peripherals = new Peripherals(peripherals, {
      setLine: (spi, level) => this.controller.setLine(spi, level),
      time: clock,
    });
    this.cpu = new Cpu({
      engine: (host) => new SimulatorEngine({ ramBase: RAM_BASE, ramSize, host }),
      devices: [...this.controller.frames(0), ...this.peripherals.mapped],
      clock,
      counters: this.counters,
    });
    this.controller.connect([this.cpu], clock);
    const { engine } = this.cpu.core;
    this.ram = new Uint8Array(engine.memory.buffer, engine.ramOffset(RAM_BASE), ramSize);
    this.memory = this.physicalMemory(ramSize);
    const scheduler = new Scheduler({ cpus: [this.cpu], clock, flush: () => this.peripherals.flush() });
    this.vcpu = new SimulatorVcpu(0, this.cpu, scheduler);
    this.vcpus = [this.vcpu];
    this.devices = [this.controller.state, ...this.peripherals.stateful, new HiddenState(this.cpu)];
    this.load();
  }

  /** Time is counted in instructions: it stands still by itself. */
  stopClock(): void {}

  startClock(): void {}

  /** Bytes for the guest's serial port. Returns how many were taken. */
  receive(bytes: Uint8Array): number {
    return this.peripherals.receive(bytes);
  }

  reset(): void {
    this.clock.reset();
    for (const counter of Object.values(this.counters)) counter.reset();
    this.controller.reset();
    this.peripherals.reset();
    this.vcpu.reset();
    clear(this.ram);
    this.load();
    this.memory.changed(BigInt(RAM_BASE), this.ram.length);
  }

  close(): void {
    this.vcpu.kick();
    this.peripherals.close();
  }

  /** The image into RAM that is zero, and the CPU to its entry. The loader has seen that it fits. */
  private load(): void {
    for (const { address, data } of this.image.segments) this.ram.set(data, Number(address) - RAM_BASE);
    this.cpu.core.writePc(this.image.entry);
  }

  private physicalMemory(ramSize: number): PhysicalMemory {
    const { ram } = this;
    const { engine } = this.cpu.core;
    return {
      ranges: [{ start: BigInt(RAM_BASE), length: BigInt(ramSize) }],
      view: (address, length) => {
        const offset = Number(address) - RAM_BASE;
        if (offset < 0 || offset >= ramSize) return undefined;
        return ram.subarray(offset, Math.min(offset + length, ramSize));
      },
      changed: (address, length) => engine.changed(Number(address), length),
    };
  }
}

const CHUNK = new Uint8Array(1 << 16);

/** Zeros. What is zero already is left alone, because the host has perhaps given no memory for it yet. */
function clear(ram: Uint8Array): void {
  for (let at = 0; at < ram.length; at += CHUNK.length) {
    const chunk = ram.subarray(at, at + CHUNK.length);
    if (Buffer.compare(chunk, CHUNK.subarray(0, chunk.length)) !== 0) chunk.fill(0);
  }
}
