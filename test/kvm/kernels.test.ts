/** The lab's tests on each kernel: those inside, and those with a debugger outside. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtCommand } from '../bin/command.ts';
import { Debugger } from '../clients/debugger.ts';
import { demoFile } from '../clients/fixture.ts';
import { guestInitramfs, payloadDigest } from '../linux/initramfs.ts';
import { kernelFile } from './initramfs.ts';
import { suites } from './inside/suites.ts';
import { agentPort, Inside, printed } from './inside.ts';
import { Lab } from './lab.ts';
import { fetchParts, kernelLines } from './packages.ts';
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
    const files = { '/guest/vmlinuz': kernelFile(parts), '/guest/initrd': initrd };
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
