import { beforeEach, describe, expect, test } from 'vitest';
import { Bus } from '../../../../src/backend/devices/bus.ts';
import { Gicv3 } from '../../../../src/backend/simulator/devices/gicv3.ts';
import { gicv3Frames } from '../../../../src/backend/simulator/devices/gicv3-frames.ts';
import { gicv3Registers } from '../../../../src/backend/simulator/devices/gicv3-registers.ts';

const CPUS = 4;
const GICD = 0x0800_0000;
const SGI_FRAME = 0x080b_0000;
const NONE = 1023;

let gic: Gicv3;
let bus: Bus;
/** The lines of each CPU: '', 'irq' or 'fiq'. */
let lines: string[];

beforeEach(() => {
  lines = Array.from({ length: CPUS }, () => '');
  gic = new Gicv3({
    affinities: [0, 1, 2, 0x0102_0303],
    setLines: (cpu, irq, fiq) => {
      lines[cpu] = irq ? 'irq' : fiq ? 'fiq' : '';
    },
  });
  bus = new Bus(gicv3Frames(gic));
});

const read = (address: number, bytes = 4): number => {
  expect(bus.read(address, bytes)).toBe(true);
  return bus.low >>> 0;
};
const write = (address: number, value: number, bytes = 4): void => {
  expect(bus.write(address, bytes, value, 0)).toBe(true);
};
const icc = (name: string, cpu = 0): number => Number(gicv3Registers[`ICC_${name}_EL1`].read!(gic, cpu));
const setIcc = (name: string, value: number | bigint, cpu = 0): void =>
  gicv3Registers[`ICC_${name}_EL1`].write!(gic, cpu, BigInt(value));
/** Where the registers of an interrupt are, for CPU 0. */
const frame = (interrupt: number): number => (interrupt < 32 ? SGI_FRAME : GICD);
const setBit = (offset: number, interrupt: number): void =>
  write(frame(interrupt) + offset + 4 * (interrupt >> 5), 1 << (interrupt & 31));
const bit = (offset: number, interrupt: number): number =>
  (read(frame(interrupt) + offset + 4 * (interrupt >> 5)) >>> (interrupt & 31)) & 1;
const [IGROUPR, ISENABLER, ISPENDR, ICPENDR, ISACTIVER, IPRIORITYR, ICFGR] = [
  0x80, 0x100, 0x200, 0x280, 0x300, 0x400, 0xc00,
];
const setPriority = (interrupt: number, priority: number): void =>
  write(frame(interrupt) + IPRIORITYR + interrupt, priority, 1);
const setEdge = (interrupt: number): void => write(GICD + ICFGR + 4 * (interrupt >> 4), 2 << (2 * (interrupt & 15)));
/** Enabled, of group 1. */
const enable = (interrupt: number, priority = 0x80): void => {
  const group = frame(interrupt) + IGROUPR + 4 * (interrupt >> 5);
  write(group, read(group) | (1 << (interrupt & 31)));
  setPriority(interrupt, priority);
  setBit(ISENABLER, interrupt);
};
const open = (cpus = [0]): void => {
  write(GICD, 3);
  for (const cpu of cpus) {
    setIcc('PMR', 0xff, cpu);
    setIcc('IGRPEN0', 1, cpu);
    setIcc('IGRPEN1', 1, cpu);
  }
};

