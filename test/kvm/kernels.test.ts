/** The lab's tests on each kernel: those inside, and those with a debugger outside. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtCommand } from '../bin/command.ts';
import { Debugger } from '../clients/debugger.ts';
import { demoFile } from '../clients/fixture.ts';
import { suites } from './inside/suites.ts';
import { agentPort, Inside, printed } from './inside.ts';
import { Lab } from './lab.ts';
import { kernelLines } from './packages.ts';
import { stubPort } from './served.ts';
import { writeTests } from './writes.ts';

describe.each(kernelLines)('Linux %s', (kernel) => {
  let lab: Lab;
  let inside: Inside;
  beforeAll(async () => {
    const compiled = path.join(path.dirname(builtCommand()), '..');
    lab = await Lab.boot({ kernel, compiled, ports: { [agentPort]: 0, [stubPort]: 0 } });
    inside = new Inside(lab);
  }, 600_000);
  afterAll(async () => {
    inside?.close();
    await lab?.close();
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
