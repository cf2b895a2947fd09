import { describe, expect, test } from 'vitest';
import { CoreId } from '../../../src/backend/kvm-ids.ts';
import { Errno, type Exit } from '../../../src/backend/vcpu.ts';
import { getAll, idOf, setAll } from '../conformance/subject.ts';
import { debugOff, get, machineWith, START, set, slots, softwareBreakpoints, stepping } from './assembled.ts';

const start = (source: string) => {
  const machine = machineWith(source);
  return { machine, vcpu: machine.vcpus[0] };
};
const hex = (value: bigint) => value.toString(16);

test.each([
  ['max', 0x7c8_0000n, 0xf070_03dfn],
  ['cortex-a53', 0x7c0_0000n, 0xf030_03dfn],
] as const)('%s: what it keeps of FPCR and PSTATE depends on its features', async (cpu, fpcr, pstate) => {
  const [vcpu] = machineWith('b .', undefined, 1, cpu).vcpus;
  expect(vcpu.keptBits?.(CoreId.FPCR)).toBe(fpcr);
  expect(vcpu.keptBits?.(CoreId.PSTATE)).toBe(pstate);
  const ids = [CoreId.FPCR, CoreId.PSTATE];
  expect([...setAll(vcpu, ids, [0x7ff_0000n, 0x4003c5n])]).toEqual([0, 0]);
  const run = vcpu.run();
  vcpu.kick();
  await run;
  expect([...getAll(vcpu, ids)]).toEqual([fpcr, 0x4003c5n & pstate]);
});

describe('running', () => {
  test('a run that ends soon answers at once', () => {
    const { vcpu } = start('mov x0, #0x84000000\n add x0, x0, #8\n hvc #0');
    expect(vcpu.run()).toEqual({ kind: 'shutdown' });
  });

  test('a kick ends a long run, and the next run goes on', async () => {
    const { vcpu } = start('1: add x1, x1, #1\n b 1b');
    const run = vcpu.run();
    expect(run).toBeInstanceOf(Promise);
    setTimeout(() => vcpu.kick(), 10);
    expect(await run).toEqual({ kind: 'interrupted' });
    const before = get(vcpu, 'X1');
    expect(before).toBeGreaterThan(1000n);
    const again = vcpu.run();
    vcpu.kick();
    await again;
    expect(get(vcpu, 'X1')).toBeGreaterThan(before);
  });

  test('a kick before a run ends that run before its first instruction', async () => {
    const { vcpu } = start('1: b 1b');
    vcpu.kick();
    expect(vcpu.run()).toEqual({ kind: 'interrupted' });
    expect(get(vcpu, 'PC')).toBe(START);
    const run = vcpu.run();
    expect(run).toBeInstanceOf(Promise);
    vcpu.kick();
    await run;
  });

  test.each(['wfi', 'wfe'])('%s waits for the kick without using the processor', async (instruction) => {
    const { vcpu } = start(`mov x0, #7\n ${instruction}\n mov x0, #8\n ldr x1, =0x84000008\n mov x0, x1\n hvc #0`);
    const run = vcpu.run();
    const begin = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const used = process.cpuUsage(begin);
    vcpu.kick();
    expect(await run).toEqual({ kind: 'interrupted' });
    expect(get(vcpu, 'X0')).toBe(7n);
    expect(get(vcpu, 'PC')).toBe(START + 8n);
    expect(used.user + used.system).toBeLessThan(100_000);
    expect(vcpu.run()).toEqual({ kind: 'shutdown' });
  });

  test('an event lets one WFE through', async () => {
    const { vcpu } = start('sevl\n wfe\n mov x0, #1\n wfe\n b .');
    const run = vcpu.run();
    vcpu.kick();
    await run;
    expect([get(vcpu, 'X0'), get(vcpu, 'PC')]).toEqual([1n, START + 16n]);
  });
});

