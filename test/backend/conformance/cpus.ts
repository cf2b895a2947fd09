/** Several CPUs, interrupts, and machines that come and go. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { findRegister, type SystemRegister } from '../../../src/arm/index.ts';
import type { Guest } from '../../../src/backend/index.ts';
import type { Stop } from '../../../src/gdbstub/index.ts';
import type { Conformance } from './subject.ts';

const PC = 32;
const numberOf = (name: string): number => (findRegister(name) as SystemRegister).number;
const [FAR_EL1, TPIDR_EL1] = ['FAR_EL1', 'TPIDR_EL1'].map(numberOf);

const ROUNDS = 500;
const STEPS = 10_000;
const MACHINES = 200;

/** GICv3 and the virtual timer of this CPU: an interrupt every so many ticks, by an operand. x1 to x4 are used. */
const interrupts = (ticks: string) => `
gic:
  mrs x1, mpidr_el1
  and x1, x1, #0xff
  ldr x3, =0x080a0000
  add x3, x3, x1, lsl #17
  ldr w4, [x3, #0x14]
  bic w4, w4, #2
  str w4, [x3, #0x14]
  add x3, x3, #0x10000
  mov w4, #-1
  str w4, [x3, #0x80]
  mov w4, #1 << 27
  str w4, [x3, #0x100]
  mov x4, #7
  msr S3_0_C12_C12_5, x4
  isb
  mov x4, #0xff
  msr S3_0_C4_C6_0, x4
  mov x4, #1
  msr S3_0_C12_C12_7, x4
  isb
  mov x4, ${ticks}
  msr cntv_tval_el0, x4
  mov x4, #1
  msr cntv_ctl_el0, x4
  ret
  .ltorg
  .balign 2048
vectors:
  .space 0x280
irq:
  mrs x26, S3_0_C12_C12_0
  mov x27, ${ticks}
  msr cntv_tval_el0, x27
  add x28, x28, #1
  msr S3_0_C12_C12_1, x26
  eret
  .balign 2048
`;

const setUp = `
  adr x0, vectors
  msr vbar_el1, x0
  ldr x1, =0x08000000
  mov w2, #0x12
  str w2, [x1]
  bl gic
`;

/** Takes the lock at [x9] and leaves it again; x1 to x4. */
const underLock = `
  1: ldaxr w1, [x9]
  cbnz w1, 1b
  mov w2, #1
  stxr w3, w2, [x9]
  cbnz w3, 1b
  ldr w4, [x9, #4]
  add w4, w4, #1
  str w4, [x9, #4]
  stlr wzr, [x9]
`;

/** Two CPUs count rounds in x19 and interrupts in x28, and share a lock. */
export const twoCpus = `
  ${setUp}
  ldr x0, =0xc4000003
  mov x1, #1
  adr x2, second
  mov x3, #0
  hvc #0
  b main
second:
  adr x1, vectors
  msr vbar_el1, x1
  bl gic
main:
  adr x9, lock
  msr daifclr, #2
loop:
  ${underLock}
  add x19, x19, #1
here:
  b loop
  .ltorg
  .balign 8
lock: .quad 0
  ${interrupts('#20000')}
`;

/** So many rounds of work with interrupts every x29 ticks, and then none. */
const work = (rounds: number) => `
  ${setUp}
  adr x9, lock
  mov x10, #1
  mov x19, #0
  msr daifclr, #2
begin:
  ${underLock}
  add x19, x19, #1
  mrs x11, daif
  add x10, x10, x10, lsl #3
  eor x10, x10, x11
  svc_free: mrs x12, nzcv
  eor x10, x10, x12
  cmp x19, #${rounds}
  b.ne begin
  msr daifset, #2
end:
  b end
  .ltorg
  .balign 8
lock: .quad 0
  ${interrupts('x29')}
`;

export const continueBoth = async (guest: Guest, milliseconds: number): Promise<Stop> => {
  const stop = guest.execution.resume([1, 2].map((thread) => ({ thread, kind: 'continue', signal: 0 })));
  const interrupt = setTimeout(() => guest.execution.interrupt(), milliseconds);
  const stopped = await stop;
  clearTimeout(interrupt);
  return stopped;
};

export const read = (guest: Guest, number: number, thread = 1): bigint =>
  guest.registers.read(thread, number) as bigint;

const continueTo = async (guest: Guest, address: bigint): Promise<void> => {
  guest.breakpoints.insert('software', address, 4);
  const late = setTimeout(() => guest.execution.interrupt(), 60_000);
  const stop = await guest.execution.resume([{ thread: 1, kind: 'continue', signal: 0 }]);
  clearTimeout(late);
  assert.equal(stop.kind, 'breakpoint');
  guest.breakpoints.remove('software', address, 4);
};

/** What the interrupt handler does not touch. */
const workState = (guest: Guest): string =>
  [...Array.from({ length: 26 }, (_, n) => n), PC, 33].map((n) => read(guest, n).toString(16)).join(' ');

const held = () => ({
  threads: readdirSync('/proc/self/task').length,
  descriptors: readdirSync('/proc/self/fd').length,
  kilobytes: Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]),
});

