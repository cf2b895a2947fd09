/** KVM_RUN: kicks, waiting, firmware calls, reset, the serial port, events. */
import assert from 'node:assert/strict';
import { type Conformance, START, stepping } from './subject.ts';

const noEvents = { serrorPending: false, serrorHasEsr: false, serrorEsr: 0n, extDabtPending: false };

/** [conduit, function, argument, what x0 holds then] */
const calls = [
  ['hvc', '0x84000000', '0', 0x10001n],
  ['hvc', '0x8400000a', '0x84000008', 0n],
  ['hvc', '0x8400000a', '0x84000055', -1n],
  ['hvc', '0x84000006', '0', 2n],
  ['hvc', '0x80000000', '0', 0x10001n],
  ['hvc', '0x92345678', '0', -1n],
] as const;

export const running: readonly Conformance[] = [
  {
    name: 'a kick ends a run, and the next run goes on',
    source: '1: add x1, x1, #1\n b 1b',
    run: async (subject) => {
      await subject.runOn();
      const before = subject.get('X1');
      assert.ok(before > 1000n, `${before} rounds`);
      await subject.runOn();
      assert.ok(subject.get('X1') > before);
    },
  },
  {
    name: 'a kick before a run ends that run before its first instruction',
    source: '1: add x1, x1, #1\n b 1b',
    run: async (subject) => {
      subject.vcpu.kick();
      assert.deepEqual(await subject.run(), { kind: 'interrupted' });
      assert.equal(subject.get('X1'), 0n);
      await subject.runOn();
    },
  },
  {
    name: 'WFI waits for the kick without using the processor',
    source: 'mov x0, #7\n wfi\n mov x0, #8\n b .',
    run: async (subject) => {
      const begin = process.cpuUsage();
      await subject.runOn(900);
      const { user, system } = process.cpuUsage(begin);
      assert.ok(user + system < 450_000, `${user + system} microseconds`);
      assert.equal(subject.get('X0'), 7n);
    },
  },
  ...calls.map(
    ([conduit, number, argument, answer]): Conformance => ({
      name: `firmware answers ${number}(${argument}) by ${conduit.toUpperCase()}`,
      source: `ldr x0, =${number}\n ldr x1, =${argument}\n ${conduit} #0\n mov x19, x0\n ldr x0, =0x84000008\n hvc #0`,
      run: async (subject) => {
        assert.deepEqual(await subject.run(), { kind: 'shutdown' });
        assert.equal(subject.get('X19'), BigInt.asUintN(64, answer));
      },
    }),
  ),
  {
    name: 'SYSTEM_RESET is told; a reset of the machine brings back RAM and registers as they were',
    source: 'adr x1, data\n str x1, [x1]\n ldr x0, =0x84000009\n hvc #0\n .ltorg\n .balign 8\n data: .quad 5',
    run: async (subject) => {
      const { machine, symbols } = subject;
      const names = ['PC', 'PSTATE', 'X0', 'X1', 'SCTLR_EL1', 'TTBR0_EL1', 'VBAR_EL1'];
      const before = subject.values(...names);
      subject.set('TTBR0_EL1', 0x1000n);
      assert.deepEqual(await subject.run(), { kind: 'reset' });
      assert.equal(subject.word(symbols.data), symbols.data);
      machine.reset();
      assert.equal(subject.word(symbols.data), 5n);
      assert.equal(subject.values(...names), before);
      assert.deepEqual(await subject.run(), { kind: 'reset' });
    },
  },
  {
    name: 'a vCPU begins as the architecture resets it',
    source: 'nop',
    run: (subject) => {
      assert.equal(subject.values('PC', 'PSTATE', 'X0', 'X30'), 'PC 40000000, PSTATE 3c5, X0 0, X30 0');
      // M, C, I and the bits that an MMU would need to be off.
      assert.equal(subject.get('SCTLR_EL1') & 0x1005n, 0n);
    },
  },
  {
    name: 'the stack pointers follow PSTATE',
    source: 'mov x0, sp\n msr spsel, #0\n mov x1, sp\n b .',
    run: async (subject) => {
      subject.set('SP_EL0', 0x100n);
      subject.set('SP_EL1', 0x200n);
      for (let i = 0; i < 3; i++) await subject.step();
      assert.equal(subject.values('X0', 'X1', 'SP_EL0', 'SP_EL1'), 'X0 200, X1 100, SP_EL0 100, SP_EL1 200');
      subject.set('PSTATE', 0x3c5n);
      assert.equal(subject.values('SP_EL0', 'SP_EL1'), 'SP_EL0 100, SP_EL1 200');
    },
  },
  {
    name: 'what the guest writes to the serial port comes out',
    source: `ldr x1, =0x09000000\n adr x2, text\n 1: ldrb w3, [x2], #1\n cbz w3, 2f\n str w3, [x1]\n b 1b
      2: ldr x0, =0x84000008\n hvc #0\n .ltorg\n text: .asciz "hello from the guest\\n"`,
    run: async (subject) => {
      assert.deepEqual(await subject.run(), { kind: 'shutdown' });
      assert.equal(subject.printed, 'hello from the guest\n');
    },
  },
  {
    name: 'an SError interrupt waits while it is masked, and is taken when it is not',
    source: 'mrs x0, isr_el1\n nop\n msr daifclr, #4\n nop\n b .\n .org 0x380\n b .',
    run: async (subject) => {
      const { vcpu } = subject;
      const pending = { ...noEvents, serrorPending: true };
      subject.set('VBAR_EL1', START);
      assert.equal(vcpu.setEvents(pending), 0);
      assert.equal(vcpu.getEvents().serrorPending, true);
      await subject.runOn();
      assert.equal(subject.values('X0', 'PC', 'ESR_EL1'), 'X0 100, PC 40000380, ESR_EL1 bf000000');
      assert.equal(vcpu.getEvents().serrorPending, false);
    },
  },
  {
    name: 'an access where nothing is ends in an external abort',
    source: 'ldr x1, =0x10000000\n ldr x2, [x1]\n b .\n .ltorg\n .org 0x200\n b .',
    run: async (subject) => {
      subject.set('VBAR_EL1', START);
      await subject.runOn();
      const text = 'PC 40000200, ELR_EL1 40000004, FAR_EL1 10000000';
      assert.equal(subject.values('PC', 'ELR_EL1', 'FAR_EL1'), text);
      assert.equal(subject.get('ESR_EL1') & 0xfe00_003fn, 0x9600_0010n);
    },
  },
  {
    name: 'an access where nothing is can be stepped',
    source: 'ldr x1, =0x10000000\n ldr x2, [x1]\n b .\n .ltorg\n .org 0x200\n nop\n b .',
    run: async (subject) => {
      subject.set('VBAR_EL1', START);
      await subject.step();
      subject.vcpu.setGuestDebug(stepping);
      assert.equal((await subject.run()).kind, 'debug');
      // In the vector, or one instruction on: kernels differ in whether an exception is a step of its own.
      assert.ok([0x200n, 0x204n].includes(subject.get('PC') - START), subject.values('PC'));
      assert.equal(subject.get('ELR_EL1'), START + 4n);
    },
  },
];
