import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { FileDisk, OverlayDisk } from '../../../src/backend/devices/disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'disk-'));
const file = join(folder, 'disk.img');
const SIZE = 300 << 10;
const content = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
beforeEach(() => writeFileSync(file, content));
afterAll(() => rmSync(folder, { recursive: true }));

test('a file is read and written; one that is only read is not', () => {
  const disk = new FileDisk(file, false);
  const buffer = new Uint8Array(1000);
  expect([disk.size, disk.read(buffer, 70_000)]).toEqual([SIZE, true]);
  expect(buffer).toEqual(content.slice(70_000, 71_000));
  expect([disk.write(Uint8Array.of(1, 2, 3), 5), disk.flush()]).toEqual([true, true]);
  expect([...readFileSync(file).subarray(4, 9)]).toEqual([content[4], 1, 2, 3, content[8]]);
  expect(disk.save()).toContain('snapshot=on');
  disk.close();
  const other = new FileDisk(file, true);
  expect([other.write(Uint8Array.of(9), 0), other.save()]).toEqual([false, new BigUint64Array()]);
  truncateSync(file, 100);
  expect(other.read(buffer, 0)).toBe(false);
  other.close();
});

test('an overlay holds what was written, and the file stays as it is', () => {
  const access = fc.tuple(fc.boolean(), fc.nat(SIZE - 1), fc.nat(150_000), fc.nat(255));
  fc.assert(
    fc.property(fc.array(access, { maxLength: 12 }), (accesses) => {
      const disk = new OverlayDisk(new FileDisk(file, true));
      const expected = Uint8Array.from(content);
      for (const [isWrite, position, wanted, value] of accesses) {
        const length = Math.min(wanted, SIZE - position);
        if (isWrite) {
          expected.fill(value, position, position + length);
          expect(disk.write(new Uint8Array(length).fill(value), position)).toBe(true);
        }
        const buffer = new Uint8Array(length);
        expect(disk.read(buffer, position)).toBe(true);
        expect(Buffer.compare(buffer, expected.subarray(position, position + length))).toBe(0);
      }
      // The same on another machine.
      const other = new OverlayDisk(new FileDisk(file, true));
      other.write(Uint8Array.of(1, 2, 3), 200_000);
      expect(other.restore(disk.save() as BigUint64Array)).toBeUndefined();
      const all = new Uint8Array(SIZE);
      other.read(all, 0);
      expect(Buffer.compare(all, expected)).toBe(0);
      disk.close();
      other.close();
    }),
    { numRuns: 30 },
  );
  expect(Buffer.compare(readFileSync(file), content)).toBe(0);
});

test('states that are not those of the disk are refused', () => {
  const disk = new OverlayDisk(new FileDisk(file, true));
  expect(disk.restore(BigUint64Array.of(1n))).toBe('the disk was another one');
  expect(disk.restore(new BigUint64Array(8193).fill(99n))).toBe('the disk was a larger one');
  disk.close();
});