export const cpus: readonly Conformance[] = [
  {
    name: `two CPUs with interrupts survive ${ROUNDS} rounds of stop, edit, continue; edits of one do not touch the other`,
    source: twoCpus,
    cpus: 2,
    run: async (subject) => {
      const guest = subject.guest();
      await continueBoth(guest, 300);
      for (let i = 0; i < ROUNDS; i++) {
        const [thread, other] = i & 1 ? [1, 2] : [2, 1];
        const [value, others] = [BigInt(i * 16 + thread), read(guest, FAR_EL1, other)];
        for (const number of [FAR_EL1, TPIDR_EL1])
          assert.equal(guest.registers.write(thread, number, value), undefined, `round ${i}`);
        assert.equal(read(guest, FAR_EL1, other), others);
        assert.equal((await continueBoth(guest, 1)).kind, 'interrupted');
        assert.equal(read(guest, FAR_EL1, thread), value);
        assert.equal(read(guest, TPIDR_EL1, thread), value);
      }
      const [rounds, ticks] = [19, 28].map((number) => [read(guest, number, 1), read(guest, number, 2)]);
      subject.report(`rounds of the CPUs ${rounds.join(', ')}, interrupts ${ticks.join(', ')}`);
      for (const count of [...rounds, ...ticks]) assert.ok(count > 20n);
      // Each round adds one under the lock.
      const counted = subject.word(subject.symbols.lock) >> 32n;
      assert.ok(counted - rounds[0] - rounds[1] <= 2n, `${counted} under the lock`);
    },
  },
  {
    name: 'a breakpoint stops every CPU, is told for each that hits it, and is left with the others still',
    source: twoCpus,
    cpus: 2,
    run: async (subject) => {
      const guest = subject.guest();
      const { here } = subject.symbols;
      await continueBoth(guest, 200);
      guest.breakpoints.insert('software', here, 4);
      const seen = new Set<number>();
      for (let i = 0; i < 20; i++) {
        const before = [1, 2].map((thread) => read(guest, 19, thread));
        const stop = await continueBoth(guest, 10_000);
        assert.equal(stop.kind, 'breakpoint');
        if (stop.kind !== 'breakpoint') return;
        seen.add(stop.thread);
        assert.equal(read(guest, PC, stop.thread), here);
        // Nobody has run past it.
        for (const [n, count] of before.entries()) assert.ok(read(guest, 19, n + 1) - count <= 1n);
      }
      assert.deepEqual([...seen].sort(), [1, 2]);
    },
  },
  {
    name: 'a step of one CPU keeps the other still',
    source: twoCpus,
    cpus: 2,
    run: async (subject) => {
      const guest = subject.guest();
      await continueBoth(guest, 200);
      const still = () => [PC, 19, 28].map((number) => read(guest, number, 2));
      const before = still();
      const rounds = read(guest, 19, 1);
      for (let i = 0; i < 100; i++) {
        const stop = await guest.execution.resume([
          { thread: 1, kind: 'step', signal: 0 },
          { thread: 2, kind: 'continue', signal: 0 },
        ]);
        assert.deepEqual(stop, { kind: 'step', thread: 1 });
        assert.notEqual(read(guest, PC, 1), subject.symbols.irq, 'a step landed in an interrupt handler');
      }
      assert.deepEqual(still(), before);
      // The other one may hold the lock.
      if (Number(subject.word(subject.symbols.lock) & 1n) === 0) assert.ok(read(guest, 19, 1) > rounds);
    },
  },
  {
    name: `${STEPS} steps across interrupts and exclusives end as a run without a debugger`,
    source: work(600),
    run: async (subject) => {
      const guest = subject.guest();
      const { end, begin } = subject.symbols;
      // The simulator's time is that of its instructions: steps take as much as they do in a run.
      const ticks = subject.bench.name === 'simulator' ? 1000n : 30_000n;
      assert.equal(guest.registers.write(1, 29, ticks), undefined);
      await continueTo(guest, begin);
      await continueTo(guest, end);
      const expected = workState(guest);
      assert.equal(guest.reset(), undefined);
      assert.equal(guest.registers.write(1, 29, ticks), undefined);
      await continueTo(guest, begin);
      let handlers = 0;
      for (let i = 0; i < STEPS && read(guest, PC) !== end; i++) {
        // Half of them let interrupts in.
        guest.execution.stepsTakeInterrupts = i % 2 === 1;
        const stop = await guest.execution.resume([{ thread: 1, kind: 'step', signal: 0 }]);
        assert.equal(stop.kind, 'step');
        if (read(guest, PC) === subject.symbols.irq) handlers++;
      }
      subject.report(`round ${read(guest, 19)} of 600 after ${STEPS} steps, ${handlers} interrupts in steps`);
      assert.ok(handlers > 0);
      await continueTo(guest, end);
      assert.equal(workState(guest), expected);
    },
  },
  {
    name: `${MACHINES} machines come, run and go, and leave nothing behind`,
    source: twoCpus,
    run: async (subject) => {
      const open = async (i: number): Promise<void> => {
        const machine = subject.another();
        const runs = machine.vcpus.map((vcpu) => vcpu.run());
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (i % 3 === 1) machine.reset();
        machine.close();
        await Promise.all(runs);
      };
      for (let i = 0; i < 10; i++) await open(i);
      const before = held();
      for (let i = 0; i < MACHINES; i++) await open(i);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const after = held();
      subject.report(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
      assert.ok(after.threads <= before.threads && after.descriptors <= before.descriptors);
      assert.ok(after.kilobytes - before.kilobytes < 8192);
    },
  },
];
