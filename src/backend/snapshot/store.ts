/** Snapshots by name, in this process's memory. Bounded: a debugger shall not fill the host. */
import type { Outcome } from '../../gdbstub/index.ts';
import { refuse } from '../errors.ts';
import { ramBytes, type Snapshot } from './snapshot.ts';

const MOST = 16;
/** In bytes of RAM, of all together. */
const MOST_BYTES = 2 ** 32;

export class SnapshotStore {
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #mostBytes: number;

  constructor(mostBytes: number = MOST_BYTES) {
    this.#mostBytes = mostBytes;
  }

  get(name: string): Snapshot | undefined {
    return this.#snapshots.get(name);
  }

  entries(): IterableIterator<[string, Snapshot]> {
    return this.#snapshots.entries();
  }

  /** Takes the place of one of the same name. */
  set(name: string, snapshot: Snapshot): Outcome {
    const others = [...this.#snapshots].filter(([other]) => other !== name);
    const bytes = others.reduce((sum, [, other]) => sum + ramBytes(other), ramBytes(snapshot));
    if (others.length >= MOST || bytes > this.#mostBytes) return refuse('SNAPSHOTS_FULL', MOST, this.#mostBytes);
    this.#snapshots.delete(name);
    this.#snapshots.set(name, snapshot);
    return undefined;
  }

  delete(name: string): boolean {
    return this.#snapshots.delete(name);
  }
}
