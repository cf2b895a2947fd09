/**
 * Reading registers, and writes that are proved: an edit of CpuState is put into the machine, the machine is read back,
 * and only if it holds exactly the value the answer is yes. Otherwise the old value is put back, that is checked too,
 * and the answer says what refused.
 */
import { type Field, hex, layoutOf, maskOf, type SystemRegister } from '../arm/index.ts';
import type { Outcome, Registers, RegisterWrite, Result } from '../gdbstub/index.ts';
import { TargetError } from '../gdbstub/index.ts';
import { FIELD_VIEW } from './description.ts';
import { errnoText, refuse } from './errors.ts';
import type { Journal } from './journal.ts';
import { type GuestRegister, pcScope, type RegisterTable } from './register-table.ts';
import type { CpuSync, Scope, SyncFailure, SyncResult } from './sync.ts';
import { twinsOf, writeThroughTwins } from './twins.ts';

/** What to do with a write of which only some bits stick: undo and refuse it, or keep what stuck. */
export type WritePolicy = 'strict' | 'mask';

/** One CPU as the debugger sees it. */
export interface GuestCpu {
  readonly sync: CpuSync;
  readonly table: RegisterTable;
}

/** What a write that is about to be made could do to the CPU's next instruction fetch. */
export interface WriteGuard {
  /** Called before and after a write of a register that decides translations: whether the pc is mapped. */
  readonly pcIsMapped: (cpu: GuestCpu) => boolean;
  /** The registers that decide translations. */
  readonly guarded: (register: GuestRegister) => boolean;
}

export interface GuestRegistersOptions {
  readonly cpus: readonly GuestCpu[];
  readonly journal: Journal;
  readonly guard: WriteGuard;
  /** Who refuses, in the sentences: `kernel` or `simulator`. */
  readonly machine: string;
  /** Why the machine cannot be asked now: it runs, or it is dead. */
  readonly unavailable: () => TargetError | undefined;
}

/** A value that the machine took while its CPU stood still. */
interface Fresh {
  readonly value: bigint;
  readonly old: bigint;
  /** Of the CPU, when it was written. */
  readonly runs: number;
}

export class GuestRegisters implements Registers {
  policy: WritePolicy = 'strict';
  readonly #options: GuestRegistersOptions;
  readonly #cpus: readonly GuestCpu[];
  /** Of each CPU, how often it had run when its pc was last read. */
  readonly #pcRead: number[];
  /** Of each CPU whose machine does not tell what it keeps: the writes that it has not run with. */
  readonly #fresh: readonly Map<GuestRegister, Fresh>[];

  constructor(options: GuestRegistersOptions) {
    this.#options = options;
    this.#cpus = options.cpus;
    this.#pcRead = options.cpus.map(() => -1);
    this.#fresh = options.cpus.map(() => new Map<GuestRegister, Fresh>());
  }

