/** A whole machine into a snapshot and back: all of it or nothing. */
import { hex } from '../../arm/index.ts';
import { type Outcome, type Result, TargetError } from '../../gdbstub/index.ts';
import { errnoText, refuse } from '../errors.ts';
import { CoreId, idName } from '../kvm-ids.ts';
import type { CpuSync } from '../sync.ts';
import type { Machine } from '../vcpu.ts';
import { type Accounting, account, shortened } from './accounting.ts';
import { type Loaded, type Obstacle, postLoad, preSave } from './cpu-vmstate.ts';
import { restoreRam, saveRam } from './ram.ts';
import { CNTVCT_EL0 } from './register-rules.ts';
import type { CpuVmstate, DeviceState, Snapshot } from './snapshot.ts';

export interface MachineStateParts {
  readonly machine: Machine;
  readonly cpus: readonly { readonly sync: CpuSync }[];
  /** RAM without our breakpoints; may reuse its array. */
  readonly readRam: (address: bigint, length: number) => Uint8Array;
  /** The machine was made anew, and holds the same state as before. */
  readonly renewed: () => void;
  /** The machine holds another state: nothing that was known of it holds, and our breakpoints are gone from RAM. */
  readonly restored: () => void;
}

/** Names of what a restore passed over. */
export interface Restored {
  /** The snapshot does not have them: they hold their reset values. */
  readonly reset: readonly string[];
  /** This machine does not have them, or not with this value, and nothing is lost with that; with the reason. */
  readonly leftOut: readonly string[];
}

/** What a user should know of it, in lines. */
export const restoredNotes = ({ reset, leftOut }: Restored): string[] => [
  ...(reset.length > 0 ? [`not in the snapshot, and so as after a reset: ${reset.join(', ')}`] : []),
  ...(leftOut.length > 0 ? [`left out, because nothing is lost with it: ${leftOut.join(', ')}`] : []),
];

/** All but RAM. */
type State = Pick<Snapshot, 'cpus' | 'devices'>;

export class MachineState {
  readonly #parts: MachineStateParts;

  constructor(parts: MachineStateParts) {
    this.#parts = parts;
  }

  /** The machine as the guest would find it. Nothing changes. */
  save(): Result<Snapshot> {
    const { machine, readRam } = this.#parts;
    const state = this.#saveState();
    if (state instanceof TargetError) return state;
    return { machine: machine.name, time: Date.now(), ...state, ram: saveRam(machine.memory, readRam) };
  }

  #saveState(): Result<State> {
    const { machine } = this.#parts;
    const cpus: CpuVmstate[] = [];
    for (const { sync } of this.#parts.cpus) {
      const saved = preSave(sync);
      if ('operation' in saved)
        return refuse('REGISTER_UNREADABLE', saved.name, saved.errno === 0 ? saved.reason : errnoText(saved.errno));
      cpus.push(withVirtualTime(saved, machine.virtualTime));
    }
    const devices: DeviceState[] = [];
    for (const device of machine.devices ?? []) {
      const words = device.save();
      if (typeof words === 'string') return refuse('SNAPSHOT_DEVICE', device.name, words);
      devices.push({ name: device.name, mayBeLost: device.mayBeLost ?? false, words });
    }
    return { cpus, devices };
  }

  /**
   * Registers and devices first, because they may be refused: then the old ones are put back, and RAM was not touched.
   */
  restore(snapshot: Snapshot): Result<Restored> {
    const { machine, cpus, restored } = this.#parts;
    const unfit = misfit(machine, snapshot);
    if (unfit !== undefined) return refuse('SNAPSHOT_MACHINE', unfit);
    const accounts = cpus.map(({ sync }, i) => account(sync.vcpu.registerIds, snapshot.cpus[i].registers));
    // Without these a CPU cannot even be tried.
    const incomplete = accounts.some((each) => each.incomplete.length > 0) && refusal(accounts, []);
    if (incomplete) return incomplete;
    const before = this.#saveState();
    if (before instanceof TargetError) return before;
    machine.stopClock();
    const broken = machine.renew?.();
    if (broken !== undefined) return refuse('SNAPSHOT_NOT_UNDONE', broken);
    const loaded = this.#putCpus(snapshot);
    const refused = refusal(accounts, loaded) ?? this.#putDevices(snapshot);
    if (refused) return this.#putBack(before) ?? refused;
    restoreRam(machine.memory, snapshot.ram);
    restored();
    return notes(accounts[0], loaded[0], machine, snapshot);
  }

  #putCpus({ cpus }: State): Loaded[] {
    const { machine } = this.#parts;
    const loaded = this.#parts.cpus.map(({ sync }, i) => postLoad(sync, cpus[i], i === 0 ? 'full' : 'reset'));
    if (machine.virtualTime !== undefined) machine.virtualTime = cpus[0].registers.get(CNTVCT_EL0);
    return loaded;
  }

  #putDevices({ devices }: State): Outcome {
    for (const device of this.#parts.machine.devices ?? []) {
      const saved = devices.find(({ name }) => name === device.name);
      const wrong = saved ? device.restore(saved.words) : device.reset();
      if (typeof wrong === 'string') return refuse('SNAPSHOT_DEVICE', device.name, wrong);
    }
    return undefined;
  }

  /** The machine as it was. An error says that it is not. */
  #putBack(before: State): Outcome {
    const { machine, renewed } = this.#parts;
    const broken = machine.renew?.();
    if (broken !== undefined) return refuse('SNAPSHOT_NOT_UNDONE', broken);
    const failed = this.#putCpus(before).flatMap(({ obstacles }) => obstacles);
    const device = this.#putDevices(before);
    renewed();
    if (failed.length > 0) return refuse('SNAPSHOT_NOT_UNDONE', told(failed));
    return device && refuse('SNAPSHOT_NOT_UNDONE', device.message);
  }
}

