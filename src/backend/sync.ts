/**
 * The state of one vCPU carried between the machine and CpuState. Function by function QEMU's way (target/arm/kvm.c,
 * kvm_arch_get_registers and kvm_arch_put_registers), with three differences: each may be limited to some registers,
 * so that one edit costs one register; nothing is read before it is asked for; every failure is named.
 *
 * The rules: after a refill of the list, list -> state runs before any state -> list. PSTATE is written before the
 * general registers, events after all registers, the run state last.
 */
import {
  type Cpreg,
  type CpregFailure,
  CpregList,
  CpuState,
  findRegister,
  levelIncludes,
  type RawAccess,
  registerByNumber,
  registerName,
  type SyncLevel,
  type SyncMode,
  writeCpuStateToList,
  writeListToCpuState,
} from '../arm/index.ts';
import { coreRegisters } from './core-registers.ts';
import { idGroup, idName, idToSystemRegisterNumber, idWords } from './kvm-ids.ts';
import { Errno, type Vcpu, type VcpuEvents } from './vcpu.ts';

/** Registers by their positions in `CpuSync.core` and in the list. Made once, used often. */
export interface Scope {
  readonly core: readonly number[];
  readonly cpregs: readonly number[];
}

/** A register that was not carried over: which, by what operation, and why. */
export interface SyncFailure {
  readonly name: string;
  readonly operation: 'get' | 'set' | CpregFailure['operation'] | 'set events' | 'set run state';
  /** Of Linux; 0 where no call failed. */
  readonly errno: number;
  readonly reason: string;
}

export type SyncResult = readonly SyncFailure[];

/** What an exchange found, and what went wrong. */
export interface Exchange {
  readonly old: bigint;
  readonly failures: SyncResult;
}

const none: SyncResult = Object.freeze([]);
/** Which registers of one trip to the machine are written. */
const setAndGet = Uint8Array.of(1, 0);
const getSetAndGet = Uint8Array.of(0, 1, 0);

const mergeResults = (...results: readonly SyncResult[]): SyncResult => {
  const failed = results.filter((result) => result.length > 0);
  return failed.length === 0 ? none : failed.length === 1 ? failed[0] : failed.flat();
};

const fromList = (failures: readonly CpregFailure[]): SyncResult =>
  failures.length === 0 ? none : failures.map(({ name, operation, reason }) => ({ name, operation, errno: 0, reason }));

/** The register whose storage another one shows; itself where it is no alias. */
function storageNumber(number: number): number {
  const alias = registerByNumber(number)?.aliasOf;
  const register = alias === undefined ? undefined : findRegister(alias);
  return register && 'number' in register ? register.number : number;
}

const systemRegisterAccess = (number: number): RawAccess => ({
  read: (state) => state.system[number],
  write: (state, value) => {
    state.system[number] = value;
  },
});

/** How the list holds the register of an id. Firmware registers and CCSIDR have no place in CpuState. */
export function cpregOfId(id: bigint): Cpreg {
  const number = idToSystemRegisterNumber(id);
  if (number === undefined) return { index: id, name: idName(id), level: 'runtime', access: 'unknown' };
  const register = registerByNumber(number);
  return {
    index: id,
    name: registerName(number),
    level: register?.level ?? 'runtime',
    alias: register?.aliasOf !== undefined,
    access: register?.noRaw ? 'noRaw' : systemRegisterAccess(storageNumber(number)),
  };
}

/**
 * The ids that the list holds: core and SVE registers are moved by hand. Throws on a register wider than 64 bits, as
 * QEMU refuses such a vCPU.
 */
function listedIds(registerIds: BigUint64Array): bigint[] {
  const ids = [...registerIds].filter((id) => idGroup(id) !== 'core' && idGroup(id) !== 'sve');
  const wide = ids.find((id) => idWords(id) !== 1);
  if (wide !== undefined) throw new Error(`register ${idName(wide)} is wider than 64 bits`);
  return ids;
}

