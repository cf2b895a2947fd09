/** `monitor snapshot`: the machine into memory or a file, and back. */
import { TargetError } from '../../gdbstub/index.ts';
import { refuse } from '../errors.ts';
import { absolute, readSnapshot, writeSnapshot } from '../snapshot/file.ts';
import { SnapshotError } from '../snapshot/format.ts';
import { restoredNotes } from '../snapshot/machine-state.ts';
import { ramBytes, type Snapshot } from '../snapshot/snapshot.ts';
import type { Command, CommandContext } from './command.ts';
import { halted } from './machine.ts';

/** What is no name is a path. */
const isName = (text: string): boolean => /^[\w-]{1,40}$/.test(text);

/** A file's registers, devices and heads of pieces beside its RAM are never more. */
const OVERHEAD = 2 ** 26;

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function save({ guest }: CommandContext, place: string): string | TargetError {
  const snapshot = guest.state.save();
  if (snapshot instanceof TargetError) return snapshot;
  if (isName(place)) {
    return guest.snapshots.set(place, snapshot) ?? `saved as ${place}: RAM ${mebibytes(ramBytes(snapshot))}\n`;
  }
  const file = absolute(place);
  const written = writeSnapshot(file, snapshot);
  return written instanceof SnapshotError
    ? refuse('SNAPSHOT_FILE', file, written.message)
    : `saved in ${file}: ${mebibytes(written)}\n`;
}

function find({ guest }: CommandContext, place: string): Snapshot | TargetError {
  if (isName(place)) return guest.snapshots.get(place) ?? refuse('SNAPSHOT_UNKNOWN', place);
  const file = absolute(place);
  const ram = guest.machine.memory.ranges.reduce((sum, { length }) => sum + Number(length), 0);
  const snapshot = readSnapshot(file, ram + OVERHEAD);
  return snapshot instanceof SnapshotError ? refuse('SNAPSHOT_FILE', file, snapshot.message) : snapshot;
}

function restore(context: CommandContext, place: string): string | TargetError {
  const snapshot = find(context, place);
  if (snapshot instanceof TargetError) return snapshot;
  const restored = context.guest.state.restore(snapshot);
  if (restored instanceof TargetError) return restored;
  return `restored ${place}; ${halted(context.guest)}${[...restoredNotes(restored), CACHES].join('\n')}\n`;
}

const CACHES =
  'gdb still shows what it has read before: maint flush register-cache (and maint flush dcache); lldb until the next stop';

function list({ guest }: CommandContext): string {
  const lines = [...guest.snapshots.entries()].map(([name, snapshot]) => {
    const time = new Date(snapshot.time).toISOString().slice(0, 19).replace('T', ' ');
    return `${name}  ${time} UTC, ${snapshot.machine}, RAM ${mebibytes(ramBytes(snapshot))}\n`;
  });
  return lines.join('') || 'there is no snapshot in memory\n';
}

export const snapshot: Command = {
  name: 'snapshot',
  usage: ['snapshot save NAME|FILE', 'snapshot restore NAME|FILE', 'snapshot list', 'snapshot delete NAME'],
  summary: 'Keep the state of the machine, and go back to it',
  details: [
    'A NAME is kept in memory as long as this program runs; what has a / or a . in it is a FILE.',
    'Breakpoints are not part of it: those that are inserted stay inserted.',
    'A snapshot that does not fit the machine is refused, and nothing changes: docs/SNAPSHOTS.md.',
  ],
  run(context, argument) {
    const [, verb, place] = /^(\w+)\s*(.*)$/.exec(argument) ?? [];
    if (verb === 'list' && place === '') return list(context);
    if (!place) return undefined;
    if (verb === 'save') return save(context, place);
    if (verb === 'restore') return restore(context, place);
    if (verb !== 'delete') return undefined;
    return context.guest.snapshots.delete(place) ? `${place} is gone\n` : refuse('SNAPSHOT_UNKNOWN', place);
  },
};
