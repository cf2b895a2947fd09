/** KVM_SET_GUEST_DEBUG and the exits that come of it: BRK, steps, hardware breakpoints, watchpoints. */
import assert from 'node:assert/strict';
import type { DebugSlot, Exit } from '../../../src/backend/index.ts';
import {
  type Conformance,
  debugOff,
  enableMmu,
  START,
  type Subject,
  slots,
  softwareBreakpoints,
  stepping,
} from './subject.ts';

/** Class of the exception in hexadecimal and its syndrome, or the kind of another exit. */
const shown = (exit: Exit): string =>
  exit.kind === 'debug' ? `${(exit.esr >>> 26).toString(16)} ${(exit.esr & 0x1ff_ffff).toString(16)}` : exit.kind;

const STEP = '32';
const classOf = (exit: Exit): string => shown(exit).split(' ')[0];

/** E, any exception level, all four bytes of an instruction. */
const breakAt = (value: bigint): DebugSlot => ({ control: 0x1e7n, value });

const LOADS = 1n << 3n;
const STORES = 2n << 3n;
const watch = (address: bigint, bytes: number, kind: bigint): DebugSlot => ({
  control: 7n | kind | ((((1n << BigInt(bytes)) - 1n) << 5n) << (address & 7n)),
  value: address & ~7n,
});

const pcOffset = (subject: Subject): string => (subject.get('PC') - START).toString(16);

const AT = START + 0x1000n;

interface Watched {
  readonly name: string;
  readonly instruction: string;
  readonly slot: DebugSlot;
  readonly isWrite: boolean;
  /** Where the access, or the watched part of it, begins. */
  readonly from: bigint;
}

const watched: readonly Watched[] = [
  { name: 'a store', instruction: 'str x1, [x0]', slot: watch(AT, 8, STORES), isWrite: true, from: AT },
  { name: 'a load', instruction: 'ldr x1, [x0]', slot: watch(AT, 8, LOADS), isWrite: false, from: AT },
  { name: 'one byte of a word', instruction: 'str w1, [x0]', slot: watch(AT + 3n, 1, STORES), isWrite: true, from: AT },
  {
    name: 'the second register of a pair',
    instruction: 'ldp x1, x2, [x0]',
    slot: watch(AT + 8n, 4, LOADS),
    isWrite: false,
    from: AT,
  },
  { name: 'an atomic', instruction: 'ldadd x1, x2, [x0]', slot: watch(AT, 8, STORES), isWrite: true, from: AT },
  {
    name: 'a page',
    instruction: 'strb w1, [x0, #5]',
    slot: { control: 7n | STORES | (0xffn << 5n) | (12n << 24n), value: AT },
    isWrite: true,
    from: AT + 5n,
  },
  { name: 'DC ZVA', instruction: 'dc zva, x0', slot: watch(AT + 16n, 1, STORES), isWrite: true, from: AT },
];

const WNR = 1 << 6;
const VICTIM = 0x5555_5555_5555_5555n;

const watchpoint = ({ name, instruction, slot, isWrite, from }: Watched): Conformance => ({
  name: `a watchpoint on ${name} stops before the access`,
  source: `nop\n ${instruction}\n b .`,
  run: async (subject) => {
    const { machine, vcpu } = subject;
    enableMmu(subject);
    subject.set('X0', AT);
    subject.set('X1', 0x1234n);
    machine.memory.view(AT, 64)!.fill(0x55);
    machine.memory.changed(AT, 64);
    vcpu.setGuestDebug(slots([], [slot]));
    const exit = await subject.run();
    assert.equal(classOf(exit), '34');
    if (exit.kind !== 'debug') return;
    assert.equal((exit.esr & WNR) !== 0, isWrite);
    // Anywhere in the access, up to the watched part.
    assert.ok(exit.far >= from && exit.far < slot.value + 4096n, `FAR is ${exit.far.toString(16)}`);
    assert.equal(pcOffset(subject), '4');
    assert.equal(subject.get('X1'), 0x1234n);
    assert.equal(subject.word(AT + 16n), VICTIM);
    await subject.step();
    assert.equal(pcOffset(subject), '8');
  },
});

