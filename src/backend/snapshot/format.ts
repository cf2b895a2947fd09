/** The file of a snapshot: docs/SNAPSHOTS.md has its layout. */

export const VERSION = 1n;
/** In bytes: SHA-256, the last of the file. */
export const DIGEST = 32;
export const MAGIC = Uint8Array.from('ARMSNAP\x1a', (character) => character.charCodeAt(0));
/** Magic, version, length of the file. */
export const START = 24;
/** In place of a run state: the machine has none. */
export const NO_MP_STATE = (1n << 64n) - 1n;

/** Whether a file begins as a snapshot does. */
export const hasMagic = (start: Uint8Array): boolean => MAGIC.every((byte, i) => start[i] === byte);

/** Why bytes are no snapshot, or a file cannot be had: a clause, with the file as its subject. */
export class SnapshotError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}
