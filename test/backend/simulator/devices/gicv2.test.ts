import { beforeEach, describe, expect, test } from 'vitest';
import { Bus } from '../../../../src/backend/devices/bus.ts';
import { Gicv2 } from '../../../../src/backend/simulator/devices/gicv2.ts';
import { gicv2Frames } from '../../../../src/backend/simulator/devices/gicv2-frames.ts';

const GICD = 0x0800_0000;
const GICC = 0x0801_0000;
const NONE = 1023;

let gic: Gicv2;
let buses: Bus[];
let lines: string[];

function machine(cpus: number): void {
  lines = Array.from({ length: cpus }, () => '');
  gic = new Gicv2({
    affinities: lines.map((_, cpu) => cpu),
    setLines: (cpu, irq, fiq) => {
      lines[cpu] = irq ? 'irq' : fiq ? 'fiq' : '';
    },
  });
  buses = lines.map((_, cpu) => new Bus(gicv2Frames(gic, cpu)));
}
beforeEach(() => machine(3));

const read = (address: number, cpu = 0, bytes = 4): number => {
  expect(buses[cpu].read(address, bytes)).toBe(true);
  return buses[cpu].low >>> 0;
};
const write = (address: number, value: number, cpu = 0, bytes = 4): void => {
  expect(buses[cpu].write(address, bytes, value, 0)).toBe(true);
};
const Gicc = { CTLR: GICC, PMR: GICC + 4, BPR: GICC + 8, IAR: GICC + 0xc, EOIR: GICC + 0x10, RPR: GICC + 0x14 };
const [HPPIR, ABPR, AIAR, AEOIR, AHPPIR, DIR] = [0x18, 0x1c, 0x20, 0x24, 0x28, 0x1000].map((offset) => GICC + offset);
const setBit = (offset: number, interrupt: number, cpu = 0): void =>
  write(GICD + offset + 4 * (interrupt >> 5), 1 << (interrupt & 31), cpu);
const [IGROUPR, ISENABLER, ISPENDR, ISACTIVER, IPRIORITYR, ITARGETSR, ICFGR] = [
  0x80, 0x100, 0x200, 0x300, 0x400, 0x800, 0xc00,
];
const [SGIR, CPENDSGIR, SPENDSGIR] = [0xf00, 0xf10, 0xf20].map((offset) => GICD + offset);
/** Enabled, of group 0, for the CPUs of these bits. */
const enable = (interrupt: number, cpus = 1, priority = 0x80): void => {
  write(GICD + IPRIORITYR + interrupt, priority, 0, 1);
  write(GICD + ITARGETSR + interrupt, cpus, 0, 1);
  setBit(ISENABLER, interrupt);
};
const open = (control = 1): void => {
  write(GICD, 3);
  for (let cpu = 0; cpu < gic.cpus; cpu++) {
    write(Gicc.PMR, 0xff, cpu);
    write(Gicc.CTLR, control, cpu);
  }
};

describe('one interrupt from its line to its end', () => {
  test('group 0 is an IRQ unless FIQEn says otherwise', () => {
    open();
    enable(40);
    gic.setLine(40, true);
    expect(lines[0]).toBe('irq');
    write(Gicc.CTLR, 1 | (1 << 3));
    expect(lines[0]).toBe('fiq');
    expect([read(Gicc.IAR), read(Gicc.RPR)]).toEqual([40, 0x80]);
    expect(lines[0]).toBe('');
    write(Gicc.EOIR, 40);
    expect([read(Gicc.RPR), lines[0]]).toEqual([0xff, 'fiq']);
  });

  test('group 1 is hidden from IAR and HPPIR without AckCtl, and shown by their aliases', () => {
    open(3);
    setBit(IGROUPR, 40);
    enable(40);
    gic.setLine(40, true);
    expect([lines[0], read(HPPIR), read(Gicc.IAR), read(AHPPIR)]).toEqual(['irq', 1022, 1022, 40]);
    expect(read(AIAR)).toBe(40);
    write(AEOIR, 40);
    write(Gicc.CTLR, 7);
    expect([read(HPPIR), read(Gicc.IAR)]).toEqual([40, 40]);
    gic.setLine(40, false);
    write(Gicc.EOIR, 40);
    expect([read(HPPIR), read(Gicc.IAR), read(Gicc.RPR)]).toEqual([NONE, NONE, 0xff]);
  });

  test('EOImode parts priority drop and end', () => {
    open(1 | (1 << 9));
    enable(40);
    gic.setLine(40, true);
    read(Gicc.IAR);
    write(Gicc.EOIR, 40);
    expect([read(Gicc.RPR), read(GICD + ISACTIVER + 4), lines[0]]).toEqual([0xff, 1 << 8, '']);
    write(DIR, 40);
    expect([read(GICD + ISACTIVER + 4), lines[0]]).toEqual([0, 'irq']);
  });

  test('a higher priority preempts, of one group priority nothing does', () => {
    open();
    write(Gicc.BPR, 4);
    for (const [interrupt, priority] of [
      [40, 0x98],
      [41, 0x80],
      [42, 0x60],
    ])
      enable(interrupt, 1, priority);
    gic.setLine(40, true);
    expect([read(Gicc.IAR), read(Gicc.RPR)]).toEqual([40, 0x80]);
    gic.setLine(41, true);
    expect([read(Gicc.IAR), read(HPPIR)]).toEqual([NONE, 41]);
    gic.setLine(42, true);
    expect([read(Gicc.IAR), read(Gicc.RPR)]).toEqual([42, 0x60]);
  });

  test('the binary points', () => {
    write(Gicc.BPR, 0);
    write(ABPR, 0);
    expect([read(Gicc.BPR), read(ABPR)]).toEqual([2, 3]);
    write(ABPR, 5);
    expect(read(ABPR)).toBe(5);
  });
});

