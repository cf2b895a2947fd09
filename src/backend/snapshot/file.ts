/** Snapshots in files: written whole or not at all, read within bounds. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { decodeSnapshot } from './decode.ts';
import { encodeSnapshot } from './encode.ts';
import { hasMagic, SnapshotError } from './format.ts';
import type { Snapshot } from './snapshot.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission denied',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is no directory',
  EISDIR: 'it is a directory',
};

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && reasons[code]) ?? message;
};

/** Errors of the file system are told; all others are mistakes of this program. */
function attempt<T>(verb: string, act: () => T): T | SnapshotError {
  try {
    return act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return new SnapshotError(`cannot be ${verb}: ${reasonOf(error)}`);
  }
}

/**
 * A file that is there is replaced only by one that is complete, and only if it is a snapshot itself: a debugger at the
 * other end of a connection shall not write over anything else. How many bytes were written, or why not.
 */
export function writeSnapshot(file: string, snapshot: Snapshot): number | SnapshotError {
  return attempt('written', () => {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there && !(there.isFile() && isSnapshot(file)))
      return new SnapshotError('is there already and is no snapshot: it is not written over');
    const temporary = `${file}.${randomBytes(4).toString('hex')}.new`;
    const descriptor = openSync(temporary, 'wx');
    try {
      let length = 0;
      for (const chunk of encodeSnapshot(snapshot)) length += writeAll(descriptor, chunk);
      fsyncSync(descriptor);
      renameSync(temporary, file);
      return length;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
  });
}

function writeAll(descriptor: number, chunk: Uint8Array): number {
  for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at);
  return chunk.length;
}

function isSnapshot(file: string): boolean {
  const start = new Uint8Array(8);
  const descriptor = openSync(file, 'r');
  try {
    return readSync(descriptor, start) === start.length && hasMagic(start);
  } finally {
    closeSync(descriptor);
  }
}

/** `longest`: a file with more bytes is not even begun. */
export function readSnapshot(file: string, longest: number): Snapshot | SnapshotError {
  return attempt('read', () => {
    // What is no file, as a pipe, shall not keep us waiting.
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = fstatSync(descriptor);
      if (!status.isFile()) return new SnapshotError('is no regular file');
      if (status.size > longest)
        return new SnapshotError(`has ${status.size} bytes, more than a snapshot of this machine can have`);
      return decodeSnapshot({ length: status.size, read: (into) => readSync(descriptor, into) });
    } finally {
      closeSync(descriptor);
    }
  });
}

/** As the server finds it, whatever directory its user thinks of. */
export const absolute = (file: string): string => path.resolve(file);
