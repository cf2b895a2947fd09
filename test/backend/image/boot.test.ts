import { describe, expect, test } from 'vitest';
import { type BootChoice, placeBoot } from '../../../src/backend/image/boot.ts';
import { type Image, ImageError } from '../../../src/backend/image/image.ts';

const MiB = 1n << 20n;
const ram = { start: 0x4000_0000n, length: 64n * MiB };
const hardware = { cpus: [0n], gic: 3, pmu: false } as const;

const image = (kind: Image['kind'], ...places: [offset: bigint, length: bigint][]): Image => ({
  kind,
  segments: places.map(([offset, length]) => ({ address: ram.start + offset, data: new Uint8Array(8), length })),
  entry: ram.start + (places[0]?.[0] ?? 0n),
});

/** Offsets in RAM, in the order in which they are put there; X0. */
function placed(what: Image, choice: BootChoice = {}): { pieces: string[]; x0: string } | string {
  const boot = placeBoot(what, ram, hardware, choice);
  if (boot instanceof ImageError) return boot.message;
  const pieces = boot.pieces.map(({ address, data }) => {
    const name = data === boot.tree ? 'tree' : data === choice.initrd ? 'disk' : 'image';
    return `${name} ${(address - ram.start).toString(16)}`;
  });
  return { pieces, x0: boot.x0.toString(16) };
}

const initrd = new Uint8Array(1000);

describe('a Linux kernel', () => {
  test('gets the tree behind its memory, the RAM disk behind that, and the address of the tree', () => {
    expect(placed(image('linux', [0n, 33n * MiB]), { initrd })).toEqual({
      pieces: ['image 0', 'tree 2200000', 'disk 2400000'],
      x0: '42200000',
    });
  });

  test.each<[kernel: bigint, disk: number, expected: string]>([
    [62n * MiB, 0, 'fits'],
    [60n * MiB, 2 << 20, 'fits'],
    [60n * MiB, (2 << 20) + 1, 'kernel, device tree and RAM disk need 65 MiB of RAM'],
    [63n * MiB, 0, 'kernel, device tree and RAM disk need 66 MiB of RAM'],
  ])('of %i bytes with a RAM disk of %i: %s', (kernel, disk, expected) => {
    const choice = disk > 0 ? { initrd: new Uint8Array(disk) } : {};
    const found = placed(image('linux', [0n, kernel]), choice);
    expect(typeof found === 'string' ? found : 'fits').toBe(expected);
  });
});

test.each<[what: string, image: Image, pieces: string[]]>([
  ['firmware', image('firmware'), ['tree 0']],
  ['an ELF file that leaves room', image('elf', [0x80000n, 100n]), ['image 80000', 'tree 0']],
  ['an ELF file at the start', image('elf', [0x80000n, 100n], [0x10n, 8n]), ['image 80000', 'image 10']],
  ['plain bytes', image('flat', [0n, 100n]), ['image 0']],
  ['nothing', image('flat'), []],
])('%s finds the tree at the start of RAM, where nothing else lies', (_what, file, pieces) => {
  expect(placed(file)).toEqual({ pieces, x0: '0' });
});

test('a device tree that is none', () => {
  expect(placed(image('linux', [0n, MiB]), { deviceTree: new Uint8Array(100) })).toBe(
    'the device tree cannot be used: it is no flattened device tree (.dtb)',
  );
});
