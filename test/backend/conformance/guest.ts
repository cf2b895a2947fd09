/** What a debugger does with a guest: edits that the guest feels, and a guest that debugs itself at the same time. */
import assert from 'node:assert/strict';
import { findRegister, type SystemRegister } from '../../../src/arm/index.ts';
import type { Guest } from '../../../src/backend/index.ts';
import type { ResumeAction, Stop } from '../../../src/gdbstub/index.ts';
import { type Conformance, START, type Subject } from './subject.ts';

const PC = 32;
const CPSR = 33;
const numberOf = (name: string): number => {
  const general = /^x(\d+)$/.exec(name);
  if (general) return Number(general[1]);
  return { pc: PC, cpsr: CPSR }[name] ?? (findRegister(name) as SystemRegister).number;
};

/** A debugger of one guest. */
export class Session {
  readonly guest: Guest;

  constructor(subject: Subject) {
    this.guest = subject.guest();
  }

  get(name: string, thread = 1): bigint {
    const value = this.guest.registers.read(thread, numberOf(name));
    assert.equal(typeof value, 'bigint', `${name} cannot be read`);
    return value as bigint;
  }

  /** undefined, or why not. */
  set(name: string, value: bigint, thread = 1): string | undefined {
    return this.guest.registers.write(thread, numberOf(name), value)?.message;
  }

  values(...names: readonly string[]): string {
    return names.map((name) => `${name} ${this.get(name).toString(16)}`).join(', ');
  }

  async resume(...actions: readonly Omit<ResumeAction, 'signal'>[]): Promise<Stop> {
    const late = setTimeout(() => this.guest.execution.interrupt(), 30_000);
    const stop = await this.guest.execution.resume(actions.map((action) => ({ ...action, signal: 0 })));
    clearTimeout(late);
    return stop;
  }

  step = (): Promise<Stop> => this.resume({ thread: 1, kind: 'step' });

  /** To a breakpoint that is there only for this. */
  async until(address: bigint): Promise<void> {
    assert.equal(this.guest.breakpoints.insert('software', address, 4), undefined);
    const stop = await this.resume({ thread: 1, kind: 'continue' });
    assert.equal(stop.kind, 'breakpoint', `pc ${this.get('pc').toString(16)}`);
    assert.equal(this.get('pc'), address);
    this.guest.breakpoints.remove('software', address, 4);
  }
}

/** A vector table at VECTORS whose synchronous entries write down what they are told, and go on behind the instruction. */
export const recorder = `
  .balign 2048
vectors:
  .space 0x200
handler:
  mrs x20, esr_el1
  mrs x21, far_el1
  mrs x22, elr_el1
  mrs x23, spsr_el1
  add x24, x24, #1
  b leave
  .org vectors + 0x400
lower:
  b handler
leave:
  add x25, x22, #4
  msr elr_el1, x25
  eret
  .balign 2048
`;

export const setVectors = `
  adr x0, vectors
  msr vbar_el1, x0
  isb
`;

/** Debug exceptions of its own: OS lock off, MDSCR_EL1.MDE and KDE on. PSTATE.D still masks them. */
export const setDebug = `
  msr oslar_el1, xzr
  mov x1, #0xa000
  msr mdscr_el1, x1
  adr x1, own_breakpoint
  msr dbgbvr0_el1, x1
  mov x1, #0x1e7
  msr dbgbcr0_el1, x1
  adr x1, watched
  msr dbgwvr0_el1, x1
  mov x1, #0x1ff7
  msr dbgwcr0_el1, x1
  isb
`;

/** What the handler has written down: ESR, FAR (where it has one), ELR, SPSR, and how often. */
const told = (session: Session, withFar = false): string =>
  session.values('x20', ...(withFar ? ['x21'] : []), 'x22', 'x23', 'x24');