/** While the clock stands still the counter of KVM goes on: the guest is to find it where it stood. */
function withVirtualTime(saved: CpuVmstate, time: bigint | undefined): CpuVmstate {
  if (time === undefined || !saved.registers.has(CNTVCT_EL0)) return saved;
  return { ...saved, registers: new Map(saved.registers).set(CNTVCT_EL0, time) };
}

const range = ({ start, length }: { start: bigint; length: bigint | number }): string =>
  `${hex(start)}..${hex(start + BigInt(length) - 1n)}`;

/** PSTATE.nRW and PSTATE.T. */
const T32 = 0x30n;

/** Why the machine cannot hold it, whatever its registers are. */
function misfit({ vcpus, memory, devices = [] }: Machine, snapshot: Snapshot): string | undefined {
  const { cpus, ram } = snapshot;
  if (cpus.length !== vcpus.length) return `it has ${cpus.length} CPUs, the machine ${vcpus.length}`;
  const [theirs, ours] = [ram, memory.ranges].map((ranges) => ranges.map(range).join(' '));
  if (theirs !== ours) return `its RAM is ${theirs || 'empty'}, the machine's ${ours}`;
  for (const [i, { registers, mpState = 0 }] of cpus.entries()) {
    const [pstate = 0n, pc = 0n] = [registers.get(CoreId.PSTATE), registers.get(CoreId.PC)];
    if ((pstate & T32) === T32 && pc & 1n) return `the pc ${hex(pc)} of CPU ${i} is odd, in T32 state`;
    if (mpState !== 0 && !vcpus[i].setMpState) return `CPU ${i} is not running there (run state ${mpState})`;
  }
  const known = new Set(devices.map(({ name }) => name));
  const lost = snapshot.devices.filter(({ name, mayBeLost }) => !mayBeLost && !known.has(name));
  return lost.length > 0 ? `the machine has no ${lost.map(({ name }) => name).join(', ')}` : undefined;
}

const valuesOf = ({ name, values }: Obstacle): string =>
  values ? `${name} ${hex(values.value)} (here ${hex(values.now)})` : name;

/** `not accepted (EINVAL, invalid value): A 0x1 (here 0x2), B ...`. */
function told(obstacles: readonly Obstacle[]): string {
  const errnos = [...new Set(obstacles.map(({ errno }) => errno))];
  return errnos
    .map((errno) => {
      const registers = obstacles.filter((obstacle) => obstacle.errno === errno).map(valuesOf);
      return `${errno === 0 ? 'not kept' : `not accepted (${errnoText(errno)})`}: ${registers.join(', ')}`;
    })
    .join('; ');
}

/** Every register that stands in the way, by name; undefined: there is none. */
function refusal(accounts: readonly Accounting[], loaded: readonly Loaded[]): TargetError | undefined {
  const clauses = accounts.flatMap(({ unknown, incomplete }, i) => {
    const obstacles = loaded[i]?.obstacles ?? [];
    const found = [
      unknown.length > 0 && `not known here: ${shortNames(unknown)}`,
      incomplete.length > 0 && `not in the snapshot: ${shortNames(incomplete)}`,
      obstacles.length > 0 && told(obstacles),
    ].filter((clause) => clause !== false);
    return found.length > 0 ? [`CPU ${i}: ${found.join('; ')}`] : [];
  });
  return clauses.length === 0 ? undefined : refuse('SNAPSHOT_REGISTERS', clauses.join('; '));
}

const shortNames = (ids: readonly bigint[]): string => shortened(ids.map(idName)).join(', ');

/** The CPUs of a machine are alike: the first one speaks for all. */
function notes(
  { missing, leftOut }: Accounting,
  { differing }: Loaded,
  machine: Machine,
  { devices }: Snapshot,
): Restored {
  const saved = new Set(devices.map(({ name }) => name));
  const known = new Set(machine.devices?.map(({ name }) => name));
  return {
    reset: [...shortened(missing.map(idName)), ...[...known].filter((name) => !saved.has(name))],
    leftOut: [
      ...leftOut.map(({ id, reason }) => `${idName(id)} (${reason})`),
      ...differing,
      ...[...saved].filter((name) => !known.has(name)),
    ],
  };
}
