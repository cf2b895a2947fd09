/**
 * One CPU into a snapshot and back: QEMU's cpu_pre_save and cpu_post_load (target/arm/machine.c) on the state path. What
 * is different: the reset comes with the load, so that nothing is left of what was before; every register that stands in
 * the way is named; and only reading back tells whether the machine took the values.
 */
import { hex, type SyncLevel, writeListToCpuState } from '../../arm/index.ts';
import { coreRegisters } from '../core-registers.ts';
import { errnoText } from '../errors.ts';
import { idGroup, idName, idWords } from '../kvm-ids.ts';
import type { CpuSync, SyncFailure } from '../sync.ts';
import type { Vcpu } from '../vcpu.ts';
import {
  clearRegisters,
  fixedRegisters,
  harmlessBits,
  hiddenRegisters,
  safeWithout,
  uncomparedBits,
} from './register-rules.ts';
import type { CpuVmstate } from './snapshot.ts';

/** A register that stands in the way, and why. */
export interface Obstacle {
  readonly name: string;
  /** Of Linux; 0 where no call failed. */
  readonly errno: number;
  /** Of a register: what it was to hold, and what it holds. */
  readonly values?: { readonly value: bigint; readonly now: bigint };
}

const WORD = 64n;

function fromWords(words: BigUint64Array, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; i--) value = (value << WORD) | words[i];
  return value;
}

function toWords(value: bigint, words: BigUint64Array, count: number): void {
  for (let i = 0; i < count; i++) words[i] = value >> (BigInt(i) * WORD);
}

const one = { id: new BigUint64Array(1), errno: new Int32Array(1), words: new BigUint64Array(32) };

/** By hand, past the CPU state: an errno. */
function getOne(vcpu: Vcpu, id: bigint): { value: bigint; errno: number } {
  one.id[0] = id;
  vcpu.getRegisters(one.id, one.words, one.errno, 1);
  return { value: fromWords(one.words, idWords(id)), errno: one.errno[0] };
}

function setOne(vcpu: Vcpu, id: bigint, value: bigint): number {
  one.id[0] = id;
  toWords(value, one.words, idWords(id));
  vcpu.setRegisters(one.id, one.words, one.errno, 1);
  return one.errno[0];
}

/** CpuState has no place for the registers of SVE. */
const sveIds = ({ registerIds }: Vcpu): bigint[] => [...registerIds].filter((id) => idGroup(id) === 'sve');

/** Every register of the machine now, by id. */
function registersOf(sync: CpuSync): Map<bigint, bigint> | SyncFailure {
  const unread = sync.kvmArchGetRegisters().find(({ operation }) => operation === 'get');
  if (unread) return unread;
  const { vcpu, state, list } = sync;
  const values = new Map<bigint, bigint>();
  for (const position of sync.all.core) {
    const { id, words, store } = coreRegisters[position];
    store(state, one.words, 0);
    values.set(id, fromWords(one.words, words));
  }
  for (const [position, id] of list.cpregIndexes.entries()) values.set(id, list.cpregValues[position]);
  for (const id of sveIds(vcpu)) {
    const { value, errno } = getOne(vcpu, id);
    if (errno !== 0) return { name: idName(id), operation: 'get', errno, reason: errnoText(errno) };
    values.set(id, value);
  }
  return values;
}

/** Reads everything, and changes nothing. */
export function preSave(sync: CpuSync): CpuVmstate | SyncFailure {
  const values = registersOf(sync);
  if (!(values instanceof Map)) return values;
  const saved = [...sync.vcpu.registerIds].filter((id) => !hiddenRegisters.has(id));
  const strange = saved.find((id) => !values.has(id));
  if (strange !== undefined)
    return { name: idName(strange), operation: 'get', errno: 0, reason: 'the CPU state has no place for it' };
  const { serrorPending, serrorHasEsr, serrorEsr, extDabtPending } = sync.events!;
  const hasEsr = serrorPending && serrorHasEsr;
  return {
    registers: new Map(saved.map((id) => [id, values.get(id)!])),
    // KVM says of every event that it could have a syndrome. A machine that has none refuses that.
    events: { serrorPending, serrorHasEsr: hasEsr, serrorEsr: hasEsr ? serrorEsr : 0n, extDabtPending },
    mpState: sync.mpState,
  };
}

/** What came of a load. */
export interface Loaded {
  readonly obstacles: readonly Obstacle[];
  /** Registers that hold another value, and why nothing is lost. */
  readonly differing: readonly string[];
}

/**
 * KVM_ARM_VCPU_INIT, then the values into list and state, from there into the machine, and all of it read back. What the
 * CPU does not have is passed over. `level`: `full` for one CPU of a machine, `reset` for the others, because setting the
 * counters of one sets those of all.
 */
