/** Real gdb in conversation with the demo guest: what its users type, and what comes of it in the guest. */
import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { Debugger, gdbBatch } from './debugger.ts';
import { demoFile, demoFolder, demoSymbol, type Served, type ServedOptions, serveDemo } from './fixture.ts';

async function attach(options?: ServedOptions): Promise<{ served: Served; gdb: Debugger; connect: string }> {
  const served = await serveDemo(options);
  const gdb = await Debugger.gdb(demoFile);
  const connect = `target remote :${served.port}`;
  await gdb.run(`directory ${demoFolder}`, connect);
  return { served, gdb, connect };
}

describe('stops', () => {
  test('at software, hardware and temporary breakpoints', async () => {
    const { gdb } = await attach();
    await gdb.run('break one_round', 'hbreak exception_taken', 'tbreak main');
    expect(await gdb.run('continue')).toContain('Temporary breakpoint 3, main () at guest.c:');
    expect(await gdb.run('continue')).toContain('Breakpoint 1, one_round () at guest.c:');
    expect(await gdb.run('continue')).toMatch(/Breakpoint 2, exception_taken \(vector=65 'A', link=\d+\) at guest\.c:/);
    expect(await gdb.run('backtrace 1')).toContain('#0  exception_taken');
    const list = await gdb.run('info breakpoints');
    expect(list).toMatch(
      /^1 +breakpoint .*\n\tbreakpoint already hit 1 time\n2 +hw breakpoint .*\n\tbreakpoint already/m,
    );
    expect(list).not.toContain('in main');
  });

  test('when a variable is written, read or either', async () => {
    const { gdb } = await attach();
    await gdb.run('watch rounds', 'rwatch power_off', 'awatch word');
    const stops = [];
    for (let count = 0; count < 4; count++) stops.push(await gdb.run('continue'));
    expect(stops[0]).toMatch(/^Hardware read watchpoint 2: power_off\n\nValue = 0\n/m);
    expect(stops[1]).toMatch(/^Hardware watchpoint 1: rounds\n\nOld value = 0\nNew value = 1\n/m);
    expect(stops[2]).toMatch(/^Hardware access \(read\/write\) watchpoint 3: word\n/m);
    expect(stops[3]).toMatch(/^Hardware (access .* 3: word|read watchpoint 2)/m);
  });

  test('not with more watchpoints than there are', async () => {
    const { gdb } = await attach();
    await gdb.run('watch rounds', 'watch word', 'watch answer', 'watch last_esr', 'watch last_far');
    expect(await gdb.run('continue')).toContain('Could not insert hardware watchpoint 5.');
    await gdb.run('delete 5');
    expect(await gdb.run('continue')).toContain('Hardware watchpoint 1: rounds');
  });

  test('when it is interrupted, and goes on', async () => {
    const { gdb, served } = await attach();
    for (let count = 0; count < 3; count++) {
      const before = served.rounds();
      const stopped = gdb.start('continue');
      await served.more(100);
      gdb.interrupt();
      expect(await stopped).toContain('Program received signal SIGINT');
      expect(served.rounds()).toBeGreaterThanOrEqual(before + 100n);
    }
  });

  test('at a condition that the stub evaluates, system registers included', async () => {
    const { gdb, served } = await attach();
    await gdb.run('set breakpoint condition-evaluation target', 'break one_round if rounds == 200');
    await gdb.run('break exception_taken if ($ESR_EL1 >> 26) == 0x15 && rounds == 300 && $VBAR_EL1 == &vectors_a');
    await gdb.run('set debug remote 1');
    const first = await gdb.run('continue');
    expect(first).toContain('Breakpoint 1, ');
    // Not asked once in 200 rounds.
    expect(first.match(/Sending packet: \$vCont;c/g)).toHaveLength(1);
    await gdb.run('set debug remote 0');
    expect(served.rounds()).toBe(200n);
    expect(await gdb.run('info breakpoints')).toContain('stop only if rounds == 200 (target evals)');
    expect(await gdb.run('continue')).toContain('Breakpoint 2, exception_taken');
    expect(served.rounds()).toBe(300n);
  });

  test('not at a dprintf: the stub prints', async () => {
    const { gdb } = await attach();
    await gdb.run('set dprintf-style agent', 'dprintf one_round,"round %d of %lx\\n",rounds,$TTBR0_EL1');
    await gdb.run('break exception_taken if rounds == 3');
    const table = `1000${demoSymbol('table_a').toString(16).padStart(9, '0')}`;
    expect(await gdb.run('continue')).toMatch(
      new RegExp(`^round 0 of ${table}\nround 1 of ${table}\nround 2 of ${table}\n\nBreakpoint 2, `, 'm'),
    );
  });

  test('when the guest powers off', async () => {
    const { gdb, served } = await attach();
    await gdb.run('tbreak one_round', 'continue', 'set var power_off = 1');
    expect(await gdb.run('continue')).toContain('[Inferior 1 (Remote target) exited normally]');
    expect(served.console()).toMatch(/powers off\.\n$/);
  });
});

