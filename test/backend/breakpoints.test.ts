import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DebugSlot, GuestBreakpoints, Patches, watchSlots } from '../../src/backend/index.ts';
import type { WatchKind } from '../../src/gdbstub/index.ts';

/** The bytes that a slot watches, read from the manual: DBGWCR<n>_EL1, BAS and MASK. */
function watchedBytes({ control, value }: DebugSlot): [bigint, bigint] {
  const [bas, mask] = [(control >> 5n) & 0xffn, (control >> 24n) & 0x1fn];
  if (mask > 0n) {
    expect(bas).toBe(0xffn);
    expect(mask).toBeGreaterThanOrEqual(3n);
    expect(value & ((1n << mask) - 1n)).toBe(0n);
    return [value, 1n << mask];
  }
  const text = bas.toString(2).padStart(8, '0');
  // Contiguous ones, otherwise CONSTRAINED UNPREDICTABLE.
  expect(text).toMatch(/^0*1+0*$/);
  const first = 7 - text.lastIndexOf('1');
  return [value + BigInt(first), BigInt(text.replaceAll('0', '').length)];
}

describe('watchpoint slots', () => {
  test.each<[WatchKind, bigint, bigint, [bigint, bigint][]]>([
    ['write', 0x1000n, 8n, [[0x1ff7n, 0x1000n]]],
    ['read', 0x1000n, 8n, [[0x1fefn, 0x1000n]]],
    ['access', 0x1000n, 8n, [[0x1fffn, 0x1000n]]],
    ['write', 0x1003n, 1n, [[0x117n, 0x1000n]]],
    ['write', 0x1004n, 4n, [[0x1e17n, 0x1000n]]],
    [
      'write',
      0x1006n,
      4n,
      [
        [0x1817n, 0x1000n],
        [0x77n, 0x1008n],
      ],
    ],
    ['write', 0x1000n, 16n, [[0x4001ff7n, 0x1000n]]],
    ['write', 0x8000_0000n, 0x8000_0000n, [[0x1f001ff7n, 0x8000_0000n]]],
    ['write', 0xffff_8000_0000_1000n, 8n, [[0x1ff7n, 0xffff_8000_0000_1000n]]],
    // A tag in the top byte is not compared.
    ['write', 0x5a00_0000_0000_1000n, 8n, [[0x1ff7n, 0x1000n]]],
  ])('%s of %i, %i bytes', (kind, address, length, slots) => {
    const made = watchSlots(kind, address, length).map(({ control, value }) => [control, value]);
    // 0x1ff7 has E, PAC = 3, LSC = 2, BAS = 0xff.
    expect(made).toEqual(slots);
  });

  test('watch exactly the bytes, from low to high, and no other', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<WatchKind>('read', 'write', 'access'),
        fc.oneof(fc.bigInt({ min: 0n, max: 0x3000n }), fc.bigInt({ min: 0n, max: 1n << 40n })),
        fc.oneof(fc.bigInt({ min: 1n, max: 40n }), fc.bigInt({ min: 1n, max: 1n << 33n })),
        (kind, address, length) => {
          let next = address;
          for (const slot of watchSlots(kind, address, length)) {
            const [start, size] = watchedBytes(slot);
            expect(start).toBe(next);
            next += size;
            expect(slot.control & 7n).toBe(7n);
            expect((slot.control >> 3n) & 3n).toBe({ read: 1n, write: 2n, access: 3n }[kind]);
          }
          expect(next).toBe(address + length);
        },
      ),
    );
  });
});

describe('hardware slots', () => {
  const make = (hardwareBreakpoints = 6, hardwareWatchpoints = 4) =>
    new GuestBreakpoints({
      patches: new Patches({ ranges: [], view: () => undefined, changed: () => undefined }),
      hardwareBreakpoints,
      hardwareWatchpoints,
      translate: () => undefined,
      unavailable: () => undefined,
    });

  test('a breakpoint compares all four bytes, at EL0 and EL1, with a sign-extended address', () => {
    const breakpoints = make();
    breakpoints.insert('hardware', 0xffff_8000_0000_1000n, 4);
    breakpoints.insert('hardware', 0x4000_1000n, 4);
    expect(breakpoints.breakpointSlots()).toEqual([
      { control: 0x1e7n, value: 0xffff_8000_0000_1000n },
      { control: 0x1e7n, value: 0x4000_1000n },
    ]);
    expect(breakpoints.breakpointSlots(0x4000_1000n)).toHaveLength(1);
  });

  test('a machine without them does not offer them', () => {
    expect(make(0, 0).kinds).toEqual(['software']);
    expect(make(1, 0).kinds).toEqual(['software', 'hardware']);
    expect(make().kinds).toEqual(['software', 'hardware', 'write', 'read', 'access']);
    expect(make().watchpointCount).toBe(4);
  });

  test.each<[bigint, boolean, bigint | undefined]>([
    [0x1000n, true, 0x1000n],
    [0x1007n, true, 0x1000n],
    [0x1000n, false, 0x2000n],
    // An access that began below: STP, DC ZVA.
    [0xff8n, true, 0x1000n],
    [0x3fc0n, true, 0x4000n],
    [0x2001n, false, 0x2000n],
  ])('an access at %i, write %s', (far, write, address) => {
    const breakpoints = make();
    expect(breakpoints.watchpointAt(far, write)).toBeUndefined();
    breakpoints.insert('write', 0x1000n, 8);
    breakpoints.insert('write', 0x4000n, 8);
    breakpoints.insert('read', 0x2000n, 4);
    expect(breakpoints.watchpointAt(far, write)?.address).toBe(address);
  });

  test('kinds and lengths are different watchpoints; the same one is one', () => {
    const breakpoints = make();
    for (const [kind, length] of [
      ['write', 8],
      ['write', 8],
      ['read', 8],
      ['write', 4],
    ] as const)
      expect(breakpoints.insert(kind, 0x1000n, length)).toBeUndefined();
    expect(breakpoints.watchpointSlots()).toHaveLength(3);
    breakpoints.remove('write', 0x1000n, 8);
    expect(breakpoints.watchpointSlots()).toHaveLength(2);
    breakpoints.removeAll();
    expect(breakpoints.none).toBe(true);
  });
});
