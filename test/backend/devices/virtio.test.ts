import { describe, expect, test } from 'vitest';
import { VIRTIO_SPI } from '../../../src/backend/board.ts';
import type { Disk } from '../../../src/backend/devices/disk.ts';
import { type Link, Loopback } from '../../../src/backend/devices/virtio/network.ts';
import { Bench, BUFFERS, Driver, Flag, Register, VERSION_1 } from './bench.ts';

const { NEXT, WRITE } = Flag;

/** A disk in memory that counts. */
class MemoryDisk implements Disk {
  readonly bytes = Uint8Array.from({ length: 32 << 10 }, (_, i) => (i * 7 + (i >> 9)) & 0xff);
  readonly size: number;
  readonly readOnly: boolean;
  flushes = 0;
  broken: boolean = false;

  constructor(readOnly = false, size = this.bytes.length) {
    this.readOnly = readOnly;
    this.size = size;
  }

  read(buffer: Uint8Array, position: number): boolean {
    buffer.set(this.bytes.subarray(position, position + buffer.length));
    return !this.broken;
  }

  write(buffer: Uint8Array, position: number): boolean {
    this.bytes.set(buffer, position);
    return !this.broken;
  }

  flush(): boolean {
    this.flushes++;
    return !this.broken;
  }

  save(): BigUint64Array {
    return new BigUint64Array();
  }

  restore(): undefined {}
  close(): void {}
}

const block = (disk: Disk = new MemoryDisk()) => {
  const bench = new Bench({ disks: [disk], rtc: 0 });
  const driver = new Driver(bench, 0);
  driver.start(VERSION_1, 0);
  const request = (type: number, sector: number, data: readonly [number, number, number][] = []): number => {
    bench.view.setUint32(BUFFERS, type, true);
    bench.view.setBigUint64(BUFFERS + 8, BigInt(sector), true);
    bench.ram[BUFFERS + 32] = 0xee;
    driver.submit(0, [[BUFFERS, 16, NEXT], ...data, [BUFFERS + 32, 1, WRITE]]);
    return bench.ram[BUFFERS + 32];
  };
  return { bench, driver, request };
};

