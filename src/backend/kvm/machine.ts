/** A virtual machine of KVM: vCPUs, RAM, an interrupt controller and a serial port, where QEMU's virt board has them. */
import { encodingNumber } from '../../arm/index.ts';
import {
  FLASH_BANK,
  FLASH_BASE,
  GIC_REDISTRIBUTOR_SIZE,
  GIC_REDISTRIBUTORS,
  type GicVersion,
  PMU_PPI,
  RAM_BASE,
  UART_BASE,
} from '../board.ts';
import { Bus } from '../devices/bus.ts';
import type { DeviceMemory } from '../devices/memory.ts';
import { hasFlash, type PeripheralChoice, Peripherals } from '../devices/peripherals.ts';
import { type Boot, type BootChoice, BootError, type Hardware, placeBoot } from '../image/boot.ts';
import { type Image, ImageError } from '../image/image.ts';
import { CoreId, sysregId } from '../kvm-ids.ts';
import type { Machine, PhysicalMemory, StatefulDevice, Vcpu } from '../vcpu.ts';
import { type Addon, AddonMissing, type Handle, loadAddon } from './addon.ts';
import { capability, enableCapability, openKvm, requireCapabilities } from './capabilities.ts';
import { Capability, Ioctl, VcpuFeature, VcpuPmu } from './constants.ts';
import { checked, KvmError, made } from './error.ts';
import { createGic, initialiseGic, type KvmGic, setInterruptLine } from './gic.ts';
import { GicState } from './gic-state.ts';
import { targetOf, vcpuInit } from './structures.ts';
import { HostTime } from './time.ts';
import { KvmVcpu } from './vcpu.ts';

export interface KvmOptions extends PeripheralChoice, BootChoice {
  /** Bytes, a multiple of 4096. */
  readonly ramSize: number;
  readonly image: Image;
  /** How many vCPUs; one. */
  readonly cpus?: number;
  /** What a user should know that no debugger asks for. */
  readonly log?: (message: string) => void;
  /** The interrupt controller; otherwise the best that the host has. */
  readonly gic?: GicVersion;
  /** A performance monitor and pointer authentication, where the host has them: yes. */
  readonly pmu?: boolean;
  readonly pauth?: boolean;
}

const MOST_CPUS = Math.floor((UART_BASE - GIC_REDISTRIBUTORS) / GIC_REDISTRIBUTOR_SIZE);
const SLOT = 0;
/** Of the first bank. */
const FLASH_SLOT = 1;
/** Interrupts of a CPU begin here. */
const FIRST_PPI = 16;
const MPIDR_EL1 = encodingNumber([3, 0, 0, 0, 5]);
/** Aff3 and Aff2 to Aff0 of MPIDR_EL1. */
const AFFINITY = 0xff_00ff_ffffn;
const ENOMEM = 12;

/** The VM as it is from one reset to the next. */
interface Running {
  readonly vm: Handle;
  readonly gic: KvmGic;
}

export class KvmMachine implements Machine {
  readonly name = 'kvm';
  readonly vcpus: readonly Vcpu[];
  readonly memory: PhysicalMemory;
  readonly hardwareBreakpoints: number;
  readonly hardwareWatchpoints: number;
  readonly devices: readonly StatefulDevice[];
  readonly #addon: Addon;
  readonly #system: Handle;
  readonly #options: KvmOptions;
  readonly #features: readonly number[];
  readonly #vcpus: readonly KvmVcpu[];
  readonly #peripherals: Peripherals;
  readonly #time = new HostTime();
  #ram: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** The banks of flash, where there is any. */
  #flash: readonly Uint8Array<ArrayBuffer>[] = [];
  #running: Running | undefined;
  /** What the machine started from, its device tree among it. */
  boot: Boot;
  /** CNTVCT_EL0 where it stands still; undefined while it runs. */
  virtualTime: bigint | undefined;

