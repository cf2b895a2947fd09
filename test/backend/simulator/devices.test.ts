/** Guests that drive devices, and print the same as on QEMU. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FileDisk } from '../../../src/backend/devices/disk.ts';
import { onQemu, onSimulator, withGuest } from './compare.ts';

const folder = mkdtempSync(join(tmpdir(), 'devices-'));
const place = (name: string): string => join(folder, name);
const lines = (text: string): string[] => text.trimEnd().split('\n');

const disk = Uint8Array.from({ length: 64 << 10 }, (_, i) => (i * 13 + (i >> 8)) & 0xff);

beforeAll(() => {
  for (const name of ['qemu.img', 'simulator.img']) writeFileSync(place(name), disk);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('flash: the query, identities, and what the commands do', async () => {
  const kept = new Map<number, number>();
  const variables = {
    data: new Uint8Array(),
    changed: (offset: number, bytes: Uint8Array) => void kept.set(offset, bytes.length),
  };
  await withGuest('flash', async (elf) => {
    const [qemu, simulator] = await Promise.all([onQemu(elf, 'cortex-a57'), onSimulator(elf, { variables })]);
    expect(lines(simulator)).toEqual(lines(qemu));
    expect(lines(qemu).length).toBeGreaterThan(30);
  });
  // What was erased and programmed was told.
  expect([kept.get(0), kept.get(8), kept.get(5 * 0x40000), kept.get(4)]).toEqual([0x40000, 4, 0x40000, undefined]);
});

test('virtio: a disk, entropy and a console, for drivers of all kinds', async () => {
  const options = [
    ...['-global', 'virtio-mmio.force-legacy=false', '-device', 'virtio-rng-device'],
    ...['-drive', `file=${place('qemu.img')},format=raw,if=none,id=disk`, '-device', 'virtio-blk-device,drive=disk'],
    ...['-device', 'virtio-serial-device,max_ports=1', '-chardev', `file,id=out,path=${place('console')}`],
    ...['-device', 'virtconsole,chardev=out'],
  ];
  const sent: number[] = [];
  await withGuest('virtio', async (elf) => {
    const [qemu, simulator] = await Promise.all([
      onQemu(elf, 'cortex-a57', 3, options),
      onSimulator(elf, {
        disks: [new FileDisk(place('simulator.img'), false)],
        seed: '',
        console: (bytes) => void sent.push(...bytes),
      }),
    ]);
    expect(lines(simulator)).toEqual(lines(qemu));
    expect(lines(qemu).length).toBeGreaterThan(40);
  });
  const [theirs, ours] = ['qemu.img', 'simulator.img'].map((name) => readFileSync(place(name)));
  expect(Buffer.compare(theirs, ours)).toBe(0);
  expect(Buffer.compare(ours, disk)).not.toBe(0);
  expect([readFileSync(place('console'), 'latin1'), String.fromCharCode(...sent)]).toEqual([
    'hello from virtio\n',
    'hello from virtio\n',
  ]);
});

test('semihosting answers as on QEMU, and prints in order with the serial port', async () => {
  const file = place('semihosting');
  await withGuest('semihosting', async (elf) => {
    const options = ['-chardev', `file,id=host,path=${file}`];
    options.push('-semihosting-config', 'enable=on,target=native,chardev=host');
    const choice = { semihosting: true, rtc: 1_000_000_000, commandLine: 'one two' };
    const [qemu, simulator] = await Promise.all([onQemu(elf, 'cortex-a57', 3, options), onSimulator(elf, choice)]);
    // QEMU has two places for them.
    expect(readFileSync(file, 'latin1')).toBe('write0, c\nend\n');
    const printed = ['write0, c', 'to output', 'end'];
    const isAnswer = (line: string) => !printed.includes(line);
    expect(lines(simulator).filter(isAnswer)).toEqual(lines(qemu).filter(isAnswer));
    expect(lines(simulator).filter((line) => !isAnswer(line))).toEqual(printed);
    expect(lines(qemu).length).toBeGreaterThan(20);
    // Without it HLT is UNDEFINED.
    expect((await onSimulator(elf)).match(/exception at vector 200 esr 2000000/g)?.length).toBeGreaterThan(20);
  });
});