describe('the transport', () => {
  test('tells what it is; an empty slot is no device', () => {
    const driver = new Driver(new Bench({ seed: '' }), 0);
    expect([0, 4, 8, 0xc].map((offset) => driver.get(offset))).toEqual([0x74726976, 2, 4, 0x554d4551]);
    const empty = new Driver(new Bench({ seed: '' }), 31);
    expect([0, 4, 8, 0x10, 0x70, 0x100].map((offset) => empty.get(offset))).toEqual([0x74726976, 2, 0, 0, 0, 0]);
  });

  test.each([
    // driver features, whether FEATURES_OK is kept
    [VERSION_1, true],
    [VERSION_1 | (1n << 28n) | (1n << 9n), true],
    [0n, false],
    [1n << 9n, false],
    [VERSION_1 | (1n << 62n), false],
    [VERSION_1 | (1n << 5n), false],
  ])('features 0x%s', (features, isKept) => {
    const { driver } = block();
    driver.start(features);
    expect(driver.get(Register.STATUS)).toBe(isKept ? 15 : 7);
  });

  test('features do not change once they are accepted, and statuses are not taken back', () => {
    const { driver } = block();
    driver.set(Register.DRIVER_SEL, 1);
    driver.set(Register.DRIVER, 0xffff_ffff);
    driver.set(Register.STATUS, 1);
    expect(driver.get(Register.STATUS)).toBe(15);
    driver.set(Register.STATUS, 0x4f);
    expect(driver.get(Register.STATUS)).toBe(15);
  });

  test('registers are words; the configuration has bytes', () => {
    const { driver } = block();
    expect(driver.get(0, 1)).toBe(0);
    expect([driver.get(0x100, 1), driver.get(0x100, 2), driver.get(0x114, 4), driver.get(0x1f0)]).toEqual([
      64, 64, 512, 0,
    ]);
    // There is no shared memory.
    expect([driver.get(0xb0), driver.get(0xbc)]).toEqual([0xffff_ffff, 0xffff_ffff]);
  });

  test.each([
    ['no size', 0, 0, 0, 0],
    ['three descriptors', 3, 0, 0, 0],
    ['too many', 512, 0, 0, 0],
    ['descriptors that are not aligned', 8, 8, 0, 0],
    ['a ring that is not aligned', 8, 0, 1, 0],
    ['a used ring that is not aligned', 8, 0, 0, 2],
    ['a ring outside of RAM', 8, 0, 0x10_0000, 0],
    ['a used ring over the end of RAM', 8, 0, 0, 0xffe0],
  ])('a queue of %s needs a reset', (_what, size, descriptors, available, used) => {
    const { driver } = block();
    driver.start(VERSION_1);
    driver.set(Register.QUEUE_SIZE, size);
    driver.set(Register.DESC, 0x4000_0000 + descriptors);
    driver.set(Register.AVAIL, 0x4000_0000 + available);
    driver.set(Register.USED, 0x4000_0000 + used);
    driver.set(Register.READY, 1);
    expect([driver.get(Register.READY), driver.get(Register.STATUS)]).toEqual([0, 0x4f]);
    expect(driver.get(Register.INTERRUPTS)).toBe(2);
    driver.start(VERSION_1, 0);
    expect([driver.get(Register.READY), driver.get(Register.STATUS)]).toEqual([1, 15]);
  });

  test('the line is up while an interrupt is not acknowledged', () => {
    const { bench, driver, request } = block();
    request(4, 0);
    expect([bench.lines.get(VIRTIO_SPI), driver.get(Register.INTERRUPTS)]).toEqual([true, 1]);
    driver.set(Register.ACK, 2);
    expect(bench.lines.get(VIRTIO_SPI)).toBe(true);
    driver.set(Register.ACK, 1);
    expect(bench.lines.get(VIRTIO_SPI)).toBe(false);
  });

  test('nothing is done before DRIVER_OK, nor for a queue that is not ready', () => {
    const { driver, request } = block();
    driver.set(Register.STATUS, 0);
    driver.queue(0);
    expect(request(4, 0)).toBe(0xee);
    driver.start(VERSION_1);
    expect(request(4, 0)).toBe(0xee);
  });

  test('much work is done in parts, and all of it', () => {
    let moved = 0;
    const disk = new MemoryDisk(false, 1 << 20);
    disk.read = (buffer) => {
      moved += buffer.length;
      return true;
    };
    const { bench, driver } = block(disk);
    const { view } = bench;
    driver.start(VERSION_1);
    // Requests of four buffers, all of which lie in the same place.
    const [requests, length] = [42, 0x7000];
    const chain = [
      [BUFFERS, 16, NEXT],
      ...Array.from({ length: 4 }, () => [0x2000, length - 512, NEXT | WRITE]),
      [BUFFERS + 32, 1, WRITE],
    ];
    for (let i = 0; i < requests * chain.length; i++) {
      const [address, bytes, flags] = chain[i % chain.length];
      view.setBigUint64(16 * i, BigInt(0x4000_0000 + address), true);
      view.setUint32(16 * i + 8, bytes, true);
      view.setUint16(16 * i + 12, flags, true);
      view.setUint16(16 * i + 14, i + 1, true);
    }
    for (let i = 0; i < requests; i++) view.setUint16(0x1004 + 2 * i, i * chain.length, true);
    view.setUint16(0x1002, requests, true);
    for (const [register, value] of [
      [Register.QUEUE_SIZE, 256],
      [Register.DESC, 0x4000_0000],
      [Register.AVAIL, 0x4000_1000],
      [Register.USED, 0x4000_1400],
      [Register.READY, 1],
      [Register.NOTIFY, 0],
    ])
      driver.set(register, value);
    const done = () => view.getUint16(0x1402, true);
    expect(done()).toBeGreaterThan(20);
    expect(done()).toBeLessThan(requests);
    expect(driver.get(Register.INTERRUPTS)).toBe(1);
    bench.clock.pass(1000);
    expect([done(), moved]).toEqual([requests, requests * 4 * (length - 512)]);
  });
});

