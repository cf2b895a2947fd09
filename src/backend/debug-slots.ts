/**
 * Hardware breakpoints and watchpoints in the formats of the debug registers.
 *
 * Arm ARM DDI 0487, D2 "AArch64 Self-hosted Debug", DBGBCR<n>_EL1, DBGWCR<n>_EL1.
 */
import type { WatchKind } from '../gdbstub/index.ts';
import type { DebugSlot } from './vcpu.ts';

/** E, PMC = EL1 and EL0, all four bytes: DBGBCR<n>_EL1. */
const BREAK_CONTROL = 0x1e7n;
/** Bits of a virtual address that a value register holds; the bits above are copies of the highest. */
const ADDRESS_BITS = 53;
/** E and PAC = EL1 and EL0: DBGWCR<n>_EL1. */
const WATCH_CONTROL = 0x7n;
const loadStore: Readonly<Record<WatchKind, bigint>> = { read: 1n << 3n, write: 2n << 3n, access: 3n << 3n };
/** MASK ignores at most 31 bits of the address. */
export const LARGEST_WATCH = 1n << 31n;

const valueRegister = (address: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(ADDRESS_BITS, address));

/** A breakpoint at an instruction. */
export const breakSlot = (address: bigint): DebugSlot => ({ control: BREAK_CONTROL, value: valueRegister(address) });

/** A range of watched bytes inside one doubleword, by BAS. */
const bytesSlot = (kind: WatchKind, address: bigint, length: bigint): DebugSlot => ({
  control: WATCH_CONTROL | loadStore[kind] | ((((1n << length) - 1n) << (address & 7n)) << 5n),
  value: valueRegister(address & ~7n),
});

/** An aligned power of two of at least 8 bytes, by MASK; 8 bytes are a whole doubleword without one. */
const blockSlot = (kind: WatchKind, address: bigint, length: bigint): DebugSlot => {
  const bits = BigInt(length.toString(2).length - 1);
  return {
    control: WATCH_CONTROL | loadStore[kind] | (0xffn << 5n) | ((bits > 3n ? bits : 0n) << 24n),
    value: valueRegister(address),
  };
};

/** The fewest slots that watch exactly these bytes, from low to high. */
export function watchSlots(kind: WatchKind, address: bigint, length: bigint): DebugSlot[] {
  const slots: DebugSlot[] = [];
  let at = address;
  let rest = length;
  while (rest > 0n) {
    let size = 8n - (at & 7n);
    if (size < 8n || rest < 8n) {
      if (size > rest) size = rest;
      slots.push(bytesSlot(kind, at, size));
    } else {
      while (size * 2n <= rest && (at & (size * 2n - 1n)) === 0n && size < LARGEST_WATCH) size *= 2n;
      slots.push(blockSlot(kind, at, size));
    }
    at += size;
    rest -= size;
  }
  return slots;
}
