/** Linux's own drivers of our devices: a disk with a file system, a network card, a second console, entropy, the clock. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  FileDisk,
  type Image,
  Loopback,
  OverlayDisk,
  parseImage,
  RAM_BASE,
  SimulatorMachine,
  type SimulatorOptions,
} from '../../src/backend/index.ts';
import { diskModules, networkModules, otherModules } from '../packages/packages.ts';
import { debianDisk } from './debian.ts';
import { linuxFiles } from './linux.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'virtio-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ramSize = 256 << 20;
const modules = [...networkModules, ...diskModules, ...otherModules];

/** Until it powers off: all that it said. `heard` tells what is to be typed. */
async function run(
  script: string,
  options: Partial<SimulatorOptions>,
  heard: (text: string) => string = () => '',
): Promise<string> {
  const { kernel, initramfs } = linuxFiles('6.1', { modules, script });
  const image = parseImage(readFileSync(kernel), { start: BigInt(RAM_BASE), length: BigInt(ramSize) }) as Image;
  let text = '';
  const machine = new SimulatorMachine({
    ramSize,
    image,
    initrd: initramfs,
    commandLine: 'console=ttyAMA0 quiet',
    rtc: Date.UTC(2026, 1, 3) / 1000,
    seed: '',
    ...options,
    serial: (bytes) => {
      text += Buffer.from(bytes).toString('latin1');
      const typed = heard(text);
      if (typed !== '') machine.receive(Buffer.from(typed));
    },
  });
  const timeout = setTimeout(() => machine.vcpus[0].kick(), 150_000);
  const exit = await machine.vcpus[0].run();
  clearTimeout(timeout);
  machine.close();
  if (exit.kind !== 'shutdown') throw new Error(`Linux ended with ${exit.kind} after:\n${text.slice(-3000)}`);
  return text.replaceAll('\r', '');
}

test('drivers: ext4 on a disk, a card that hears itself, a second console, entropy, the clock', async () => {
  const file = path.join(folder, 'ext4.img');
  const content = path.join(folder, 'content');
  const blob = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) & 0xff));
  execFileSync('mkdir', [content]);
  writeFileSync(path.join(content, 'blob'), blob);
  execFileSync('truncate', ['-s', '16M', file]);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', content, file], { stdio: 'pipe' });
  const sent: number[] = [];
  const text = await run(
    `mount -t ext4 /dev/vda /mnt && sha256sum /mnt/blob
dd if=/dev/zero bs=64k count=40 2>/dev/null | tr '\\0' 'z' > /mnt/new; umount /mnt; sync
echo spoken > /dev/hvc0
head -c 16 /dev/hwrng | od -x | head -1
ip link set eth0 up; ip addr add 10.0.0.1/24 dev eth0; ping -c 1 -W 1 10.0.0.2 > /dev/null
echo "packets $(cat /sys/class/net/eth0/statistics/rx_packets) of $(cat /sys/class/net/eth0/statistics/tx_packets)"
echo "year $(date +%Y)"; cat /proc/interrupts
poweroff -f
`,
    { disks: [new FileDisk(file, false)], network: new Loopback(), console: (bytes) => void sent.push(...bytes) },
  );
  expect(text).not.toMatch(/^no |failed|error/m);
  expect(text).toContain(`${createHash('sha256').update(blob).digest('hex')}  /mnt/blob`);
  expect(Buffer.from(sent).toString()).toContain('spoken');
  expect(text).toMatch(/^0000000( [0-9a-f]{4}){8}$/m);
  const [, received, transmitted] = /packets (\d+) of (\d+)/.exec(text)!.map(Number);
  expect(received).toBeGreaterThan(2);
  expect(received).toBeLessThanOrEqual(transmitted);
  expect(text).toContain('year 2026');
  expect(text).toMatch(/^ *\d+: +[1-9]\d* +GICv3 +48 Level +virtio0$/m);
  // The host finds the file system whole, and the new file in it.
  execFileSync('e2fsck', ['-fn', file], { stdio: 'pipe' });
  const read = execFileSync('debugfs', ['-R', 'cat /new', file], {
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 24,
  });
  expect([read.length, read.every((byte) => byte === 0x7a)]).toEqual([40 << 16, true]);
}, 180_000);

test('a root file system of Debian comes to its login, takes one, and its file stays as it is', async () => {
  const file = debianDisk();
  const digest = () => createHash('sha256').update(readFileSync(file)).digest('hex');
  const before = digest();
  const steps: readonly [question: RegExp, answer: string][] = [
    [/debian login: $/, 'root\n'],
    [
      /# $/,
      'cat /etc/debian_version; id; ps -e | head -3; echo kept > /etc/kept; sync; cat /etc/kept; df / | tail -1\n',
    ],
    [/\/dev\/vda .*\r\n.*# $/, 'umount -a; poweroff -f\n'],
  ];
  let step = 0;
  const text = await run(
    'mount -t ext4 -o ro /dev/vda /root; mount -o move /dev /root/dev; umount /sys /proc; exec switch_root /root /sbin/init\n',
    { disks: [new OverlayDisk(new FileDisk(file, true))] },
    (said) => (step < steps.length && steps[step][0].test(said) ? steps[step++][1] : ''),
  );
  expect(step).toBe(steps.length);
  expect(text).toContain('Debian GNU/Linux 12 debian ttyAMA0');
  expect(text).toContain('uid=0(root) gid=0(root) groups=0(root)');
  expect(text).toMatch(/^ +1 \?.* init$/m);
  expect(text).toContain('\nkept\n');
  expect(digest()).toBe(before);
}, 180_000);