describe('firmware', () => {
  const call = (conduit: string, number: string, argument = '0') =>
    start(`ldr x0, =${number}\n ldr x1, =${argument}\n ${conduit} #0\n mov x19, x0\n ldr x0, =0x84000008\n hvc #0`);
  test.each<[string, string, string, bigint]>([
    ['hvc', '0x84000000', '0', 0x10001n],
    ['smc', '0x84000000', '0', 0x10001n],
    ['hvc', '0x80000000', '0', 0x10001n],
    ['hvc', '0x8400000a', '0x84000008', 0n],
    ['hvc', '0x8400000a', '0x84000003', 0n],
    ['hvc', '0x8400000a', '0x8400000e', -1n],
    ['hvc', '0x84000003', '0', -4n],
    ['smc', '0x12345678', '0', -1n],
  ])('%s of %s, argument %s', (conduit, number, argument, answer) => {
    const { vcpu } = call(conduit, number, argument);
    expect(vcpu.run()).toEqual({ kind: 'shutdown' });
    expect(get(vcpu, 'X19')).toBe(BigInt.asUintN(64, answer));
  });

  test.each<[string, string, Exit]>([
    ['hvc', '0x84000008', { kind: 'shutdown' }],
    ['smc', '0x84000008', { kind: 'shutdown' }],
    ['hvc', '0x84000009', { kind: 'reset' }],
    ['smc', '0x84000009', { kind: 'reset' }],
  ])('%s of %s ends the run', (conduit, number, exit) => {
    expect(call(conduit, number).vcpu.run()).toEqual(exit);
  });
});

