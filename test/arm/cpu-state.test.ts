import { expect, test } from 'vitest';
import { exceptionLevel, stackPointerIndex } from '../../src/arm/index.ts';

test.each([
  ['EL0t', 0x0n, 0, 0],
  ['EL1t', 0x4n, 1, 0],
  ['EL1h', 0x3c5n, 1, 1],
  ['EL2t', 0x8n, 2, 0],
  ['EL2h', 0x9n, 2, 2],
])('%s: exception level and stack pointer', (_name, pstate, el, sp) => {
  expect([exceptionLevel(pstate), stackPointerIndex(pstate)]).toEqual([el, sp]);
});