describe('steps', () => {
  test('instructions, over calls and into exceptions', async () => {
    const { gdb, served } = await attach();
    await gdb.run('break writable_code', 'continue');
    const pc = served.held('PC');
    expect(pc).toBe(demoSymbol('writable_code'));
    await gdb.run('stepi');
    expect(served.held('PC')).toBe(pc + 4n);
    await gdb.run('stepi');
    expect(await gdb.run('x/i $pc')).toMatch(/^=> 0x\w+ <one_round\+\d+>:/);
    // SVC: the next instruction is the vector's.
    for (let count = 0; count < 9 && !(await gdb.run('x/i $pc')).includes('\tsvc\t'); count++) await gdb.run('stepi');
    expect(await gdb.run('stepi', 'info symbol $pc')).toContain('vectors_a + 512');
    await gdb.run('tbreak exception', 'continue', 'stepi', 'nexti');
    expect(await gdb.run('info symbol $pc')).toContain('exception + 8');
  });

  test('source lines, without a stop for each instruction', async () => {
    const { gdb, served } = await attach();
    await gdb.run('break one_round', 'continue', 'delete');
    const packets: number[] = [];
    const lines: string[] = [];
    for (let count = 0; count < 4; count++) {
      const text = await gdb.run('set debug remote 1', 'next', 'set debug remote 0');
      packets.push(text.match(/Sending packet: \$vCont;r/g)?.length ?? 0);
      lines.push(/^\d+\t+(.*)$/m.exec(text)?.[1] ?? text);
    }
    expect(lines).toEqual([
      'rounds++;',
      'word = *(volatile u64 *)WINDOW;',
      'answer = writable_code(rounds);',
      '__asm__ volatile("svc #0" : : : "memory");',
    ]);
    for (const count of packets) expect(count).toBeGreaterThan(0);
    for (const count of packets) expect(count).toBeLessThan(4);
    expect(served.rounds()).toBe(1n);
  });

  test('into functions, out of them, and up to a place', async () => {
    const { gdb, served } = await attach();
    await gdb.run('tbreak report', 'continue');
    expect(await gdb.run('step')).toContain('print("round ");');
    expect(await gdb.run('step')).toMatch(/^print \(text=.*0x\w+ "round "\) at guest\.c/m);
    expect(await gdb.run('finish')).toMatch(/^Run till exit from #0 .*\n.*report \(\) at guest\.c/m);
    expect(served.console()).toMatch(/round $/);
    expect(await gdb.run('advance put')).toMatch(/^put \(character=/m);
    expect(await gdb.run('finish')).toContain('Run till exit');
    expect(await gdb.run('until one_round')).toContain('report () at guest.c');
    expect(await gdb.run('tbreak writable_code', 'continue')).toContain('writable_code () at start.S');
    expect(await gdb.run('finish')).toContain('one_round () at guest.c');
  });

  test('calls a function of the guest and leaves its registers as they were', async () => {
    const { gdb, served } = await attach();
    await gdb.run('tbreak exception_taken', 'continue');
    const registers = async () => (await gdb.run('info registers')).replace(/^CNT[PV]CT_EL0 .*\n/gm, '');
    const before = await registers();
    expect(await gdb.run('print ((unsigned long (*)(unsigned long))writable_code)(41)')).toContain('= 42\n');
    expect(await registers()).toBe(before);
    expect(await gdb.run('return', 'info symbol $pc')).toContain('exception + ');
    expect(served.rounds()).toBe(1n);
  });
});

describe('comes and goes', () => {
  test('detaches: the guest runs on without its breakpoints, and can be attached to again', async () => {
    const { gdb, served, connect } = await attach();
    await gdb.run('break one_round', 'hbreak exception_taken', 'watch word', 'continue');
    expect(await gdb.run('detach')).toContain('detached');
    await served.more(1000);
    expect(await gdb.run(connect)).toMatch(/at (guest\.c|start\.S):\d+/);
    const rounds = served.rounds();
    expect(await gdb.run('continue')).toMatch(/Breakpoint [12],|Hardware watchpoint 3/);
    expect(served.rounds() - rounds).toBeLessThan(2n);
  });

  test('is killed with breakpoints set: the guest runs on', async () => {
    const { gdb, served, connect } = await attach();
    await gdb.run('break one_round', 'continue');
    await gdb.kill();
    await served.more(1000);
    const other = await Debugger.gdb(demoFile);
    await other.run(connect);
    expect(served.memory(demoSymbol('one_round')) & 0xffff_ffffn).not.toBe(0xd420_0000n);
    expect(await other.run('info breakpoints')).toContain('No breakpoints');
  });

  test('quits: the guest runs on', async () => {
    const { gdb, served } = await attach();
    expect(await gdb.quit()).toContain('[Inferior 1 (Remote target) detached]');
    await served.more(1000);
  });

  test('a second one is told why it cannot come', async () => {
    const { gdb, served, connect } = await attach();
    const second = await gdbBatch([connect]);
    expect(second).toContain('another debugger is attached');
    expect(await gdb.run('print rounds')).toContain('= 0');
    expect(served.rounds()).toBe(0n);
  });

  test('says by `extended-remote` to start again, to kill and to attach', async () => {
    const { gdb, served } = await attach();
    await gdb.run('disconnect', `target extended-remote :${served.port}`, 'set remote exec-file demo');
    await gdb.run('tbreak one_round', 'continue');
    expect(served.held('TTBR0_EL1')).not.toBe(0n);
    expect(await gdb.run('start')).toContain('Temporary breakpoint 2, main ()');
    expect(served.held('TTBR0_EL1')).toBe(0n);
    // Not allowed to kill it: it goes on.
    expect(await gdb.run('kill')).toContain('[Inferior 1 (Remote target) killed]');
    await served.more(1000);
    expect(await gdb.run('attach 1')).toMatch(/at (guest\.c|start\.S):\d+/);
    expect(await gdb.run('info threads')).toContain('Thread 1 "cpu0" (EL1h, halted)');
  });
});

describe('memory', () => {
  test('is compared, searched, loaded, dumped and written', async () => {
    const { gdb, served } = await attach();
    const compared = await gdb.run('compare-sections');
    expect(compared).toContain('Section .text, range');
    expect(compared).not.toContain('MIS-MATCHED');
    await gdb.run('set var *(unsigned *)&vectors_b = 0');
    expect(await gdb.run('compare-sections .vectors_b')).toContain('MIS-MATCHED');
    expect(await gdb.run('load')).toContain('Loading section .vectors_b');
    expect(await gdb.run('compare-sections .vectors_b')).toContain('matched.');
    await gdb.run('tbreak one_round', 'continue');
    expect(await gdb.run('find &table_a, +4096, table_a[1]')).toContain('<table_a+8>');
    await gdb.run('set var page_a[3] = 0x1122334455667788');
    expect(served.memory(demoSymbol('page_a') + 24n)).toBe(0x1122_3344_5566_7788n);
    expect(await gdb.run('x/2gx 0x80000010')).toBe('0x80000010:\t0xaaaaaaaaaaaaaaaa\t0x1122334455667788\n');
    expect(await gdb.run('info mem')).toMatch(/^0 +y\s+0x0000000000000000 0xffffffffffffffff rw/m);
  });

  test('that is not there is told, and the session goes on', async () => {
    const { gdb } = await attach();
    expect(await gdb.run('x/4x 0x123456780000')).toContain('Cannot access memory at address 0x123456780000');
    expect(await gdb.run('x/4x 0x09000000')).toContain('Cannot access memory at address 0x9000000');
    expect(await gdb.run('set {int}0x09000000 = 65')).toContain('Cannot access memory at address 0x9000000');
    // Six of them are hardware breakpoints.
    const breaks = Array.from({ length: 7 }, (_, i) => `break *0x1234567800${i}0`);
    expect(await gdb.run(...breaks, 'continue')).toContain('Cannot insert breakpoint 7');
    expect(await gdb.run('delete', 'print 1')).toContain('= 1');
  });
});

describe('monitor', () => {
  test('explains itself', async () => {
    const { gdb } = await attach();
    const help = await gdb.run('monitor help');
    for (const word of ['sysreg', 'writes', 'reset', 'halt', 'resume']) expect(help).toContain(word);
    expect(await gdb.run('monitor help sysreg')).toContain('sysreg NAME[.FIELD]=VALUE');
    expect(await gdb.run('monitor sysrig')).toContain('did you mean sysreg?');
  });

  test('decodes and edits system registers, and keeps a journal of edits', async () => {
    const { gdb, served } = await attach();
    expect(await gdb.run('monitor sysreg sctlr_el1')).toMatch(/^ +M +0 +0 +MMU off$/m);
    expect(await gdb.run('monitor sysreg sctlr_el1.wxn=1')).toContain('SCTLR_EL1: 0x30d50998 -> 0x30dd0998');
    expect(served.held('SCTLR_EL1')).toBe(0x30dd_0998n);
    expect(await gdb.run('monitor sysreg S3_0_C12_C0_0=0x40100000')).toContain('VBAR_EL1: 0x0 -> 0x40100000');
    expect(await gdb.run('maint flush register-cache', 'print/x $VBAR_EL1')).toContain('= 0x40100000');
    expect(await gdb.run('monitor sysreg TTBR_EL1')).toMatch(/no system register TTBR_EL1; did you mean TTBR\d_EL1\?/);
    expect(await gdb.run('monitor sysreg VBAR_EL1=1')).toMatch(/VBAR_EL1: .*it still holds 0x40100000/);
    const journal = await gdb.run('monitor writes');
    expect(journal).toContain('SCTLR_EL1 0x30d50998 -> 0x30dd0998 written');
    expect(journal).toContain('VBAR_EL1 0x40100000 -> 0x1 refused');
  });

  test('puts the guest back to its start', async () => {
    const { gdb, served } = await attach();
    await gdb.run('break one_round', 'continue', 'continue', 'continue', 'set $TPIDR_EL1 = 7');
    expect(await gdb.run('monitor reset halt')).toContain(
      `pc 0x${demoSymbol('_start').toString(16).padStart(16, '0')}`,
    );
    await gdb.run('maint flush register-cache');
    expect(await gdb.run('print $pc')).toContain('<_start>');
    expect(served.held('TPIDR_EL1')).toBe(0n);
    expect(await gdb.run('continue')).toContain('Breakpoint 1, one_round');
    expect(served.rounds()).toBe(0n);
  });

  test('lets the guest run while gdb waits, and halts it', async () => {
    const { gdb, served } = await attach();
    await gdb.run('monitor resume');
    await served.more(100);
    expect(await gdb.run('print $VBAR_EL1')).toMatch(/running/);
    expect(await gdb.run('monitor halt')).toContain('halted: cpu0');
    const rounds = served.rounds();
    expect(await gdb.run('maint flush register-cache', 'stepi', 'info threads')).toContain('halted');
    expect(served.rounds() - rounds).toBeLessThan(2n);
  });
});

test('the description is one that gdb can print and read again', async () => {
  const { gdb } = await attach({ fields: 'all' });
  const xml = await gdb.run('maint print xml-tdesc');
  expect(xml).toMatch(
    /<reg name="SCTLR_EL1" bitsize="64" type="uint64" regnum="\d+" group="system" save-restore="no"\/>/,
  );
  expect(xml).toMatch(/<reg name="sctlr_el1" bitsize="64" type="SCTLR_EL1_fields"/);
  expect(await gdb.run('maint check xml-descriptions /')).not.toContain('rror');
});

test('an editor that only opens and closes the port does not disturb', async () => {
  const { gdb, served } = await attach();
  await gdb.run('detach');
  const socket = net.connect(served.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  await served.more(1000);
});