describe('guest debug', () => {
  test('a BRK exits with pc on it, or is taken by the guest', async () => {
    const { vcpu } = start('nop\n brk #0x42\n .org 0x200\n b .');
    vcpu.setGuestDebug(softwareBreakpoints);
    expect(vcpu.run()).toEqual({ kind: 'debug', esr: 0xf2000042, far: 0n });
    expect(get(vcpu, 'PC')).toBe(START + 4n);
    vcpu.setGuestDebug(debugOff);
    set(vcpu, 'VBAR_EL1', START);
    const run = vcpu.run();
    vcpu.kick();
    await run;
    expect(get(vcpu, 'PC')).toBe(START + 0x200n);
    expect([get(vcpu, 'ESR_EL1'), get(vcpu, 'ELR_EL1')].map(hex)).toEqual(['f2000042', '40000004']);
  });

  test('single steps: one instruction each, exceptions and WFI too', () => {
    const { vcpu } = start('mov x0, #1\n svc #1\n .org 0x200\n wfi\n ldr x1, [x2]\n b .');
    vcpu.setGuestDebug(stepping);
    set(vcpu, 'VBAR_EL1', START);
    set(vcpu, 'X2', 0x1000_0000n);
    const pcs = [0x4n, 0x200n, 0x204n, 0x200n].map((offset) => {
      expect(vcpu.run()).toMatchObject({ kind: 'debug', esr: 0xcb000022 });
      expect(get(vcpu, 'PC')).toBe(START + offset);
      return hex(get(vcpu, 'ESR_EL1'));
    });
    expect(pcs).toEqual(['0', '56000001', '56000001', '96000010']);
    expect(hex(get(vcpu, 'FAR_EL1'))).toBe('10000000');
  });

  test('a BRK under a step, and a firmware call', () => {
    const { vcpu } = start('brk #1\n ldr x0, =0x84000008\n hvc #0');
    vcpu.setGuestDebug(stepping);
    expect(vcpu.run()).toMatchObject({ kind: 'debug', esr: 0xf2000001 });
    set(vcpu, 'PC', START + 4n);
    vcpu.run();
    expect(vcpu.run()).toEqual({ kind: 'shutdown' });
  });

  test('a load-exclusive and its store-exclusive succeed when stepped', () => {
    const { vcpu } = start('adr x1, 1f\n ldxr x2, [x1]\n stxr w3, x4, [x1]\n .balign 8\n 1: .quad 5');
    vcpu.setGuestDebug(stepping);
    set(vcpu, 'X3', 7n);
    for (let i = 0; i < 3; i++) expect(vcpu.run()).toMatchObject({ kind: 'debug' });
    expect([get(vcpu, 'X2'), get(vcpu, 'X3')]).toEqual([5n, 0n]);
  });

  test('hardware breakpoints: in any exception level, whatever the masks, and again at the same place', () => {
    const { vcpu } = start('nop\n nop\n 1: add x0, x0, #1\n b 1b');
    vcpu.setGuestDebug(slots([{ control: 0x1e7n, value: START + 8n }]));
    const hit = { kind: 'debug', esr: 0xc2000022, far: 0n };
    expect(vcpu.run()).toEqual(hit);
    expect([get(vcpu, 'PC'), get(vcpu, 'X0')]).toEqual([START + 8n, 0n]);
    expect(vcpu.run()).toEqual(hit);
    vcpu.setGuestDebug(stepping);
    vcpu.run();
    vcpu.setGuestDebug(slots([{ control: 0x1e7n, value: START + 8n }]));
    expect(vcpu.run()).toEqual(hit);
    expect(get(vcpu, 'X0')).toBe(1n);
    set(vcpu, 'PSTATE', 0n);
    expect(vcpu.run()).toEqual(hit);
  });

  test("the guest's own breakpoints exit where the guest would take them, and only there", () => {
    const { vcpu } = start('nop\n nop\n brk #3');
    vcpu.setGuestDebug(softwareBreakpoints);
    set(vcpu, 'MDSCR_EL1', 0xa000n);
    set(vcpu, 'DBGBVR1_EL1', START + 4n);
    set(vcpu, 'DBGBCR1_EL1', 0x1e7n);
    expect(vcpu.run()).toMatchObject({ kind: 'debug', esr: 0xf2000003 });
    set(vcpu, 'PC', START);
    set(vcpu, 'PSTATE', 0x1c5n);
    expect(vcpu.run()).toMatchObject({ kind: 'debug', esr: 0xc2000022 });
    expect(get(vcpu, 'PC')).toBe(START + 4n);
    // Slots of the debugger take their place.
    vcpu.setGuestDebug(slots([]));
    expect(vcpu.run()).toMatchObject({ kind: 'debug', esr: 0xf2000003 });
  });

  const LOADS = 1n << 3n;
  const STORES = 2n << 3n;
  const watch = (address: bigint, bytes: number, kind: bigint) => ({
    control: 7n | kind | ((((1n << BigInt(bytes)) - 1n) << 5n) << (address & 7n)),
    value: address & ~7n,
  });
  const AT = START + 0x1000n;
  test.each<[string, string, { control: bigint; value: bigint }, bigint, number]>([
    ['a store', 'str x1, [x0]', watch(AT, 8, STORES), AT, 0xd2000062],
    ['a load', 'ldr x1, [x0]', watch(AT, 8, LOADS), AT, 0xd2000022],
    ['one byte of a word', 'str w1, [x0]', watch(AT + 3n, 1, STORES), AT + 3n, 0xd2000062],
    ['the last register of a pair', 'ldp x1, x2, [x0]', watch(AT + 8n, 4, LOADS), AT + 8n, 0xd2000022],
    ['an atomic, as a store', 'ldadd x1, x2, [x0]', watch(AT, 8, STORES), AT, 0xd2000062],
    [
      'a page',
      'strb w1, [x0, #5]',
      { control: 7n | STORES | (0xffn << 5n) | (12n << 24n), value: AT },
      AT + 5n,
      0xd2000062,
    ],
    ['DC ZVA', 'dc zva, x0', watch(AT + 16n, 1, STORES), AT + 16n, 0xd2000062],
  ])('a watchpoint on %s stops before the access', (_, instruction, slot, far, esr) => {
    const { machine, vcpu } = start(`nop\n ${instruction}\n b .`);
    enableMmu(vcpu, machine);
    set(vcpu, 'X0', AT);
    set(vcpu, 'X1', 0x1234n);
    machine.memory.view(AT, 64)?.fill(0x55);
    vcpu.setGuestDebug(slots([], [slot]));
    expect(vcpu.run()).toEqual({ kind: 'debug', esr, far });
    expect(get(vcpu, 'PC')).toBe(START + 4n);
    expect(get(vcpu, 'X1')).toBe(0x1234n);
    expect([...(machine.memory.view(AT + 16n, 4) ?? [])]).toEqual([0x55, 0x55, 0x55, 0x55]);
    vcpu.setGuestDebug(stepping);
    expect(vcpu.run()).toMatchObject({ esr: 0xcb000022 });
    expect(get(vcpu, 'PC')).toBe(START + 8n);
  });

  test('what is not watched goes on', async () => {
    const { vcpu } = start('str x1, [x0]\n ldr x1, [x0, #8]\n b .');
    set(vcpu, 'X0', AT);
    vcpu.setGuestDebug(slots([], [watch(AT, 8, LOADS), watch(AT + 8n, 8, STORES)]));
    const run = vcpu.run();
    vcpu.kick();
    await run;
    expect(get(vcpu, 'PC')).toBe(START + 8n);
  });
});

