import { expect, test } from 'vitest';
import { Journal } from '../../src/backend/index.ts';

const edit = (register: string) =>
  ({ cpu: 0, pc: 0n, register, old: 0n, value: 1n, held: 1n, outcome: 'written' }) as const;

test('numbers edits from 1 and forgets the oldest', () => {
  const journal = new Journal(3);
  expect(journal.edits()).toEqual([]);
  for (const [i, register] of ['A', 'B', 'C', 'D', 'E'].entries()) {
    journal.add(edit(register));
    expect(journal.count).toBe(i + 1);
  }
  expect(journal.edits().map(({ sequence, register }) => `${sequence}${register}`)).toEqual(['3C', '4D', '5E']);
  expect(journal.edits()[0].time).toBeGreaterThan(1.7e12);
});

test('a full journal that has not wrapped is whole', () => {
  const journal = new Journal(2);
  journal.add(edit('A'));
  journal.add(edit('B'));
  expect(journal.edits().map(({ register }) => register)).toEqual(['A', 'B']);
});