describe('block', () => {
  test('reads, writes, flushes, and has a name', () => {
    const disk = new MemoryDisk();
    const { bench, driver, request } = block(disk);
    expect(request(0, 3, [[BUFFERS + 64, 1024, NEXT | WRITE]])).toBe(0);
    expect(bench.ram.slice(BUFFERS + 64, BUFFERS + 64 + 1024)).toEqual(disk.bytes.slice(1536, 2560));
    expect(driver.used(0)).toEqual([[0, 1025]]);
    bench.ram.fill(0x5a, BUFFERS + 64, BUFFERS + 64 + 512);
    expect(request(1, 63, [[BUFFERS + 64, 512, NEXT]])).toBe(0);
    expect(disk.bytes.slice(-512).every((byte) => byte === 0x5a)).toBe(true);
    expect(request(4, 0)).toBe(0);
    expect(disk.flushes).toBe(1);
    expect(request(8, 0, [[BUFFERS + 64, 20, NEXT | WRITE]])).toBe(0);
    expect(Buffer.from(bench.ram.subarray(BUFFERS + 64, BUFFERS + 69)).toString()).toBe('disk0');
  });

  test.each([
    ['behind the end', 0, 64, 512, 1],
    ['over the end', 0, 63, 1024, 1],
    ['a part of a sector', 0, 0, 100, 1],
    ['a request that is not known', 77, 0, 512, 2],
  ])('%s', (_what, type, sector, length, answer) => {
    expect(block().request(type, sector, [[BUFFERS + 64, length, NEXT | WRITE]])).toBe(answer);
  });

  test('what the host cannot do is an error of the disk', () => {
    const disk = new MemoryDisk();
    const { request } = block(disk);
    disk.broken = true;
    expect(request(0, 0, [[BUFFERS + 64, 512, NEXT | WRITE]])).toBe(1);
    expect(request(1, 0, [[BUFFERS + 64, 512, NEXT]])).toBe(1);
    expect(request(4, 0)).toBe(1);
  });

  test('one that is only read says so and is not written', () => {
    const disk = new MemoryDisk(true);
    const { driver, request } = block(disk);
    const before = Uint8Array.from(disk.bytes);
    expect(driver.get(Register.FEATURES) & (1 << 5)).not.toBe(0);
    expect(request(1, 0, [[BUFFERS + 64, 512, NEXT]])).toBe(1);
    expect(disk.bytes).toEqual(before);
  });
});

test('entropy: the same bytes for the same seed, others for another, and again after a reset of the machine', () => {
  const bytes = (bench: Bench): Buffer => {
    const driver = new Driver(bench, 0);
    driver.start(VERSION_1, 0);
    driver.submit(0, [[BUFFERS, 100, WRITE]]);
    expect(driver.used(0)).toEqual([[0, 100]]);
    return Buffer.from(bench.ram.slice(BUFFERS, BUFFERS + 100));
  };
  const bench = new Bench({ seed: 'a' });
  const first = bytes(bench);
  const second = bytes(bench);
  expect(second).not.toEqual(first);
  bench.peripherals.reset();
  expect([bytes(bench), bytes(bench)]).toEqual([first, second]);
  expect(bytes(new Bench({ seed: 'a' }))).toEqual(first);
  expect(bytes(new Bench({ seed: 'b' }))).not.toEqual(first);
  expect(bytes(new Bench({ seed: 'host' }))).not.toEqual(bytes(new Bench({ seed: 'host' })));
});

