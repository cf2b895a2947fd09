/** Snapshots of a guest of the simulator that is in the middle of everything. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { encodingNumber } from '../../../src/arm/index.ts';
import { type Guest, idName, type Snapshot, sysregId } from '../../../src/backend/index.ts';
import type { Clock } from '../../../src/backend/simulator/clock.ts';
import type { Cpu } from '../../../src/backend/simulator/cpu.ts';
import { TargetError } from '../../../src/gdbstub/index.ts';
import { assemble, go, guestOf, step } from '../assembled.ts';

/**
 * Counts with exclusives, changes the code that it runs and its translation tables, sets its own watchpoint and both
 * timers, keeps flags over every instruction, and takes in the end what was pending: an SError, and a data abort.
 */
const program = assemble(`
  ldr x0, =vectors
  msr vbar_el1, x0
  ldr x1, =data
  mov sp, x1
  // An identity map of the first GiB, and of the second: at first one block, later the other.
  ldr x2, =tables
  ldr x3, =0x40000701
  str x3, [x2, #8]
  ldr x3, =0x40000701
  str x3, [x2, #16]
  mov x3, #0xff
  msr mair_el1, x3
  ldr x3, =0x80803519
  msr tcr_el1, x3
  msr ttbr0_el1, x2
  isb
  mrs x3, sctlr_el1
  orr x3, x3, #1
  msr sctlr_el1, x3
  isb
  mov x3, #0x100
  msr cntv_cval_el0, x3
  msr cntp_cval_el0, x3
  mov x3, #1
  msr cntv_ctl_el0, x3
  msr cntp_ctl_el0, x3
  add x3, x1, #64
  msr dbgwvr0_el1, x3
  ldr x3, =0x1ff7
  msr dbgwcr0_el1, x3
  mov x19, #0
round:
  // The word at "changed" becomes add x20, x20, #round.
  and x4, x19, #0xff
  lsl x4, x4, #10
  ldr w5, =0x91000294
  orr w5, w5, w4
  adr x6, changed
  str w5, [x6]
  dc cvau, x6
  dsb ish
  ic ivau, x6
  dsb ish
  isb
changed:
  nop
again:
  adds x7, x19, x20, lsl #40
  ldxr x8, [x1]
middle:
  adc x8, x8, x19
  stxr w9, x8, [x1]
  cbnz w9, again
  csinc x21, x21, x21, vs
  ldr x10, [x1, #8]
  mov x11, #0x40000000
  add x12, x1, x11
  ldr x13, [x12]
  add x22, x22, x13
  msr tpidr_el0, x22
  sevl
  wfe
  add x19, x19, #1
  cmp x19, #4000
  b.ne round
  msr daifclr, #4
  mov x24, #0
  ldr x24, [x24]
end:
  b end
  .ltorg
  .balign 2048
vectors:
  .rept 16
  mrs x25, esr_el1
  eor x26, x26, x25
  mrs x25, far_el1
  add x26, x26, x25
  ror x26, x26, #7
  mrs x25, elr_el1
  tst x25, #4
  b after
  .balign 128
  .endr
after:
  mrs x27, esr_el1
  // What is interrupted by an external abort is tried again, a load from nowhere is passed over.
  and x25, x27, #0x3f
  cmp x25, #0x10
  b.eq 1f
  lsr x27, x27, #26
  cmp x27, #0x25
  b.ne 1f
  mrs x25, elr_el1
  add x25, x25, #4
  msr elr_el1, x25
1:
  eret
  .balign 4096
tables:
  .space 4096
data:
  .space 4096
`);
const { round, end, data, tables } = program.symbols;

let guest: Guest;
beforeEach(() => {
  guest = guestOf(program);
});

const counters = new Set([sysregId(encodingNumber([3, 3, 14, 0, 1])), sysregId(encodingNumber([3, 3, 14, 0, 2]))]);

function save(): Snapshot {
  const snapshot = guest.state.save();
  if (snapshot instanceof TargetError) throw new Error(snapshot.message);
  return snapshot;
}

function restore(snapshot: Snapshot): void {
  expect(guest.state.restore(snapshot)).toEqual({ reset: [], leftOut: [] });
}

/** Everything but time, which also passes while a debugger steps over exclusives. */
function stateOf({ cpus, devices, ram }: Snapshot) {
  const hash = createHash('sha256');
  for (const { pieces } of ram)
    for (const { offset, data: bytes } of pieces) hash.update(`${offset} ${bytes.length} `).update(bytes);
  return {
    registers: Object.fromEntries(
      [...cpus[0].registers].filter(([id]) => !counters.has(id)).map(([id, value]) => [idName(id), value]),
    ),
    events: cpus[0].events,
    devices: devices.filter(({ name }) => name !== 'turns of the simulator'),
    ram: hash.digest('hex'),
  };
}

const retired = (): number => (Reflect.get(guest.machine, 'cpus') as readonly Cpu[])[0].core.engine.retired;

/** Where the guest ends, and how many instructions that takes. */
async function runToEnd() {
  const before = retired();
  guest.breakpoints.insert('software', end, 4);
  expect(await go(guest)).toMatchObject({ kind: 'breakpoint' });
  const instructions = retired() - before;
  guest.breakpoints.remove('software', end, 4);
  return { instructions, state: stateOf(save()) };
}