export const debug: readonly Conformance[] = [
  {
    name: 'a BRK exits with the pc on it, or is taken by the guest',
    source: 'nop\n brk #0x42\n .org 0x200\n b .',
    run: async (subject) => {
      const { vcpu } = subject;
      vcpu.setGuestDebug(softwareBreakpoints);
      assert.equal(shown(await subject.run()), '3c 42');
      assert.equal(pcOffset(subject), '4');
      vcpu.setGuestDebug(debugOff);
      subject.set('VBAR_EL1', START);
      await subject.runOn();
      assert.equal(subject.values('PC', 'ESR_EL1', 'ELR_EL1'), 'PC 40000200, ESR_EL1 f2000042, ELR_EL1 40000004');
    },
  },
  {
    name: 'a step is one instruction; an SVC steps into the vector',
    source: 'mov x0, #1\n svc #1\n b .\n .org 0x200\n nop\n eret',
    run: async (subject) => {
      subject.vcpu.setGuestDebug(stepping);
      subject.set('VBAR_EL1', START);
      const visited: string[] = [];
      for (let i = 0; i < 5; i++) {
        assert.equal(classOf(await subject.run()), STEP);
        visited.push(pcOffset(subject));
      }
      assert.deepEqual(visited, ['4', '200', '204', '8', '8']);
      assert.equal(subject.values('X0', 'ESR_EL1', 'ELR_EL1'), 'X0 1, ESR_EL1 56000001, ELR_EL1 40000008');
    },
  },
  {
    name: 'a BRK is told as such under a step, and a firmware call is one step',
    source: 'brk #1\n ldr x0, =0x84000000\n hvc #0\n b .',
    run: async (subject) => {
      subject.vcpu.setGuestDebug(stepping);
      assert.equal(shown(await subject.run()), '3c 1');
      subject.set('PC', START + 4n);
      for (let i = 0; i < 2; i++) assert.equal(classOf(await subject.run()), STEP);
      assert.equal(pcOffset(subject), 'c');
      assert.equal(subject.get('X0'), 0x1_0001n);
    },
  },
  {
    name: 'hardware breakpoints hit at EL1 and EL0, whatever is masked, and again at the same place',
    source: 'nop\n nop\n 1: add x0, x0, #1\n b 1b',
    run: async (subject) => {
      const { vcpu } = subject;
      const here = slots([breakAt(START + 8n)]);
      vcpu.setGuestDebug(here);
      for (let i = 0; i < 2; i++) {
        assert.equal(classOf(await subject.run()), '30');
        assert.equal(subject.values('PC', 'X0'), 'PC 40000008, X0 0');
      }
      await subject.step();
      vcpu.setGuestDebug(here);
      assert.equal(classOf(await subject.run()), '30');
      assert.equal(subject.get('X0'), 1n);
      subject.set('PSTATE', 0n);
      subject.set('PC', START);
      assert.equal(classOf(await subject.run()), '30');
      assert.equal(subject.values('PC', 'PSTATE'), 'PC 40000008, PSTATE 0');
    },
  },
  {
    name: 'all hardware breakpoints that the machine has can be set',
    source: Array(20).fill('nop').join('\n'),
    run: async (subject) => {
      const { machine, vcpu } = subject;
      const places = Array.from({ length: machine.hardwareBreakpoints }, (_, n) => START + BigInt(4 * n + 4));
      assert.ok(places.length >= 2);
      vcpu.setGuestDebug(slots(places.map(breakAt)));
      for (const place of places) {
        assert.equal(classOf(await subject.run()), '30');
        assert.equal(subject.get('PC'), place);
        await subject.step();
        vcpu.setGuestDebug(slots(places.filter((one) => one > place).map(breakAt)));
      }
    },
  },
  {
    name: "the guest's own breakpoints exit; the debugger's take their place",
    source: 'nop\n nop\n brk #3',
    run: async (subject) => {
      const { vcpu } = subject;
      vcpu.setGuestDebug(softwareBreakpoints);
      subject.set('MDSCR_EL1', 0xa000n);
      subject.set('DBGBVR1_EL1', START + 4n);
      subject.set('DBGBCR1_EL1', 0x1e7n);
      subject.set('PSTATE', 0x1c5n);
      assert.equal(classOf(await subject.run()), '30');
      assert.equal(pcOffset(subject), '4');
      vcpu.setGuestDebug(slots([]));
      assert.equal(shown(await subject.run()), '3c 3');
    },
  },
  ...watched.map(watchpoint),
  {
    name: 'what is not watched goes on',
    source: 'str x1, [x0]\n ldr x1, [x0, #8]\n b .',
    run: async (subject) => {
      subject.set('X0', AT);
      subject.vcpu.setGuestDebug(slots([], [watch(AT, 8, LOADS), watch(AT + 8n, 8, STORES)]));
      await subject.runOn();
      assert.equal(pcOffset(subject), '8');
    },
  },
];
