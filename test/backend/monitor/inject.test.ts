/** What `monitor inject` understands. What the guest feels of it is in the conformance suite. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Guest } from '../../../src/backend/index.ts';
import { assemble, guestOf } from '../assembled.ts';

const program = assemble('loop: b loop');
const { loop } = program.symbols;

let guest: Guest;
const monitor = (line: string): string => {
  const result = guest.monitor.run(line, 1);
  return typeof result === 'string' ? result : `E: ${result.message}`;
};

beforeEach(() => {
  guest = guestOf(program);
});

describe('inject', () => {
  test.each([
    '',
    'nothing',
    'brk 0x10000',
    'brk 1 2',
    'sea x',
    'serror 0x2000000',
    'abort',
    'abort 1 look',
    'abort 1 read 64',
  ])('%j is none of its forms', (line) => {
    expect(monitor(`inject ${line}`)).toMatch(/^E: usage: monitor inject serror/);
    expect(guest.registers.read(1, 32)).toBe(loop);
  });
});
