import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CoreId,
  CpuSync,
  decodeSnapshot,
  encodeSnapshot,
  MachineState,
  type Refusal,
  SimulatorMachine,
  type Snapshot,
  SnapshotError,
  SveId,
} from '../../../src/backend/index.ts';
import { TargetError } from '../../../src/gdbstub/index.ts';

const PAGE = 4096;

const small: Snapshot = {
  machine: 'simulator',
  time: 1_700_000_000_000,
  cpus: [
    {
      registers: new Map(
        [
          [CoreId.X(0), 0xffff_ffff_ffff_ffffn],
          [CoreId.V(0), (1n << 127n) | 5n],
          [SveId.Z(0), (1n << 2047n) | 7n],
        ].sort(([a], [b]) => (a < b ? -1 : 1)) as [bigint, bigint][],
      ),
      events: { serrorPending: true, serrorHasEsr: false, serrorEsr: 0x12n, extDabtPending: false },
      mpState: 5,
    },
    {
      registers: new Map([[CoreId.FPSR, 0xffff_ffffn]]),
      events: { serrorPending: false, serrorHasEsr: false, serrorEsr: 0n, extDabtPending: true },
      mpState: undefined,
    },
  ],
  devices: [
    { name: 'pl011', mayBeLost: false, words: BigUint64Array.of(1n, 2n) },
    { name: 'nothing', mayBeLost: true, words: new BigUint64Array() },
  ],
  ram: [
    {
      start: 0x4000_0000n,
      length: 16 * PAGE,
      pieces: [
        { offset: PAGE, data: new Uint8Array(2 * PAGE).fill(1) },
        { offset: 15 * PAGE, data: new Uint8Array(PAGE).fill(2) },
      ],
    },
    { start: 0x1_0000_0000n, length: PAGE, pieces: [] },
  ],
};

const bytesOf = (snapshot: Snapshot): Buffer => Buffer.concat(encodeSnapshot(snapshot));

/** As a file of these bytes would be read, in portions of this size. */
function decode(bytes: Uint8Array, portion = 1000, length = bytes.length): Snapshot | SnapshotError {
  let at = 0;
  return decodeSnapshot({
    length,
    read: (into) => {
      const part = bytes.subarray(at, at + Math.min(portion, into.length));
      into.set(part);
      at += part.length;
      return part.length;
    },
  });
}

/** The digest and the length put right: not damaged, but a lie. */
function signed(bytes: Buffer): Buffer {
  const body = Buffer.from(bytes.subarray(0, bytes.length - 32));
  if (body.length >= 24) body.writeBigUInt64LE(BigInt(bytes.length), 16);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

describe('a snapshot comes back as it was', () => {
  test.each([1, 7, 1000, 1 << 20])('read in portions of %i bytes', (portion) => {
    expect(decode(bytesOf(small), portion)).toEqual(small);
  });

  test('whatever it holds', () => {
    const registers = fc
      .uniqueArray(fc.tuple(fc.integer({ min: 2, max: 8 }), fc.bigInt({ min: 0n, max: 0xffff_ffffn })), {
        maxLength: 20,
        selector: ([size, index]) => (BigInt(size) << 52n) | index,
      })
      .chain((ids) =>
        fc.tuple(
          ...ids.map(([size, index]) =>
            fc.tuple(
              fc.constant((0x60n << 56n) | (BigInt(size) << 52n) | index),
              fc.bigInt({ min: 0n, max: (1n << BigInt(8 << size)) - 1n }),
            ),
          ),
        ),
      )
      .map((values) => new Map(values.sort(([a], [b]) => (a < b ? -1 : 1))));
    const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    const cpu = fc.record({
      registers,
      events: fc.record({
        serrorPending: fc.boolean(),
        serrorHasEsr: fc.boolean(),
        serrorEsr: word,
        extDabtPending: fc.boolean(),
      }),
      mpState: fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }),
    });
    const device = fc.record({
      name: fc.stringMatching(/^[ -~]{1,64}$/),
      mayBeLost: fc.boolean(),
      words: fc.bigUint64Array({ maxLength: 20 }),
    });
    const snapshot = fc.record({
      machine: fc.stringMatching(/^[ -~]{1,64}$/),
      time: fc.nat(),
      cpus: fc.array(cpu, { minLength: 1, maxLength: 3 }),
      devices: fc.uniqueArray(device, { maxLength: 3, selector: ({ name }) => name }),
      ram: fc.constant(small.ram),
    });
    fc.assert(
      fc.property(snapshot, (each) => {
        expect(decode(bytesOf(each))).toEqual(each);
      }),
      { numRuns: 100 },
    );
  });

  test('the layout is that of docs/SNAPSHOTS.md', () => {
    const bytes = bytesOf(small);
    const words = new BigUint64Array(Uint8Array.from(bytes.subarray(0, bytes.length - (bytes.length % 8))).buffer);
    expect(bytes.toString('latin1', 0, 8)).toBe('ARMSNAP\x1a');
    expect([...words.subarray(1, 5)]).toEqual([1n, BigInt(bytes.length), 1_700_000_000_000n, 9n]);
    expect(bytes.toString('latin1', 40, 56)).toBe('simulator\0\0\0\0\0\0\0');
    expect([...words.subarray(7, 12)]).toEqual([2n, 3n, ...small.cpus[0].registers.keys()]);
    expect(bytes.subarray(-32)).toEqual(createHash('sha256').update(bytes.subarray(0, -32)).digest());
  });
});

