/** What is mapped around a virtual address, for lldb's `memory region`. */
import { Access, FaultStatus, newTranslationResult, TRANSLATED, type TranslationResult } from '../arm/index.ts';
import type { MemoryRegion } from '../gdbstub/index.ts';
import type { CpuTranslation } from './translation.ts';
import type { PhysicalMemory } from './vcpu.ts';

const PAGE = 4096n;
const END = 1n << 64n;
/** A region is told in part if it is longer than this many pieces. */
const LONGEST = 1 << 16;

/** Of a region: equal pieces make one. */
type Kind = Omit<MemoryRegion, 'start' | 'length'>;

interface Piece {
  readonly kind: Kind;
  readonly length: bigint;
}

const nothing: Kind = { readable: false, writable: false, executable: false, mapped: false };

const same = (a: Kind, b: Kind): boolean =>
  a.name === b.name && a.readable === b.readable && a.writable === b.writable && a.executable === b.executable;

/** How far nothing can be mapped, as the level of the walk tells at which it ended. */
function holeLength(translation: CpuTranslation, address: bigint, level: number): bigint {
  const { halves } = translation.regime();
  const upper = (address >> 55n) & 1n;
  const { grain, inputBits, startLevel } = halves[upper ? 1 : 0];
  const [lowEnd, highStart] = [1n << BigInt(halves[0].inputBits), END - (1n << BigInt(halves[1].inputBits))];
  if (address >= lowEnd && address < highStart) return highStart - address;
  const shift = level < startLevel ? inputBits : grain + (3 - level) * (grain - 3);
  const size = 1n << BigInt(shift);
  return size - (address & (size - 1n));
}

function pieceAt(
  translation: CpuTranslation,
  memory: PhysicalMemory,
  address: bigint,
  result: TranslationResult,
): Piece {
  const status = translation.walk(address, Access.read, true, false, result);
  const physical = translation.translate(address);
  const rest = PAGE - (address & (PAGE - 1n));
  if (physical === undefined) {
    const isHole = (status & ~3) === FaultStatus.translation;
    return { kind: nothing, length: isHole ? holeLength(translation, address, status & 3) : rest };
  }
  const ram = memory.view(BigInt(physical), 1) !== undefined;
  // Without the access flag every access faults, though a debugger can look.
  const usable = status === TRANSLATED;
  const kind: Kind = {
    readable: usable && ram && result.readable,
    writable: usable && ram && result.writable,
    executable: usable && result.executable,
    mapped: true,
    name: ram ? 'ram' : 'device',
  };
  return { kind, length: rest };
}

/** Without the MMU the RAM and the holes between are the regions. */
function flatRegion(memory: PhysicalMemory, address: bigint): MemoryRegion {
  let start = 0n;
  for (const range of memory.ranges) {
    if (address < range.start) return hole(start, range.start);
    start = range.start + range.length;
    if (address < start)
      return {
        start: range.start,
        length: range.length,
        readable: true,
        writable: true,
        executable: true,
        mapped: true,
        name: 'ram',
      };
  }
  return hole(start, END);
}

const hole = (start: bigint, end: bigint): MemoryRegion => ({ ...nothing, start, length: end - start });

/** What EL1 may do there. A region begins with the page of the address. */
export function memoryRegion(translation: CpuTranslation, memory: PhysicalMemory, address: bigint): MemoryRegion {
  if (!translation.regime().enabled) return flatRegion(memory, address);
  const result = newTranslationResult();
  const start = address & ~(PAGE - 1n);
  const first = pieceAt(translation, memory, start, result);
  let end = start + first.length;
  for (let pieces = 1; pieces < LONGEST && end < END; pieces++) {
    const piece = pieceAt(translation, memory, end, result);
    if (!same(piece.kind, first.kind)) break;
    end += piece.length;
  }
  return { ...first.kind, start, length: (end < END ? end : END) - start };
}
