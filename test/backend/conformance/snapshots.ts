/** A machine into a snapshot and back: into the same machine, and into another one. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import {
  decodeSnapshot,
  encodeSnapshot,
  Guest,
  idGroup,
  idName,
  type Machine,
  type Snapshot,
  SnapshotError,
} from '../../../src/backend/index.ts';
import { TargetError } from '../../../src/gdbstub/index.ts';
import { continueBoth, read, twoCpus } from './cpus.ts';
import { recorder, Session, setVectors } from './guest.ts';
import { type Conformance, getAll, idOf, type Subject, setAll } from './subject.ts';

const X19 = 19;
const X28 = 28;

/** The host's clock, and what it makes of the timers. */
const clocks = new Set(['CNTVCT_EL0', 'CNTPCT_EL0', 'CNTV_CTL_EL0', 'CNTP_CTL_EL0'].map(idOf));

function save({ state }: Guest): Snapshot {
  const snapshot = state.save();
  if (snapshot instanceof TargetError) throw new Error(snapshot.message);
  return snapshot;
}

function restore({ state }: Guest, snapshot: Snapshot): void {
  const restored = state.restore(snapshot);
  if (restored instanceof TargetError) throw new Error(restored.message);
  assert.deepEqual(restored, { reset: [], leftOut: [] });
}

/** As text, what can be compared: not the clocks, of which the first word of a PL031 is one. */
function seen({ cpus, devices, ram }: Snapshot, withDevices = true): string[] {
  return [
    ...cpus.flatMap(({ registers, events, mpState }) => [
      ...[...registers].flatMap(([id, value]) => (clocks.has(id) ? [] : [`${idName(id)} ${value.toString(16)}`])),
      `${events.serrorPending} ${mpState}`,
    ]),
    ...(withDevices
      ? devices.map(({ name, words }) => `${name} ${(name === 'pl031' ? words.subarray(1) : words).join(' ')}`)
      : []),
    ...ram.flatMap(({ pieces }) =>
      pieces.map(({ offset, data }) => `${offset} ${Buffer.from(data).toString('base64')}`),
    ),
  ];
}

/** As a file would carry it. */
function carried(snapshot: Snapshot): Snapshot {
  const bytes = Buffer.concat(encodeSnapshot(snapshot));
  let at = 0;
  const decoded = decodeSnapshot({
    length: bytes.length,
    read: (into) => {
      const read = bytes.copy(into, 0, at);
      at += read;
      return read;
    },
  });
  if (decoded instanceof SnapshotError) throw new Error(decoded.message);
  return decoded;
}

async function withAnother(
  subject: Subject,
  use: (guest: Guest, machine: Machine) => void | Promise<void>,
): Promise<void> {
  const machine = subject.another();
  try {
    const guest = new Guest(machine);
    guest.attached(true);
    await use(guest, machine);
  } finally {
    machine.close();
  }
}

const counting = `${setVectors}
  adr x1, cell
  mov x0, #0
loop:
  adds x0, x0, #1
  str x0, [x1]
  svc #1
  adc x2, x2, x0
  b loop
${recorder}
cell: .quad 0`;

const steps = async (session: Session, count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await session.step();
};