  /** Throws KvmError: a sentence that says what stands in the way; BootError when RAM has no room for all. */
  constructor(options: KvmOptions) {
    const addon = loadAddon();
    if (addon instanceof AddonMissing) throw new KvmError(addon.reason);
    const { cpus = 1 } = options;
    if (cpus < 1 || cpus > MOST_CPUS) throw new KvmError(`a machine has 1 to ${MOST_CPUS} CPUs, not ${cpus}`);
    this.#addon = addon;
    this.#options = options;
    this.#system = openKvm(addon);
    if (hasFlash(options)) this.#flash = [0, 1].map(() => this.#createMemory(FLASH_BANK));
    this.#peripherals = new Peripherals(options, {
      setLine: (spi, level) => this.#setLine(spi, level),
      time: this.#time,
      memory: this.#deviceMemory(),
      flash: (bank) => ({
        storage: this.#flash[bank],
        setReadable: (isReadable) => this.#setFlashReadable(bank, isReadable),
        changed: (offset, length) => this.#addon.clean(this.#flash[bank].buffer, offset, length),
      }),
    });
    const bus = new Bus(this.#peripherals.mapped);
    const { log = () => undefined } = options;
    const flush = () => this.#peripherals.flush();
    this.#vcpus = Array.from(
      { length: cpus },
      (_, index) => new KvmVcpu({ addon, index, bus, clock: this, flush, log }),
    );
    this.vcpus = this.#vcpus;
    try {
      requireCapabilities(addon, this.#system);
      this.hardwareBreakpoints = this.#has(Capability.KVM_CAP_GUEST_DEBUG_HW_BPS);
      this.hardwareWatchpoints = this.#has(Capability.KVM_CAP_GUEST_DEBUG_HW_WPS);
      this.#features = this.#wantedFeatures();
      this.#ram = this.#createMemory(options.ramSize);
      this.memory = this.#physicalMemory();
      this.boot = this.#create();
      this.devices = [...this.#peripherals.stateful, this.#gicState()];
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #gicState(): GicState {
    return new GicState({
      addon: this.#addon,
      gic: () => this.#running!.gic,
      affinities: () => this.#vcpus.map((vcpu) => vcpu.read(sysregId(MPIDR_EL1))),
    });
  }

  #has(number: number): number {
    return capability(this.#addon, this.#system, number);
  }

  #wantedFeatures(): number[] {
    const { pmu = true, pauth = true } = this.#options;
    const features: number[] = [VcpuFeature.PSCI_0_2];
    if (pmu && this.#has(Capability.KVM_CAP_ARM_PMU_V3)) features.push(VcpuFeature.PMU_V3);
    if (pauth && this.#has(Capability.KVM_CAP_ARM_PTRAUTH_ADDRESS) && this.#has(Capability.KVM_CAP_ARM_PTRAUTH_GENERIC))
      features.push(VcpuFeature.PTRAUTH_ADDRESS, VcpuFeature.PTRAUTH_GENERIC);
    return features;
  }

  #createMemory(size: number): Uint8Array<ArrayBuffer> {
    const buffer = made(this.#addon.createMemory(size), `${Math.floor(size / 2 ** 20)} MiB of RAM`, {
      [ENOMEM]: 'the host has not so much memory',
    });
    return new Uint8Array(buffer);
  }

  /** Reads are those of its memory, and code runs from it; writes exit. */
  #mapFlash(vm: Handle, bank: number): void {
    const address = FLASH_BASE + bank * FLASH_BANK;
    const answer = this.#addon.setMemory(vm, FLASH_SLOT + bank, address, this.#flash[bank].buffer, 1);
    checked(answer, 'KVM_SET_USER_MEMORY_REGION of flash');
  }

  #setFlashReadable(bank: number, isReadable: boolean): void {
    if (!this.#running) return;
    const { vm } = this.#running;
    if (isReadable) this.#mapFlash(vm, bank);
    else checked(this.#addon.dropMemory(vm, FLASH_SLOT + bank), 'KVM_SET_USER_MEMORY_REGION of no flash');
  }

  /** The VM with all that belongs to it, and the image in its RAM. */
  #create(): Boot {
    this.#createVm();
    return this.#load();
  }

  #createVm(): void {
    const addon = this.#addon;
    const vm = made(addon.createVm(this.#system, 0), 'KVM_CREATE_VM');
    try {
      if (this.#has(Capability.KVM_CAP_ARM_NISV_TO_USER))
        enableCapability(addon, vm, Capability.KVM_CAP_ARM_NISV_TO_USER);
      checked(addon.setMemory(vm, SLOT, RAM_BASE, this.#ram.buffer, 0), 'KVM_SET_USER_MEMORY_REGION');
      for (const [bank, isReadable] of this.#peripherals.readableFlash.entries())
        if (isReadable) this.#mapFlash(vm, bank);
      for (const vcpu of this.#vcpus) this.#createVcpu(vm, vcpu);
      const gic = createGic(addon, vm, this.#options.gic);
      this.#running = { vm, gic };
      initialiseGic(addon, gic);
      for (const vcpu of this.#vcpus) this.#initialisePmu(vcpu);
    } catch (error) {
      if (!this.#running) addon.close(vm);
      throw error;
    }
  }

  #createVcpu(vm: Handle, vcpu: KvmVcpu): void {
    const addon = this.#addon;
    const preferred = new Uint8Array(32);
    checked(addon.ioctl(vm, Ioctl.KVM_ARM_PREFERRED_TARGET, preferred), 'KVM_ARM_PREFERRED_TARGET');
    // The guest starts the others by PSCI.
    const features = vcpu.index === 0 ? this.#features : [...this.#features, VcpuFeature.POWER_OFF];
    const init = vcpuInit(targetOf(preferred), features);
    const handle: Handle = made(
      addon.createVcpu(vm, vcpu.index, () => vcpu.ended(handle)),
      'KVM_CREATE_VCPU',
    );
    try {
      checked(addon.ioctl(handle, Ioctl.KVM_ARM_VCPU_INIT, init), 'KVM_ARM_VCPU_INIT');
      vcpu.attach({ handle, init });
    } catch (error) {
      addon.close(handle);
      throw error;
    }
  }

  /** The PMU raises its interrupt at the GIC, so this comes last. Without it KVM_RUN would refuse. */
  #initialisePmu(vcpu: KvmVcpu): void {
    if (!this.#features.includes(VcpuFeature.PMU_V3)) return;
    const interrupt = new Uint8Array(Int32Array.of(FIRST_PPI + PMU_PPI, 0).buffer);
    vcpu.setAttribute(VcpuPmu.CTRL, VcpuPmu.IRQ, interrupt);
    vcpu.setAttribute(VcpuPmu.CTRL, VcpuPmu.INIT, undefined);
  }

  /** Everything into RAM that is zero, and the first CPU to its entry. */
  #load(): Boot {
    const { image, ramSize } = this.#options;
    const { hasFlash: flash, virtioCount: virtio, rngSeed } = this.#peripherals;
    const hardware: Hardware = {
      cpus: this.#vcpus.map((vcpu) => vcpu.read(sysregId(MPIDR_EL1)) & AFFINITY),
      gic: this.#gicVersion,
      pmu: this.#features.includes(VcpuFeature.PMU_V3),
      flash,
      virtio,
      rngSeed,
    };
    const ram = { start: BigInt(RAM_BASE), length: BigInt(ramSize) };
    const boot = placeBoot(image, ram, hardware, this.#options);
    if (boot instanceof ImageError) throw new BootError(boot.message);
    for (const { address, data } of boot.pieces) {
      this.#ram.set(data, Number(address) - RAM_BASE);
      this.#addon.clean(this.#ram.buffer, Number(address) - RAM_BASE, data.length);
    }
    this.#write(CoreId.X(0), boot.x0);
    this.#write(CoreId.PC, boot.entry);
    return boot;
  }

  get #gicVersion(): GicVersion {
    return this.#running?.gic.version ?? 3;
  }

  #write(id: bigint, value: bigint): void {
    this.#vcpus[0].write(id, value);
  }

  #destroy(): void {
    for (const vcpu of this.#vcpus) vcpu.detach();
    if (!this.#running) return;
    this.#addon.close(this.#running.gic.handle);
    this.#addon.close(this.#running.vm);
    this.#running = undefined;
  }

  stopClock(): void {
    this.#time.stop();
    this.virtualTime ??= this.#vcpus[0].counter;
  }

  startClock(): void {
    this.#time.start();
    if (this.virtualTime === undefined) return;
    this.#vcpus[0].counter = this.virtualTime;
    this.virtualTime = undefined;
  }

  /** Bytes for the guest's serial port. Returns how many were taken. */
  receive(bytes: Uint8Array): number {
    return this.#peripherals.receive(bytes);
  }

  /** Likewise for its virtio console. */
  receiveConsole(bytes: Uint8Array): number {
    return this.#peripherals.receiveConsole(bytes);
  }

  /** A new VM over new RAM: nothing of the old one is left, neither pending interrupts nor the clock. */
  reset(): void {
    this.#destroy();
    this.#time.reset();
    this.#peripherals.reset();
    this.virtualTime = undefined;
    this.#addon.close(this.#ram.buffer);
    this.#ram = this.#createMemory(this.#options.ramSize);
    this.boot = this.#create();
  }

  /** A new VM over the same RAM: its CPUs have not run, and its timers do not own their interrupts yet. */
  renew(): string | undefined {
    this.#destroy();
    try {
      this.#createVm();
    } catch (error) {
      if (!(error instanceof KvmError)) throw error;
      return error.message;
    }
    return undefined;
  }

  close(): void {
    this.#destroy();
    for (const memory of [this.#ram, ...this.#flash]) if (memory.length > 0) this.#addon.close(memory.buffer);
    this.#addon.close(this.#system);
    this.#ram = new Uint8Array();
    this.#flash = [];
    this.#time.stop();
    this.#peripherals.close();
  }

  #setLine(spi: number, level: boolean): void {
    if (this.#running) setInterruptLine(this.#addon, this.#running.vm, spi, level);
  }

  /** RAM as devices reach it: they are as coherent as the CPUs. */
  #deviceMemory(): DeviceMemory {
    return {
      view: (address, length) => {
        const offset = address - RAM_BASE;
        const isRam = offset >= 0 && offset + length <= this.#ram.length;
        return isRam ? this.#ram.subarray(offset, offset + length) : undefined;
      },
      written: () => undefined,
    };
  }

  /** RAM or flash was changed from outside. */
  #changed(address: number, length: number): void {
    if (address >= RAM_BASE) this.#addon.clean(this.#ram.buffer, address - RAM_BASE, length);
    else {
      const offset = (address - FLASH_BASE) % FLASH_BANK;
      const bank = this.#flash[Math.floor((address - FLASH_BASE) / FLASH_BANK)];
      if (bank) this.#addon.clean(bank.buffer, offset, Math.min(length, FLASH_BANK - offset));
    }
  }

  #physicalMemory(): PhysicalMemory {
    const { ramSize } = this.#options;
    return {
      ranges: [{ start: BigInt(RAM_BASE), length: BigInt(ramSize) }],
      view: (address, length) => {
        const offset = Number(address) - RAM_BASE;
        if (offset < 0 || offset >= ramSize) return this.#peripherals.flashView(Number(address), length);
        return this.#ram.subarray(offset, Math.min(offset + length, ramSize));
      },
      changed: (address, length) => this.#changed(Number(address), length),
    };
  }
}