const at = (offset: number, value: bigint) => (bytes: Buffer) => {
  bytes.writeBigUInt64LE(value, offset);
  return bytes;
};
/** Where the words of a part begin: the first place of this word. */
const wordAt = (value: bigint, from = 0): number => {
  const bytes = bytesOf(small);
  for (let offset = from; offset < bytes.length - 8; offset += 8)
    if (bytes.readBigUInt64LE(offset) === value) return offset;
  throw new Error('there is no such word');
};
const CPUS = 56;
const REGISTERS = 64;
const EVENTS = REGISTERS + 8 + 24 + 8 + 16 + 256;
const DEVICES = EVENTS + 40 + 8 + 8 + 8 + 40;
const RAM = wordAt(0x4000_0000n);

describe('refused files', () => {
  const damaged = 'is damaged: its SHA-256 is not the one that it carries';

  test.each<[name: string, spoil: (bytes: Buffer) => Buffer, message: string]>([
    ['no bytes', () => Buffer.alloc(0), 'is no snapshot: it is too short'],
    ['a few bytes', (b) => b.subarray(0, 50), 'is no snapshot: it is too short'],
    ['another kind of file', () => Buffer.alloc(1000, 'ELF'), 'is no snapshot'],
    ['one byte of the magic', at(0, 0n), 'is no snapshot'],
    ['a later version', at(8, 2n), 'is a snapshot of version 2; this program knows version 1'],
    ['the end is missing', (b) => b.subarray(0, -1), 'is cut short: 12975 of 12976 bytes are there'],
    ['something behind the end', (b) => Buffer.concat([b, Buffer.from('x')]), 'has 1 bytes behind its end'],
    ['a bit of a register', at(100, 1n), damaged],
    ['a count', at(CPUS, 1n << 60n), damaged],
    ['the last byte of RAM', (b) => b.fill(9, b.length - 48, b.length - 47), damaged],
    ['the digest', (b) => b.fill(0, b.length - 1), damaged],
  ])('%s', (_, spoil, message) => {
    expect(decode(spoil(bytesOf(small)))).toEqual(new SnapshotError(message));
  });

  test('a file that gets shorter while it is read', () => {
    const bytes = bytesOf(small);
    expect(decode(bytes.subarray(0, 5000), 1000, bytes.length)).toEqual(new SnapshotError(damaged));
  });

  test.each<[name: string, offset: number, value: bigint, message: string]>([
    ['a time beyond all times', 24, 1n << 60n, 'has 1152921504606846976 for the time'],
    ['a machine without a name', 32, 0n, 'has no words in the name of the machine'],
    ['a long name', 32, 65n, 'has 65 bytes in the name of the machine'],
    ['a name that is no text', 40, 0x0707n, 'has no words in the name of the machine'],
    ['no CPU', CPUS, 0n, 'has no CPU'],
    ['many CPUs', CPUS, 513n, 'has 513 CPUs'],
    ['more registers than bytes', REGISTERS, 4000n, 'ends before it is complete'],
    ['more registers than any CPU', REGISTERS, 4097n, 'has 4097 registers in a CPU'],
    ['a register twice', REGISTERS + 8, CoreId.V(0), 'has registers out of order'],
    ['registers out of order', REGISTERS + 8, 1n << 63n, 'has registers out of order'],
    ['a register of a strange size', REGISTERS + 8, 0x00f0n << 48n, 'has a register of 32768 bytes'],
    [
      'a value that is too wide',
      EVENTS + 56,
      1n << 32n,
      `has a value that is wider than its register 0x${CoreId.FPSR.toString(16)}`,
    ],
    ['half an SError', EVENTS, 2n, 'has 2 for a pending SError'],
    ['half a syndrome', EVENTS + 8, 7n, "has 7 for an SError's syndrome"],
    ['half an abort', EVENTS + 24, 3n, 'has 3 for a pending abort'],
    ['a strange run state', EVENTS + 32, 1n << 40n, 'has 1099511627776 for a run state'],
    ['many devices', DEVICES, 65n, 'has 65 devices'],
    ['a device that may be half lost', DEVICES + 24, 2n, 'has 2 for whether pl011 may be lost'],
    ['a device with many words', DEVICES + 32, 1n << 50n, 'has 1125899906842624 words for pl011'],
    ['a device with more words than bytes', DEVICES + 32, 10_000n, 'ends before it is complete'],
    ['many ranges of RAM', RAM - 8, 65n, 'has 65 ranges of RAM'],
    ['RAM that begins in a page', RAM, 1n, 'has RAM that does not consist of pages'],
    ['RAM that ends in a page', RAM + 8, 4097n, 'has RAM that does not consist of pages'],
    ['RAM without an end', RAM + 8, 1n << 63n, 'has 9223372036854775808 bytes of RAM'],
    ['more pieces than pages', RAM + 16, 17n, 'has 17 pieces of RAM'],
    ['a piece that begins in a page', RAM + 24, 1n, 'has a piece of RAM that is not of pages'],
    ['a piece of nothing', RAM + 32, 0n, 'has a piece of RAM that is not of pages'],
    ['a long piece', RAM + 32, 1n << 21n, 'has 2097152 bytes in a piece of RAM'],
    ['a piece behind the RAM', RAM + 24, BigInt(15 * PAGE), 'has a piece of RAM behind its end'],
    ['a piece with more bytes than there are', RAM + 32, BigInt(15 * PAGE), 'ends before it is complete'],
    ['pieces that overlap', RAM + 40 + 2 * PAGE, BigInt(PAGE), 'has pieces of RAM out of order'],
  ])('that lie: %s', (_, offset, value, message) => {
    expect(decode(signed(at(offset, value)(bytesOf(small))))).toEqual(new SnapshotError(message));
  });

  test('that lie: a device twice', () => {
    const [device] = small.devices;
    expect(decode(bytesOf({ ...small, devices: [device, device] }))).toEqual(new SnapshotError('has a device twice'));
  });

  test('that lie: bytes that belong to nothing', () => {
    const bytes = bytesOf(small);
    const longer = Buffer.concat([bytes.subarray(0, -32), Buffer.alloc(8), bytes.subarray(-32)]);
    expect(decode(signed(longer))).toEqual(new SnapshotError('has 8 bytes that belong to nothing'));
  });

  test('that lie about a length that no memory could hold take none', () => {
    const huge = at(RAM + 16, (1n << 40n) - 1n)(at(RAM + 8, 1n << 52n)(bytesOf(small)));
    expect(decode(signed(huge))).toBeInstanceOf(SnapshotError);
  });
});

