import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Board, completedTree, deviceTree, RAM_BASE } from '../../src/backend/board.ts';
import { cells64, flatten, type Node, parseTree } from '../../src/backend/fdt.ts';

/** A reader of its own, by the specification: properties as bytes by path. */
function read(blob: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const [magic, total, structure, strings, reserved, version, compatible, bootCpu, stringBytes, structureBytes] =
    Array.from({ length: 10 }, (_, n) => view.getUint32(4 * n));
  expect([magic, total, version, compatible, bootCpu]).toEqual([0xd00dfeed, blob.length, 17, 16, 0]);
  expect([reserved % 8, structure % 4, strings + stringBytes, structure + structureBytes]).toEqual([
    0,
    0,
    total,
    strings,
  ]);
  expect(blob.subarray(reserved, reserved + 16).every((byte) => byte === 0)).toBe(true);
  const text = (at: number) => Buffer.from(blob.subarray(at, blob.indexOf(0, at))).toString();
  const found = new Map<string, Uint8Array>();
  const path: string[] = [];
  const aligned = (at: number) => (at + 3) & ~3;
  for (let at = structure; ; ) {
    const token = view.getUint32(at);
    at += 4;
    if (token === 1) {
      const name = text(at);
      path.push(name);
      at = aligned(at + name.length + 1);
    } else if (token === 2) path.pop();
    else if (token === 3) {
      const length = view.getUint32(at);
      const name = text(strings + view.getUint32(at + 4));
      found.set([...path, name].join('/'), blob.subarray(at + 8, at + 8 + length));
      at = aligned(at + 8 + length);
    } else {
      expect([token, path, at]).toEqual([9, [], structure + structureBytes]);
      return found;
    }
  }
}

const ascii = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
const words = (bytes: Uint8Array | undefined) =>
  Array.from({ length: (bytes?.length ?? 0) / 4 }, (_, n) => Buffer.from(bytes!).readUInt32BE(4 * n));

describe('flatten', () => {
  test('an empty tree', () => {
    expect(read(flatten({ properties: {} })).size).toBe(0);
  });

  test('properties of every kind, names that are shared, nodes in nodes', () => {
    const tree: Node = {
      properties: { cells: [1, 0xffff_ffff], text: 'abc', list: ['a', 'bc'], empty: true, none: [] },
      children: { 'inner@1': { properties: { text: 'd' }, children: { leaf: { properties: { cells: [2] } } } } },
    };
    const found = read(flatten(tree));
    expect(words(found.get('/cells'))).toEqual([1, 0xffff_ffff]);
    expect([found.get('/empty')?.length, found.get('/none')?.length]).toEqual([0, 0]);
    expect([ascii(found.get('/text')), ascii(found.get('/list')), ascii(found.get('/inner@1/text'))]).toEqual([
      'abc\0',
      'a\0bc\0',
      'd\0',
    ]);
    expect(words(found.get('/inner@1/leaf/cells'))).toEqual([2]);
    // Once each: cells, text, list, empty, none.
    expect(new DataView(flatten(tree).buffer).getUint32(32)).toBe(27);
  });

  test('64-bit cells', () => {
    expect(cells64(0x1_2345_6789n)).toEqual([1, 0x2345_6789]);
  });
});

describe('parseTree', () => {
  test('reads what was flattened, bytes for bytes', () => {
    const tree: Node = { properties: { a: [1, 2], b: 'text' }, children: { 'x@1': { properties: { c: true } } } };
    const parsed = parseTree(flatten(tree)) as Node;
    expect(flatten(parsed)).toEqual(flatten(tree));
  });

  test.each<[what: string, blob: Uint8Array, reason: string]>([
    ['nothing', new Uint8Array(), 'it is no device tree: 0 bytes'],
    ['plain bytes', new Uint8Array(100), 'it is no flattened device tree (.dtb)'],
    ['half of one', flatten({ properties: { a: 'x'.repeat(500) } }).subarray(0, 200), 'it is cut short'],
  ])('%s is refused', (_what, blob, reason) => {
    expect(parseTree(blob)).toBe(reason);
  });

  test('damage and depth end as a reason or a tree', () => {
    let deep: Node = { properties: {} };
    for (let i = 0; i < 100; i++) deep = { properties: {}, children: { n: deep } };
    expect(parseTree(flatten(deep))).toBe('its nodes are not well nested');
    const blob = flatten(parseTree(deviceTree(sample)) as Node);
    const byte = fc.tuple(fc.nat(blob.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { minLength: 1, maxLength: 20 }), (damage) => {
        const bad = Uint8Array.from(blob);
        for (const [at, value] of damage) bad[at] = value;
        const parsed = parseTree(bad);
        expect(typeof parsed === 'string' || parsed.properties !== undefined).toBe(true);
      }),
    );
  });
});

const sample: Board = {
  ramSize: 1n << 28n,
  cpus: [0n, 1n],
  gic: 3,
  pmu: true,
  commandLine: 'quiet',
  flash: true,
  virtio: 3,
  rngSeed: new Uint8Array(32),
};