export function postLoad(sync: CpuSync, { registers, events, mpState }: CpuVmstate, level: SyncLevel): Loaded {
  sync.kvmArmResetVcpu();
  clearWhatIsOnlySet(sync);
  loadCore(sync, registers);
  loadList(sync, registers);
  sync.loadEvents(events, mpState);
  const refused = sync.kvmArchPutRegisters(level);
  // A core register ends the put: nothing can be said of the others.
  const isCore = refused.some(({ name, operation }) => operation === 'set' && coreNames.has(name));
  if (isCore) return { obstacles: refused.filter(({ name }) => coreNames.has(name)), differing: [] };
  const errnos = new Map(refused.map(({ name, errno }) => [name, errno]));
  yieldWhatIsHarmless(sync, registers);
  for (const id of sveIds(sync.vcpu)) {
    const errno = fixedRegisters.has(id) ? 0 : setOne(sync.vcpu, id, registers.get(id)!);
    if (errno !== 0) errnos.set(idName(id), errno);
  }
  const { obstacles, differing } = compare(sync, registers, errnos);
  // Nothing else tells whether events and run state were taken.
  const rest = refused.filter(({ operation }) => operation === 'set events' || operation === 'set run state');
  return { obstacles: [...rest, ...obstacles], differing };
}

const coreNames: ReadonlySet<string> = new Set(coreRegisters.map(({ name }) => name));

/** A value that is refused as a whole is tried again with the machine's own in bits that it may show in its own way. */
function yieldWhatIsHarmless({ vcpu, list }: CpuSync, registers: ReadonlyMap<bigint, bigint>): void {
  for (const [id, { bits }] of harmlessBits) {
    const value = registers.get(id);
    if (value === undefined || !list.cpregIndexes.includes(id)) continue;
    const { value: now } = getOne(vcpu, id);
    if (now !== value) setOne(vcpu, id, (value & ~bits) | (now & bits));
  }
}

/** What a reset leaves in these is UNKNOWN, and to their SET registers ones can only be added. */
function clearWhatIsOnlySet({ vcpu, list }: CpuSync): void {
  for (const id of clearRegisters) if (list.cpregIndexes.includes(id)) setOne(vcpu, id, ~0n);
}

function loadCore({ state, all }: CpuSync, registers: ReadonlyMap<bigint, bigint>): void {
  for (const position of all.core) {
    const { id, words, load } = coreRegisters[position];
    toWords(registers.get(id)!, one.words, words);
    load(state, one.words, 0);
  }
}

/** Hidden ones are left alone: an alias would put what it held over its register's new value. */
function loadList({ list, state }: CpuSync, registers: ReadonlyMap<bigint, bigint>): void {
  const loaded = list.all.filter((position) => {
    const id = list.cpregIndexes[position];
    return registers.has(id) && !hiddenRegisters.has(id);
  });
  for (const position of loaded) list.cpregValues[position] = registers.get(list.cpregIndexes[position])!;
  const held = loaded.filter((position) => list.cpregs[position].access !== 'unknown');
  writeListToCpuState(list, state, held);
}

/**
 * The registers that do not hold what was to be put. One that refused the value that it holds anyway is in nobody's way: a
 * CPU of another kind than the one that the vCPU was made on answers so for its caches.
 */
function compare(sync: CpuSync, registers: ReadonlyMap<bigint, bigint>, errnos: ReadonlyMap<string, number>): Loaded {
  const held = registersOf(sync);
  if (!(held instanceof Map)) return { obstacles: [held], differing: [] };
  const obstacles: Obstacle[] = [];
  const differing: string[] = [];
  for (const [id, value] of registers) {
    const now = held.get(id);
    if (now === undefined || hiddenRegisters.has(id)) continue;
    const name = idName(id);
    const errno = errnos.get(name) ?? 0;
    const uncompared = uncomparedBits.get(id) ?? 0n;
    const different = (value ^ now) & ~uncompared;
    if (different === 0n && (uncompared === 0n || errno === 0)) continue;
    const reason = harmlessReason(id, different, registers);
    if (reason === undefined) obstacles.push({ name, errno, values: { value, now } });
    else differing.push(`${name} ${hex(value)} is ${hex(now)} here (${reason})`);
  }
  return { obstacles, differing };
}

function harmlessReason(id: bigint, bits: bigint, registers: ReadonlyMap<bigint, bigint>): string | undefined {
  const harmless = harmlessBits.get(id);
  if (harmless && (bits & ~harmless.bits) === 0n) return harmless.reason;
  return safeWithout(id, (other) => registers.get(other));
}