/** A file with something else in it somewhere. */
const spoilt = (original: Buffer) =>
  fc.oneof(
    fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 })).map(([offset, mask]) => {
      const bytes = Buffer.from(original);
      bytes[offset] ^= mask;
      return bytes;
    }),
    fc.nat(original.length - 1).map((length) => original.subarray(0, length)),
    fc
      .tuple(fc.nat(original.length - 1), fc.uint8Array({ minLength: 1, maxLength: 40 }))
      .map(([offset, more]) => Buffer.concat([original.subarray(0, offset), more, original.subarray(offset)])),
    fc
      .tuple(fc.nat(original.length - 1), fc.nat(original.length - 1), fc.integer({ min: 1, max: 64 }))
      .map(([from, to, length]) => {
        const bytes = Buffer.from(original);
        bytes.copy(bytes, to, from, from + length);
        return bytes;
      })
      .filter((bytes) => !bytes.equals(original)),
  );

describe('mutations', () => {
  const machine = new SimulatorMachine({
    ramSize: 4 * PAGE,
    image: { kind: 'flat', segments: [], entry: 0x4000_0000n },
  });
  const state = new MachineState({
    machine,
    cpus: machine.vcpus.map((vcpu) => ({ sync: new CpuSync(vcpu) })),
    readRam: (address, length) => machine.memory.view(address, length)!,
    renewed: () => undefined,
    restored: () => undefined,
  });
  const save = (): Snapshot => {
    machine.memory.view(0x4000_1000n, 1)!.fill(7);
    const snapshot = state.save();
    if (snapshot instanceof TargetError) throw new Error(snapshot.message);
    return { ...snapshot, time: 0 };
  };
  const original = bytesOf(save());

  test('no damage goes unnoticed', () => {
    fc.assert(
      fc.property(spoilt(original), fc.integer({ min: 1, max: 5000 }), (bytes, portion) => {
        expect(decode(bytes, portion)).toBeInstanceOf(SnapshotError);
      }),
      { numRuns: 500 },
    );
  });

  test('a lie is refused and changes nothing, or is a state that the machine takes', () => {
    // Bytes before the RAM: there is the variety.
    fc.assert(
      fc.property(spoilt(original), (bytes) => {
        const snapshot = decode(signed(bytes));
        if (snapshot instanceof SnapshotError) return;
        const before = save();
        const restored = state.restore(snapshot);
        const after = save();
        if (!(restored instanceof TargetError)) return;
        expect((restored as Refusal).code).not.toBe('SNAPSHOT_NOT_UNDONE');
        expect(after).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });
});