/** An identity map of the first four GiB as normal memory, from a table at the end of the RAM. */
function enableMmu(vcpu: Parameters<typeof set>[0], machine: ReturnType<typeof machineWith>): void {
  const table = START + 0xf_f000n;
  const view = machine.memory.view(table, 4096) ?? new Uint8Array();
  const data = new DataView(view.buffer, view.byteOffset, view.length);
  for (let i = 0; i < 4; i++) data.setBigUint64(i * 8, (BigInt(i) << 30n) | 0x401n, true);
  set(vcpu, 'MAIR_EL1', 0xffn);
  set(vcpu, 'TCR_EL1', 25n | (1n << 23n) | (2n << 32n));
  set(vcpu, 'TTBR0_EL1', table);
  set(vcpu, 'SCTLR_EL1', get(vcpu, 'SCTLR_EL1') | 1n);
}

describe('what QEMU 7.2 leaves out', () => {
  const taken = async (source: string, prepare: (vcpu: Parameters<typeof set>[0]) => void) => {
    const { vcpu } = start(`${source}\n .org 0x200\n b .\n .org 0x400\n b .`);
    set(vcpu, 'VBAR_EL1', START);
    prepare(vcpu);
    const run = vcpu.run();
    vcpu.kick();
    await run;
    return ['PC', 'ESR_EL1', 'ELR_EL1', 'FAR_EL1'].map((name) => hex(get(vcpu, name)));
  };

  test.each<[string, bigint, string, string]>([
    ['ldr x0, [sp]', 0x3c5n, '40000200', '40000004'],
    ['ldr x0, [sp, #8]', 0x3c5n, '40000200', '40000004'],
    ['stp x0, x1, [sp, #-16]!', 0x3c0n, '40000400', '40000004'],
    ['ldrb w0, [sp], #1', 0x3c0n, '40000400', '40000004'],
    ['ldxr x0, [sp]', 0x3c5n, '40000200', '40000004'],
    ['prfm pldl1keep, [sp]', 0x3c5n, '40000004', '0'],
  ])('`%s` with a misaligned sp', async (instruction, pstate, pc, elr) => {
    const [at, esr, link] = await taken(`nop\n ${instruction}\n b .`, (vcpu) => {
      set(vcpu, 'SP', START + 0x808n);
      set(vcpu, 'SP_EL1', START + 0x808n);
      set(vcpu, 'PSTATE', pstate);
    });
    if (elr === '0') expect(at).not.toBe('40000200');
    else expect([at, esr, link]).toEqual([pc, '9a000000', elr]);
  });

  test('sp may be misaligned where SCTLR_EL1 does not check it', async () => {
    const [pc] = await taken('ldr x0, [sp]\n b .', (vcpu) => {
      set(vcpu, 'SP_EL1', START + 0x808n);
      set(vcpu, 'SCTLR_EL1', get(vcpu, 'SCTLR_EL1') & ~8n);
    });
    expect(pc).toBe('40000004');
  });

  test('unaligned accesses to Device memory, as all data is without the MMU', async () => {
    const device = await taken('ldr x0, [x1]', (vcpu) => set(vcpu, 'X1', START + 0x801n));
    expect(device).toEqual(['40000200', '96000021', '40000000', '40000801']);
    const zva = await taken('dc zva, x1', (vcpu) => set(vcpu, 'X1', START + 0x844n));
    expect(zva).toEqual(['40000200', '96000061', '40000000', '40000844']);
  });

  test('MSR DAIFSet trapped from EL0', async () => {
    const [pc, esr] = await taken('msr daifset, #3', (vcpu) => {
      set(vcpu, 'PSTATE', 0x3c0n);
      set(vcpu, 'SCTLR_EL1', get(vcpu, 'SCTLR_EL1') & ~0x200n);
    });
    expect([pc, esr]).toEqual(['40000400', '620cd3e6']);
  });

  test('the OS lock holds breakpoints back', async () => {
    const at = async (locked: boolean) => {
      const [pc] = await taken(`mov x0, #${locked ? 1 : 0}\n msr oslar_el1, x0\n nop\n b .`, (vcpu) => {
        set(vcpu, 'PSTATE', 0x1c5n);
        set(vcpu, 'MDSCR_EL1', 0xa000n);
        set(vcpu, 'DBGBVR0_EL1', START + 8n);
        set(vcpu, 'DBGBCR0_EL1', 0x1e7n);
      });
      return pc;
    };
    expect([await at(true), await at(false)]).toEqual(['4000000c', '40000200']);
  });
});

