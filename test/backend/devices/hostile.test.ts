/** Guests that do the worst they can: whatever is written wherever, nothing throws, nothing is endless, RAM is all they reach. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RAM_BASE, VIRTIO_BASE } from '../../../src/backend/board.ts';
import type { Disk } from '../../../src/backend/devices/disk.ts';
import { Loopback } from '../../../src/backend/devices/virtio/network.ts';
import { Bench, BUFFERS, Driver, Flag, RAM_SIZE, Register, VERSION_1 } from './bench.ts';

/** A disk of a megabyte that counts what was moved. */
class CountingDisk implements Disk {
  readonly size = 1 << 20;
  readonly readOnly = false;
  moved = 0;

  read(buffer: Uint8Array, position: number): boolean {
    return this.write(buffer, position);
  }

  write(buffer: Uint8Array, position: number): boolean {
    expect(position >= 0 && position + buffer.length <= this.size).toBe(true);
    this.moved += buffer.length;
    return true;
  }

  flush(): boolean {
    return true;
  }

  save(): BigUint64Array {
    return new BigUint64Array();
  }

  restore(): undefined {}
  close(): void {}
}

const machine = () => {
  const disk = new CountingDisk();
  let sent = 0;
  const bench = new Bench({
    disks: [disk],
    network: new Loopback(),
    console: (bytes) => {
      sent += bytes.length;
    },
    seed: '',
    firmware: Uint8Array.of(1, 2, 3),
    rtc: 0,
  });
  return { bench, disk, sent: () => sent };
};

const numbers = fc.oneof(
  fc.nat(64),
  fc.constantFrom(0xffff_ffff, 0x8000_0000, 0x7fff_ffff, RAM_BASE, RAM_BASE + RAM_SIZE - 8, 256, 512, 0xffff),
  fc.nat(RAM_SIZE).map((offset) => RAM_BASE + offset),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);

const access = fc.record({
  isWrite: fc.boolean(),
  device: fc.nat(),
  offset: fc.oneof(
    fc.nat(0x40).map((n) => 4 * n),
    fc.nat(0x1000),
    fc.integer({ min: 0, max: 0x0400_0000 }),
  ),
  bytes: fc.constantFrom(1, 2, 4, 8),
  low: numbers,
  high: numbers,
});

test('accesses of all sizes anywhere', () => {
  const { bench } = machine();
  const { mapped } = bench.peripherals;
  fc.assert(
    fc.property(fc.array(access, { maxLength: 200 }), (accesses) => {
      for (const { isWrite, device, offset, bytes, low, high } of accesses) {
        const { base, size } = mapped[device % mapped.length];
        const address = base + (offset % (size + 4));
        if (isWrite) bench.bus.write(address, bytes, low | 0, high | 0);
        else if (bench.bus.read(address, bytes)) expect(Number.isInteger(bench.bus.low + bench.bus.high)).toBe(true);
      }
      bench.clock.pass(1e6);
    }),
    { numRuns: 200 },
  );
});

test('rings of nonsense: the work is bounded, and after a reset all is well', () => {
  const { bench, disk, sent } = machine();
  const drivers = [0, 1, 2, 3].map((slot) => new Driver(bench, slot));
  const descriptor = fc.record({
    address: fc.oneof(numbers.map(BigInt), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })),
    length: fc.oneof(fc.constantFrom(0, 1, 16, 512, 4096, 48, RAM_SIZE, 0xffff_ffff), fc.nat(RAM_SIZE)),
    flags: fc.nat(7),
    next: fc.oneof(fc.nat(8), fc.nat(0xffff)),
  });
  const rings = fc.record({
    slot: fc.nat(3),
    queue: fc.nat(1),
    table: fc.array(descriptor, { minLength: 8, maxLength: 8 }),
    ring: fc.array(fc.oneof(fc.nat(7), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }),
    index: fc.oneof(fc.nat(8), fc.nat(0xffff)),
    type: fc.nat(9),
    indirect: fc.boolean(),
  });
  fc.assert(
    fc.property(rings, ({ slot, queue, table, ring, index, type, indirect }) => {
      const driver = drivers[slot];
      const { view, ram } = bench;
      driver.start(VERSION_1 | (indirect ? 1n << 28n : 0n), 0, 1);
      ram.fill(type, BUFFERS);
      for (const [i, { address, length, flags, next }] of table.entries()) {
        const at = queue * 0x1000 + 16 * i;
        view.setBigUint64(at, address, true);
        view.setUint32(at + 8, length, true);
        view.setUint16(at + 12, flags, true);
        view.setUint16(at + 14, next, true);
      }
      for (const [i, head] of ring.entries()) view.setUint16(queue * 0x1000 + 0x404 + 2 * i, head, true);
      view.setUint16(queue * 0x1000 + 0x402, index, true);
      const [moved, out] = [disk.moved, sent()];
      driver.set(Register.NOTIFY, queue);
      // Eight requests of eight buffers, each at most all of RAM.
      expect(disk.moved - moved).toBeLessThanOrEqual(64 * RAM_SIZE);
      expect(sent() - out).toBeLessThanOrEqual(64 * RAM_SIZE);
      bench.clock.pass(1e5);
      const status = driver.get(Register.STATUS);
      expect(status === 15 || status === 0x4f).toBe(true);
    }),
    { numRuns: 2000 },
  );
  // The disk still is one.
  const [driver] = drivers;
  driver.start(VERSION_1, 0);
  bench.ram.fill(0, BUFFERS, BUFFERS + 16);
  bench.ram[BUFFERS + 32] = 0xee;
  driver.submit(0, [
    [BUFFERS, 16, Flag.NEXT],
    [BUFFERS + 64, 512, Flag.NEXT | Flag.WRITE],
    [BUFFERS + 32, 1, Flag.WRITE],
  ]);
  expect([bench.ram[BUFFERS + 32], driver.get(Register.STATUS)]).toEqual([0, 15]);
});

test('states of nonsense are refused, or taken, and nothing worse', () => {
  const { bench } = machine();
  for (const device of bench.peripherals.stateful) {
    const good = Array.from(device.save() as BigUint64Array).slice(0, 100);
    const damage = fc.array(fc.tuple(fc.nat(good.length), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(damage, fc.nat(good.length), (changes, cut) => {
        const words = BigUint64Array.from(good);
        for (const [at, word] of changes) words[at] = word;
        device.restore(words);
        device.restore(words.slice(0, cut));
        bench.clock.pass(1e5);
      }),
      { numRuns: 50 },
    );
  }
});

test('a slot far away answers nothing, and the last one is there', () => {
  const { bench } = machine();
  expect(bench.read(VIRTIO_BASE + 31 * 0x200)).toBe(0x74726976);
  expect(bench.read(VIRTIO_BASE + 32 * 0x200)).toBeNaN();
});