describe('one interrupt from its line to its end', () => {
  beforeEach(() => open());

  test('a level is signalled, becomes active, and is pending again at its end while the line is high', () => {
    enable(40);
    gic.setLine(40, true);
    expect([lines[0], bit(ISPENDR, 40), icc('HPPIR1')]).toEqual(['irq', 1, 40]);
    expect(icc('IAR1')).toBe(40);
    expect([lines[0], bit(ISPENDR, 40), bit(ISACTIVER, 40), icc('RPR')]).toEqual(['', 1, 1, 0x80]);
    setIcc('EOIR1', 40);
    expect([lines[0], bit(ISACTIVER, 40), icc('RPR')]).toEqual(['irq', 0, 0xff]);
    expect(icc('IAR1')).toBe(40);
    gic.setLine(40, false);
    setIcc('EOIR1', 40);
    expect([lines[0], icc('IAR1')]).toEqual(['', NONE]);
  });

  test('an edge is pending once, and again when it comes while the interrupt is active', () => {
    enable(41);
    setEdge(41);
    gic.setLine(41, true);
    expect(icc('IAR1')).toBe(41);
    expect(bit(ISPENDR, 41)).toBe(0);
    gic.setLine(41, false);
    gic.setLine(41, true);
    expect([bit(ISPENDR, 41), bit(ISACTIVER, 41), lines[0]]).toEqual([1, 1, '']);
    setIcc('EOIR1', 41);
    expect(icc('IAR1')).toBe(41);
    setIcc('EOIR1', 41);
    expect(lines[0]).toBe('');
  });

  test('ICPENDR takes an edge away and not a level', () => {
    enable(40);
    enable(41);
    setEdge(41);
    gic.setLine(40, true);
    gic.setLine(41, true);
    setBit(ICPENDR, 40);
    setBit(ICPENDR, 41);
    expect([bit(ISPENDR, 40), bit(ISPENDR, 41)]).toEqual([1, 0]);
  });

  test('EOImode: EOIR drops the priority, DIR ends the interrupt', () => {
    setIcc('CTLR', 2);
    expect(icc('CTLR')).toBe(0x8c02);
    enable(40);
    gic.setLine(40, true);
    icc('IAR1');
    setIcc('EOIR1', 40);
    expect([icc('RPR'), bit(ISACTIVER, 40), lines[0]]).toEqual([0xff, 1, '']);
    setIcc('DIR', 40);
    expect([bit(ISACTIVER, 40), lines[0]]).toEqual([0, 'irq']);
  });

  test('without EOImode DIR does nothing', () => {
    enable(40);
    gic.setLine(40, true);
    icc('IAR1');
    setIcc('DIR', 40);
    expect(bit(ISACTIVER, 40)).toBe(1);
  });

  test('group 0 is an FIQ, and for the registers of group 0', () => {
    setBit(ISENABLER, 50);
    gic.setLine(50, true);
    expect([lines[0], icc('IAR1'), icc('HPPIR1'), icc('HPPIR0')]).toEqual(['fiq', NONE, NONE, 50]);
    expect(icc('IAR0')).toBe(50);
    setIcc('EOIR1', 50);
    expect(icc('AP0R0')).toBe(1);
    setIcc('EOIR0', 50);
    expect([icc('AP0R0'), lines[0]]).toEqual([0, 'fiq']);
  });

  test('an end of what does not run, or is not there, is ignored', () => {
    for (const interrupt of [40, 287, 288, 1019, 1023, 0xff_ffff]) setIcc('EOIR1', interrupt);
    expect(icc('RPR')).toBe(0xff);
  });
});

test.each([
  // GICD_CTLR, IGRPEN1, enabled, PMR, signalled
  [3, 1, true, 0xff, true],
  [1, 1, true, 0xff, false],
  [3, 0, true, 0xff, false],
  [3, 1, false, 0xff, false],
  [3, 1, true, 0x80, false],
  [3, 1, true, 0x88, true],
  // Five bits of the mask are there.
  [3, 1, true, 0x87, false],
])('GICD_CTLR %i, IGRPEN1 %i, enabled %s, PMR %i: signalled %s', (control, group, enabled, mask, signalled) => {
  enable(40);
  if (!enabled) write(GICD + 0x184, 1 << 8);
  write(GICD, control);
  setIcc('IGRPEN1', group);
  setIcc('PMR', mask);
  gic.setLine(40, true);
  expect(lines[0] === 'irq').toBe(signalled);
});

test('a pending interrupt of a group that the CPU interface disables does not stand in the way of the other group', () => {
  open();
  setBit(ISENABLER, 50);
  enable(40, 0x80);
  gic.setLine(50, true);
  gic.setLine(40, true);
  expect(lines[0]).toBe('fiq');
  setIcc('IGRPEN0', 0);
  expect([lines[0], icc('HPPIR0'), icc('HPPIR1'), icc('IAR1')]).toEqual(['irq', NONE, 40, 40]);
});

test.each([
  // BPR1, priority that runs, priority that comes, preempts
  [3, 0x80, 0x78, true],
  [3, 0x80, 0x80, false],
  [3, 0x80, 0x88, false],
  [4, 0x88, 0x80, false],
  [4, 0x80, 0x78, true],
  [5, 0x98, 0x80, false],
  [5, 0x98, 0x78, true],
  [7, 0x88, 0x80, false],
  [7, 0x80, 0x78, true],
  [7, 0x78, 0x00, false],
])('BPR1 %i: while %i runs, %i preempts: %s', (point, running, coming, preempts) => {
  open();
  setIcc('BPR1', point);
  enable(40, running);
  enable(41, coming);
  gic.setLine(40, true);
  expect(icc('IAR1')).toBe(40);
  expect(icc('RPR')).toBe(running & (-1 << point) & 0xf8);
  gic.setLine(41, true);
  expect(lines[0] === 'irq').toBe(preempts);
  expect(icc('IAR1')).toBe(preempts ? 41 : NONE);
  // What is pending is shown, whether it preempts or not.
  if (!preempts) expect(icc('HPPIR1')).toBe(41);
});

