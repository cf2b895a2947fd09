/**
 * What a debugger is promised for every register that it is shown: after OK the machine holds exactly what was written,
 * after an error everything is as it was, and the error says why.
 */
import assert from 'node:assert/strict';
import { TargetError } from '../../../src/gdbstub/index.ts';
import { type Conformance, START, type Subject, valuesBut } from './subject.ts';

interface Shown {
  readonly number: number;
  readonly name: string;
  readonly bits: number;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** The counters count, and ISTATUS follows them. */
const moving = /^CNT[PV](CT|_CTL)_EL0$/;

async function tryAll(subject: Subject): Promise<void> {
  const guest = subject.guest();
  const { general, system } = guest.cpus[0].table;
  const all: Shown[] = [...general, ...system].map(([number, { name, bits }]) => ({ number, name, bits }));
  const count = { written: 0, refused: 0 };
  const wrong: string[] = [];
  for (const { number, name, bits } of all) {
    if (moving.test(name)) continue;
    const before = valuesBut(subject, moving);
    const old = guest.registers.read(1, number) as bigint;
    const ones = (1n << BigInt(bits)) - 1n;
    let present = old;
    for (const value of new Set([old ^ ones, 0n, ones, old])) {
      const outcome = guest.registers.write(1, number, value);
      guest.cpus[0].sync.invalidate();
      const held = guest.registers.read(1, number) as bigint;
      if (outcome === undefined) {
        count.written++;
        if (held !== value) wrong.push(`${name}: OK for ${hex(value)}, but it holds ${hex(held)}`);
      } else {
        count.refused++;
        assert.ok(outcome instanceof TargetError && outcome.message !== '');
        if (held !== present) wrong.push(`${name} changed from ${hex(present)} to ${hex(held)}: ${outcome.message}`);
      }
      present = held;
    }
    const back = guest.registers.write(1, number, old);
    if (back !== undefined) wrong.push(`${name} does not come back to ${hex(old)}: ${back.message}`);
    for (const [id, value] of valuesBut(subject, moving))
      if (before.get(id) !== value)
        wrong.push(`writes of ${name} changed ${id}: ${hex(before.get(id)!)} -> ${hex(value)}`);
  }
  const { written, refused } = count;
  subject.report(
    `a debugger's writes, ${subject.bench.name}: ${all.length} registers, ${written} OK, ${refused} refused`,
  );
  if (wrong.length > 0) assert.fail(`${wrong.length} faults:\n${wrong.join('\n')}`);
}

export const promise: readonly Conformance[] = [
  {
    name: 'OK means that the machine holds exactly what was written, an error that nothing has changed',
    source: 'nop',
    run: async (subject) => {
      await subject.step();
      subject.set('PC', START);
      await tryAll(subject);
    },
  },
];
