/** What a snapshot holds: a machine that stands still, as plain values. docs/SNAPSHOTS.md tells the rules. */
import type { VcpuEvents } from '../vcpu.ts';

export interface Snapshot {
  /** The kind of machine that was saved. */
  readonly machine: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly cpus: readonly CpuVmstate[];
  readonly devices: readonly DeviceState[];
  readonly ram: readonly RamImage[];
}

/** What QEMU calls the vmstate of a CPU. */
export interface CpuVmstate {
  /** Values by KVM's ids, ascending as unsigned numbers. A value has as many bytes as its id says. */
  readonly registers: ReadonlyMap<bigint, bigint>;
  readonly events: VcpuEvents;
  /** KVM_GET_MP_STATE, where the machine had one. */
  readonly mpState: number | undefined;
}

/** The words of a StatefulDevice. */
export interface DeviceState {
  readonly name: string;
  readonly mayBeLost: boolean;
  readonly words: BigUint64Array;
}

/** A range of RAM without its pages of zeros. */
export interface RamImage {
  readonly start: bigint;
  /** In bytes, a multiple of PAGE. */
  readonly length: number;
  /** Ascending, without overlap; offsets and lengths are multiples of PAGE. */
  readonly pieces: readonly RamPiece[];
}

export interface RamPiece {
  /** From the start of the range, in bytes. */
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Pages are left out that hold only zeros. */
export const PAGE = 4096;

/** In bytes. */
export const ramBytes = ({ ram }: Snapshot): number =>
  ram.reduce((sum, { pieces }) => pieces.reduce((all, { data }) => all + data.length, sum), 0);
