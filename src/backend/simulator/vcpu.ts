/** A simulated CPU behind the vCPU interface of KVM. */
import { Esr, FaultStatus, Pstate } from '../../arm/index.ts';
import { CoreId } from '../kvm-ids.ts';
import { Errno, type Exit, type GuestDebug, type Vcpu, type VcpuEvents } from '../vcpu.ts';
import type { Cpu } from './cpu.ts';
import { CpuRegisters } from './cpu-registers.ts';
import { KernelRegisters } from './kernel-registers.ts';
import type { Scheduler } from './scheduler.ts';

/** The syndrome of an SError interrupt that comes without one: implementation defined. */
const NO_SYNDROME = 1 << 24;

const MpState = { RUNNABLE: 0, STOPPED: 5 } as const;

const debugOff: GuestDebug = {
  enable: false,
  singleStep: false,
  useSoftwareBreakpoints: false,
  useHardware: false,
  breakpoints: [],
  watchpoints: [],
};

const interrupted: Exit = { kind: 'interrupted' };

export class SimulatorVcpu implements Vcpu {
  readonly index: number;
  readonly registerIds: BigUint64Array;
  private readonly cpu: Cpu;
  private readonly registers: CpuRegisters;
  private readonly kernel: KernelRegisters;
  private readonly scheduler: Scheduler;
  private kicked: boolean = false;

  constructor(index: number, cpu: Cpu, scheduler: Scheduler) {
    this.index = index;
    this.cpu = cpu;
    this.scheduler = scheduler;
    this.registers = new CpuRegisters(cpu);
    this.kernel = new KernelRegisters(this.registers);
    this.registerIds = this.kernel.registerIds;
    cpu.psciVersion = () => this.kernel.psciVersion;
    cpu.isOff = index > 0;
  }

  getRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    return this.kernel.getRegisters(ids, values, errnos, count);
  }

  setRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    return this.kernel.setRegisters(ids, values, errnos, count);
  }

  keptBits(id: bigint): bigint {
    const { pstateBits } = this.cpu.core;
    return id === CoreId.PSTATE ? BigInt((Pstate.NZCV | pstateBits) >>> 0) : this.kernel.keptBits(id);
  }

  getEvents(): VcpuEvents {
    const serrorPending = this.cpu.core.serror >= 0;
    return { serrorPending, serrorHasEsr: false, serrorEsr: 0n, extDabtPending: false };
  }

  /** This CPU has no RAS extension, and so refuses a syndrome for SError, as KVM does. */
  setEvents({ serrorPending, serrorHasEsr, extDabtPending }: VcpuEvents): number {
    const { core } = this.cpu;
    if (serrorHasEsr) return Errno.EINVAL;
    if (serrorPending) core.serror = NO_SYNDROME;
    if (extDabtPending) core.pendAt(Esr.dataAbort(core.el, FaultStatus.external, false), 0, 0);
    return 0;
  }

  setGuestDebug(debug: GuestDebug): number {
    this.cpu.setGuestDebug(debug);
    return 0;
  }

  run(): Exit | Promise<Exit> {
    if (this.kicked) {
      this.kicked = false;
      return interrupted;
    }
    this.registers.hasRun = true;
    this.cpu.begin();
    return this.cpu.debug.singleStep ? this.scheduler.step(this.cpu) : this.scheduler.run(this.cpu);
  }

  kick(): void {
    if (!this.scheduler.end(this.cpu, interrupted)) this.kicked = true;
  }

  /** KVM_MP_STATE_RUNNABLE, or KVM_MP_STATE_STOPPED until another CPU turns it on. */
  getMpState(): number {
    return this.cpu.isOff ? MpState.STOPPED : MpState.RUNNABLE;
  }

  setMpState(state: number): number {
    if (state !== MpState.STOPPED && state !== MpState.RUNNABLE) return Errno.EINVAL;
    this.cpu.isOff = state === MpState.STOPPED;
    return 0;
  }

  /** All but the first are off then. That the vCPU has run is not forgotten: only a new one has not. */
  reset(): void {
    this.cpu.reset();
    this.cpu.isOff = this.index > 0;
  }

  /** As if it were a new one, with nothing of the debugger's in it. */
  renew(): void {
    this.reset();
    this.registers.hasRun = false;
    this.setGuestDebug(debugOff);
  }
}
