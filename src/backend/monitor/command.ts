/** What a command of `monitor` is, and what it may touch. */
import type { Outcome, Result } from '../../gdbstub/index.ts';
import type { GuestBreakpoints } from '../breakpoints.ts';
import type { ExecutionCpu, GuestExecution } from '../execution.ts';
import type { Journal } from '../journal.ts';
import type { GuestMemory } from '../memory.ts';
import type { GuestRegisters } from '../registers.ts';
import type { MachineState } from '../snapshot/machine-state.ts';
import type { SnapshotStore } from '../snapshot/store.ts';
import type { Machine } from '../vcpu.ts';

/** The guest as commands see it. */
export interface MonitorGuest {
  readonly machine: Machine;
  readonly cpus: readonly ExecutionCpu[];
  readonly journal: Journal;
  readonly registers: GuestRegisters;
  readonly memory: GuestMemory;
  readonly execution: GuestExecution;
  readonly breakpoints: GuestBreakpoints;
  readonly state: MachineState;
  readonly snapshots: SnapshotStore;
  reset(): Outcome;
}

export interface CommandContext {
  readonly guest: MonitorGuest;
  /** The CPU that the debugger looks at. */
  readonly cpu: ExecutionCpu;
}

export interface Command {
  readonly name: string;
  /** Its forms, as they are typed. */
  readonly usage: readonly string[];
  /** One sentence for the list. */
  readonly summary: string;
  /** More lines for `help NAME`. */
  readonly details?: readonly string[];
  /** Works while the guest runs in the background. */
  readonly whileRunning?: boolean;
  /** `argument`: what follows the name, trimmed. Undefined: the arguments are none of its forms. */
  run(context: CommandContext, argument: string): Result<string> | undefined;
}

/** 42, 0x2a or 0b101010; undefined for anything else. */
export function parseNumber(text: string): bigint | undefined {
  return /^(\d+|0x[\da-f]+|0b[01]+)$/i.test(text) && text.length <= 80 ? BigInt(text.toLowerCase()) : undefined;
}
