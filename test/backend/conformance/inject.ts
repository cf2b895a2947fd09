/** `monitor inject`, told by a guest whose handlers write down what they were told. */
import assert from 'node:assert/strict';
import { Session, setVectors } from './guest.ts';
import type { Conformance, Subject } from './subject.ts';

const source = `${setVectors}
  msr daifclr, #4
here: b here
  .balign 2048
vectors:
  .space 0x200
synchronous:
  mov x9, #1
  b record
  .balign 128
  .space 0x100
serror:
  mov x9, #2
record:
  mrs x1, esr_el1
  mrs x2, far_el1
  mrs x3, elr_el1
  mrs x4, spsr_el1
  mrs x5, daif
recorded: b recorded
  .balign 2048`;

/** What FAR_EL1 holds where an exception has none. */
const OLD_FAR = 0x77n;
const SERROR = 0x2fn;

async function begin(subject: Subject): Promise<Session> {
  const session = new Session(subject);
  await session.until(subject.symbols.here);
  assert.equal(session.set('FAR_EL1', OLD_FAR), undefined);
  return session;
}

function inject({ guest }: Session, what: string): string {
  const answer = guest.monitor.run(`inject ${what}`, 1);
  return typeof answer === 'string' ? answer : `refused: ${answer.message}`;
}

const rows: readonly (readonly [what: string, esr: bigint, far: bigint])[] = [
  ['brk 0x123', 0xf2000123n, OLD_FAR],
  ['brk', 0xf2000000n, OLD_FAR],
  ['undefined', 0x02000000n, OLD_FAR],
  ['sea 0x12345678', 0x96000010n, 0x12345678n],
  ['sea', 0x96000410n, OLD_FAR],
  ['abort 0xffff000000001000', 0x96000007n, 0xffff000000001000n],
  ['abort 0x1000 write', 0x96000047n, 0x1000n],
  ['abort 0x1000 write 0xf', 0x9600004fn, 0x1000n],
  ['abort 0x1000 fetch 4', 0x86000004n, 0x1000n],
];

async function serror(what: string, syndrome: bigint, subject: Subject): Promise<void> {
  const session = await begin(subject);
  const { symbols } = subject;
  const answer = inject(session, what);
  if (what !== 'serror' && answer.startsWith('refused')) {
    // Without the RAS extension the guest cannot be told one.
    assert.match(answer, /SError could not be injected: the machine refused it/);
    return subject.report(answer);
  }
  assert.match(answer, /SError is pending/);
  assert.equal(session.get('pc'), symbols.here);
  await session.until(symbols.recorded);
  assert.equal(session.values('x9', 'x3'), `x9 2, x3 ${symbols.here.toString(16)}`);
  const esr = session.get('x1');
  assert.equal(esr >> 26n, SERROR);
  if (what !== 'serror') assert.equal(esr & 0x1ff_ffffn, syndrome);
}

export const injected: readonly Conformance[] = [
  {
    name: 'an injected exception is one that the CPU would have taken',
    source,
    run: async (subject) => {
      const session = await begin(subject);
      const { here, synchronous, recorded } = subject.symbols;
      for (const [what, esr, far] of rows) {
        assert.match(inject(session, what), /the pc is the vector/);
        assert.equal(session.get('pc'), synchronous);
        await session.until(recorded);
        const told = ['x9', 'x1', 'x2', 'x3', 'x4', 'x5'].map((name) => session.get(name));
        assert.deepEqual(told, [1n, esr, far, here, 0x2c5n, 0x3c0n], what);
        for (const [name, value] of [
          ['cpsr', 0x2c5n],
          ['pc', here],
          ['FAR_EL1', OLD_FAR],
        ] as const)
          assert.equal(session.set(name, value), undefined);
      }
    },
  },
  { name: 'an injected SError comes when the guest goes on', source, run: (subject) => serror('serror', 0n, subject) },
  {
    name: 'an injected SError has its syndrome, or is refused',
    source,
    run: (subject) => serror('serror 0x5', 5n, subject),
  },
];
