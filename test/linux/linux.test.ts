/** Debian's arm64 kernels, as they are, to user space, a session at the shell, and power off. */
import { describe, expect, test } from 'vitest';
import { kernelLines } from '../kvm/packages.ts';
import { payloadDigest } from './initramfs.ts';
import { runLinux } from './linux.ts';

const session = [
  'cat /proc/cpuinfo',
  'dmesg',
  'sha256sum /payload',
  'i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo "came to $i"',
  'cat /proc/interrupts',
  "awk 'BEGIN { print 22 / 7 }'",
];

describe.each(kernelLines)('Linux %s', (line) => {
  test.each([3, 2] as const)('comes to user space with GICv%i, works, and powers off', async (gic) => {
    const { answers } = await runLinux(line, session, { gic });
    const [boot, cpuinfo, dmesg, sum, loop, interrupts, product, last] = answers;
    expect(boot).toMatch(new RegExp(`user space: Linux ${line.replace('.', '\\.')}\\.\\S+ on 1\n`));
    expect(cpuinfo.match(/^processor/gm)).toHaveLength(1);
    expect(cpuinfo).toMatch(/^Features\t: fp asimd .*aes pmull sha1 sha2 crc32 atomics/m);
    expect(dmesg.includes('GICv3: ')).toBe(gic === 3);
    expect(dmesg).not.toMatch(/(?<!\[Firmware )Bug|BUG|Oops|WARNING|Call trace/);
    expect(sum).toContain(`${payloadDigest}  /payload`);
    expect(loop).toContain('came to 2000');
    expect(interrupts).toMatch(/^ *\d+: +\d+ +GIC[\w-]* +27 Level +arch_timer$/m);
    expect(product).toContain('3.14286');
    expect(last).toContain('reboot: Power down');
  });
});

test('two runs with the same input end with the same count of instructions and the same RAM', async () => {
  const commands = ['sha256sum /payload', 'head -c 8 /dev/urandom | od -x', 'date'];
  const first = await runLinux('6.12', commands);
  const second = await runLinux('6.12', commands);
  expect(second).toEqual(first);
});
