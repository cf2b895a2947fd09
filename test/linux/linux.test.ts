/** Debian's arm64 kernels, as they are, to user space, a session at the shell, and power off. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelLines } from '../packages/packages.ts';
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

const armv8 = 'fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid';
const everything =
  'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop asimddp asimdfhm ' +
  'dcpodp i8mm frint';

/** What /proc/cpuinfo says of each CPU that there is to choose. */
const told = {
  max: { features: everything, part: '0xa64' },
  'cortex-a53': { features: armv8, part: '0xd03' },
  'cortex-a57': { features: armv8, part: '0xd07' },
  'cortex-a72': { features: armv8, part: '0xd08' },
} as const;

function expectCpu(cpuinfo: string, cpu: keyof typeof told): void {
  const words = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(cpuinfo)?.[1].split(' ').sort();
  expect(words('Features')).toEqual(told[cpu].features.split(' ').sort());
  expect(words('CPU part')).toEqual([told[cpu].part]);
}

describe.each(kernelLines)('Linux %s', (line) => {
  test.each([
    [3, 'max'],
    [2, 'cortex-a53'],
  ] as const)('comes to user space with GICv%i on %s, works, and powers off', async (gic, cpu) => {
    const { answers } = await runLinux(line, session, { gic, cpu });
    const [boot, cpuinfo, dmesg, sum, loop, interrupts, product, last] = answers;
    expect(boot).toMatch(new RegExp(`user space: Linux ${line.replace('.', '\\.')}\\.\\S+ on 1\n`));
    expect(cpuinfo.match(/^processor/gm)).toHaveLength(1);
    expectCpu(cpuinfo, cpu);
    expect(dmesg.includes('GICv3: ')).toBe(gic === 3);
    expect(dmesg).toContain('hw-breakpoint: found 6 breakpoint and 4 watchpoint registers.');
    expect(dmesg).toMatch(/hw perfevents: enabled with armv8_pmuv3 PMU driver, 7 (\(0,8000003f\) )?counters available/);
    expect(dmesg).not.toMatch(/(?<!\[Firmware )Bug|BUG|Oops|WARNING|Call trace/);
    expect(sum).toContain(`${payloadDigest}  /payload`);
    expect(loop).toContain('came to 2000');
    expect(interrupts).toMatch(/^ *\d+: +\d+ +GIC[\w-]* +27 Level +arch_timer$/m);
    expect(product).toContain('3.14286');
    expect(last).toContain('reboot: Power down');
  });
});

/** As QEMU's guest prints it, too. */
const debugged = [
  'breakpoints 6 watchpoints 4 architecture 6',
  'watchpoint: signal 5 code 4 at watched, pc in work 0',
  'breakpoint: signal 5 code 4 at work, pc in work 1',
  'step: signal 5 code 2 at ?, pc in work 0',
  'step went 4',
  'BRK: signal 5 code 1 at ?, pc in work 0',
  'ended by 9',
].join('\n');

let folder: string;
let debugging: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'linux-'));
  debugging = path.join(folder, 'debugging');
  const source = path.join(import.meta.dirname, 'debugging.c');
  execFileSync('aarch64-linux-gnu-gcc', ['-O1', '-static', '-Wall', '-Werror', source, '-o', debugging]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['6.12', 4, 3, 'max'],
  ['6.1', 4, 3, 'cortex-a57'],
  ['6.12', 8, 2, 'cortex-a72'],
] as const)('Linux %s with %i CPUs and a GICv%i: %s', async (line, cpus, gic, cpu) => {
  const session = ['cat /proc/cpuinfo', 'dmesg', 'cat /proc/interrupts', parallel(cpus), '/debugging'];
  const contents = { files: { '/debugging': debugging } };
  const { answers } = await runLinux(line, session, { gic, cpus, cpu, contents });
  const [boot, cpuinfo, dmesg, interrupts, sums, processes, last] = answers;
  expect(boot).toContain(` on ${cpus}\n`);
  expect(cpuinfo.match(/^processor/gm)).toHaveLength(cpus);
  expectCpu(cpuinfo, cpu);
  expect(dmesg).toContain(`smp: Brought up 1 node, ${cpus} CPUs`);
  expect(dmesg).not.toMatch(/(?<!\[Firmware )Bug|BUG|Oops|WARNING|Call trace|rcu.*stall/);
  const ticks = /27 Level +arch_timer$/m.exec(interrupts);
  expect(ticks).not.toBeNull();
  expect(sums.match(new RegExp(payloadDigest, 'g'))).toHaveLength(cpus);
  expect(processes).toContain(debugged);
  expect(last).toContain('reboot: Power down');
});

/** One on each CPU. */
const parallel = (cpus: number): string =>
  `for cpu in $(seq 0 ${cpus - 1}); do taskset $(printf %x $((1 << cpu))) sha256sum /payload & done; wait`;

test.each([1, 4])(
  'two runs of %i CPUs with the same input end with the same count of instructions and the same RAM',
  async (cpus) => {
    const commands = ['sha256sum /payload', 'head -c 8 /dev/urandom | od -x', 'date'];
    const first = await runLinux('6.12', commands, { cpus });
    const second = await runLinux('6.12', commands, { cpus });
    expect(second).toEqual(first);
  },
);
