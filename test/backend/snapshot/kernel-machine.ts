/**
 * A machine that answers as KVM of a Linux kernel does, by the lists and rules that were measured on it. It runs nothing.
 */
import { readFileSync } from 'node:fs';
import { registerByNumber, registersByGlob } from '../../../src/arm/index.ts';
import {
  CoreId,
  Errno,
  type Exit,
  idName,
  idToSystemRegisterNumber,
  idWords,
  type KvmVcpuFeatures,
  kvmRegisterList,
  kvmWriteRule,
  type Machine,
  type PhysicalMemory,
  type StatefulDevice,
  SveId,
  sysregId,
  type Vcpu,
  type VcpuEvents,
} from '../../../src/backend/index.ts';

const idOf = (name: string): bigint => sysregId(registersByGlob(name)[0].number);
export const CNTVCT_EL0 = idOf('CNTVCT_EL0');

/** Values after a reset, as test/backend/measured has them. */
function measured(kernel: string): Map<bigint, bigint> {
  const text = readFileSync(new URL(`../measured/kvm-${kernel}.txt`, import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    rows.map((row) => {
      const [id, value] = row.split(' ');
      return [BigInt(`0x${id}`), BigInt(`0x${value}`)];
    }),
  );
}

/** Where a register lies: PMCNTENCLR_EL0 shows PMCNTENSET_EL0. */
function storageOf(id: bigint): bigint {
  const alias = registerByNumber(idToSystemRegisterNumber(id) ?? -1)?.aliasOf;
  return alias === undefined ? id : idOf(alias);
}

/** What a reset leaves in registers whose value is UNKNOWN then. */
const UNKNOWN = 0x1de7_ec7e_dbad_c0den;
const unknownAfterReset = new Set(['PIR_EL1', 'PIRE0_EL1', 'PMCNTENSET_EL0', 'PMINTENSET_EL1'].map(idOf));

export class KernelVcpu implements Vcpu {
  readonly index: number;
  readonly registerIds: BigUint64Array;
  readonly machine: KernelMachine;
  /** By storage. */
  readonly values = new Map<bigint, bigint>();
  /** Values after a reset; zero where there is none. */
  readonly initial: Map<bigint, bigint>;
  readonly #ids: ReadonlySet<bigint>;
  hasRun = false;
  events: VcpuEvents = { serrorPending: false, serrorHasEsr: true, serrorEsr: 0n, extDabtPending: false };
  mpState: number;
  /** Calls, and the names of registers written, in order. */
  log: string[] = [];
  /** Values that are refused, and registers that cannot be read. */
  readonly refusing = new Map<bigint, bigint>();
  readonly unreadable = new Map<bigint, number>();

  constructor(index: number, machine: KernelMachine) {
    this.index = index;
    this.machine = machine;
    this.mpState = index === 0 ? 0 : 5;
    this.registerIds = kvmRegisterList(machine.features);
    this.#ids = new Set(this.registerIds);
    this.initial = measured(machine.features.kernel);
    this.reset();
  }

  renew(): void {
    this.values.clear();
    this.hasRun = false;
    this.reset();
  }

  reset(): void {
    this.log.push('reset');
    this.events = { ...this.events, serrorPending: false };
    this.mpState = this.index === 0 ? 0 : 5;
    for (const id of this.registerIds) {
      const kept = kvmWriteRule(this.machine.features.kernel, id).kind === 'invariant' || id === SveId.VLS;
      if (kept && this.values.has(id)) continue;
      const value = unknownAfterReset.has(id) ? UNKNOWN & 0x8000_001fn : (this.initial.get(id) ?? 0n);
      this.values.set(storageOf(id), id === CoreId.PSTATE ? 0x3c5n : value);
    }
    if (this.values.has(SveId.VLS)) this.values.set(SveId.VLS, 3n);
  }

  getRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    return this.#each(ids, errnos, count, (id, at) => {
      if (this.unreadable.has(id)) return this.unreadable.get(id)!;
      const value = id === CNTVCT_EL0 ? this.machine.counter++ : this.values.get(storageOf(id))!;
      for (let i = 0; i < idWords(id); i++) values[at + i] = BigInt.asUintN(64, value >> BigInt(64 * i));
      return 0;
    });
  }

  setRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    return this.#each(ids, errnos, count, (id, at) => {
      let value = 0n;
      for (let i = idWords(id) - 1; i >= 0; i--) value = (value << 64n) | values[at + i];
      this.log.push(idName(id));
      if (this.refusing.get(id) === value) return Errno.EINVAL;
      return id === CNTVCT_EL0 ? this.#setCounter(value) : this.#set(id, value);
    });
  }

  #setCounter(value: bigint): number {
    this.machine.counter = value;
    return 0;
  }

  #set(id: bigint, value: bigint): number {
    if (id === SveId.VLS) return Errno.EPERM;
    const storage = storageOf(id);
    const present = this.values.get(storage)!;
    const { write, fixedByRun } = kvmWriteRule(this.machine.features.kernel, id);
    if (fixedByRun && this.hasRun) return value === present ? 0 : Errno.EBUSY;
    const held = write(value, present, this.initial.get(id) ?? 0n);
    if (held === undefined) return Errno.EINVAL;
    this.values.set(storage, held);
    return 0;
  }

  #each(ids: BigUint64Array, errnos: Int32Array, count: number, act: (id: bigint, at: number) => number): number {
    let at = 0;
    for (let i = 0; i < count; i++) {
      errnos[i] = this.#ids.has(ids[i]) ? act(ids[i], at) : Errno.ENOENT;
      at += idWords(ids[i]);
    }
    return errnos.subarray(0, count).reduce((failures, errno) => failures + (errno === 0 ? 0 : 1), 0);
  }

  getEvents(): VcpuEvents {
    return { ...this.events };
  }

  setEvents(events: VcpuEvents): number {
    this.log.push('events');
    if (events.serrorPending) this.events = events;
    return 0;
  }

  getMpState(): number {
    return this.mpState;
  }

  setMpState(state: number): number {
    this.log.push('run state');
    this.mpState = state;
    return 0;
  }

  setGuestDebug(): number {
    return 0;
  }

  run(): Exit {
    return { kind: 'failed', reason: 'nothing runs here' };
  }

  kick(): void {}
}