async function runToRound(number: bigint): Promise<void> {
  guest.breakpoints.insert('software', round, 4);
  await go(guest);
  // Not from 0 on, one by one.
  if (number > 100n) guest.registers.write(1, 19, number - 10n);
  while (guest.registers.read(1, 19) !== number) await go(guest);
  guest.breakpoints.remove('software', round, 4);
}

test('the guest does what it says', async () => {
  const { state } = await runToEnd();
  expect(state.registers).toMatchObject({ X19: 4000n, PC: end });
  expect(state.registers.X26).not.toBe(0n);
});

test('save, run on, restore, run on again: the same end after as many instructions', async () => {
  await runToRound(100n);
  const snapshot = save();
  const first = await runToEnd();
  restore(snapshot);
  expect(guest.registers.read(1, 19)).toBe(100n);
  expect(stateOf(save())).toEqual(stateOf(snapshot));
  expect(await runToEnd()).toEqual(first);
});

describe('with something pending', () => {
  const none = { serrorPending: false, serrorHasEsr: false, serrorEsr: 0n, extDabtPending: false };

  test.each([
    ['an SError that is masked', { ...none, serrorPending: true }],
    ['an abort that the next run takes', { ...none, extDabtPending: true }],
    ['both', { ...none, serrorPending: true, extDabtPending: true }],
  ])('%s', async (_, events) => {
    await runToRound(3980n);
    const without = save();
    expect(guest.machine.vcpus[0].setEvents(events)).toBe(0);
    const snapshot = save();
    const first = await runToEnd();
    restore(snapshot);
    expect(await runToEnd()).toEqual(first);
    restore(without);
    const undisturbed = await runToEnd();
    expect(undisturbed.state.registers.X26).not.toBe(first.state.registers.X26);
    restore(snapshot);
    expect(await runToEnd()).toEqual(first);
  });
});

test('with breakpoints and watchpoints of a debugger', async () => {
  guest.breakpoints.insert('write', data + 0x800n, 8);
  guest.breakpoints.insert('access', data + 0x900n, 64);
  guest.breakpoints.insert('hardware', end + 64n, 4);
  await runToRound(3980n);
  const snapshot = save();
  const first = await runToEnd();
  restore(snapshot);
  expect(await runToEnd()).toEqual(first);
  restore(snapshot);
  guest.breakpoints.insert('write', data, 8);
  expect(await go(guest)).toMatchObject({ kind: 'watchpoint', address: data });
  restore(snapshot);
  expect(await go(guest)).toMatchObject({ kind: 'watchpoint', address: data });
  guest.breakpoints.removeAll();
  restore(snapshot);
  expect(await runToEnd()).toEqual(first);
});

test('wherever it is interrupted', async () => {
  const clock = Reflect.get(guest.machine, 'clock') as Clock;
  const alarm = clock.alarm(() => guest.execution.interrupt());
  const whole = await runToEnd();
  let inTheMiddle = 0;
  for (let i = 0; i < 8; i++) {
    guest.reset();
    alarm.set(clock.tick + 13 + 7000 * i);
    expect(await go(guest)).toMatchObject({ kind: 'interrupted' });
    if (guest.registers.read(1, 19) !== 4000n) inTheMiddle++;
    const snapshot = save();
    const first = await runToEnd();
    expect(first.state).toEqual(whole.state);
    restore(snapshot);
    expect(await runToEnd()).toEqual(first);
  }
  expect(inTheMiddle).toBeGreaterThan(4);
});

test('translations that the guest has changed since are gone', async () => {
  await runToRound(5n);
  const snapshot = save();
  // The second GiB is taken away in RAM only, so that a translation that is remembered would still hold.
  guest.memory.write(1, tables + 16n, new Uint8Array(8));
  guest.registers.write(1, 32, end);
  expect(guest.memory.read(1, data + 0x4000_0000n, 8)).toBeInstanceOf(TargetError);
  restore(snapshot);
  expect(guest.memory.read(1, data + 0x4000_0000n, 8)).toBeInstanceOf(Uint8Array);
  const whole = await runToEnd();
  restore(snapshot);
  expect(await runToEnd()).toEqual(whole);
});

test('the virtual counter goes on from where it stood', async () => {
  const CNTVCT_EL0 = encodingNumber([3, 3, 14, 0, 2]);
  const now = (): bigint => guest.registers.read(1, CNTVCT_EL0) as bigint;
  await runToRound(5n);
  const then = now();
  const snapshot = save();
  await runToEnd();
  expect(now()).toBeGreaterThan(then);
  restore(snapshot);
  expect(now()).toBe(then);
  await step(guest);
  expect(now()).toBeGreaterThanOrEqual(then);
});

test('at every instruction of a round', async () => {
  await runToRound(3990n);
  const start = save();
  const whole = await runToEnd();
  restore(start);
  for (let steps = 0; guest.registers.read(1, 19) === 3990n; steps++) {
    const here = save();
    const first = await runToEnd();
    expect(first.state, `after ${steps} steps`).toEqual(whole.state);
    restore(here);
    expect(await runToEnd(), `after ${steps} steps, restored`).toEqual(first);
    restore(here);
    await step(guest);
  }
});