export const snapshots: readonly Conformance[] = [
  {
    name: 'a guest goes on from a snapshot as it did, in the same machine and in another one',
    source: counting,
    run: async (subject) => {
      const session = new Session(subject);
      await steps(session, 57);
      const snapshot = carried(save(session.guest));
      assert.deepEqual(seen(save(session.guest)), seen(snapshot));
      await steps(session, 101);
      const later = seen(save(session.guest));
      assert.notDeepEqual(later, seen(snapshot));
      restore(session.guest, snapshot);
      assert.deepEqual(seen(save(session.guest)), seen(snapshot));
      await steps(session, 101);
      assert.deepEqual(seen(save(session.guest)), later);
      await withAnother(subject, async (guest) => {
        restore(guest, snapshot);
        assert.deepEqual(seen(save(guest)), seen(snapshot));
        for (let i = 0; i < 101; i++) await guest.execution.resume([{ thread: 1, kind: 'step', signal: 0 }]);
        assert.deepEqual(seen(save(guest)), later);
      });
    },
  },
  {
    name: 'every register that takes another value is restored with it, and a reset has another one',
    source: 'b .',
    run: async (subject) => {
      const { vcpu } = subject;
      const guest = subject.guest();
      const ids = [...vcpu.registerIds].filter((id) => !clocks.has(id) && idGroup(id) === 'sysreg');
      const values = getAll(vcpu, ids);
      // MPIDR_EL1 is by what KVM finds the CPU.
      const written = ids.filter(
        (id, i) => id !== idOf('MPIDR_EL1') && setAll(vcpu, [id], [~values[i] & 0xffff_ffff_ffff_ffffn])[0] === 0,
      );
      for (let n = 0; n < 31; n++)
        subject.set(`X${n}`, (0x0123_4567_89ab_cdefn * BigInt(n + 1)) & 0xffff_ffff_ffff_ffffn);
      const snapshot = carried(save(guest));
      guest.reset();
      assert.notDeepEqual(seen(save(guest)), seen(snapshot));
      restore(guest, snapshot);
      assert.deepEqual(seen(save(guest)), seen(snapshot));
      subject.report(`${written.length} of ${ids.length} registers with another value`);
    },
  },
  {
    name: 'a pending SError goes with the snapshot, and not beyond it',
    source: 'b .',
    run: (subject) => {
      const { vcpu } = subject;
      const guest = subject.guest();
      const without = save(guest);
      assert.equal(
        vcpu.setEvents({ serrorPending: true, serrorHasEsr: false, serrorEsr: 0n, extDabtPending: false }),
        0,
      );
      const snapshot = save(guest);
      assert.equal(snapshot.cpus[0].events.serrorPending, true);
      restore(guest, without);
      assert.equal(vcpu.getEvents().serrorPending, false);
      restore(guest, snapshot);
      assert.equal(vcpu.getEvents().serrorPending, true);
    },
  },
  {
    name: 'a snapshot of another CPU is refused by the names of its registers, and nothing changes',
    source: counting,
    run: async (subject) => {
      const session = new Session(subject);
      await steps(session, 57);
      const before = save(session.guest);
      const registers = new Map(before.cpus[0].registers);
      for (const name of ['MIDR_EL1', 'ID_AA64PFR0_EL1', 'ESR_EL1'])
        registers.set(idOf(name), registers.get(idOf(name))! ^ 0x10n);
      registers.set(0x6030_0000_0016_00ffn, 1n);
      const ram = before.ram.map((range) => ({ ...range, pieces: [] }));
      const refused = session.guest.state.restore({ ...before, cpus: [{ ...before.cpus[0], registers }], ram });
      assert.ok(refused instanceof TargetError);
      assert.match(refused.message, /not known here: 0x60300000001600ff; not accepted \(.*MIDR_EL1.*ID_AA64PFR0_EL1/);
      assert.doesNotMatch(refused.message, /ESR_EL1/);
      subject.report(refused.message);
      assert.deepEqual(seen(save(session.guest)), seen(before));
      await steps(session, 5);
    },
  },
  {
    name: 'rounds of save and restore leave the guest as it was, and nothing behind',
    source: counting,
    run: async (subject) => {
      const session = new Session(subject);
      await steps(session, 57);
      const before = save(session.guest);
      const held = () => ['fd', 'task'].map((kind) => readdirSync(`/proc/self/${kind}`).length);
      // What is left of a VM goes with the next turn, as the next command of a debugger comes.
      const turn = () => new Promise((resolve) => setTimeout(resolve, 50));
      restore(session.guest, before);
      await turn();
      const first = held();
      // KVM makes a VM for each.
      const rounds = subject.bench.name === 'kvm' ? 20 : 200;
      for (let i = 0; i < rounds; i++) {
        restore(session.guest, save(session.guest));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await turn();
      assert.deepEqual(held(), first);
      assert.deepEqual(seen(save(session.guest)), seen(before));
      await steps(session, 5);
    },
  },
];

/** What takes several CPUs and an interrupt controller. */
export const snapshotsWithInterrupts: readonly Conformance[] = [
  {
    name: 'two CPUs with interrupts go on from a snapshot, in the same machine and in another one',
    source: twoCpus,
    cpus: 2,
    run: async (subject) => {
      const guest = subject.guest();
      await continueBoth(guest, 300);
      const snapshot = carried(save(guest));
      const counts = (of: Guest) => [X19, X28].flatMap((number) => [read(of, number, 1), read(of, number, 2)]);
      const goesOn = async (of: Guest): Promise<void> => {
        restore(of, snapshot);
        assert.deepEqual(seen(save(of)), seen(snapshot));
        const before = counts(of);
        assert.equal((await continueBoth(of, 300)).kind, 'interrupted');
        const after = counts(of);
        subject.report(`rounds and interrupts ${before.join(', ')} -> ${after.join(', ')}`);
        for (const [i, count] of after.entries()) assert.ok(count > before[i] + 20n, `${before} -> ${after}`);
      };
      await goesOn(guest);
      await goesOn(guest);
      await withAnother(subject, goesOn);
    },
  },
];
