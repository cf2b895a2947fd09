/** The simulated machine: CPUs, RAM, interrupt controller and peripherals, where QEMU's virt board has them. */

import { performance } from 'node:perf_hooks';
import { MAXIMUM_CPUS } from '../../arm/index.ts';
import { FLASH_BANK, FLASH_BASE, type GicVersion, RAM_BASE } from '../board.ts';
import type { DeviceMemory } from '../devices/memory.ts';
import { type FlashMemory, hasFlash, type PeripheralChoice, Peripherals } from '../devices/peripherals.ts';
import { TICKS_PER_SECOND } from '../devices/time.ts';
import { type Boot, type BootChoice, BootError, placeBoot } from '../image/boot.ts';
import { type Image, ImageError } from '../image/image.ts';
import type { Machine, PhysicalMemory, StatefulDevice, Usage, Vcpu } from '../vcpu.ts';
import { Clock, Counter } from './clock.ts';
import { Cpu } from './cpu.ts';
import { type CpuModel, type CpuModelName, cpuModel, DEFAULT_CPU } from './cpu-models.ts';
import { BREAKPOINTS, WATCHPOINTS } from './debug.ts';
import { SimulatorEngine } from './engine/engine.ts';
import type { Engine } from './engine/host.ts';
import { Interpreter } from './engine/interpreter.ts';
import { readOnlyView } from './engine/state.ts';
import { HiddenState } from './hidden-state.ts';
import { InterruptController } from './interrupt-controller.ts';
import { Scheduler } from './scheduler.ts';
import { Semihosting } from './semihosting.ts';
import { SimulatorVcpu } from './vcpu.ts';

export { MAXIMUM_CPUS, RAM_BASE };

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export interface SimulatorOptions extends PeripheralChoice, BootChoice {
  /** Bytes, a multiple of 4096. */
  readonly ramSize: number;
  readonly image: Image;
  /** How many CPUs, at most MAXIMUM_CPUS; one. */
  readonly cpus?: number;
  /** The interrupt controller, GICv3 unless told. */
  readonly gic?: GicVersion;
  /** Which CPU, `max` unless told. */
  readonly cpu?: CpuModelName;
  /** HLT #0xF000 is a call of its host: the console, time, the command line, the end. */
  readonly semihosting?: boolean;
}

export class SimulatorMachine implements Machine {
  readonly name = 'simulator';
  readonly cpu: CpuModelName;
  readonly vcpus: readonly Vcpu[];
  readonly memory: PhysicalMemory;
  readonly hardwareBreakpoints = BREAKPOINTS;
  readonly hardwareWatchpoints = WATCHPOINTS;
  private readonly clock = new Clock(() => this.executed);
  private readonly counters = { virtualCounter: new Counter(this.clock), physicalCounter: new Counter(this.clock) };
  private readonly cpus: Cpu[] = [];
  private readonly simulated: readonly SimulatorVcpu[];
  private readonly engine: Engine;
  private readonly peripherals: Peripherals;
  readonly devices: readonly StatefulDevice[];
  private readonly controller: InterruptController;
  private readonly options: SimulatorOptions;
  private readonly model: CpuModel;
  private readonly ram: Uint8Array;
  private readonly semihosting: Semihosting | undefined;
  private readonly scheduler: Scheduler;
  /** Milliseconds of the host up to the last stop of the clock, and when it was started. */
  private ran = 0;
  private runsSince: number | undefined;
  /** What the machine started from, its device tree among it. */
  boot: Boot;