test('console: what is sent comes out, what comes in waits for buffers', () => {
  const sent: number[] = [];
  const bench = new Bench({ console: (bytes) => void sent.push(...bytes) });
  const driver = new Driver(bench, 0);
  expect(bench.peripherals.receiveConsole(Buffer.from('early'))).toBe(5);
  driver.start(VERSION_1, 0, 1);
  bench.ram.set(Buffer.from('out'), BUFFERS);
  driver.submit(1, [[BUFFERS, 3, 0]]);
  expect(Buffer.from(sent).toString()).toBe('out');
  driver.submit(0, [[BUFFERS, 3, WRITE]], 0);
  driver.submit(0, [[BUFFERS + 8, 3, WRITE]], 1);
  expect(driver.used(0)).toEqual([
    [0, 3],
    [1, 2],
  ]);
  driver.submit(0, [[BUFFERS + 16, 8, WRITE]], 2);
  expect(driver.used(0)).toEqual([]);
  bench.peripherals.receiveConsole(Buffer.from('x'));
  expect(driver.used(0)).toEqual([[2, 1]]);
  expect([0, 8, 16].map((at) => bench.ram[BUFFERS + at])).toEqual([...Buffer.from('elx')]);
  expect(bench.peripherals.receiveConsole(new Uint8Array(100_000))).toBe(65536);
});

describe('network', () => {
  const card = (link: Link) => {
    const bench = new Bench({ network: link });
    const driver = new Driver(bench, 0);
    driver.start(VERSION_1 | (1n << 5n), 0, 1);
    const send = (frame: Uint8Array): void => {
      bench.ram.fill(0, BUFFERS, BUFFERS + 12);
      bench.ram.set(frame, BUFFERS + 12);
      driver.submit(1, [
        [BUFFERS, 12, NEXT],
        [BUFFERS + 12, frame.length, 0],
      ]);
    };
    return { bench, driver, send };
  };

  test('a loopback gives back what was sent', () => {
    const { bench, driver, send } = card(new Loopback());
    driver.submit(0, [[BUFFERS + 0x1000, 2000, WRITE]]);
    send(Uint8Array.of(1, 2, 3, 4));
    expect(driver.used(1)).toHaveLength(1);
    expect(driver.used(0)).toEqual([[0, 16]]);
    expect([...bench.ram.slice(BUFFERS + 0x1000, BUFFERS + 0x1010)]).toEqual([
      ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
      ...[1, 2, 3, 4],
    ]);
    expect(driver.get(Register.CONFIG) & 0xffffff).toBe(0x005452);
  });

  test('frames wait, some hundred of them, and one that does not fit is lost', () => {
    const link: Link = { send: () => undefined, received: () => undefined };
    const { driver } = card(link);
    for (let i = 0; i < 1000; i++) link.received(new Uint8Array(i === 0 ? 100 : 4));
    driver.submit(0, [[BUFFERS, 64, WRITE]], 0);
    driver.submit(0, [[BUFFERS, 64, WRITE]], 1);
    expect(driver.used(0)).toEqual([
      [0, 0],
      [1, 16],
    ]);
    let more = 0;
    for (; ; more++) {
      driver.submit(0, [[BUFFERS, 64, WRITE]], 0);
      if (driver.used(0).length === 0) break;
    }
    expect(more).toBe(254);
  });
});

test('a snapshot in the middle of things goes on where it was', () => {
  const disk = new MemoryDisk();
  const { bench, request } = block(disk);
  expect(request(0, 3, [[BUFFERS + 64, 1024, NEXT | WRITE]])).toBe(0);
  const state = bench.peripherals.stateful.find(({ name }) => name.startsWith('virtio'))!;
  const words = state.save() as BigUint64Array;
  const other = block(disk);
  other.driver.set(Register.STATUS, 0);
  other.bench.ram.set(bench.ram);
  expect(other.bench.peripherals.stateful.find(({ name }) => name === state.name)!.restore(words)).toBeUndefined();
  expect(other.bench.lines.get(VIRTIO_SPI)).toBe(true);
  expect(other.request(0, 9, [[BUFFERS + 64, 512, NEXT | WRITE]])).toBe(0);
  expect(other.bench.ram.slice(BUFFERS + 64, BUFFERS + 64 + 512)).toEqual(disk.bytes.slice(9 * 512, 10 * 512));
  for (const bad of [words.slice(0, 5), words.map((word, i) => (i === 1 ? 4n : word)), [...words, 1n]])
    expect(state.restore(BigUint64Array.from(bad)) ?? 'taken').toBeTypeOf('string');
});