describe('events', () => {
  const pending = { serrorPending: true, serrorHasEsr: false, serrorEsr: 0n, extDabtPending: false };

  test('an SError interrupt waits while it is masked, and is taken when it is not', async () => {
    const { vcpu } = start('mrs x0, isr_el1\n nop\n msr daifclr, #4\n nop\n .org 0x380\n b .');
    set(vcpu, 'VBAR_EL1', START);
    expect(vcpu.setEvents(pending)).toBe(0);
    expect(vcpu.getEvents()).toEqual(pending);
    const run = vcpu.run();
    vcpu.kick();
    await run;
    expect(get(vcpu, 'X0')).toBe(0x100n);
    expect(['PC', 'ESR_EL1', 'ELR_EL1'].map((name) => hex(get(vcpu, name)))).toEqual([
      '40000380',
      'bf000000',
      '4000000c',
    ]);
    expect(vcpu.getEvents().serrorPending).toBe(false);
  });

  test('without the RAS extension no syndrome can be given', () => {
    const { vcpu } = start('nop');
    expect(vcpu.setEvents({ ...pending, serrorHasEsr: true, serrorEsr: 5n })).toBe(22);
    expect(vcpu.getEvents().serrorPending).toBe(false);
  });

  test('an external abort is taken by the next run', () => {
    const { vcpu } = start('nop\n .org 0x200\n nop');
    set(vcpu, 'VBAR_EL1', START);
    vcpu.setGuestDebug(stepping);
    expect(vcpu.setEvents({ ...pending, serrorPending: false, extDabtPending: true })).toBe(0);
    vcpu.run();
    expect(['PC', 'ESR_EL1', 'ELR_EL1'].map((name) => hex(get(vcpu, name)))).toEqual([
      '40000204',
      '96000010',
      '40000000',
    ]);
  });
});