  /** Throws a RangeError when the host has not so much memory, a BootError when RAM has no room for all. */
  constructor(options: SimulatorOptions) {
    const { ramSize, gic = 3, cpu = DEFAULT_CPU, cpus: count = 1 } = options;
    if (!Number.isInteger(count) || count < 1 || count > MAXIMUM_CPUS)
      throw new RangeError(`a machine has 1 to ${MAXIMUM_CPUS} CPUs, not ${count}`);
    this.options = options;
    this.cpu = cpu;
    this.model = cpuModel(cpu);
    const { features } = this.model;
    const { clock } = this;
    this.controller = new InterruptController(gic, numbers(count));
    const readOnly = { base: FLASH_BASE, size: hasFlash(options) ? FLASH_BANK : 0 };
    const memory = SimulatorEngine.allocate(ramSize + readOnly.size);
    if (!memory) throw new RangeError(`no memory for ${ramSize} bytes of RAM`);
    const flash: FlashMemory = {
      storage: readOnlyView(memory, ramSize, readOnly.size),
      setReadable: (isReadable) => this.engine.setReadable(isReadable),
      changed: (offset, length) => this.engine.changed(FLASH_BASE + offset, length),
    };
    this.peripherals = new Peripherals(options, {
      setLine: (spi, level) => this.controller.setLine(spi, level),
      time: clock,
      memory: this.deviceMemory(),
      // Code runs from the first bank only.
      flash: (bank) => (bank === 0 ? flash : undefined),
    });
    if (options.semihosting) this.semihosting = this.makeSemihosting();
    const interpreter = new Interpreter({ ramBase: RAM_BASE, ramSize, readOnly, memory, features });
    for (const index of numbers(count)) this.cpus.push(this.makeCpu(index, interpreter));
    this.engine = this.cpus[0].core.engine;
    this.controller.connect(this.cpus, clock);
    this.ram = new Uint8Array(memory.buffer, this.engine.ramOffset(RAM_BASE), ramSize);
    this.memory = this.physicalMemory(ramSize);
    this.scheduler = new Scheduler({ cpus: this.cpus, clock, flush: () => this.peripherals.flush() });
    this.simulated = this.cpus.map((cpu, index) => new SimulatorVcpu(index, cpu, this.scheduler));
    this.vcpus = this.simulated;
    this.devices = [
      this.controller.state,
      ...this.peripherals.stateful,
      ...this.cpus.map((cpu, index) => new HiddenState(cpu, index)),
      this.scheduler,
    ];
    this.boot = this.load();
  }

  private makeCpu(index: number, interpreter: Interpreter): Cpu {
    return new Cpu({
      engine: (host) => new SimulatorEngine({ interpreter, host }),
      devices: [...this.controller.frames(index), ...this.peripherals.mapped],
      clock: this.clock,
      counters: this.counters,
      model: this.model,
      affinity: BigInt(index),
      cpus: () => this.cpus,
      semihosting: this.semihosting,
    });
  }

  private makeSemihosting(): Semihosting {
    const { commandLine = '', rtc } = this.options;
    return new Semihosting({
      print: (bytes) => this.peripherals.print(bytes),
      take: () => this.peripherals.takeInput(),
      commandLine,
      tick: () => this.clock.tick,
      start: rtc ?? Math.floor(Date.now() / 1000),
    });
  }

  /** Instructions that all CPUs have executed since the machine was made. */
  get executed(): number {
    let sum = 0;
    for (const cpu of this.cpus) sum += cpu.executed;
    return sum;
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
    const { cpus } = this;
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
    this.scheduler.reset();
    for (const counter of Object.values(this.counters)) counter.reset();
    this.controller.reset();
    this.peripherals.reset();
    for (const vcpu of this.simulated) vcpu.renew();
    clear(this.ram);
    this.boot = this.load();
    this.memory.changed(BigInt(RAM_BASE), this.ram.length);
  }

  /** The vCPUs have not run then. */
  renew(): undefined {
    for (const vcpu of this.simulated) vcpu.renew();
  }

  close(): void {
    for (const vcpu of this.simulated) vcpu.kick();
    this.peripherals.close();
  }

  /** Everything into RAM that is zero, and the CPU to its entry. */
  private load(): Boot {
    const { image, ramSize, gic = 3 } = this.options;
    const { hasFlash, virtioCount, rngSeed } = this.peripherals;
    const boot = placeBoot(
      image,
      { start: BigInt(RAM_BASE), length: BigInt(ramSize) },
      {
        cpus: this.cpus.map(({ affinity }) => affinity),
        cpu: this.model.compatible,
        gic,
        pmu: true,
        flash: hasFlash,
        virtio: virtioCount,
        rngSeed,
      },
      this.options,
    );
    if (boot instanceof ImageError) throw new BootError(boot.message);
    for (const { address, data } of boot.pieces) this.ram.set(data, Number(address) - RAM_BASE);
    const [{ core }] = this.cpus;
    core.writePc(boot.entry);
    core.writeX(0, boot.x0);
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
    const { engine } = this;
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
