/**
 * A machine as a debugger's target: the one place where the protocol's port meets CPUs, memory and devices. It only
 * puts the parts together.
 */
import { modeName } from '../arm/index.ts';
import type {
  Client,
  Description,
  HostInfo,
  MemoryMapEntry,
  MemoryRegion,
  Monitor,
  Outcome,
  Result,
  Target,
  Threads,
} from '../gdbstub/index.ts';
import { TargetError } from '../gdbstub/index.ts';
import { GuestBreakpoints } from './breakpoints.ts';
import { type DescriptionOptions, describe } from './description.ts';
import { refuse } from './errors.ts';
import { type ExecutionCpu, GuestExecution } from './execution.ts';
import { Journal } from './journal.ts';
import { GuestMemory } from './memory.ts';
import { GuestMonitor } from './monitor/monitor.ts';
import { Patches } from './patches.ts';
import { memoryRegion } from './region.ts';
import { RegisterTable, stopScope } from './register-table.ts';
import { GuestRegisters } from './registers.ts';
import { MachineState } from './snapshot/machine-state.ts';
import type { Snapshot } from './snapshot/snapshot.ts';
import { SnapshotStore } from './snapshot/store.ts';
import { CpuSync, type CpuSyncOptions } from './sync.ts';
import { CpuTranslation } from './translation.ts';
import type { Machine } from './vcpu.ts';

export interface GuestOptions extends Partial<DescriptionOptions>, CpuSyncOptions {
  /** Ends the machine: `k` and vKill, where the command line allows it. */
  readonly kill?: () => void;
  /** What a user should know that no debugger asks for. */
  readonly log?: (message: string) => void;
  /** What a reset goes back to, in place of the image. */
  readonly origin?: Snapshot;
}

const END = 1n << 64n;

export class Guest implements Target {
  readonly machine: Machine;
  readonly cpus: readonly ExecutionCpu[];
  readonly journal = new Journal();
  readonly threads: Threads;
  readonly registers: GuestRegisters;
  readonly memory: GuestMemory;
  readonly execution: GuestExecution;
  readonly breakpoints: GuestBreakpoints;
  readonly monitor: Monitor;
  readonly state: MachineState;
  /** They outlive a reset of the machine. */
  readonly snapshots = new SnapshotStore();
  readonly host: HostInfo;
  readonly kill?: () => void;
  readonly #descriptions: DescriptionOptions;
  readonly #origin: Snapshot | undefined;
  readonly #log: (message: string) => void;

  constructor(machine: Machine, options: GuestOptions = {}) {
    const { sysregs = 'all', fields = 'common', log = () => undefined, kill, origin } = options;
    this.machine = machine;
    this.kill = kill;
    this.#origin = origin;
    this.#log = log;
    this.#descriptions = { sysregs, fields };
    this.cpus = machine.vcpus.map((vcpu) => {
      const sync = new CpuSync(vcpu, options);
      const table = new RegisterTable(sync);
      return { sync, table, translation: new CpuTranslation(sync, table, machine.memory) };
    });
    const patches = new Patches(machine.memory);
    const unavailable = () => this.execution.unavailable();
    this.breakpoints = new GuestBreakpoints({
      patches,
      hardwareBreakpoints: machine.hardwareBreakpoints,
      hardwareWatchpoints: machine.hardwareWatchpoints,
      translate: (address) => this.current.translation.translate(address),
      ...{ unavailable, log },
    });
    this.execution = new GuestExecution({
      ...{ machine, cpus: this.cpus, breakpoints: this.breakpoints, patches, log },
      stopped: () => this.registers.recheck(),
      wasReset: () => this.registers.forget(),
      reset: () => this.#restart(),
    });
    this.memory = new GuestMemory({
      memory: machine.memory,
      patches,
      translation: (thread) => this.#cpu(thread, ({ translation }) => translation),
      unavailable,
    });
    const translationRegisters = new Set(
      [...this.cpus[0].translation.registers].map((number) => this.cpus[0].table.system.get(number)?.name),
    );
    this.registers = new GuestRegisters({
      cpus: this.cpus,
      journal: this.journal,
      machine: machine.name === 'kvm' ? 'kernel' : 'simulator',
      guard: {
        guarded: ({ name }) => translationRegisters.has(name),
        pcIsMapped: ({ sync }) => {
          sync.ensure(stopScope);
          return this.cpus[sync.vcpu.index].translation.fetchable(sync.state.pc, sync.state.pstate);
        },
      },
      unavailable,
    });
    this.threads = {
      list: () => this.cpus.map((_, index) => index + 1),
      name: (thread) => `cpu${thread - 1}`,
      extra: (thread) => this.#extra(thread),
    };
    this.host = {
      triple: 'aarch64-unknown-none-elf',
      endian: 'little',
      pointerSize: 8,
      watchpointTypes: ['aarch64-mask', 'aarch64-bas'],
      addressingBits: () => this.#addressingBits(),
    };
    this.state = new MachineState({
      machine,
      cpus: this.cpus,
      readRam: (address, length) => {
        const bytes = this.memory.readPhysical(address, length);
        return bytes instanceof TargetError ? new Uint8Array() : bytes;
      },
      renewed: () => this.execution.rearm(),
      restored: () => this.execution.afterReset(),
    });
    this.monitor = new GuestMonitor(this);
  }

  /** The CPU that stopped last. */
  get current(): ExecutionCpu {
    return this.cpus[this.execution.current];
  }

  #cpu<T>(thread: number, use: (cpu: ExecutionCpu) => Result<T>): Result<T> {
    const cpu = this.cpus[thread - 1];
    return cpu ? use(cpu) : refuse('CPU_UNKNOWN', thread);
  }

  #extra(thread: number): string {
    const cpu = this.cpus[thread - 1];
    if (!cpu) return '';
    if (this.execution.running) return 'running';
    cpu.sync.ensure(stopScope);
    return `${modeName(Number(cpu.sync.state.pstate & 0xffff_ffffn))}, halted`;
  }

  #addressingBits(): { low: number; high: number } {
    const { enabled, halves } = this.current.translation.regime();
    return enabled ? { low: halves[0].inputBits, high: halves[1].inputBits } : { low: 64, high: 64 };
  }

  describe(client: Client): Description {
    return describe(this.cpus[0].table, client, this.#descriptions);
  }

  /** gdb asks for virtual addresses, of which any may be mapped: what is not is refused when it is accessed. */
  memoryMap(): readonly MemoryMapEntry[] {
    return [{ kind: 'ram', start: 0n, length: END - 1n }];
  }

  memoryRegion(thread: number, address: bigint): Result<MemoryRegion> {
    const unavailable = this.execution.unavailable();
    if (unavailable) return unavailable;
    return this.#cpu(thread, ({ translation }) => memoryRegion(translation, this.machine.memory, address));
  }

  reset(): Outcome {
    const running = this.execution.unavailable();
    if (running) return running;
    this.#restart();
    return undefined;
  }

  #restart(): void {
    this.machine.reset();
    this.execution.afterReset();
    const refused = this.#origin && this.state.restore(this.#origin);
    if (refused instanceof TargetError) this.#log(`the machine is as after power-on: ${refused.message}`);
  }

  /** A debugger that goes leaves nothing of its own in the guest. */
  attached(attached: boolean): void {
    this.execution.attached = attached;
    if (!attached) this.breakpoints.removeAll();
  }
}