describe('dtc', () => {
  const dtc =
    (...args: string[]) =>
    (blob: Uint8Array) => {
      const { status, stdout, stderr } = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts', ...args], { input: blob });
      return { status, source: stdout.toString(), warnings: stderr.toString() };
    };

  test.each<[what: string, board: Partial<Board>]>([
    ['with a GICv3 and all devices', {}],
    ['with a GICv2 and a RAM disk', { gic: 2, pmu: false, initrd: { start: 0x4800_0000n, end: 0x4800_1000n } }],
    ['with as little as can be', { flash: false, virtio: 0, commandLine: '', rngSeed: undefined }],
  ])('has nothing to say of the tree %s', (_what, more) => {
    const { status, source, warnings } = dtc()(deviceTree({ ...sample, ...more }));
    expect(warnings).toBe('');
    expect(status).toBe(0);
    expect(source).toContain('compatible = "arm,pl031\\0arm,primecell";');
  });

  test('makes the same of a tree of its own as we do', () => {
    const { source } = dtc()(deviceTree(sample));
    const { status, stdout } = spawnSync('dtc', ['-I', 'dts', '-O', 'dtb'], { input: source });
    expect(status).toBe(0);
    const again = dtc()(completedTree(parseTree(stdout) as Node, { ...sample, commandLine: '' })).source;
    const lines = (text: string) => text.split('\n').sort();
    expect(lines(again)).toEqual(lines(source));
  });
});

test("a user's own tree gets RAM, command line and RAM disk, and keeps the rest", () => {
  const own: Node = {
    properties: { model: 'mine' },
    children: {
      chosen: { properties: { 'stdout-path': 'serial0', bootargs: 'old' } },
      'memory@0': { properties: { reg: [0, 0, 0, 1] } },
      device: { properties: { x: true } },
    },
  };
  const found = read(completedTree(own, { ...sample, initrd: { start: 0x5000_0000n, end: 0x5000_0010n } }));
  expect(ascii(found.get('/chosen/bootargs'))).toBe('quiet\0');
  expect(ascii(found.get('/chosen/stdout-path'))).toBe('serial0\0');
  expect(words(found.get('/chosen/linux,initrd-start'))).toEqual([0, 0x5000_0000]);
  expect(words(found.get('/memory@40000000/reg'))).toEqual([0, 0x4000_0000, 0, 1 << 28]);
  expect([found.has('/memory@0/reg'), found.has('/device/x')]).toEqual([false, true]);
  expect(ascii(read(completedTree(own, { ...sample, commandLine: '' })).get('/chosen/bootargs'))).toBe('old\0');
});

describe('the device tree of the board', () => {
  const board = { ramSize: 1n << 32n, cpus: [0n, 1n, 0x100n], pmu: true, commandLine: 'console=ttyAMA0' };

  test('tells the memory, the CPUs, and where to find the console', () => {
    const found = read(deviceTree({ ...board, gic: 3, initrd: { start: 0x4800_0000n, end: 0x4800_1000n } }));
    expect(words(found.get('/memory@40000000/reg'))).toEqual([0, RAM_BASE, 1, 0]);
    expect([...found.keys()].filter((key) => key.endsWith('/enable-method'))).toHaveLength(3);
    expect(words(found.get('/cpus/cpu@100/reg'))).toEqual([0, 0x100]);
    expect(ascii(found.get('/cpus/cpu@100/compatible'))).toBe('arm,armv8\0');
    expect(ascii(found.get('/chosen/bootargs'))).toBe('console=ttyAMA0\0');
    expect(ascii(found.get('/chosen/stdout-path'))).toBe('/pl011@9000000\0');
    expect(words(found.get('/chosen/linux,initrd-end'))).toEqual([0, 0x4800_1000]);
    expect(ascii(found.get('/intc@8000000/compatible'))).toBe('arm,gic-v3\0');
    expect(words(found.get('/intc@8000000/reg')).slice(4)).toEqual([0, 0x80a_0000, 0, 0x6_0000]);
    expect(words(found.get('/timer/interrupts'))).toEqual([1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4]);
    expect(found.has('/pmu/interrupts')).toBe(true);
  });

  test('a GICv2 is told for which CPUs an interrupt is, and CPUs by their name', () => {
    const found = read(deviceTree({ ...board, gic: 2, pmu: false, cpu: 'arm,cortex-a53' }));
    expect(ascii(found.get('/cpus/cpu@1/compatible'))).toBe('arm,cortex-a53\0');
    expect(ascii(found.get('/intc@8000000/compatible'))).toBe('arm,cortex-a15-gic\0');
    expect(words(found.get('/timer/interrupts'))[2]).toBe(0x704);
    expect(found.has('/pmu/interrupts')).toBe(false);
    expect(found.has('/chosen/linux,initrd-start')).toBe(false);
  });
});