test('the binary points have least values, and CBPR makes the first one hold for both', () => {
  for (const name of ['BPR0', 'BPR1']) setIcc(name, 0);
  expect([icc('BPR0'), icc('BPR1')]).toEqual([2, 3]);
  setIcc('BPR0', 6);
  setIcc('CTLR', 1);
  setIcc('BPR1', 4);
  expect([icc('BPR0'), icc('BPR1')]).toEqual([6, 7]);
  setIcc('BPR0', 7);
  expect(icc('BPR1')).toBe(7);
  setIcc('CTLR', 0);
  expect(icc('BPR1')).toBe(3);
});

test('nested interrupts: the running priority is that of the innermost', () => {
  open();
  const priorities = [0xa0, 0x60, 0x40, 0x00];
  for (const [i, priority] of priorities.entries()) enable(40 + i, priority);
  const running = priorities.map((_, i) => {
    gic.setLine(40 + i, true);
    return [icc('IAR1'), icc('RPR')];
  });
  expect(running).toEqual([
    [40, 0xa0],
    [41, 0x60],
    [42, 0x40],
    [43, 0x00],
  ]);
  expect(icc('AP1R0')).toBe((1 << 20) | (1 << 12) | (1 << 8) | 1);
  for (const i of [3, 2, 1]) {
    gic.setLine(40 + i, false);
    setIcc('EOIR1', 40 + i);
    expect(icc('RPR')).toBe(priorities[i - 1]);
  }
});

test('of several the one of the highest priority comes first, of one priority that of the lowest number', () => {
  open();
  enable(70, 0x40);
  enable(35, 0x50);
  enable(28, 0x50);
  for (const interrupt of [70, 35]) gic.setLine(interrupt, true);
  gic.setPrivateLine(0, 28, true);
  expect([icc('IAR1'), icc('HPPIR1')]).toEqual([70, 28]);
  gic.setLine(70, false);
  setIcc('EOIR1', 70);
  expect([icc('IAR1'), icc('HPPIR1')]).toEqual([28, 35]);
});

describe('routing', () => {
  beforeEach(() => open([0, 1, 2, 3]));
  const route = (interrupt: number, low: number, high = 0): void => {
    expect(bus.write(GICD + 0x6000 + 8 * interrupt, 8, low, high)).toBe(true);
  };

  test.each([
    [0, 0, 0],
    [2, 0, 2],
    [0x02_0303, 1, 3],
  ])('IROUTER %i, Aff3 %i: CPU %i', (low, high, cpu) => {
    enable(40);
    route(40, low, high);
    gic.setLine(40, true);
    expect(lines.map((line) => line !== '')).toEqual([0, 1, 2, 3].map((one) => one === cpu));
    expect(bus.read(GICD + 0x6000 + 8 * 40, 8)).toBe(true);
    expect([bus.low, bus.high]).toEqual([low, high]);
  });

  test('what goes to no CPU stays pending until it goes to one', () => {
    enable(40);
    route(40, 9);
    gic.setLine(40, true);
    expect([lines.join(), bit(ISPENDR, 40)]).toEqual([',,,', 1]);
    route(40, 1);
    expect(lines.join()).toBe(',irq,,');
  });

  test('a PPI belongs to its CPU', () => {
    for (const cpu of [0, 1]) {
      write(SGI_FRAME + cpu * 0x2_0000 + IGROUPR, 0xffff_ffff);
      write(SGI_FRAME + cpu * 0x2_0000 + ISENABLER, 1 << 27);
    }
    gic.setPrivateLine(1, 27, true);
    expect(lines.join()).toBe(',irq,,');
    expect([icc('IAR1', 0), icc('IAR1', 1)]).toEqual([NONE, 27]);
  });
});

