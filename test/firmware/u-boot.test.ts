import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SocketLink } from '../../bin/link.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  FileDisk,
  type FlashFile,
  Guest,
  Loopback,
  OverlayDisk,
  type Snapshot,
} from '../../src/backend/index.ts';
import { until } from '../bin/command.ts';
import { machineWithUBoot, onQemu, onSimulator, repeatedOnQemu } from './u-boot.ts';

const folder = mkdtempSync(join(tmpdir(), 'u-boot-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('it says the same as on QEMU with our device tree', async () => {
  const commands = [
    'version',
    'md 0 20',
    'md.b 4000000 8',
    'crc32 0 ed000',
    'printenv',
    'help',
    'coninfo',
    'dm tree',
    'mw 41000000 12345678 1000; cmp 41000000 41002000 800; crc32 41000000 4000',
    'cp 0 42000000 4000; crc32 42000000 10000; crc32 0 10000',
    'setexpr x 12 * 34; echo $x',
    'date',
    'poweroff',
  ];
  const tree = join(folder, 'tree.dtb');
  writeFileSync(tree, machineWithUBoot().boot.tree);
  const [qemu, { answers }] = await Promise.all([onQemu(commands, tree), onSimulator(commands)]);
  expect(answers).toHaveLength(commands.length + 1);
  answers.forEach((answer, i) => {
    // The seconds go on on QEMU while others use the processor, and it puts more into the device tree.
    const told = (text: string) => text.replace(/^(fdtcontroladdr=|Date: .*:).*$/m, '$1');
    expect(told(answer)).toBe(told(qemu[i]));
  });
  expect(answers[0]).toContain('Flash: 64 MiB');
  expect(answers[11]).toContain('3a8');
});

test('disks, a network, memory and flash at its prompt; the variables are there at the next start', async () => {
  const file = join(folder, 'disk.img');
  const sectors = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 17) & 0xff));
  writeFileSync(file, sectors);
  const variables = new Uint8Array(64 << 20);
  const flash: FlashFile = { data: variables, changed: (offset, bytes) => variables.set(bytes, offset) };
  const first = await onSimulator(
    [
      'bdinfo',
      'virtio scan; virtio info',
      'virtio read 41000000 1 2; md.b 41000000 10',
      'mw.b 41000000 ab 200; virtio write 41000000 7 1',
      'setenv kept "this is it"; saveenv',
      'rng 10',
    ],
    { disks: [new FileDisk(file, false)], network: new Loopback(), variables: flash },
  );
  const [start, bdinfo, info, read, written, saved] = first.answers;
  expect(start).toContain('bad CRC, using default environment');
  expect(start).toContain('eth0: virtio-net');
  expect(bdinfo).toContain('-> size     = 0x0000000008000000');
  expect(info).toContain('VirtIO Block Device');
  expect(info).toContain('(8 x 512)');
  expect(read).toContain('2 blocks read: OK');
  expect(read).toContain(`41000000: ${sectors.subarray(512, 528).toString('hex').replace(/../g, '$& ')}`);
  expect(written).toContain('1 blocks written: OK');
  const after = new FileDisk(file, true);
  const sector = new Uint8Array(512);
  after.read(sector, 7 * 512);
  after.close();
  expect(sector.every((byte) => byte === 0xab)).toBe(true);
  expect(saved).toMatch(/Erased 2 sectors[\s\S]*OK/);
  const second = await onSimulator(['echo $kept'], { variables: flash });
  expect(second.answers[0]).not.toContain('bad CRC');
  expect(second.answers[1]).toContain('\nthis is it\n');
});

test('two runs leave the same RAM', async () => {
  const runs = [await onSimulator(['bdinfo', 'date']), await onSimulator(['bdinfo', 'date'])];
  const [one, two] = runs.map(({ answers, machine }) => {
    const ram = machine.memory.view(0x4000_0000n, 128 << 20)!;
    return { answers, ram: Buffer.from(ram) };
  });
  expect(two.answers).toEqual(one.answers);
  expect(Buffer.compare(one.ram, two.ram)).toBe(0);
});

test('a snapshot at its prompt goes on on another machine, its flash and disk with it', async () => {
  const file = join(folder, 'kept.img');
  writeFileSync(file, Buffer.alloc(4096, 'x'));
  const disk = () => new OverlayDisk(new FileDisk(file, true));
  const variables = () => ({ data: new Uint8Array(), changed: () => undefined });
  const { answers, machine } = await onSimulator(
    ['virtio scan', 'mw.b 41000000 61 200; virtio write 41000000 3 1', 'setenv x 1; saveenv', 'md 4000004 4'],
    { disks: [disk()], variables: variables() },
    { stays: true },
  );
  const saved = new Guest(machine).state.save() as Snapshot;
  machine.close();
  const bytes = Buffer.concat(encodeSnapshot(saved));
  let at = 0;
  const decoded = decodeSnapshot({
    length: bytes.length,
    read: (into) => {
      const count = bytes.copy(into, 0, at);
      at += count;
      return count;
    },
  }) as Snapshot;
  const again = await onSimulator(
    ['md 4000004 4', 'virtio read 42000000 3 1; md.b 42000000 4', 'echo $x'],
    { disks: [disk()], variables: variables() },
    { from: decoded },
  );
  expect(again.answers[1]).toBe(answers[4]);
  expect(again.answers[2]).toContain('42000000: 61 61 61 61');
  expect(again.answers[3]).toContain('\n1\n');
  expect(readFileSync(file).every((byte) => byte === 0x78)).toBe(true);
});

test('the one on the simulator finds the one on QEMU through a socket', async () => {
  const socket = join(folder, 'wire');
  const link = new SocketLink(socket);
  await until(() => existsSync(socket));
  // It answers only while it waits for an answer itself.
  const partner = repeatedOnQemu('setenv ipaddr 10.0.0.2; setenv netretry no; ping 10.0.0.1', socket);
  const { answers } = await onSimulator(['setenv ipaddr 10.0.0.1; ping 10.0.0.2', 'ping 10.0.0.2'], { network: link });
  partner.kill();
  expect(answers[2]).toContain('host 10.0.0.2 is alive');
});
