/** The simulated machine: one CPU, RAM, interrupt controller and peripherals, where QEMU's virt board has them. */

import { performance } from 'node:perf_hooks';
import { FLASH_BANK, FLASH_BASE, type GicVersion, RAM_BASE } from '../board.ts';
import type { DeviceMemory } from '../devices/memory.ts';
import { type FlashMemory, hasFlash, type PeripheralChoice, Peripherals } from '../devices/peripherals.ts';
import { TICKS_PER_SECOND } from '../devices/time.ts';
import { type Boot, type BootChoice, BootError, placeBoot } from '../image/boot.ts';
import { type Image, ImageError } from '../image/image.ts';
import type { Machine, PhysicalMemory, StatefulDevice, Usage, Vcpu } from '../vcpu.ts';
import { Clock, Counter } from './clock.ts';
import { Cpu } from './cpu.ts';
import { BREAKPOINTS, WATCHPOINTS } from './debug.ts';
import { SimulatorEngine } from './engine/engine.ts';
import { readOnlyView } from './engine/state.ts';
import { cpuFeatures } from './features.ts';
import { HiddenState } from './hidden-state.ts';
import { InterruptController } from './interrupt-controller.ts';
import { Scheduler } from './scheduler.ts';
import { SimulatorVcpu } from './vcpu.ts';

export { RAM_BASE };

export interface SimulatorOptions extends PeripheralChoice, BootChoice {
  /** Bytes, a multiple of 4096. */
  readonly ramSize: number;
  readonly image: Image;
  /** The interrupt controller, GICv3 unless told. */
  readonly gic?: GicVersion;
  /** Optional features of the CPU that instructions name, FEAT_FP16 for one: `cpuFeatures` if not given. The ID registers are not changed. */
  readonly features?: ReadonlySet<string>;
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
  private readonly options: SimulatorOptions;
  private readonly ram: Uint8Array;
  private readonly scheduler: Scheduler;
  /** Milliseconds of the host up to the last stop of the clock, and when it was started. */
  private ran = 0;
  private runsSince: number | undefined;
  /** What the machine started from, its device tree among it. */
  boot: Boot;

  /** Throws a RangeError when the host has not so much memory, a BootError when RAM has no room for all. */
  constructor(options: SimulatorOptions) {
    const { ramSize, gic = 3, features = cpuFeatures } = options;
    this.options = options;
    const { clock } = this;
    this.controller = new InterruptController(gic, [0]);
    const readOnly = { base: FLASH_BASE, size: hasFlash(options) ? FLASH_BANK : 0 };
    const memory = SimulatorEngine.allocate(ramSize + readOnly.size);
    if (!memory) throw new RangeError(`no memory for ${ramSize} bytes of RAM`);
    const flash: FlashMemory = {
      storage: readOnlyView(memory, ramSize, readOnly.size),
      setReadable: (isReadable) => this.cpu.core.engine.setReadable(isReadable),
      changed: (offset, length) => this.cpu.core.engine.changed(FLASH_BASE + offset, length),
    };
    this.peripherals = new Peripherals(options, {
      setLine: (spi, level) => this.controller.setLine(spi, level),
      time: clock,
      memory: this.deviceMemory(),
      // Code runs from the first bank only.
      flash: (bank) => (bank === 0 ? flash : undefined),
    });
    this.cpu = new Cpu({
      engine: (host) => new SimulatorEngine({ ramBase: RAM_BASE, ramSize, readOnly, memory, host, features }),
      devices: [...this.controller.frames(0), ...this.peripherals.mapped],
      clock,
      counters: this.counters,
    });
    this.controller.connect([this.cpu], clock);
    const { engine } = this.cpu.core;
    this.ram = new Uint8Array(memory.buffer, engine.ramOffset(RAM_BASE), ramSize);
    this.memory = this.physicalMemory(ramSize);
    this.scheduler = new Scheduler({ cpus: [this.cpu], clock, flush: () => this.peripherals.flush() });
    this.vcpu = new SimulatorVcpu(0, this.cpu, this.scheduler);
    this.vcpus = [this.vcpu];
    this.devices = [this.controller.state, ...this.peripherals.stateful, new HiddenState(this.cpu)];
    this.boot = this.load();
  }

  /** Time is counted in instructions: it stands still by itself. That of the host is only for its user to know. */
  stopClock(): void {
    this.ran = this.running;
    this.runsSince = undefined;
  }

  startClock(): void {
    this.runsSince ??= performance.now();
  }

  /** Milliseconds. */
  private get running(): number {
    return this.ran + (this.runsSince === undefined ? 0 : performance.now() - this.runsSince);
  }

  get usage(): Usage {
    const cpus = [this.cpu];
    return {
      instructions: cpus.map(({ executed }) => executed),
      waiting: cpus.map(({ waiting }) => waiting),
      running: this.running / 1000,
      asleep: this.scheduler.slept / 1000,
      guestTime: this.clock.tick / TICKS_PER_SECOND,
    };
  }

  /** Bytes for the guest's serial port. Returns how many were taken. */
  receive(bytes: Uint8Array): number {
    return this.peripherals.receive(bytes);
  }

  /** Likewise for its virtio console. */
  receiveConsole(bytes: Uint8Array): number {
    return this.peripherals.receiveConsole(bytes);
  }

  reset(): void {
    this.clock.reset();
    for (const counter of Object.values(this.counters)) counter.reset();
    this.controller.reset();
    this.peripherals.reset();
    this.vcpu.reset();
    clear(this.ram);
    this.boot = this.load();
    this.memory.changed(BigInt(RAM_BASE), this.ram.length);
  }

  close(): void {
    this.vcpu.kick();
    this.peripherals.close();
  }

  /** Everything into RAM that is zero, and the CPU to its entry. */
  private load(): Boot {
    const { image, ramSize, gic = 3 } = this.options;
    const { hasFlash, virtioCount, rngSeed } = this.peripherals;
    const boot = placeBoot(
      image,
      { start: BigInt(RAM_BASE), length: BigInt(ramSize) },
      { cpus: [0n], gic, pmu: false, flash: hasFlash, virtio: virtioCount, rngSeed },
      this.options,
    );
    if (boot instanceof ImageError) throw new BootError(boot.message);
    for (const { address, data } of boot.pieces) this.ram.set(data, Number(address) - RAM_BASE);
    this.cpu.core.writePc(boot.entry);
    this.cpu.core.writeX(0, boot.x0);
    return boot;
  }

  /** RAM as devices reach it. */
  private deviceMemory(): DeviceMemory {
    return {
      view: (address, length) => {
        const offset = address - RAM_BASE;
        return offset >= 0 && offset + length <= this.ram.length
          ? this.ram.subarray(offset, offset + length)
          : undefined;
      },
      written: (address, length) => this.memory.changed(BigInt(address), length),
    };
  }

  private physicalMemory(ramSize: number): PhysicalMemory {
    const { ram } = this;
    const { engine } = this.cpu.core;
    return {
      ranges: [{ start: BigInt(RAM_BASE), length: BigInt(ramSize) }],
      view: (address, length) => {
        const offset = Number(address) - RAM_BASE;
        if (offset < 0 || offset >= ramSize) return this.peripherals.flashView(Number(address), length);
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
