import { expect, test } from 'vitest';
import { illegalExceptionReturn, Mode, modeName, Pstate, pstateFromSpsr } from '../../src/arm/pstate.ts';

test.each([
  [0x3c5, 'EL1h'],
  [0x3c4, 'EL1t'],
  [0x0, 'EL0t'],
  [0x9, 'EL2h'],
  [0xd, 'EL3h'],
  [0x1, 'M=0b00001'],
  [0x6, 'M=0b00110'],
  [0x10, 'User'],
  [0x13, 'Supervisor'],
  [0x14, 'M=0b10100'],
])('mode of %i is %s', (pstate, name) => expect(modeName(pstate)).toBe(name));

test('exactly the modes that exist are legal to return to', () => {
  const legal = (from: number) =>
    Array.from({ length: 32 }, (_, m) => m).filter((m) => !illegalExceptionReturn(from, m));
  expect(legal(Mode.EL1h)).toEqual([Mode.EL0t, Mode.EL1t, Mode.EL1h]);
  expect(legal(Mode.EL1t)).toEqual([Mode.EL0t, Mode.EL1t, Mode.EL1h]);
  expect(legal(Mode.EL0t)).toEqual([Mode.EL0t]);
});

test('a legal return takes the state from SPSR, SS only when debug says so', () => {
  expect(pstateFromSpsr(0x3c5, 0xffffffe0 | 0, false)).toBe(0xf0000000 + Pstate.PAN + Pstate.IL + Pstate.DAIF);
  expect(pstateFromSpsr(0x3c5, 0x60200000, true)).toBe(0x60200000);
  expect(pstateFromSpsr(0x3c5, 0x60200000, false)).toBe(0x60000000);
});

test('an illegal return keeps the mode and sets IL', () => {
  expect(pstateFromSpsr(0x3c4, 0x80400049, false)).toBe(0x80000000 + Pstate.PAN + Pstate.IL + 0x40 + Mode.EL1t);
  expect(pstateFromSpsr(0x3c5, 0x10, true)).toBe(Pstate.SS + Pstate.IL + Mode.EL1h);
});
