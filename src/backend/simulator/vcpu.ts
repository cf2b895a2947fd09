/** A simulated CPU behind the vCPU interface of KVM. */
import { Esr, FaultStatus, Pstate } from '../../arm/index.ts';
import { CoreId } from '../kvm-ids.ts';
import { Errno, type Exit, type GuestDebug, type Vcpu, type VcpuEvents } from '../vcpu.ts';
import type { Cpu } from './cpu.ts';
import { CpuRegisters } from './cpu-registers.ts';
import { KernelRegisters } from './kernel-registers.ts';
import { PSTATE_BITS } from './state.ts';

/** A run looks at the clock after so many instructions, */
const INSTRUCTIONS = 20_000;
/** and gives way to other events after so many milliseconds. */
const SLICE = 1;

const KEPT_PSTATE = BigInt((Pstate.NZCV | PSTATE_BITS) >>> 0);

/** The syndrome of an SError interrupt that comes without one: implementation defined. */
const NO_SYNDROME = 1 << 24;

const interrupted: Exit = { kind: 'interrupted' };

export class SimulatorVcpu implements Vcpu {
  readonly index: number;
  readonly registerIds: BigUint64Array;
  private readonly cpu: Cpu;
  private readonly registers: CpuRegisters;
  private readonly kernel: KernelRegisters;
  /** What the guest has sent goes out with every slice. */
  private readonly flush: () => void;
  private kicked: boolean = false;
  /** Ends the run in progress. */
  private finish: ((exit: Exit) => void) | undefined;

  constructor(index: number, cpu: Cpu, flush: () => void) {
    this.index = index;
    this.cpu = cpu;
    this.flush = flush;
    this.registers = new CpuRegisters(cpu);
    this.kernel = new KernelRegisters(this.registers);
    this.registerIds = this.kernel.registerIds;
    cpu.psciVersion = () => this.kernel.psciVersion;
  }

  getRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    return this.kernel.getRegisters(ids, values, errnos, count);
  }

  setRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    return this.kernel.setRegisters(ids, values, errnos, count);
  }

  keptBits(id: bigint): bigint {
    return id === CoreId.PSTATE ? KEPT_PSTATE : this.kernel.keptBits(id);
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
    const exit = this.slice();
    if (exit) return exit;
    return new Promise((resolve) => {
      this.finish = (exit) => {
        this.finish = undefined;
        resolve(exit);
      };
      this.goOn();
    });
  }

  kick(): void {
    if (this.finish) this.finish(interrupted);
    else this.kicked = true;
  }

  reset(): void {
    this.cpu.reset();
    this.registers.hasRun = false;
  }

  /** Runs for a moment. Undefined: there is more to do. */
  private slice(): Exit | undefined {
    try {
      this.runFor(SLICE);
    } catch (error) {
      return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
    }
    this.flush();
    return this.cpu.exit;
  }

  private runFor(milliseconds: number): void {
    const { cpu } = this;
    if (cpu.debug.singleStep) {
      cpu.step();
      return;
    }
    const end = performance.now() + milliseconds;
    do cpu.run(INSTRUCTIONS);
    while (cpu.exit === undefined && !cpu.waiting && performance.now() < end);
  }

  /** Goes on when other events have had their turn; a CPU that waits does so until the kick. */
  private goOn(): void {
    if (this.cpu.waiting) return;
    const { finish } = this;
    setImmediate(() => {
      // Another run may have begun since.
      if (finish === undefined || this.finish !== finish) return;
      const exit = this.slice();
      if (exit) finish(exit);
      else this.goOn();
    });
  }
}