describe('registers', () => {
  test('bits that this CPU does not have go when it runs', () => {
    const { vcpu } = start('nop');
    vcpu.setGuestDebug(stepping);
    set(vcpu, 'TCR_EL1', 0xffff_ffff_ffff_ffffn);
    set(vcpu, 'VBAR_EL1', 0x1234_5fffn);
    expect(hex(get(vcpu, 'TCR_EL1'))).toBe('ffffffffffffffff');
    vcpu.run();
    expect([get(vcpu, 'TCR_EL1'), get(vcpu, 'VBAR_EL1')].map(hex)).toEqual(['77ffffffbf', '12345800']);
  });

  test('what it does not have can be asked, and PSTATE is no exception', () => {
    const { vcpu } = start('nop');
    vcpu.setGuestDebug(stepping);
    expect(hex(vcpu.keptBits?.(CoreId.PSTATE) ?? 0n)).toBe('f07003df');
    set(vcpu, 'PSTATE', 0xffcffc05n);
    vcpu.run();
    expect(hex(get(vcpu, 'PSTATE'))).toBe('f0400005');
  });

  test('the stack pointers follow PSTATE', () => {
    const { vcpu } = start('mov x0, sp\n msr spsel, #0\n mov x1, sp');
    vcpu.setGuestDebug(stepping);
    set(vcpu, 'SP', 0x100n);
    set(vcpu, 'SP_EL1', 0x200n);
    for (let i = 0; i < 3; i++) vcpu.run();
    expect(['X0', 'X1', 'SP', 'SP_EL1'].map((name) => hex(get(vcpu, name)))).toEqual(['200', '100', '100', '200']);
    set(vcpu, 'PSTATE', 0x3c5n);
    expect(['SP', 'SP_EL1'].map((name) => hex(get(vcpu, name)))).toEqual(['100', '200']);
  });

  test('reset brings back what was at power-on', () => {
    const { machine, vcpu } = start('mov x0, #1\n adr x1, .\n str x0, [x1]\n b .');
    vcpu.setGuestDebug(stepping);
    for (let i = 0; i < 3; i++) vcpu.run();
    set(vcpu, 'TTBR0_EL1', 0x1000n);
    machine.reset();
    expect(['PC', 'PSTATE', 'X0', 'TTBR0_EL1', 'SCTLR_EL1'].map((name) => hex(get(vcpu, name)))).toEqual([
      '40000000',
      '3c5',
      '0',
      '0',
      '30d50998',
    ]);
    // What the debugger had asked for is gone, too.
    vcpu.setGuestDebug(stepping);
    for (let i = 0; i < 2; i++) vcpu.run();
    expect(['X0', 'X1'].map((name) => hex(get(vcpu, name)))).toEqual(['1', '40000004']);
  });

  test('a reset of the vCPU does not forget that it has run, a reset of the machine does', () => {
    const { machine, vcpu } = start('nop\n nop');
    const refused = () => setAll(vcpu, [idOf('ID_AA64MMFR0_EL1')], [0n])[0];
    const before = refused();
    vcpu.setGuestDebug(stepping);
    vcpu.run();
    const after = refused();
    expect([before, after]).toEqual([Errno.EINVAL, Errno.EBUSY]);
    vcpu.reset();
    expect(refused()).toBe(after);
    machine.reset();
    expect(refused()).toBe(before);
  });
});

describe('the machine', () => {
  test('memory is seen page by page, and code that is changed from outside is new code', () => {
    const { machine, vcpu } = start('mov x0, #1\n mov x0, #2');
    const { memory } = machine;
    expect(memory.ranges).toEqual([{ start: START, length: 1n << 20n }]);
    expect(memory.view(START - 1n, 4)).toBeUndefined();
    expect(memory.view(START + (1n << 20n), 1)).toBeUndefined();
    expect(memory.view(START + (1n << 20n) - 2n, 8)?.length).toBe(2);
    vcpu.setGuestDebug(stepping);
    vcpu.run();
    expect(get(vcpu, 'X0')).toBe(1n);
    // mov x0, #3
    memory.view(START, 4)?.set([0x60, 0x00, 0x80, 0xd2]);
    memory.changed(START, 4);
    set(vcpu, 'PC', START);
    vcpu.run();
    expect(get(vcpu, 'X0')).toBe(3n);
  });

  test('the counter counts instructions, two a tick, and stands still while the machine does', async () => {
    const { vcpu } = start(
      'mrs x0, cntvct_el0\n .rept 999\n nop\n .endr\n mrs x1, cntvct_el0\n mrs x2, cntpct_el0\n b .',
    );
    vcpu.setGuestDebug(slots([{ control: 0x1e7n, value: START + 4n * 1002n }]));
    set(vcpu, 'CNTVCT_EL0', 12_345n);
    expect(vcpu.run()).toMatchObject({ kind: 'debug' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(['X0', 'X1', 'X2'].map((name) => get(vcpu, name))).toEqual([12_345n, 12_345n + 500n, 501n]);
    expect(get(vcpu, 'CNTPCT_EL0')).toBe(501n);
  });

  test('the serial port sends and receives', () => {
    const sent: number[] = [];
    const machine = machineWith(
      'mov x1, #0x09000000\n mov w0, #65\n str w0, [x1]\n1: ldr w2, [x1, #0x18]\n tbnz w2, #4, 1b\n ldr w2, [x1]\n strb w2, [x1]\n ldr x0, =0x84000008\n hvc #0',
      (bytes) => sent.push(...bytes),
    );
    expect(machine.receive(Uint8Array.of(66))).toBe(1);
    expect(machine.vcpus[0].run()).toEqual({ kind: 'shutdown' });
    expect(sent).toEqual([65, 66]);
  });
});
