/**
 * The list of a machine's registers and its two ways to and from CpuState. The names are QEMU's (target/arm/helper.c);
 * what is different: nothing fails as one boolean. Each register that could not be carried over is named, and whether
 * a list -> state write succeeded is recorded for each.
 *
 * After every refill of the list, writeListToCpuState must run before writeCpuStateToList: a state that was not loaded
 * from the new list would be carried over it.
 */
import type { CpuState } from './cpu-state.ts';

/** A register belongs to the puts of its level and of every higher one. */
export type SyncLevel = 'runtime' | 'reset' | 'full';
const levelNumber: Readonly<Record<SyncLevel, number>> = { runtime: 1, reset: 2, full: 3 };

/** True if a put of `level` writes registers whose own level is `own`. */
export const levelIncludes = (level: SyncLevel, own: SyncLevel): boolean => levelNumber[own] <= levelNumber[level];

/** Raw access to a register's place in CpuState: no permissions, no side effects. A write may keep only some bits. */
export interface RawAccess {
  read(state: CpuState): bigint;
  write(state: CpuState, value: bigint): void;
}

/** One register of the list. */
export interface Cpreg {
  /** The machine's id: unsigned, opaque here. */
  readonly index: bigint;
  readonly name: string;
  readonly level: SyncLevel;
  /** Shows the storage of another register. */
  readonly alias?: boolean;
  /** `unknown`: CpuState has no place for it. `noRaw`: it has none that could be accessed without side effects. */
  readonly access: RawAccess | 'unknown' | 'noRaw';
}

/** How the last list -> state write of a register went; `never`: there was none. */
export type Synchronised = 'yes' | 'no' | 'never';

/** A register that was not carried over, and why. */
export interface CpregFailure {
  /** Position in the list. */
  readonly position: number;
  readonly name: string;
  readonly operation: 'list to state' | 'state to list';
  readonly reason: string;
}

/**
 * How state -> list decides whether a register may be synchronised. `record`: its last list -> state write read back.
 * `probe`: QEMU's way, which writes the list's value into the state again and looks whether it reads back now.
 */
export type SyncMode = 'record' | 'probe';

export class CpregList {
  readonly cpregs: readonly Cpreg[];
  /** The ids, ascending as unsigned numbers. */
  readonly cpregIndexes: BigUint64Array;
  /** The machine's value of each, as last read from it or written to it. */
  readonly cpregValues: BigUint64Array;
  /** Of each, the outcome of its last list -> state write. */
  readonly synchronised: Synchronised[];
  /** Every position. */
  readonly all: readonly number[];

  /** Throws if the ids do not ascend. */
  constructor(cpregs: readonly Cpreg[]) {
    for (let i = 1; i < cpregs.length; i++)
      if (cpregs[i].index <= cpregs[i - 1].index) throw new Error(`register list: ${cpregs[i].name} is out of order`);
    this.cpregs = cpregs;
    this.cpregIndexes = BigUint64Array.from(cpregs, (cpreg) => cpreg.index);
    this.cpregValues = new BigUint64Array(cpregs.length);
    this.synchronised = cpregs.map(() => 'never');
    this.all = cpregs.map((_, position) => position);
  }
}

const none: readonly CpregFailure[] = Object.freeze([]);

const failure = (
  list: CpregList,
  position: number,
  operation: CpregFailure['operation'],
  reason: string,
): CpregFailure => ({ position, name: list.cpregs[position].name, operation, reason });

const notInState = 'the CPU state has no place for it';

/** Loads the state from the list and records what read back. Returns the registers that did not. */
export function writeListToCpuState(
  list: CpregList,
  state: CpuState,
  positions: readonly number[] = list.all,
): readonly CpregFailure[] {
  let failures: CpregFailure[] | undefined;
  for (const position of positions) {
    const { access } = list.cpregs[position];
    if (access === 'noRaw') continue;
    if (access === 'unknown') {
      failures ??= [];
      failures.push(failure(list, position, 'list to state', notInState));
      continue;
    }
    const value = list.cpregValues[position];
    access.write(state, value);
    const stuck = access.read(state) === value;
    list.synchronised[position] = stuck ? 'yes' : 'no';
    if (stuck) continue;
    failures ??= [];
    failures.push(failure(list, position, 'list to state', 'the CPU state does not hold the value it was given'));
  }
  return failures ?? none;
}

/** Whether a changed register may be carried from the state to the list. The probe may leave the state changed. */
function maySynchronise(
  list: CpregList,
  state: CpuState,
  position: number,
  access: RawAccess,
  mode: SyncMode,
): boolean {
  if (mode === 'record') return list.synchronised[position] === 'yes';
  const value = access.read(state);
  const old = list.cpregValues[position];
  access.write(state, old);
  if (access.read(state) !== old) return false;
  access.write(state, value);
  return true;
}

/**
 * Collects the state into the list. With `kvmSync` only what changed, and only registers that synchronise (`mode`);
 * the others keep the list's value and are returned. Without it every register of the state is taken as it is.
 */
export function writeCpuStateToList(
  list: CpregList,
  state: CpuState,
  { kvmSync, mode = 'record' }: { readonly kvmSync: boolean; readonly mode?: SyncMode },
  positions: readonly number[] = list.all,
): readonly CpregFailure[] {
  let failures: CpregFailure[] | undefined;
  for (const position of positions) {
    const { access } = list.cpregs[position];
    if (access === 'noRaw' || (access === 'unknown' && kvmSync)) continue;
    if (access === 'unknown') {
      failures ??= [];
      failures.push(failure(list, position, 'state to list', notInState));
      continue;
    }
    const value = access.read(state);
    if (value === list.cpregValues[position]) continue;
    if (!kvmSync || maySynchronise(list, state, position, access, mode)) {
      list.cpregValues[position] = value;
      continue;
    }
    failures ??= [];
    failures.push(failure(list, position, 'state to list', 'its value was never loaded into the CPU state unchanged'));
  }
  return failures ?? none;
}
