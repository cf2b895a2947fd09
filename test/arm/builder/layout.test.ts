import { expect, test } from 'vitest';
import { Context, cpuArea, Layout, Record } from '../../../src/arm/index.ts';

test('the areas of memory do not overlap', () => {
  const areas: readonly (readonly [name: string, start: number, bytes: number])[] = [
    ['x', Layout.x, 34 * 8],
    ['pc', Layout.pc, 8],
    ['flags', Layout.flagsKind, 24],
    ['budget', Layout.budget, 4],
    ['exclusive', Layout.exclusive, 32],
    ['pstate', Layout.pstate, 4],
    ['spCheck', Layout.spCheck, 4],
    ['alignCheck', Layout.alignCheck, 4],
    ['context', Layout.context, 4],
    ['undecoded', Layout.undecoded, 4],
    ['scratch', Layout.scratch, 32],
    ['fpOperands', Layout.fpOperands, 48],
    ['fpcr', Layout.fpcr, 8],
    ['fpsr', Layout.fpsr, 8],
    ['systemBase', Layout.systemBase, 4],
    ['unprivileged', Layout.unprivileged, 4],
    ['v', Layout.v, 32 * 16],
    ['bank', Layout.bank, Layout.bankBytes],
    ['system', Layout.system, Layout.systemBytes],
    ['contexts', Layout.contexts, 3 * Context.bytes],
    ['part', Layout.part, Record.pageBytes],
    // 64 bits for each page of 4 GiB.
    ['codeLines', Layout.codeLines, 2 ** 20 * 8],
    ['pages', Layout.pages, Layout.pageCount * Record.pageBytes],
    ...[1, 2, 3, 4, 5, 6, 7].map((cpu) => [`CPU ${cpu}`, cpuArea(cpu), Layout.cpuBytes] as const),
    ['ram', Layout.ram, 0],
  ];
  const overlaps = areas.slice(1).filter(([, start], i) => start < areas[i][1] + areas[i][2]);
  expect(overlaps).toEqual([]);
  expect(Layout.ram % 65536).toBe(0);
});

test('a record has room for its operands, and slots fit 16 bits', () => {
  expect(Record.registers + 6 * 2).toBeLessThanOrEqual(Record.near);
  expect(Record.immediates + 4 * 8).toBe(Record.bytes);
  expect(Layout.pc).toBeLessThan(65536);
});