export interface CpuSyncOptions {
  /** How the CPU state is asked whether it may change a register of the list. */
  readonly mode?: SyncMode;
  /** For tests: how the list holds an id. */
  readonly cpregOf?: (id: bigint) => Cpreg;
}

export class CpuSync {
  readonly vcpu: Vcpu;
  readonly state = new CpuState();
  readonly list: CpregList;
  /** Every register of this vCPU. */
  readonly all: Scope;
  mode: SyncMode;
  #events: VcpuEvents | undefined;
  #mpState: number | undefined;
  #eventsEpoch = 0;
  /** What was read in the present epoch is as the machine has it. */
  #epoch = 1;
  readonly #coreEpoch = new Uint32Array(coreRegisters.length);
  readonly #cpregEpoch: Uint32Array;
  /**
   * The registers of the list that show no other one's storage. The others are not written along with them: to KVM since
   * Linux 6.12 ones in PMCNTENCLR_EL0 clear what PMCNTENSET_EL0 was just given.
   */
  readonly #ownStorage: readonly number[];
  /** Arguments of the calls to the vCPU, used over and over. */
  readonly #ids: BigUint64Array;
  readonly #values: BigUint64Array;
  readonly #errnos: Int32Array;

  constructor(vcpu: Vcpu, { mode = 'record', cpregOf = cpregOfId }: CpuSyncOptions = {}) {
    this.vcpu = vcpu;
    this.mode = mode;
    this.list = new CpregList(listedIds(vcpu.registerIds).map(cpregOf));
    const present = new Set(vcpu.registerIds);
    const core = coreRegisters.flatMap(({ id }, position) => (present.has(id) ? [position] : []));
    this.all = { core, cpregs: this.list.all };
    this.#ownStorage = this.list.all.filter((position) => !this.list.cpregs[position].alias);
    this.#cpregEpoch = new Uint32Array(this.list.cpregs.length);
    const size = Math.max(coreRegisters.length, this.list.cpregs.length);
    this.#ids = new BigUint64Array(size);
    this.#values = new BigUint64Array(2 * size);
    this.#errnos = new Int32Array(size);
  }

  /** How often the CPU has run or was reset. */
  runs = 0;

  /** As last read from the machine, or to be put into it. */
  get events(): VcpuEvents | undefined {
    return this.#events;
  }

  /** Undefined where the machine has none. */
  get mpState(): number | undefined {
    return this.#mpState;
  }

  /** What the next put of everything sets. Holds until the machine is read again. */
  loadEvents(events: VcpuEvents, mpState: number | undefined): void {
    this.#events = events;
    this.#mpState = mpState;
    this.#eventsEpoch = this.#epoch;
  }

  /** Changes whenever what was read before may no longer hold. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The machine was written to: nothing that was read holds any more. */
  invalidate(): void {
    this.#epoch++;
  }

  /** The CPU has run. */
  ran(): void {
    this.runs++;
    this.#epoch++;
  }