describe('software generated interrupts', () => {
  const sgi = (fields: { id: number; list?: number; Aff1?: number; Aff2?: number; Aff3?: number; IRM?: number }) => {
    const { id, list = 0, Aff1 = 0, Aff2 = 0, Aff3 = 0, IRM = 0 } = fields;
    return (
      (BigInt(Aff3) << 48n) | (BigInt(IRM) << 40n) | (BigInt(Aff2) << 32n) | BigInt((id << 24) | (Aff1 << 16) | list)
    );
  };
  beforeEach(() => {
    open([0, 1, 2, 3]);
    for (let cpu = 0; cpu < CPUS; cpu++) {
      write(SGI_FRAME + cpu * 0x2_0000 + IGROUPR, 0xff0f);
      write(SGI_FRAME + cpu * 0x2_0000 + ISENABLER, 0xffff);
    }
  });

  test.each([
    ['SGI1R', { id: 3, list: 0b0110 }, ',irq,irq,'],
    ['SGI1R', { id: 3, list: 0b1001 }, 'irq,,,'],
    ['SGI1R', { id: 3, list: 0b1000, Aff1: 3, Aff2: 2, Aff3: 1 }, ',,,irq'],
    ['SGI1R', { id: 3, IRM: 1 }, 'irq,,irq,irq'],
    // Group 0 there: only by the register of group 0, or that of the other security state.
    ['SGI1R', { id: 5, list: 0b0111 }, ',,,'],
    ['SGI0R', { id: 5, list: 0b0111 }, 'fiq,fiq,fiq,'],
    ['SGI0R', { id: 3, list: 0b0111 }, ',,,'],
    ['ASGI1R', { id: 5, list: 0b0001 }, 'fiq,,,'],
  ])('ICC_%s_EL1 %o from CPU 1: %s', (register, fields, expected) => {
    setIcc(register, sgi(fields), 1);
    expect(lines.join()).toBe(expected);
  });

  test('is an edge: acknowledged once, and its configuration is fixed', () => {
    write(SGI_FRAME + ICFGR, 0);
    expect(read(SGI_FRAME + ICFGR)).toBe(0xaaaa_aaaa);
    setIcc('SGI1R', sgi({ id: 3, list: 1 }));
    setIcc('SGI1R', sgi({ id: 3, list: 1 }));
    expect([icc('IAR1'), icc('IAR1')]).toEqual([3, NONE]);
    setIcc('EOIR1', 3);
    expect(icc('IAR1')).toBe(NONE);
  });
});

describe('registers in memory', () => {
  test('identification', () => {
    expect(read(GICD)).toBe(0x50);
    expect(read(GICD + 4) & 0x1f).toBe(288 / 32 - 1);
    expect(read(GICD + 4) & (1 << 17)).toBe(0);
    expect(read(GICD + 0xffe8) & 0xf0).toBe(0x30);
    expect(read(0x080a_ffe8) & 0xf0).toBe(0x30);
    expect([0, 1, 2, 3].map((cpu) => read(0x080a_0008 + cpu * 0x2_0000))).toEqual([0, 0x100, 0x200, 0x310]);
    expect(read(0x080a_000c + 3 * 0x2_0000)).toBe(0x0102_0303);
  });

  test('GICR_WAKER: the children sleep when the processor does', () => {
    expect(read(0x080a_0014)).toBe(6);
    write(0x080a_0014, 0);
    expect(read(0x080a_0014)).toBe(0);
    write(0x080a_0014, 2);
    expect(read(0x080a_0014)).toBe(6);
  });

  test.each([1, 2])('accesses of %i bytes reach only priorities by bytes', (bytes) => {
    write(GICD + ISENABLER + 4, 0xffff_ffff);
    setPriority(32, 0xff);
    expect(read(GICD + ISENABLER + 4, bytes)).toBe(0);
    expect(read(GICD + IPRIORITYR + 32, bytes)).toBe(bytes === 1 ? 0xf8 : 0);
    write(GICD + IPRIORITYR + 34, 0xff, bytes);
    expect(read(GICD + IPRIORITYR + 32)).toBe(bytes === 1 ? 0xf8_00f8 : 0xf8);
    write(GICD, 3, bytes);
    expect(read(GICD)).toBe(0x50);
  });

  test('the distributor has nothing of private interrupts, nor of those that are not there', () => {
    for (const offset of [IGROUPR, ISENABLER, ISPENDR, ISACTIVER, IPRIORITYR, ICFGR]) {
      write(GICD + offset, 0xffff_ffff);
      expect(read(GICD + offset)).toBe(0);
    }
    for (const offset of [IGROUPR + 36, ISENABLER + 36, IPRIORITYR + 288, ICFGR + 72, 0x6000 + 8 * 288, 0x6000]) {
      write(GICD + offset, 0xffff_ffff);
      expect(read(GICD + offset)).toBe(0);
    }
    write(GICD + IPRIORITYR + 284, 0xffff_ffff);
    expect(read(GICD + IPRIORITYR + 284)).toBe(0xf8f8_f8f8);
  });

  test('there are frames for as many CPUs as there are', () => {
    expect(bus.read(0x080a_0000 + CPUS * 0x2_0000 - 4, 4)).toBe(true);
    expect(bus.read(0x080a_0000 + CPUS * 0x2_0000, 4)).toBe(false);
  });
});