  #find(thread: number, number: number): Result<{ cpu: GuestCpu; register: GuestRegister }> {
    const unavailable = this.#options.unavailable();
    if (unavailable) return unavailable;
    const cpu = this.#cpus[thread - 1];
    if (!cpu) return refuse('CPU_UNKNOWN', thread);
    const register = numbered(cpu.table, number);
    return register ? { cpu, register } : refuse('REGISTER_UNKNOWN', number);
  }

  read(thread: number, number: number): Result<bigint | undefined> {
    const found = this.#find(thread, number);
    return found instanceof TargetError ? found : this.readRegister(found.cpu, found.register);
  }

  /** undefined: the machine does not show it. */
  readRegister({ sync }: GuestCpu, register: GuestRegister): bigint | undefined {
    if (sync.ensure(register.readScope).length > 0 && sync.ensure(register.scope).length > 0) return undefined;
    return register.read(sync);
  }

  write(thread: number, number: number, value: bigint): Outcome {
    const found = this.#find(thread, number);
    return found instanceof TargetError ? found : this.writeRegister(found.cpu, found.register, value);
  }

  /** One register, even with the value that it has. */
  writeRegister(cpu: GuestCpu, register: GuestRegister, value: bigint): Outcome {
    if (register.current) {
      const unread = cpu.sync.ensure(register.scope);
      if (unread.length > 0) return refuse('REGISTER_UNREADABLE', register.name, errnoText(unread[0].errno));
      return this.#prove(cpu, [{ register: register.current(cpu.sync), value }]);
    }
    return this.#prove(cpu, [{ register, value }]);
  }

  /** All or none; registers that hold the value already are not written. PSTATE is written first: it chooses SP. */
  writeAll(thread: number, writes: readonly RegisterWrite[]): Outcome {
    const found: { register: GuestRegister; value: bigint }[] = [];
    for (const { register: number, value } of writes) {
      const one = this.#find(thread, number);
      if (one instanceof TargetError) return one;
      found.push({ register: one.register, value });
    }
    const cpu = this.#cpus[thread - 1];
    if (!cpu) return refuse('CPU_UNKNOWN', thread);
    const changes = this.#changes(cpu, found);
    if (changes instanceof TargetError) return changes;
    return changes.length === 0 ? undefined : this.#prove(cpu, changes);
  }

  #changes({ sync, table }: GuestCpu, wanted: readonly Change[]): Result<Change[]> {
    const cpsr = [...table.general.values()].find(({ name }) => name === 'cpsr');
    for (const { register, value } of wanted) {
      if (!fits(register, value)) return refuse('VALUE_TOO_WIDE', register.name, value, register.bits);
      const unread = sync.ensure(register.readScope);
      if (unread.length > 0 && sync.ensure(register.scope).length > 0)
        return refuse('REGISTER_UNREADABLE', register.name, errnoText(unread[0].errno));
    }
    const pstate = wanted.findLast(({ register }) => register === cpsr)?.value;
    const before = sync.state.pstate;
    if (pstate !== undefined) sync.state.pstate = pstate;
    const changes = wanted
      .map(({ register, value }) => ({ register: register.current?.(sync) ?? register, value }))
      .sort((a, b) => Number(b.register === cpsr) - Number(a.register === cpsr));
    sync.state.pstate = before;
    return changes.filter(({ register, value }) => register.read(sync) !== value);
  }

  #prove(cpu: GuestCpu, changes: readonly Change[]): Outcome {
    const { sync } = cpu;
    for (const { register, value } of changes)
      if (!fits(register, value)) return refuse('VALUE_TOO_WIDE', register.name, value, register.bits);
    const pc = this.#pc(cpu);
    const scope =
      changes.length === 1 ? changes[0].register.scope : union(changes.map(({ register }) => register.scope));
    const guarded = changes.some(({ register }) => this.#options.guard.guarded(register));
    const mapped = guarded && this.#options.guard.pcIsMapped(cpu);
    const done = (guarded ? undefined : exchange(sync, scope, changes)) ?? put(sync, scope, changes);
    if (done instanceof TargetError) return done;
    const { old, failures } = done;
    const values = changes.map(({ value }) => value);
    const held = mended(cpu, scope, changes, values, readBack(sync, scope, changes));
    const wrong = firstWrong(changes, held, failures);
    if (wrong < 0 || (this.policy === 'mask' && failures.length === 0 && held[wrong] !== undefined)) {
      const unmapped = mapped && !this.#options.guard.pcIsMapped(cpu);
      const note = unmapped ? 'the pc is no longer mapped: the next fetch faults' : transient(sync, changes);
      this.#journal(cpu, pc, changes, old, held, wrong < 0 ? 'written' : 'partial', note);
      this.#remember(cpu, changes, old, held);
      return undefined;
    }
    const restored = restore(cpu, scope, changes, old, held);
    const error = restored
      ? this.#refusal(changes[wrong], old[wrong], held[wrong] ?? old[wrong], failures)
      : refuse(
          'NOT_RESTORED',
          changes[wrong].register.name,
          changes[wrong].value,
          old[wrong],
          told(readBack(sync, scope, changes)[wrong]),
        );
    this.#journal(cpu, pc, changes, old, readBack(sync, scope, changes), 'refused', error.message);
    return error;
  }

  #remember(
    { sync }: GuestCpu,
    changes: readonly Change[],
    old: readonly bigint[],
    held: readonly (bigint | undefined)[],
  ): void {
    if (sync.vcpu.keptBits) return;
    for (const [i, { register, value }] of changes.entries())
      if (register.definition)
        this.#fresh[sync.vcpu.index].set(register, { value: held[i] ?? value, old: old[i], runs: sync.runs });
  }

  /**
   * After a stop: what was written since the last one is read again. KVM takes every bit of many registers and the CPU
   * drops some when it runs; a value of which bits are gone, and none have come, is told in the journal.
   */
  recheck(): void {
    for (const cpu of this.#cpus) {
      const fresh = this.#fresh[cpu.sync.vcpu.index];
      if (fresh.size > 0) this.#recheck(cpu, fresh);
    }
  }

  /** The machine was reset: what was written is gone, and nobody expects it. */
  forget(): void {
    for (const fresh of this.#fresh) fresh.clear();
  }

  #recheck(cpu: GuestCpu, fresh: Map<GuestRegister, Fresh>): void {
    const { sync } = cpu;
    const ran = [...fresh].filter(([, { runs }]) => runs !== sync.runs);
    if (ran.length === 0) return;
    const unread = sync.ensure(union(ran.map(([{ scope }]) => scope)));
    for (const [register, { value, old }] of ran) {
      fresh.delete(register);
      if (unread.length > 0 && sync.ensure(register.scope).length > 0) continue;
      const held = register.read(sync);
      if (held === value || (held & ~value) !== 0n) continue;
      const note = `bits ${hex(value & ~held)} did not survive the run: this CPU has none such, or the guest cleared them`;
      this.#options.journal.add({
        ...{ cpu: sync.vcpu.index, pc: this.#pc(cpu), register: register.name },
        ...{ old, value, held, outcome: 'lost', note },
      });
    }
  }

  /** Where the CPU stands. Between two runs it is read once; edits of it go through the state. */
  #pc({ sync }: GuestCpu): bigint {
    const { index } = sync.vcpu;
    if (this.#pcRead[index] !== sync.runs && sync.ensure(pcScope).length === 0) this.#pcRead[index] = sync.runs;
    return sync.state.pc;
  }

  #journal(
    { sync }: GuestCpu,
    pc: bigint,
    changes: readonly Change[],
    old: readonly bigint[],
    held: readonly (bigint | undefined)[],
    outcome: 'written' | 'partial' | 'refused',
    note?: string,
  ): void {
    for (let i = 0; i < changes.length; i++) {
      const { register, value } = changes[i];
      this.#options.journal.add({
        cpu: sync.vcpu.index,
        pc,
        register: register.name,
        old: old[i],
        value,
        held: held[i] ?? old[i],
        outcome: outcome === 'partial' && held[i] === value ? 'written' : outcome,
        note,
      });
    }
  }

  /** Why `change` did not stick. `held` is what the machine held before the old value was put back. */
  #refusal({ register, value }: Change, old: bigint, held: bigint, failures: SyncResult): TargetError {
    const { name, definition, kept } = register;
    const failure = failures[0];
    if (failure?.operation === 'state to list') return refuse('NOT_SYNCHRONISED', name, failure.reason, old);
    const why = failure ? errnoText(failure.errno) : 'the write was ignored';
    if (definition?.constant) return refuse('REGISTER_CONSTANT', name, why, old);
    if (definition?.access === 'RO' && (failure || held === old)) return refuse('REGISTER_READ_ONLY', name, why, old);
    if (failure) return refuse('VALUE_REFUSED', name, value, this.#options.machine, why, old);
    const lost = value ^ held;
    const acting = lost & bitsOf(definition, 'acts');
    if (acting !== 0n) return refuse('BITS_ACT', name, acting, old);
    const readOnly = lost & bitsOf(definition, 'ignored');
    if (readOnly !== 0n) return refuse('BITS_READ_ONLY', name, readOnly, old);
    const res0 = ~kept | (definition ? reservedBits(definition, value) : 0n);
    const isReserved = (held & ~value) === 0n && (value & ~held & ~res0) === 0n;
    return refuse(isReserved ? 'BITS_RES0' : 'BITS_LOST', name, lost, old);
  }
}