  /** Reads what of the scope is not known yet. What fails stays unknown and is returned. */
  ensure(scope: Scope): SyncResult {
    for (const position of scope.core) if (this.#coreEpoch[position] !== this.#epoch) return this.#refill(scope);
    for (const position of scope.cpregs) if (this.#cpregEpoch[position] !== this.#epoch) return this.#refill(scope);
    return none;
  }

  #refill({ core, cpregs }: Scope): SyncResult {
    return this.#getRegisters({
      core: core.filter((position) => this.#coreEpoch[position] !== this.#epoch),
      cpregs: cpregs.filter((position) => this.#cpregEpoch[position] !== this.#epoch),
    });
  }

  /** Machine -> list. Until list -> state has run, state -> list will not touch these registers. */
  writeKvmStateToList(positions: readonly number[] = this.list.all): SyncResult {
    if (positions.length === 0) return none;
    const { cpregs, cpregIndexes, cpregValues, synchronised } = this.list;
    for (let i = 0; i < positions.length; i++) this.#ids[i] = cpregIndexes[positions[i]];
    const failed = this.vcpu.getRegisters(this.#ids, this.#values, this.#errnos, positions.length);
    for (let i = 0; i < positions.length; i++) {
      if (this.#errnos[i] !== 0) continue;
      const position = positions[i];
      cpregValues[position] = this.#values[i];
      synchronised[position] = 'never';
      this.#cpregEpoch[position] = this.#epoch;
    }
    return failed === 0 ? none : this.#failures('get', positions, (position) => cpregs[position].name);
  }

  /** List -> machine: the registers of this level and below. Every one is tried. */
  writeListToKvmState(level: SyncLevel, positions: readonly number[] = this.list.all): SyncResult {
    const { cpregs, cpregIndexes, cpregValues } = this.list;
    const included =
      level === 'full' ? positions : positions.filter((position) => levelIncludes(level, cpregs[position].level));
    if (included.length === 0) return none;
    for (let i = 0; i < included.length; i++) {
      this.#ids[i] = cpregIndexes[included[i]];
      this.#values[i] = cpregValues[included[i]];
    }
    const failed = this.vcpu.setRegisters(this.#ids, this.#values, this.#errnos, included.length);
    return failed === 0 ? none : this.#failures('set', included, (position) => cpregs[position].name);
  }

  /** Machine -> list -> state, everything. */
  kvmArchGetRegisters(): SyncResult {
    this.ran();
    const result = this.#getRegisters(this.all);
    this.#getEvents();
    return result;
  }

  #getRegisters(scope: Scope): SyncResult {
    const core = this.#getCore(scope.core);
    const list = this.writeKvmStateToList(scope.cpregs);
    const loaded = scope.cpregs.filter((position) => this.list.cpregs[position].access !== 'unknown');
    return mergeResults(core, list, fromList(writeListToCpuState(this.list, this.state, loaded)));
  }

  /**
   * State -> list -> machine. Without a scope it is everything of the level, with events and run state; what was not
   * read yet is read first, so that nothing stale is written. With a scope it is exactly these registers. A core
   * register that is refused ends it, as in QEMU; of the list everything is tried. Only reading back tells what stuck.
   */
  kvmArchPutRegisters(level: SyncLevel, scope: Scope = this.all): SyncResult {
    const unread = scope === this.all ? this.ensure(scope) : none;
    if (scope === this.all) this.#getEvents();
    const core = this.#putCore(scope.core);
    if (core.length > 0) {
      this.invalidate();
      return core;
    }
    const { list, state, mode } = this;
    const dropped = fromList(writeCpuStateToList(list, state, { kvmSync: true, mode }, scope.cpregs));
    const refused = this.writeListToKvmState(level, scope === this.all ? this.#ownStorage : scope.cpregs);
    const rest = scope === this.all ? this.#putEvents() : none;
    this.invalidate();
    return mergeResults(unread, dropped, refused, rest);
  }

  /**
   * An edit of one register of the list in one trip to the machine: the value that it has, if that is not known, the put,
   * and the value that it holds then, which is known afterwards. Where list -> state turns out to have failed, the value
   * is put back. Undefined: not with this machine or register, and nothing was done.
   */
  exchange(position: number, edit: (state: CpuState) => void): Exchange | undefined {
    const { list, state, vcpu } = this;
    const { access, name } = list.cpregs[position];
    const isKnown = this.#cpregEpoch[position] === this.#epoch;
    if (!vcpu.transferRegisters || typeof access !== 'object') return undefined;
    if (isKnown && list.synchronised[position] !== 'yes') return undefined;
    edit(state);
    const writes = isKnown ? setAndGet : getSetAndGet;
    const at = writes.length - 2;
    this.#ids.fill(list.cpregIndexes[position], 0, writes.length);
    this.#values[at] = access.read(state);
    vcpu.transferRegisters(writes, this.#ids, this.#values, this.#errnos, writes.length);
    this.invalidate();
    const failure = (operation: 'get' | 'set', errno: number): SyncResult =>
      errno === 0 ? none : [{ name, operation, errno, reason: errnoReason(errno) }];
    if (!isKnown) {
      if (this.#errnos[0] !== 0) return { old: 0n, failures: failure('get', this.#errnos[0]) };
      list.cpregValues[position] = this.#values[0];
    }
    const old = list.cpregValues[position];
    const [refused, unread, held] = [this.#errnos[at], this.#errnos[at + 1], this.#values[at + 1]];
    writeListToCpuState(list, state, [position]);
    edit(state);
    const dropped = fromList(writeCpuStateToList(list, state, { kvmSync: true, mode: this.mode }, [position]));
    if (dropped.length > 0) return { old, failures: [...dropped, ...this.writeListToKvmState('full', [position])] };
    if (unread === 0) {
      list.cpregValues[position] = held;
      writeListToCpuState(list, state, [position]);
      this.#cpregEpoch[position] = this.#epoch;
    }
    return { old, failures: failure('set', refused) };
  }

  /**
   * KVM_ARM_VCPU_INIT and a refill down to the state: what the state held from before the reset is never put over the
   * reset values.
   */
  kvmArmResetVcpu(): SyncResult {
    this.vcpu.reset();
    return this.kvmArchGetRegisters();
  }

  #getCore(positions: readonly number[]): SyncResult {
    if (positions.length === 0) return none;
    for (let i = 0; i < positions.length; i++) this.#ids[i] = coreRegisters[positions[i]].id;
    const failed = this.vcpu.getRegisters(this.#ids, this.#values, this.#errnos, positions.length);
    let at = 0;
    for (let i = 0; i < positions.length; i++) {
      const register = coreRegisters[positions[i]];
      if (this.#errnos[i] === 0) {
        register.load(this.state, this.#values, at);
        this.#coreEpoch[positions[i]] = this.#epoch;
      }
      at += register.words;
    }
    return failed === 0 ? none : this.#failures('get', positions, coreName);
  }

  #putCore(positions: readonly number[]): SyncResult {
    if (positions.length === 0) return none;
    let at = 0;
    for (let i = 0; i < positions.length; i++) {
      const register = coreRegisters[positions[i]];
      this.#ids[i] = register.id;
      register.store(this.state, this.#values, at);
      at += register.words;
    }
    const failed = this.vcpu.setRegisters(this.#ids, this.#values, this.#errnos, positions.length);
    return failed === 0 ? none : this.#failures('set', positions, coreName);
  }

  #getEvents(): void {
    if (this.#eventsEpoch === this.#epoch) return;
    this.#events = this.vcpu.getEvents();
    this.#mpState = this.vcpu.getMpState?.();
    this.#eventsEpoch = this.#epoch;
  }

  #putEvents(): SyncResult {
    const events = this.#events ? this.vcpu.setEvents(this.#events) : 0;
    const runState = this.#mpState === undefined ? 0 : (this.vcpu.setMpState?.(this.#mpState) ?? 0);
    return mergeResults(
      events === 0 ? none : [{ name: 'events', operation: 'set events', errno: events, reason: errnoReason(events) }],
      runState === 0
        ? none
        : [{ name: 'run state', operation: 'set run state', errno: runState, reason: errnoReason(runState) }],
    );
  }

  #failures(operation: 'get' | 'set', positions: readonly number[], name: (position: number) => string): SyncFailure[] {
    return positions.flatMap((position, i) => {
      const errno = this.#errnos[i];
      return errno === 0 ? [] : [{ name: name(position), operation, errno, reason: errnoReason(errno) }];
    });
  }
}

const coreName = (position: number): string => coreRegisters[position].name;

const errnoNames = new Map(Object.entries(Errno).map(([name, errno]) => [errno as number, name]));

/** `EINVAL`, or `errno 5` for one that is not in the table. */
export const errnoReason = (errno: number): string => errnoNames.get(errno) ?? `errno ${errno}`;
