/** Real gdb and lldb go back to a snapshot, and on from there. */
import { expect, test } from 'vitest';
import { Debugger } from './debugger.ts';
import { demoFile, serveDemo } from './fixture.ts';

test('gdb shows what was restored once it has forgotten what it read; its breakpoints stay', async () => {
  const { port, rounds, held } = await serveDemo();
  const gdb = await Debugger.gdb(demoFile);
  await gdb.run(`target remote :${port}`, 'break one_round', 'continue', 'continue 5');
  expect(await gdb.run('print rounds', 'monitor snapshot save here')).toMatch(/= 5\nsaved as here: RAM /);
  const pc = held('PC');
  await gdb.run('set $VBAR_EL1 = 0x1000', 'set var rounds = 77', 'set $x19 = 0x1234', 'stepi', 'stepi');
  expect(await gdb.run('print rounds', 'print $x19')).toBe('$2 = 77\n$3 = 4660\n');
  expect(await gdb.run('monitor snapshot restore here')).toMatch(
    /^restored here; halted: cpu0 .*\ngdb still shows what it has read before: maint flush register-cache/,
  );
  expect([rounds(), held('PC')]).toEqual([5n, pc]);
  await gdb.run('maint flush register-cache', 'maint flush dcache');
  expect(await gdb.run('print rounds', 'print $pc', 'print $x19 == 0x1234')).toMatch(/= 5\n.* <one_round>\n\$6 = 0\n$/);
  expect(await gdb.run('print/x $VBAR_EL1')).toContain(held('VBAR_EL1').toString(16));
  expect(await gdb.run('backtrace')).toMatch(/#0 +one_round \(\).*\n#1 .* in main \(\)/);
  // The breakpoint is here, and it is the next one that stops.
  expect(await gdb.run('continue', 'print rounds')).toMatch(/Breakpoint 1, one_round[\s\S]*= 6\n$/);
  expect(await gdb.run('monitor snapshot restore gone')).toContain('there is no snapshot gone');
});

test('lldb sees it at its next stop', async () => {
  const { port, rounds, held } = await serveDemo();
  const lldb = await Debugger.lldb(demoFile);
  const monitor = (line: string) => lldb.run(`process plugin packet monitor ${line}`);
  await lldb.run(`gdb-remote ${port}`, 'breakpoint set --name one_round', 'continue', 'continue', 'continue');
  expect(await monitor('snapshot save here')).toContain('saved as here: RAM ');
  const before = [rounds(), held('PC')];
  await lldb.run('continue', 'continue', 'register write x19 0x1234', 'expression rounds = 77');
  expect(rounds()).toBe(77n);
  expect(await monitor('snapshot restore here')).toContain('restored here; halted: cpu0');
  expect([rounds(), held('PC')]).toEqual(before);
  await lldb.run('thread step-inst');
  expect(await lldb.run('register read pc x19', 'expression rounds')).toMatch(
    /`one_round \+ \d+[\s\S]* x19 = 0x(?!0+1234)[\s\S]*= 2\n/,
  );
  expect(await lldb.run('continue')).toMatch(/stop reason = breakpoint 1\.1\n.*`one_round/);
  expect(rounds()).toBe(before[0] + 1n);
});