interface Change {
  readonly register: GuestRegister;
  readonly value: bigint;
}

/** The register of a number that the debugger was told: a view by fields is the register itself. */
export function numbered(table: RegisterTable, number: number): GuestRegister | undefined {
  return table.general.get(number) ?? table.system.get(number >= FIELD_VIEW ? number - FIELD_VIEW : number);
}

const fits = ({ bits }: GuestRegister, value: bigint): boolean => value >= 0n && value >> BigInt(bits) === 0n;

const told = (value: bigint | undefined): string => (value === undefined ? 'an unknown value' : hex(value));

/** Bits that do not keep what is written to them, by what a write does. */
const bitsOf = (register: SystemRegister | undefined, write: Field['write']): bigint =>
  maskOf((register?.fields ?? []).filter((one) => one.write === write));

/** RES0 bits of the layout that holds for this value. */
function reservedBits(register: SystemRegister, value: bigint): bigint {
  return maskOf(layoutOf(register, value).fields.filter(({ kind }) => kind === 'res0'));
}

const ascending = (positions: readonly number[]): number[] => [...new Set(positions)].sort((a, b) => a - b);

/** Core registers stand in the order of their table: PSTATE first. */
const union = (scopes: readonly Scope[]): Scope => ({
  core: ascending(scopes.flatMap(({ core }) => core)),
  cpregs: ascending(scopes.flatMap(({ cpregs }) => cpregs)),
});

