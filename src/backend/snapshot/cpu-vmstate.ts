/**
 * One CPU into a snapshot and back: QEMU's cpu_pre_save and cpu_post_load (target/arm/machine.c) on the state path. What
 * is different: the reset comes with the load, so that nothing is left of what was before; every register that stands in
 * the way is named; and only reading back tells whether the machine took the values.
 */
import { type SyncLevel, writeListToCpuState } from '../../arm/index.ts';
import { coreRegisters } from '../core-registers.ts';
import { errnoText } from '../errors.ts';
import { idGroup, idName, idWords } from '../kvm-ids.ts';
import type { CpuSync, SyncFailure } from '../sync.ts';
import type { Vcpu } from '../vcpu.ts';
import { clearRegisters, fixedRegisters, hiddenRegisters, uncomparedBits } from './register-rules.ts';
import type { CpuVmstate } from './snapshot.ts';

/** A register that stands in the way, and why. */
export interface Obstacle {
  readonly name: string;
  readonly reason: string;
  /** Of Linux; 0 where no call failed. */
  readonly errno: number;
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

/**
 * KVM_ARM_VCPU_INIT, then the values into list and state, from there into the machine, and all of it read back. What the
 * CPU does not have is passed over. `level`: `full` for one CPU of a machine, `reset` for the others, because setting the
 * counters of one sets those of all.
 */
export function postLoad(sync: CpuSync, { registers, events, mpState }: CpuVmstate, level: SyncLevel): Obstacle[] {
  sync.kvmArmResetVcpu();
  const { vcpu, state, list } = sync;
  // What a reset leaves in these is UNKNOWN, and to their SET registers ones can only be added.
  for (const id of clearRegisters) if (list.cpregIndexes.includes(id)) setOne(vcpu, id, ~0n);
  for (const position of sync.all.core) {
    const { id, words, load } = coreRegisters[position];
    toWords(registers.get(id)!, one.words, words);
    load(state, one.words, 0);
  }
  const loaded = list.all.filter((position) => registers.has(list.cpregIndexes[position]));
  for (const position of loaded) list.cpregValues[position] = registers.get(list.cpregIndexes[position])!;
  writeListToCpuState(
    list,
    state,
    loaded.filter((position) => list.cpregs[position].access !== 'unknown'),
  );
  sync.loadEvents(events, mpState);
  const refused = sync.kvmArchPutRegisters(level);
  const errnos = new Map(refused.filter(({ errno }) => errno !== 0).map(({ name, errno }) => [name, errno]));
  for (const id of sveIds(vcpu)) {
    const errno = fixedRegisters.has(id) ? 0 : setOne(vcpu, id, registers.get(id)!);
    if (errno !== 0) errnos.set(idName(id), errno);
  }
  return [...putFailures(refused), ...compare(sync, registers, errnos)];
}

/** Events and run state: nothing else tells whether they were taken. */
const putFailures = (refused: readonly SyncFailure[]): Obstacle[] =>
  refused
    .filter(({ operation }) => operation === 'set events' || operation === 'set run state')
    .map(({ name, errno }) => ({ name, errno, reason: errnoText(errno) }));

/**
 * The registers that do not hold what was put. One that refused the value that it holds anyway is in nobody's way: a CPU
 * of another kind than the one that the vCPU was made on answers so for its caches.
 */
function compare(
  sync: CpuSync,
  registers: ReadonlyMap<bigint, bigint>,
  errnos: ReadonlyMap<string, number>,
): Obstacle[] {
  const held = registersOf(sync);
  if (!(held instanceof Map)) return [{ name: held.name, errno: held.errno, reason: errnoText(held.errno) }];
  const obstacles: Obstacle[] = [];
  for (const [id, value] of registers) {
    const now = held.get(id);
    if (now === undefined || hiddenRegisters.has(id)) continue;
    const name = idName(id);
    const errno = errnos.get(nameInState(id)) ?? 0;
    const uncompared = uncomparedBits.get(id) ?? 0n;
    const differs = ((value ^ now) & ~uncompared) !== 0n;
    if (!differs && !(uncompared !== 0n && errno !== 0)) continue;
    const why = errno === 0 ? '' : `, ${errnoText(errno)}`;
    obstacles.push({ name, errno, reason: `0x${value.toString(16)} is 0x${now.toString(16)} here${why}` });
  }
  return obstacles;
}

const coreNames = new Map(coreRegisters.map(({ id, name }) => [id, name]));
/** As the state path reports it. */
const nameInState = (id: bigint): string => coreNames.get(id) ?? idName(id);