describe('targets', () => {
  test('an interrupt for several CPUs is for the first that takes it', () => {
    open();
    enable(40, 0b110);
    gic.setLine(40, true);
    expect(lines.join()).toBe(',irq,irq');
    expect([read(Gicc.IAR, 2), read(Gicc.IAR, 1)]).toEqual([40, NONE]);
    expect(lines.join()).toBe(',,');
    write(Gicc.EOIR, 40, 2);
    expect(lines.join()).toBe(',irq,irq');
  });

  test('ITARGETSR has a byte for each interrupt, and bits for the CPUs that are there', () => {
    write(GICD + ITARGETSR + 40, 0xffff_ffff);
    expect(read(GICD + ITARGETSR + 40)).toBe(0x0707_0707);
    expect([read(GICD + ITARGETSR, 0), read(GICD + ITARGETSR + 28, 2)]).toEqual([0x0101_0101, 0x0404_0404]);
    write(GICD + ITARGETSR, 0xffff_ffff);
    expect(read(GICD + ITARGETSR)).toBe(0x0101_0101);
  });

  test('with one CPU all are for it', () => {
    machine(1);
    open();
    enable(40, 0);
    gic.setLine(40, true);
    expect([lines[0], read(GICD + ITARGETSR + 40)]).toEqual(['irq', 0]);
  });
});

describe('software generated interrupts', () => {
  beforeEach(() => open());

  test.each([
    [0x0005_0003, 'irq,,irq'],
    [0x0100_0003, 'irq,,irq'],
    [0x0200_0003, ',irq,'],
    [0x0300_0003, ',,'],
    [0x00ff_0003, 'irq,irq,irq'],
  ])('GICD_SGIR %i from CPU 1: %s', (value, expected) => {
    write(SGIR, value, 1);
    expect(lines.join()).toBe(expected);
  });

  test('is pending once for each CPU that has sent it', () => {
    write(SGIR, 0x0001_0005, 2);
    write(SGIR, 0x0001_0005, 1);
    write(SGIR, 0x0001_0005, 1);
    expect([read(SPENDSGIR + 4), read(CPENDSGIR + 5, 0, 1)]).toEqual([0x600, 6]);
    expect(read(Gicc.IAR)).toBe((1 << 10) | 5);
    expect(read(GICD + ISPENDR) & 0xffff).toBe(1 << 5);
    write(Gicc.EOIR, (1 << 10) | 5);
    expect(read(HPPIR)).toBe((2 << 10) | 5);
    expect(read(Gicc.IAR)).toBe((2 << 10) | 5);
    expect(read(GICD + ISPENDR) & 0xffff).toBe(0);
  });

  test('can be made pending and not pending by byte, and is always enabled', () => {
    write(SPENDSGIR + 7, 0xff, 0, 1);
    expect([read(SPENDSGIR + 4), lines[0]]).toEqual([0x0700_0000, 'irq']);
    write(CPENDSGIR + 7, 5, 0, 1);
    expect(read(Gicc.IAR)).toBe((1 << 10) | 7);
    for (const offset of [ISENABLER, ISENABLER + 0x80]) write(GICD + offset, 0xffff_ffff);
    expect(read(GICD + ISENABLER)).toBe(0x0000_ffff);
    write(GICD + ISPENDR, 0xffff);
    expect(read(GICD + ISPENDR)).toBe(0);
  });
});

test('registers take bytes and halfwords', () => {
  write(GICD + ISENABLER + 5, 0xff, 0, 1);
  write(GICD + ISENABLER + 6, 0x1234, 0, 2);
  expect(read(GICD + ISENABLER + 4)).toBe(0x1234_ff00);
  write(GICD + ISENABLER + 0x86, 0x1000, 0, 2);
  expect([read(GICD + ISENABLER + 6, 0, 2), read(GICD + ISENABLER + 5, 0, 1)]).toEqual([0x0234, 0xff]);
  write(GICD + IGROUPR + 4, 0xffff_ffff);
  write(GICD + IGROUPR + 5, 0x0f, 0, 1);
  expect(read(GICD + IGROUPR + 4)).toBe(0xffff_0fff);
  write(GICD + ICFGR + 8, 0xffff_ffff);
  write(GICD + ICFGR + 9, 0, 0, 1);
  expect(read(GICD + ICFGR + 8)).toBe(0xaaaa_00aa);
});

test('identification', () => {
  expect(read(GICD + 4)).toBe((2 << 5) | (288 / 32 - 1));
  expect(read(GICD + 0xfe8) & 0xf0).toBe(0x20);
  expect(read(GICC + 0xfc)).toBe(0x0002_043b);
  expect(buses[0].read(GICD + 0x1000, 4)).toBe(false);
  expect(buses[0].read(GICC + 0x2000, 4)).toBe(false);
});
