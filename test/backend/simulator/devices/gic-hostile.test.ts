// A guest that does to the interrupt controller whatever comes to its mind, and snapshots of what is left of it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bus } from '../../../../src/backend/devices/bus.ts';
import { Gicv2 } from '../../../../src/backend/simulator/devices/gicv2.ts';
import { gicv2Frames } from '../../../../src/backend/simulator/devices/gicv2-frames.ts';
import { Gicv2State } from '../../../../src/backend/simulator/devices/gicv2-state.ts';
import { Gicv3 } from '../../../../src/backend/simulator/devices/gicv3.ts';
import { gicv3Frames } from '../../../../src/backend/simulator/devices/gicv3-frames.ts';
import { gicv3Registers } from '../../../../src/backend/simulator/devices/gicv3-registers.ts';
import { Gicv3State } from '../../../../src/backend/simulator/devices/gicv3-state.ts';
import type { StatefulDevice } from '../../../../src/backend/vcpu.ts';

const CPUS = 3;
const GICD = 0x0800_0000;

/** A controller with what the outside sees of it. */
interface Subject {
  readonly gic: Gicv2 | Gicv3;
  readonly buses: readonly Bus[];
  readonly lines: string[];
  readonly state: StatefulDevice;
}

function subject(version: 2 | 3): Subject {
  const lines = Array.from({ length: CPUS }, () => '');
  const options = {
    affinities: [0, 1, 2],
    setLines: (cpu: number, irq: boolean, fiq: boolean) => {
      expect(irq && fiq).toBe(false);
      lines[cpu] = irq ? 'irq' : fiq ? 'fiq' : '';
    },
  };
  if (version === 2) {
    const gic = new Gicv2(options);
    const buses = lines.map((_, cpu) => new Bus(gicv2Frames(gic, cpu)));
    return { gic, buses, lines, state: new Gicv2State(gic, () => undefined) };
  }
  const gic = new Gicv3(options);
  const bus = new Bus(gicv3Frames(gic));
  return { gic, buses: lines.map(() => bus), lines, state: new Gicv3State(gic, () => undefined) };
}

/** As a text, which compares quickly. */
const saved = ({ state }: Subject): string => (state.save() as BigUint64Array).join();

type Command = (subject: Subject) => unknown;

const cpu = fc.nat(CPUS - 1);
const word = fc.oneof(fc.integer(), fc.constantFrom(-1, 0, 1, 3, 0xff, 0x2ff));
/** Most of what is interesting lies at the begin of the frames. */
const offset = fc.oneof(fc.nat(0xfff), fc.nat(0x1_ffff), fc.constantFrom(0, 4, 0xf00, 0x1000, 0x1_0000, 0x2_0000));
const base = { 2: [GICD, 0x0801_0000], 3: [GICD, 0x080a_0000, 0x080b_0000, 0x080c_0000] };

const access = (version: 2 | 3): fc.Arbitrary<Command> =>
  fc
    .record({
      cpu,
      address: fc.tuple(fc.constantFrom(...base[version]), offset).map(([start, at]) => start + at),
      bytes: fc.constantFrom(1, 2, 4, 8),
      isWrite: fc.boolean(),
      low: word,
      high: word,
    })
    .map(({ cpu, address, bytes, isWrite, low, high }) => ({ buses }) => {
      if (isWrite) return buses[cpu].write(address, bytes, low, high);
      return buses[cpu].read(address, bytes) && [buses[cpu].low, buses[cpu].high];
    });

const line: fc.Arbitrary<Command> = fc
  .tuple(cpu, fc.integer({ min: 16, max: 287 }), fc.boolean())
  .map(([cpu, interrupt, level]) => ({ gic }) => {
    if (interrupt < 32) gic.setPrivateLine(cpu, interrupt, level);
    else gic.setLine(interrupt, level);
  });

const names = Object.keys(gicv3Registers);
const registerAccess: fc.Arbitrary<Command> = fc
  .tuple(
    cpu,
    fc.constantFrom(...names),
    fc.boolean(),
    fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 300n })),
  )
  .map(([cpu, name, isWrite, value]) => ({ gic }) => {
    const { read, write } = gicv3Registers[name];
    if (isWrite) return write?.(gic as Gicv3, cpu, value);
    const found = read?.(gic as Gicv3, cpu);
    expect(found === undefined || BigInt.asUintN(32, found) === found).toBe(true);
    return found;
  });

const commands = (version: 2 | 3): fc.Arbitrary<Command[]> =>
  fc.array(version === 2 ? fc.oneof(access(2), line) : fc.oneof(access(3), line, registerAccess), {
    minLength: 20,
    maxLength: 150,
  });

/** Everything on, so that what follows has consequences. */
function open({ gic, buses }: Subject): void {
  for (const [cpu, one] of gic.interfaces.entries()) {
    one.groups = 3;
    one.setPriorityMask(0xff);
    for (let n = 0; n < 9; n++) buses[cpu].write(GICD + 0x100 + 4 * n, 4, -1, 0);
    gic.privates[cpu].enabled[0] = -1;
  }
  buses[0].write(GICD, 4, 3, 0);
}

describe.each([2, 3] as const)('GICv%i', (version) => {
  test('withstands any access; a snapshot of it goes on as it does', () => {
    fc.assert(
      fc.property(commands(version), commands(version), (before, after) => {
        const one = subject(version);
        open(one);
        for (const command of before) command(one);
        const other = subject(version);
        expect(other.state.restore(one.state.save() as BigUint64Array)).toBeUndefined();
        expect(other.lines).toEqual(one.lines);
        expect(saved(other)).toBe(saved(one));
        const [ones, others] = [one, other].map((each) => after.map((command) => command(each)));
        expect(others).toEqual(ones);
        expect(other.lines).toEqual(one.lines);
        expect(saved(other)).toBe(saved(one));
      }),
      { numRuns: 100 },
    );
  });

  test('a state that it cannot have changes nothing', () => {
    const one = subject(version);
    open(one);
    one.gic.setLine(40, true);
    const words = one.state.save() as BigUint64Array;
    const refusals = [
      new BigUint64Array(3),
      words.map(() => 1n << 32n),
      words.map((value, i) => (i % 7 === 3 ? value ^ 0xffff_ffffn : value)),
    ].map((wrong) => one.state.restore(wrong));
    expect(refusals).toEqual([
      expect.stringMatching(/^it has \d+ registers here, not 3$/),
      'a register of 32 bits has more',
      expect.stringMatching(/^register \d\/0x[0-9a-f]+ holds 0x[0-9a-f]+ instead of 0x[0-9a-f]+$/),
    ]);
    expect(saved(one)).toBe(words.join());
    one.state.reset();
    // Its line belongs to the device.
    const fresh = subject(version);
    fresh.gic.setLine(40, true);
    expect(saved(one)).toBe(saved(fresh));
  });
});