export interface KernelMachineOptions {
  readonly cpus?: number;
  readonly devices?: readonly StatefulDevice[];
  readonly ramSize?: number;
}

export class KernelMachine implements Machine {
  readonly name = 'kvm';
  readonly features: KvmVcpuFeatures;
  readonly vcpus: readonly KernelVcpu[];
  readonly ram: Uint8Array;
  readonly memory: PhysicalMemory;
  readonly hardwareBreakpoints = 6;
  readonly hardwareWatchpoints = 4;
  readonly devices: readonly StatefulDevice[];
  /** It goes on by one with every look at it, whether the guest runs or not. */
  counter = 1000n;
  virtualTime: bigint | undefined;

  constructor(features: KvmVcpuFeatures, { cpus = 1, devices = [], ramSize = 0x10000 }: KernelMachineOptions = {}) {
    this.features = features;
    this.devices = devices;
    const ram = new Uint8Array(ramSize);
    this.ram = ram;
    this.memory = {
      ranges: [{ start: 0x4000_0000n, length: BigInt(ramSize) }],
      view: (address, length) => {
        const offset = Number(address) - 0x4000_0000;
        return offset < 0 || offset >= ramSize ? undefined : ram.subarray(offset, offset + length);
      },
      changed: () => undefined,
    };
    this.vcpus = Array.from({ length: cpus }, (_, index) => new KernelVcpu(index, this));
  }

  stopClock(): void {
    this.virtualTime ??= this.counter;
  }

  startClock(): void {
    if (this.virtualTime !== undefined) this.counter = this.virtualTime;
    this.virtualTime = undefined;
  }

  /** As if the vCPUs were new. */
  renew(): string | undefined {
    for (const vcpu of this.vcpus) vcpu.renew();
    return undefined;
  }

  reset(): void {}

  close(): void {}
}
