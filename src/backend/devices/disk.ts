/** Disks that lie in files of the host. */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { joined } from './words.ts';

export interface Disk {
  /** In bytes. */
  readonly size: number;
  readonly readOnly: boolean;
  /** The whole buffer. False: the host could not. */
  read(buffer: Uint8Array, position: number): boolean;
  write(buffer: Uint8Array, position: number): boolean;
  /** What was written is safe now. */
  flush(): boolean;
  /** What differs from the file: pieces with their numbers. A string: why that cannot be told. */
  save(): BigUint64Array | string;
  /** A string: why it cannot be had again. */
  restore(words: BigUint64Array): string | undefined;
  close(): void;
}

function readFully(file: number, buffer: Uint8Array, position: number): boolean {
  try {
    for (let done = 0; done < buffer.length; ) {
      const count = readSync(file, buffer, done, buffer.length - done, position + done);
      // The file has become shorter.
      if (count === 0) return false;
      done += count;
    }
    return true;
  } catch {
    return false;
  }
}

function writeFully(file: number, buffer: Uint8Array, position: number): boolean {
  try {
    for (let done = 0; done < buffer.length; )
      done += writeSync(file, buffer, done, buffer.length - done, position + done);
    return true;
  } catch {
    return false;
  }
}

/** A file as it is: what the guest writes is in it. Throws as the file system does. */
export class FileDisk implements Disk {
  readonly size: number;
  readonly readOnly: boolean;
  private readonly file: number;

  constructor(name: string, readOnly: boolean) {
    this.readOnly = readOnly;
    this.file = openSync(name, readOnly ? 'r' : 'r+');
    this.size = fstatSync(this.file).size;
  }

  read(buffer: Uint8Array, position: number): boolean {
    return readFully(this.file, buffer, position);
  }

  write(buffer: Uint8Array, position: number): boolean {
    return !this.readOnly && writeFully(this.file, buffer, position);
  }

  flush(): boolean {
    try {
      fsyncSync(this.file);
      return true;
    } catch {
      return false;
    }
  }

  save(): BigUint64Array | string {
    return this.readOnly
      ? new BigUint64Array()
      : 'its file is written to, and would not go back with the machine: snapshot=on keeps it';
  }

  restore(words: BigUint64Array): string | undefined {
    return words.length === 0 ? undefined : 'the disk was another one';
  }

  close(): void {
    closeSync(this.file);
  }
}

const CLUSTER = 1 << 16;
const CLUSTER_WORDS = CLUSTER / 8;
/** More changed bytes than this are not put into a snapshot. */
const MOST_SAVED = 256 << 20;

/** A file that stays as it is: what the guest writes goes to a file that nobody sees, and is forgotten. */
export class OverlayDisk implements Disk {
  readonly size: number;
  readonly readOnly = false;
  private readonly base: Disk;
  private readonly overlay: number;
  /** Clusters that lie in the overlay. */
  private readonly changed = new Set<number>();

  constructor(base: Disk) {
    this.base = base;
    this.size = base.size;
    const name = path.join(tmpdir(), `arm-gdbstub-overlay-${process.pid}-${Date.now()}-${overlays++}`);
    this.overlay = openSync(name, 'wx+', 0o600);
    unlinkSync(name);
  }

  read(buffer: Uint8Array, position: number): boolean {
    return this.eachCluster(buffer, position, (part, at, cluster) =>
      this.changed.has(cluster) ? readFully(this.overlay, part, at) : this.base.read(part, at),
    );
  }

  write(buffer: Uint8Array, position: number): boolean {
    return this.eachCluster(
      buffer,
      position,
      (part, at, cluster) => this.own(cluster) && writeFully(this.overlay, part, at),
    );
  }

  flush(): boolean {
    return true;
  }

  /** The number of each changed cluster, and what it holds. */
  save(): BigUint64Array | string {
    if (this.changed.size * CLUSTER > MOST_SAVED) return 'more than 256 MiB of its disk were changed';
    const parts: BigUint64Array[] = [];
    for (const cluster of this.changed) {
      const bytes = new Uint8Array(CLUSTER);
      const length = Math.min(CLUSTER, this.size - cluster * CLUSTER);
      if (!readFully(this.overlay, bytes.subarray(0, length), cluster * CLUSTER)) return 'its disk cannot be read';
      parts.push(BigUint64Array.of(BigInt(cluster)), new BigUint64Array(bytes.buffer));
    }
    return joined(parts);
  }

  restore(words: BigUint64Array): string | undefined {
    if (words.length % (1 + CLUSTER_WORDS) !== 0) return 'the disk was another one';
    const clusters: [number, Uint8Array][] = [];
    for (let at = 0; at < words.length; at += 1 + CLUSTER_WORDS) {
      const number = words[at];
      if (number * BigInt(CLUSTER) >= BigInt(this.size)) return 'the disk was a larger one';
      clusters.push([Number(number), new Uint8Array(words.slice(at + 1, at + 1 + CLUSTER_WORDS).buffer)]);
    }
    this.changed.clear();
    for (const [cluster, bytes] of clusters) {
      if (!writeFully(this.overlay, bytes, cluster * CLUSTER)) return 'the host has no room for what was changed';
      this.changed.add(cluster);
    }
    return undefined;
  }

  close(): void {
    closeSync(this.overlay);
    this.base.close();
  }

  /** Copies a cluster into the overlay, once. */
  private own(cluster: number): boolean {
    if (this.changed.has(cluster)) return true;
    const at = cluster * CLUSTER;
    const bytes = new Uint8Array(Math.min(CLUSTER, this.size - at));
    if (!this.base.read(bytes, at) || !writeFully(this.overlay, bytes, at)) return false;
    this.changed.add(cluster);
    return true;
  }

  private eachCluster(
    buffer: Uint8Array,
    position: number,
    act: (part: Uint8Array, at: number, cluster: number) => boolean,
  ): boolean {
    for (let done = 0; done < buffer.length; ) {
      const at = position + done;
      const length = Math.min(buffer.length - done, CLUSTER - (at % CLUSTER));
      if (!act(buffer.subarray(done, done + length), at, Math.floor(at / CLUSTER))) return false;
      done += length;
    }
    return true;
  }
}

let overlays = 0;
