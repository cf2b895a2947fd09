import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSnapshot, type Snapshot, SnapshotError, writeSnapshot } from '../../../src/backend/index.ts';

const root = mkdtempSync(path.join(tmpdir(), 'snapshots-'));
let folder: string;
const place = (name: string): string => path.join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(path.join(root, 'each-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const snapshot = (fill: number): Snapshot => ({
  machine: 'simulator',
  time: 1,
  cpus: [
    {
      registers: new Map([[0x6030_0000_0010_0000n, BigInt(fill)]]),
      events: { serrorPending: false, serrorHasEsr: false, serrorEsr: 0n, extDabtPending: false },
      mpState: undefined,
    },
  ],
  devices: [],
  ram: [{ start: 0n, length: 1 << 21, pieces: [{ offset: 0, data: new Uint8Array(1 << 20).fill(fill) }] }],
});
const MORE = 1 << 22;

test('what was written is read', () => {
  const length = writeSnapshot(place('a.snap'), snapshot(1));
  expect(length).toBe(readFileSync(place('a.snap')).length);
  expect(readSnapshot(place('a.snap'), MORE)).toEqual(snapshot(1));
  expect(readdirSync(folder)).toEqual(['a.snap']);
});

test('a snapshot is replaced as a whole', () => {
  writeSnapshot(place('a.snap'), snapshot(1));
  expect(writeSnapshot(place('a.snap'), snapshot(2))).toBeGreaterThan(1 << 20);
  expect(readSnapshot(place('a.snap'), MORE)).toEqual(snapshot(2));
  expect(readdirSync(folder)).toEqual(['a.snap']);
});

describe('not written', () => {
  const there = 'is there already and is no snapshot: it is not written over';

  test.each<[name: string, prepare: () => string, message: string]>([
    [
      'over another file',
      () => {
        writeFileSync(place('keys'), 'precious');
        return place('keys');
      },
      there,
    ],
    [
      'over an empty file',
      () => {
        writeFileSync(place('empty'), '');
        return place('empty');
      },
      there,
    ],
    ['over a folder', () => folder, there],
    [
      'over a pipe',
      () => {
        execFileSync('mkfifo', [place('pipe')]);
        return place('pipe');
      },
      there,
    ],
    ['over a device', () => '/dev/null', there],
    [
      'through a link to another file',
      () => {
        writeFileSync(place('keys'), 'precious');
        symlinkSync(place('keys'), place('link'));
        return place('link');
      },
      there,
    ],
    [
      'into a folder that is not there',
      () => place('no/a.snap'),
      'cannot be written: there is no such file or directory',
    ],
    [
      'below a file',
      () => {
        writeFileSync(place('file'), 'precious');
        return place('file/a.snap');
      },
      'cannot be written: a part of the path is no directory',
    ],
    ['under a long name', () => place(`${'x'.repeat(300)}.snap`), 'cannot be written: ENAMETOOLONG'],
    ['under a name with a zero', () => place('a\0.snap'), 'cannot be written: '],
  ])('%s', (_, prepare, message) => {
    const file = prepare();
    const before = readdirSync(folder);
    const refused = writeSnapshot(file, snapshot(1));
    expect(refused).toBeInstanceOf(SnapshotError);
    expect((refused as SnapshotError).message).toContain(message);
    expect(readdirSync(folder)).toEqual(before);
    if (before.includes('keys')) expect(readFileSync(place('keys'), 'utf8')).toBe('precious');
  });
});

describe('not read', () => {
  test.each<[name: string, prepare: () => string, message: string]>([
    ['a file that is not there', () => place('a.snap'), 'cannot be read: there is no such file or directory'],
    ['a folder', () => folder, 'is no regular file'],
    [
      'a pipe that nobody writes to',
      () => {
        execFileSync('mkfifo', [place('pipe')]);
        return place('pipe');
      },
      'is no regular file',
    ],
    ['a device without an end', () => '/dev/zero', 'is no regular file'],
    [
      'a file that is too large',
      () => {
        writeFileSync(place('large'), Buffer.alloc(MORE + 1));
        return place('large');
      },
      `has ${MORE + 1} bytes, more than a snapshot of this machine can have`,
    ],
    [
      'another file',
      () => {
        mkdirSync(place('deep'));
        writeFileSync(place('deep/other'), 'x'.repeat(1000));
        return place('deep/other');
      },
      'is no snapshot',
    ],
  ])('%s', (_, prepare, message) => {
    expect(readSnapshot(prepare(), MORE)).toEqual(new SnapshotError(message));
  });
});
