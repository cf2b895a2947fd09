/** Real lldb in conversation with the demo guest: what its users type, and what comes of it in the guest. */
import { describe, expect, test } from 'vitest';
import { Debugger } from './debugger.ts';
import { demoFile, demoFolder, demoSymbol, type Served, type ServedOptions, serveDemo } from './fixture.ts';

async function attach(options?: ServedOptions): Promise<{ served: Served; lldb: Debugger; connect: string }> {
  const served = await serveDemo(options);
  const lldb = await Debugger.lldb(demoFile);
  const connect = `gdb-remote ${served.port}`;
  await lldb.run(`settings set target.source-map . ${demoFolder}`, connect);
  return { served, lldb, connect };
}

describe('stops', () => {
  test('at breakpoints by name, by line, by address in hardware, once and on a condition', async () => {
    const { lldb, served } = await attach();
    await lldb.run('breakpoint set --one-shot true --name main', 'breakpoint set --file guest.c --line 139');
    await lldb.run(`breakpoint set --hardware --address ${demoSymbol('vectors_a') + 0x200n}`);
    await lldb.run('breakpoint set --name exception_taken --condition "rounds == 7"');
    expect(await lldb.run('continue')).toMatch(/stop reason = one-shot breakpoint 1\n.*`main at guest\.c/);
    expect(await lldb.run('continue')).toMatch(/stop reason = breakpoint 2\.1\n.*`one_round at guest\.c:139/);
    expect(await lldb.run('continue')).toMatch(/stop reason = breakpoint 3\.1\n.*start\.S/);
    await lldb.run('breakpoint disable 2', 'breakpoint disable 3');
    expect(await lldb.run('continue')).toMatch(/stop reason = breakpoint 4\.1\n.*`exception_taken\(vector='A'/);
    expect(served.rounds()).toBe(7n);
  });

  test('when a variable is written, read or either', async () => {
    const { lldb, served } = await attach();
    await lldb.run('breakpoint set --one-shot true --name main', 'continue');
    await lldb.run('watchpoint set variable --watch modify rounds', 'watchpoint set variable --watch read power_off');
    expect(await lldb.run('watchpoint set variable --watch read_write word')).toContain(
      'size = 8 state = enabled type = rw',
    );
    expect(await lldb.run('watchpoint list')).toContain('Number of supported hardware watchpoints: 4');
    expect(await lldb.run('continue')).toMatch(/stop reason = watchpoint 2\n.*`main at guest\.c:167/);
    expect(await lldb.run('continue')).toMatch(
      /new value: 1\n[\s\S]*stop reason = watchpoint 1\n.*`one_round at guest\.c/,
    );
    expect(served.rounds()).toBe(1n);
    expect(await lldb.run('continue')).toMatch(/stop reason = watchpoint 3\n.*`one_round at guest\.c:13[89]/);
  });

  test('when it is interrupted, and goes on', async () => {
    const { lldb, served } = await attach();
    for (let count = 0; count < 2; count++) {
      await lldb.run('script lldb.debugger.SetAsync(True)', 'continue');
      await served.more(100);
      await lldb.run('process interrupt', 'script lldb.debugger.SetAsync(False)');
      expect(await lldb.run('process status')).toContain('stop reason = signal SIG');
      const rounds = served.rounds();
      await lldb.run('thread step-inst');
      expect(served.rounds() - rounds).toBeLessThan(2n);
    }
  });

  test('when the guest powers off', async () => {
    const { lldb, served } = await attach();
    await lldb.run('breakpoint set --one-shot true --name one_round', 'continue', 'expression power_off = 1');
    expect(await lldb.run('continue')).toContain('Process 1 exited with status = 0');
    expect(served.console()).toMatch(/powers off\.\n$/);
  });
});

