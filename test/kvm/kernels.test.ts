/** The lab's tests on each kernel: those inside, and those with a debugger outside. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtCommand } from '../bin/command.ts';
import { Debugger } from '../clients/debugger.ts';
import { demoFile } from '../clients/fixture.ts';
import { uBoot } from '../firmware/u-boot.ts';
import { guestInitramfs, payloadDigest } from '../linux/initramfs.ts';
import { fetchParts, kernelFile, kernelLines } from '../packages/packages.ts';
import { suites } from './inside/suites.ts';
import { agentPort, Inside, printed } from './inside.ts';
import { Lab } from './lab.ts';
import { stubPort } from './served.ts';
import { writeTests } from './writes.ts';

describe.each(kernelLines)('Linux %s', (kernel) => {
  let lab: Lab;
  let inside: Inside;
  const folder = mkdtempSync(path.join(tmpdir(), 'arm-gdbstub-kernels-'));
  beforeAll(async () => {
    const compiled = path.join(path.dirname(builtCommand()), '..');
    const parts = fetchParts(kernel);
    const initrd = path.join(folder, 'initrd');
    writeFileSync(initrd, guestInitramfs(parts));
    const files = { '/guest/vmlinuz': kernelFile(parts), '/guest/initrd': initrd, '/u-boot.bin': uBoot };
    lab = await Lab.boot({ kernel, compiled, files, ports: { [agentPort]: 0, [stubPort]: 0 } });
    inside = new Inside(lab);
  }, 600_000);
  afterAll(async () => {
    inside?.close();
    await lab?.close();
    rmSync(folder, { recursive: true });
  });

  for (const [suite, cases] of Object.entries(suites))
    describe(suite, () => {
      for (const one of cases)
        test(one.name, async () => {
          const { report, failure } = await inside.run(suite, one);
          for (const line of report) process.stdout.write(`${kernel}: ${line}\n`);
          if (failure !== undefined) expect.fail(failure);
        });
    });

  writeTests(kernel, () => lab);

  test('the kernel is of the line that was asked for', async () => {
    const { output, code } = await lab.run('uname -r');
    expect(output.startsWith(`${kernel}.`), output).toBe(true);
    expect(code).toBe(0);
  });

  test('the same kernel is a guest of two CPUs on KVM, to user space and power off', async () => {
    const { code, output } = await lab.run(
      'arm-gdbstub run --kernel /guest/vmlinuz --initrd /guest/initrd -m 256M --smp 2 --backend kvm --gdb tcp:0 ' +
        '--append "console=ttyAMA0 quiet rdinit=/session"',
    );
    expect(output).toContain(`user space: Linux ${kernel}.`);
    expect(output).toMatch(/ on 2\r?\n/);
    expect(output).toContain(`${payloadDigest}  /payload`);
    expect(code).toBe(0);
  });

  test('the simulator shows its demo on arm64', async () => {
    const { code, output } = await lab.run('arm-gdbstub demo --check');
    expect(output).toContain('The guest felt all');
    expect(code).toBe(0);
  });

  // The same on both: a minute is enough.
  if (kernel === '6.12')
    test('U-Boot runs from flash, writes to it, reads a disk by virtio, and powers off', async () => {
      const commands = ['version', 'virtio scan', 'virtio read 41000000 0 1', 'md.l 41000000 1'];
      // Long commands look for Ctrl-C, and throw away what they find instead.
      const spaces = ' '.repeat(20);
      commands.push(`${spaces}erase 4080000 +20000`, `${spaces}cp.l 41000000 4080004 1`, `${spaces}md.l 4080000 2`);
      const line = [
        'printf "%1024s" "" | tr " " "Z" > /tmp/disk && truncate -s 64M /tmp/variables &&',
        `printf '\\n${commands.join('\\n')}\\n${spaces}poweroff\\n' | arm-gdbstub run --bios /u-boot.bin --backend kvm -m 128M`,
        '--gdb tcp:0 --timeout 150 --drive /tmp/disk --variables /tmp/variables && grep -c ZZZZ /tmp/variables',
      ].join(' ');
      const { output, code } = await lab.run(line);
      expect(output).toContain('1 blocks read: OK');
      expect(output).toContain('41000000: 5a5a5a5a');
      expect(output).toContain('04080000: ffffffff 5a5a5a5a');
      expect(output).toContain('the guest has powered off');
      expect(code).toBe(0);
    });

  test('gdb outside edits a register of a guest inside', async () => {
    const job = lab.start(`exec arm-gdbstub demo --gdb tcp:0.0.0.0:${stubPort}`);
    await printed(job, /target remote/);
    const gdb = await Debugger.gdb(demoFile);
    await gdb.run(`target remote 127.0.0.1:${lab.port(stubPort)}`);
    expect(await gdb.run('set $TPIDR_EL1 = 0x123456789abcdef0', 'stepi', 'p/x $TPIDR_EL1')).toContain(
      '0x123456789abcdef0',
    );
    await gdb.kill();
    job.kill();
    expect((await job.finished).code).toBe(-1);
  });
});
