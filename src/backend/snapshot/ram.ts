/** RAM into a snapshot and back, without the pages that hold only zeros. */
import type { PhysicalMemory } from '../vcpu.ts';
import { PAGE, type RamImage, type RamPiece } from './snapshot.ts';

/** So much is looked at in one go. No piece is longer. */
export const LONGEST_PIECE = 1 << 20;

const zeros = new Uint8Array(LONGEST_PIECE);

const isZero = (bytes: Uint8Array): boolean => Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;

/** Where a run of pages with something in them ends. */
function endOfRun(chunk: Uint8Array, from: number): number {
  let to = from;
  while (to < chunk.length && !isZero(chunk.subarray(to, to + PAGE))) to += PAGE;
  return to;
}

function saveChunk(chunk: Uint8Array, offset: number, pieces: RamPiece[]): void {
  if (isZero(chunk)) return;
  for (let at = 0; at < chunk.length; at += PAGE) {
    const end = endOfRun(chunk, at);
    if (end === at) continue;
    pieces.push({ offset: offset + at, data: chunk.slice(at, end) });
    at = end;
  }
}

/** `read`: RAM at a physical address as the guest would have it, without our breakpoints; it may reuse its array. */
export function saveRam(memory: PhysicalMemory, read: (address: bigint, length: number) => Uint8Array): RamImage[] {
  return memory.ranges.map(({ start, length }) => {
    const pieces: RamPiece[] = [];
    const total = Number(length);
    for (let at = 0; at < total; at += LONGEST_PIECE)
      saveChunk(read(start + BigInt(at), Math.min(LONGEST_PIECE, total - at)), at, pieces);
    return { start, length: total, pieces };
  });
}

/**
 * The ranges must be those of the memory. What is zero already is left alone: the host has perhaps given no memory for
 * it yet.
 */
export function restoreRam(memory: PhysicalMemory, images: readonly RamImage[]): void {
  for (const { start, length, pieces } of images) {
    let done = 0;
    for (const { offset, data } of pieces) {
      clear(memory, start, done, offset);
      const address = start + BigInt(offset);
      memory.view(address, data.length)?.set(data);
      memory.changed(address, data.length);
      done = offset + data.length;
    }
    clear(memory, start, done, length);
  }
}

/** Zeros from one offset up to another. */
function clear(memory: PhysicalMemory, start: bigint, from: number, to: number): void {
  for (let at = from; at < to; at += LONGEST_PIECE) {
    const length = Math.min(LONGEST_PIECE, to - at);
    const view = memory.view(start + BigInt(at), length);
    if (!view || isZero(view)) continue;
    view.fill(0);
    memory.changed(start + BigInt(at), length);
  }
}