/** The change that was refused, else the first that did not stick; -1 if all did. */
function firstWrong(changes: readonly Change[], held: readonly (bigint | undefined)[], failures: SyncResult): number {
  const wrong = changes.findIndex(({ value }, i) => held[i] !== value);
  if (wrong < 0 || failures.length === 0) return wrong;
  const refused = changes.findIndex(({ register }) => register.source === failures[0].name);
  return refused < 0 ? wrong : refused;
}

/** What was there before, and what was refused. */
interface Put {
  readonly old: readonly bigint[];
  readonly failures: SyncResult;
}

const unreadable = ({ name, errno }: SyncFailure): TargetError => refuse('REGISTER_UNREADABLE', name, errnoText(errno));

function put(sync: CpuSync, scope: Scope, changes: readonly Change[]): Result<Put> {
  const unread = sync.ensure(scope);
  if (unread.length > 0) return unreadable(unread[0]);
  const old = changes.map(({ register }) => register.read(sync));
  // What the CPU would not keep is not even written, and so is found missing.
  for (const { register, value } of changes) register.edit(sync.state, value & register.kept);
  return { old, failures: sync.kvmArchPutRegisters('full', scope) };
}

/** The same in one trip to the machine, for one register of the list; undefined where that is not possible. */
function exchange(sync: CpuSync, { core, cpregs }: Scope, changes: readonly Change[]): Result<Put> | undefined {
  if (changes.length !== 1 || core.length > 0 || cpregs.length !== 1) return undefined;
  const [{ register, value }] = changes;
  const done = sync.exchange(cpregs[0], (state) => register.edit(state, value & register.kept));
  const failure = done?.failures.find(({ operation }) => operation === 'get');
  return failure ? unreadable(failure) : done && { old: [done.old], failures: done.failures };
}

/** What the machine holds now; undefined where it does not say. */
function readBack(sync: CpuSync, scope: Scope, changes: readonly Change[]): (bigint | undefined)[] {
  const unread = sync.ensure(scope);
  return changes.map(({ register }) =>
    unread.length > 0 && sync.ensure(register.scope).length > 0 ? undefined : register.read(sync),
  );
}

/** A warning where the machine does not tell what its CPU keeps, and the architecture has no use for some bits. */
function transient({ vcpu }: CpuSync, changes: readonly Change[]): string | undefined {
  if (vcpu.keptBits) return undefined;
  for (const { register, value } of changes) {
    const bits = register.definition ? value & reservedBits(register.definition, value) : 0n;
    if (bits !== 0n) return `bits ${hex(bits)} of ${register.name} are RES0: they may be gone when the CPU has run`;
  }
  return undefined;
}

/** What the machine holds after another try at the registers of which ones only set or clear bits. */
function mended(
  { sync, table }: GuestCpu,
  scope: Scope,
  changes: readonly Change[],
  wanted: readonly bigint[],
  held: readonly (bigint | undefined)[],
): readonly (bigint | undefined)[] {
  let tried = false;
  for (const [i, { register }] of changes.entries()) {
    const twins = held[i] === wanted[i] ? undefined : twinsOf(table, register);
    if (!twins) continue;
    writeThroughTwins(sync, twins, wanted[i]);
    tried = true;
  }
  return tried ? readBack(sync, scope, changes) : held;
}

/** Puts the old values back where they are gone. True if the machine holds them all. */
function restore(
  cpu: GuestCpu,
  scope: Scope,
  changes: readonly Change[],
  old: readonly bigint[],
  held: readonly (bigint | undefined)[],
): boolean {
  const { sync } = cpu;
  if (held.every((value, i) => value === old[i])) return true;
  for (const [i, { register }] of changes.entries()) register.edit(sync.state, old[i]);
  sync.kvmArchPutRegisters('full', scope);
  return mended(cpu, scope, changes, old, readBack(sync, scope, changes)).every((value, i) => value === old[i]);
}