export const guest: readonly Conformance[] = [
  {
    name: "the RFC's purpose: ESR_EL1 edited in a stopped exception handler is what the guest's MRS reads",
    source: `${setVectors}\n brk #0x123\n after: b after\n${recorder}`,
    run: async (subject) => {
      const session = new Session(subject);
      await session.until(subject.symbols.handler);
      assert.equal(session.values('ESR_EL1'), 'ESR_EL1 f2000123');
      assert.equal(session.set('ESR_EL1', 0xf2000abcn), undefined);
      assert.equal(session.set('FAR_EL1', 0x1234_5678_9abcn), undefined);
      await session.until(subject.symbols.leave);
      assert.equal(session.values('x20', 'x21'), 'x20 f2000abc, x21 123456789abc');
      await session.until(subject.symbols.after);
    },
  },
  {
    name: 'VBAR_EL1 edited by the debugger is where the next exception goes',
    source: `${setVectors}\n here: svc #1\n b .\n${recorder}\n others: .space 0x200\n other: b other\n .balign 2048`,
    run: async (subject) => {
      const session = new Session(subject);
      await session.until(subject.symbols.here);
      assert.equal(session.set('VBAR_EL1', subject.symbols.others), undefined);
      await session.until(subject.symbols.other);
      assert.equal(session.get('ESR_EL1'), 0x5600_0001n);
    },
  },
  {
    name: 'SCTLR_EL1.M and TTBR0_EL1 edited by the debugger change what the next load reads',
    source: `
      ldr x9, =0x80000000
      here: nop
      read: ldr x1, [x9]
      again: ldr x2, [x9]
      b .
      .ltorg
      .balign 4096
      // 1 GiB blocks of normal memory: an identity map, and one page of it by a table of the third level.
      first: .quad 0, 0x40000705, second + 3
        .space 4096 - 24
      second: .quad second_l3 + 3
        .space 4096 - 8
      second_l3: .quad data_a + 0x703
        .space 4096 - 8
      other: .quad 0, 0x40000705, third + 3
        .space 4096 - 24
      third: .quad third_l3 + 3
        .space 4096 - 8
      third_l3: .quad data_b + 0x703
        .space 4096 - 8
      data_a: .quad 0xaaaa
        .space 4096 - 8
      data_b: .quad 0xbbbb
        .space 4096 - 8`,
    run: async (subject) => {
      const session = new Session(subject);
      const { symbols } = subject;
      await session.until(symbols.here);
      for (const [name, value] of [
        ['MAIR_EL1', 0xffn],
        // T0SZ = 25: the walk begins at level 1. Inner and outer write-back, inner shareable, 40 bits.
        ['TCR_EL1', 25n | (1n << 8n) | (1n << 10n) | (3n << 12n) | (1n << 23n) | (2n << 32n)],
        ['TTBR0_EL1', symbols.first],
      ] as const)
        assert.equal(session.set(name, value), undefined);
      assert.equal(session.set('SCTLR_EL1', session.get('SCTLR_EL1') | 0x1005n), undefined);
      await session.step();
      await session.step();
      assert.equal(session.values('pc', 'x1'), `pc ${symbols.again.toString(16)}, x1 aaaa`);
      // A new ASID, so that nothing of the old translation is used.
      assert.equal(session.set('TTBR0_EL1', symbols.other | (1n << 48n)), undefined);
      const bytes = session.guest.memory.read(1, 0x8000_0000n, 2);
      assert.deepEqual(bytes, Uint8Array.of(0xbb, 0xbb));
      // And the debugger sees through the same eyes.
      assert.equal(session.guest.memory.read(1, 0x9000_0000n, 2) instanceof Uint8Array, false);
    },
  },
  {
    name: 'a software breakpoint on a page that is not mapped yet is a hardware one until it is mapped',
    source: `
      ldr x0, =0xff
      msr mair_el1, x0
      ldr x0, =0x280803519
      msr tcr_el1, x0
      adr x0, table
      msr ttbr0_el1, x0
      isb
      mrs x0, sctlr_el1
      orr x0, x0, #1
      msr sctlr_el1, x0
      isb
      ldr x9, =high + 0x40000000
      br x9
      high: nop
      add x1, x1, #1
      b high
      .ltorg
      .balign 4096
      // 1 GiB blocks of normal memory: RAM where it is, and once more above.
      table: .quad 0, 0x40000705, 0x40000705
        .space 4096 - 24`,
    run: async (subject) => {
      const session = new Session(subject);
      const { breakpoints } = session.guest;
      const high = subject.symbols.high + 0x4000_0000n;
      const next = async (): Promise<void> => {
        const stop = await session.resume({ thread: 1, kind: 'continue' });
        assert.deepEqual(stop, { kind: 'breakpoint', thread: 1, hardware: false });
        assert.equal(session.get('pc'), high);
      };
      assert.equal(breakpoints.insert('software', high, 4), undefined);
      assert.equal(breakpoints.isStandIn(high), true);
      await next();
      assert.deepEqual(session.guest.memory.read(1, high, 4), Uint8Array.of(0x1f, 0x20, 0x03, 0xd5));
      await next();
      assert.equal(breakpoints.isStandIn(high), false);
      assert.equal(session.get('x1'), 1n);
      await next();
      assert.equal(session.get('x1'), 2n);
    },
  },
  {
    name: 'MIDR_EL1 is refused, with the reason, and keeps its value',
    source: 'b .',
    run: (subject) => {
      const session = new Session(subject);
      const held = session.get('MIDR_EL1');
      const why = session.set('MIDR_EL1', held ^ 1n) ?? 'it was written';
      assert.match(why, /^MIDR_EL1 is read-only: it identifies the CPU and keeps its value \(EINVAL, invalid value\)/);
      subject.report(why);
      assert.equal(session.get('MIDR_EL1'), held);
    },
  },
  {
    name: "the guest's own BRK, breakpoint and watchpoint reach it while the debugger has breakpoints of its own",
    source: `${setVectors} ${setDebug}
      msr daifclr, #8
      mov x24, #0
      adr x2, watched
      mark: nop
      brk #0x77
      nop
      own_breakpoint: nop
      own_watch: str x24, [x2]
      done: b done
      .balign 8
      watched: .quad 0
      ${recorder}`,
    run: async (subject) => {
      const session = new Session(subject);
      const { symbols } = subject;
      const hex = (address: bigint) => address.toString(16);
      // Ours is in software, so that the guest's hardware breakpoints stay its own.
      session.guest.breakpoints.insert('software', symbols.mark, 4);
      assert.deepEqual(await session.resume({ thread: 1, kind: 'continue' }), {
        ...{ kind: 'breakpoint', thread: 1, hardware: false },
      });
      await session.until(symbols.leave);
      assert.equal(told(session), `x20 f2000077, x22 ${hex(symbols.mark + 4n)}, x23 1c5, x24 1`);
      await session.until(symbols.leave);
      assert.equal(told(session), `x20 c6000022, x22 ${hex(symbols.own_breakpoint)}, x23 1c5, x24 2`);
      await session.until(symbols.leave);
      assert.equal(
        told(session, true),
        `x20 d6000062, x21 ${hex(symbols.watched)}, x22 ${hex(symbols.own_watch)}, x23 1c5, x24 3`,
      );
      await session.until(symbols.done);
    },
  },
  {
    name: 'an edit of one register is one trip to the machine, where trips are counted',
    source: 'b .',
    run: async (subject) => {
      const session = new Session(subject);
      await session.step();
      const { vcpu } = subject;
      if (!vcpu.transferRegisters) return subject.report('this machine has no trips');
      const trips: number[] = [];
      const original = vcpu.transferRegisters.bind(vcpu);
      vcpu.transferRegisters = (writes, ids, values, errnos, count) => {
        trips.push(count);
        return original(writes, ids, values, errnos, count);
      };
      assert.equal(session.set('VBAR_EL1', START), undefined);
      assert.deepEqual(trips, [3]);
      assert.equal(session.set('VBAR_EL1', START + 0x800n), undefined);
      assert.deepEqual(trips, [3, 2]);
    },
  },
  {
    name: 'a stopped guest has a virtual counter that stands still, and takes another value',
    source: 'nop\n mrs x0, cntvct_el0\n b .',
    run: async (subject) => {
      const session = new Session(subject);
      await session.step();
      const held = session.get('CNTVCT_EL0');
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(session.get('CNTVCT_EL0'), held);
      await session.step();
      // Less than the 20 milliseconds; no board counts faster than a GHz.
      assert.ok(session.get('x0') >= held, 'the counter went back');
    },
  },
];