describe('steps', () => {
  test('instructions and lines, into functions and exceptions, and out of them', async () => {
    const { lldb, served } = await attach();
    await lldb.run('breakpoint set --one-shot true --name one_round', 'continue');
    expect(await lldb.run('thread step-over')).toContain('`one_round at guest.c:138');
    expect(await lldb.run('thread step-over')).toContain('`one_round at guest.c:139');
    const before = served.held('PC');
    await lldb.run('thread step-inst');
    expect(served.held('PC')).toBe(before + 4n);
    await lldb.run('thread step-inst');
    expect(await lldb.run('thread step-inst')).toContain('`writable_code at start.S');
    expect(await lldb.run('thread step-out')).toContain('`one_round at guest.c:139');
    expect(await lldb.run('thread step-over')).toContain('`one_round at guest.c:140');
    expect(await lldb.run('thread step-in')).toContain('`vectors_a at start.S');
    expect(await lldb.run('thread backtrace')).toMatch(/frame #0: .*vectors_a/);
  });
});

describe('registers', () => {
  test('are shown with the names of their fields and of their values, whatever the case', async () => {
    const { lldb } = await attach();
    const shown = await lldb.run('register read sctlr_el1');
    expect(shown).toContain('SCTLR_EL1 = 0x0000000030d50998');
    expect(shown).toMatch(/^ +M = MMU off$/m);
    expect(await lldb.run('register read CPSR')).toMatch(/D = 1, A = 1, I = 1, F = 1, M = EL1h/);
    expect(await lldb.run('register read MIDR_EL1')).toContain('Implementer = ');
  });

  test('are listed in groups', async () => {
    const { lldb } = await attach();
    const list = await lldb.run('register read --all');
    for (const group of ['general', 'control', 'mmu', 'exception', 'timer', 'debug', 'id'])
      expect(list).toMatch(new RegExp(`^${group}:$`, 'm'));
    expect(list).toContain('VBAR_EL1 = 0x0000000000000000');
    expect(list).not.toContain('unavailable');
  });

  test('refuse a value: lldb says only that, the journal says why', async () => {
    const { lldb, served } = await attach();
    const said = await lldb.run('register write VBAR_EL1 1');
    expect(said).toBe("error: Failed to write register 'VBAR_EL1' with value '1'\n");
    expect(await lldb.run('process plugin packet monitor writes')).toMatch(
      /VBAR_EL1 0x0 -> 0x1 refused .*it still holds 0x0/,
    );
    expect(served.held('VBAR_EL1')).toBe(0n);
    expect(await lldb.run('process plugin packet monitor sysreg SCTLR_EL1.WXN=1')).toContain('-> 0x30dd0998');
    expect(served.held('SCTLR_EL1')).toBe(0x30dd_0998n);
  });

  test('are as lldb has read them after an edit through monitor, until it writes one', async () => {
    const { lldb, served } = await attach();
    await lldb.run(
      'command alias monitor process plugin packet monitor',
      'thread step-inst',
      'register read SCTLR_EL1',
    );
    await lldb.run('monitor sysreg SCTLR_EL1.WXN=1', 'monitor reset halt');
    const start = demoSymbol('_start');
    await lldb.run(`register write pc ${start}`);
    expect(await lldb.run('register read sctlr_el1')).toMatch(/^ +WXN = no effect$/m);
    await lldb.run('thread step-inst');
    expect(served.held('PC')).toBe(start + 4n);
  });

  test('pc, sp, cpsr and general registers are written', async () => {
    const { lldb, served } = await attach();
    await lldb.run('register write x0 0x123', 'register write sp 0x40208000', 'register write cpsr 0x3c4');
    expect(served.held('X0')).toBe(0x123n);
    expect(served.held('SP_EL1')).toBe(0x4020_8000n);
    expect(served.held('PSTATE')).toBe(0x3c4n);
    // PSTATE.SP is 0 now.
    expect(await lldb.run('register read sp')).toContain('sp = 0x0000000000000000');
    await lldb.run('register write pc 0x40080b78');
    expect(served.held('PC')).toBe(0x4008_0b78n);
  });
});

describe('comes and goes', () => {
  test('quits: that is no reason to kill the guest', async () => {
    const { lldb, served } = await attach();
    await lldb.run('breakpoint set --name one_round', 'continue');
    await lldb.quit();
    await served.more(1000);
    const again = await Debugger.lldb(demoFile);
    expect(await again.run(`gdb-remote ${served.port}`)).toContain('stop reason = signal SIGTRAP');
  });

  test('detaches, and comes back', async () => {
    const { lldb, served, connect } = await attach();
    await lldb.run('breakpoint set --name one_round', 'continue', 'detach');
    await served.more(1000);
    expect(await lldb.run(connect)).toContain('Process 1 stopped');
    expect(await lldb.run('continue')).toContain('stop reason = breakpoint 1.1');
  });

  test('kills, and the guest runs on, because that was not allowed', async () => {
    const { lldb, served } = await attach();
    await lldb.run('process kill');
    await served.more(1000);
  });

  test('a second one cannot come, and says so at once', async () => {
    const { lldb, served, connect } = await attach();
    const second = await Debugger.lldb();
    expect(await second.run(connect)).toContain('error: Connection shut down by remote side');
    await lldb.run('thread step-inst');
    expect(served.held('PC')).toBe(demoSymbol('_start') + 4n);
  });

  test('after gdb and before it: each gets its own description', async () => {
    const { lldb, served } = await attach();
    expect(await lldb.run('register read sctlr_el1')).toContain('M = MMU off');
    await lldb.quit();
    const gdb = await Debugger.gdb(demoFile);
    await gdb.run(`target remote :${served.port}`);
    expect(await gdb.run('print $sctlr_el1.TIDCP', 'print/x $SCTLR_EL1 & 1')).toBe('$1 = false\n$2 = 0x1\n');
    await gdb.quit();
    const again = await Debugger.lldb(demoFile);
    await again.run(`gdb-remote ${served.port}`);
    expect(await again.run('register read sctlr_el1')).toContain('M = MMU on');
  });
});

describe('memory', () => {
  test('is read, written and searched', async () => {
    const { lldb, served } = await attach();
    await lldb.run('breakpoint set --one-shot true --name one_round', 'continue');
    expect(await lldb.run('memory read --format x --size 8 --count 2 0x80000000')).toBe(
      '0x80000000: 0xaaaaaaaaaaaaaaaa 0xaaaaaaaaaaaaaaaa\n',
    );
    await lldb.run(`memory write --size 8 ${demoSymbol('page_a')} 0x1122334455667788`);
    expect(served.memory(demoSymbol('page_a'))).toBe(0x1122_3344_5566_7788n);
    expect(
      await lldb.run(
        `memory find --expression 0x1122334455667788 ${demoSymbol('page_a')} ${demoSymbol('page_a') + 64n}`,
      ),
    ).toContain('data found at location');
    expect(await lldb.run('memory read 0x70000000')).toContain('error: memory read failed for 0x70000000');
  });

  test('regions follow the translation', async () => {
    const { lldb } = await attach();
    expect(await lldb.run('memory region 0x40080000')).toMatch(/^\[0x0000000040000000-0x\w+\) rwx/);
    await lldb.run('breakpoint set --one-shot true --name one_round', 'continue');
    expect(await lldb.run('memory region 0x40080000')).toMatch(/^\[0x0000000040080000-0x0000000040200000\) r-x/);
    expect(await lldb.run('memory region 0x80000000')).toMatch(/^\[0x0000000080000000-0x0000000080001000\) rw-/);
    expect(await lldb.run('memory region 0x70000000')).toMatch(/^\[0x\w+-0x0000000080000000\) ---/);
    const all = await lldb.run('memory region --all');
    expect(all).toContain('[0x0000000080000000-0x0000000080001000) rw- ram');
    expect(all).toMatch(/-0xffffffffffffffff\) ---\n$/);
  });
});
