import { expect, test } from 'vitest';
import { Pl031 } from '../../../src/backend/devices/pl031.ts';
import { HandClock } from './clock.ts';

const [DR, MR, LR, CR, IMSC, RIS, MIS, ICR] = [0, 4, 8, 12, 16, 20, 24, 28];
const SECOND = 62_500_000;

const device = (start = 1_700_000_000) => {
  const levels: boolean[] = [];
  const clock = new HandClock();
  const rtc = new Pl031({ start: () => start, time: clock, wire: (level) => levels.push(level) });
  return { rtc, clock, levels };
};

test('counts seconds of the guest, and can be set', () => {
  const { rtc, clock } = device();
  expect([rtc.readRegister(DR), rtc.readRegister(CR)]).toEqual([1_700_000_000, 1]);
  clock.pass(10 * SECOND - 1);
  expect(rtc.readRegister(DR)).toBe(1_700_000_009);
  clock.pass(1);
  expect(rtc.readRegister(DR)).toBe(1_700_000_010);
  rtc.writeRegister(LR, 0xffff_ffff);
  expect([rtc.readRegister(DR), rtc.readRegister(LR)]).toEqual([0xffff_ffff, 0xffff_ffff]);
  clock.pass(SECOND);
  expect(rtc.readRegister(DR)).toBe(0);
  rtc.writeRegister(DR, 5);
  rtc.writeRegister(CR, 0);
  expect([rtc.readRegister(DR), rtc.readRegister(CR)]).toEqual([0, 1]);
});

test('the alarm: raw and masked, at its second, once', () => {
  const { rtc, clock, levels } = device();
  rtc.writeRegister(MR, 1_700_000_005);
  rtc.writeRegister(IMSC, 1);
  clock.pass(5 * SECOND - 1);
  expect(levels).toEqual([]);
  clock.pass(1);
  expect(levels).toEqual([true]);
  expect([rtc.readRegister(RIS), rtc.readRegister(MIS)]).toEqual([1, 1]);
  rtc.writeRegister(IMSC, 0);
  expect([rtc.readRegister(RIS), rtc.readRegister(MIS), levels.at(-1)]).toEqual([1, 0, false]);
  rtc.writeRegister(ICR, 1);
  clock.pass(100 * SECOND);
  expect(rtc.readRegister(RIS)).toBe(0);
  // Masked it is found by looking.
  rtc.writeRegister(MR, 1_700_000_110);
  clock.pass(20 * SECOND);
  expect(rtc.readRegister(RIS)).toBe(1);
  // Now is a match, too.
  rtc.writeRegister(ICR, 1);
  rtc.writeRegister(MR, rtc.readRegister(DR));
  expect(rtc.readRegister(RIS)).toBe(1);
});

test('saved and restored on a machine of another age', () => {
  const { rtc, clock } = device();
  rtc.writeRegister(MR, 1_700_000_020);
  rtc.writeRegister(IMSC, 1);
  clock.pass(10 * SECOND);
  const other = device(7);
  other.clock.pass(1000 * SECOND);
  expect(other.rtc.restore(rtc.save())).toBeUndefined();
  expect(other.rtc.readRegister(DR)).toBe(1_700_000_010);
  other.clock.pass(10 * SECOND);
  expect(other.levels.at(-1)).toBe(true);
  for (const words of [[], [1n << 32n, 0n, 0n, 0n, 0n], [0n, 0n, 0n, 2n, 0n]])
    expect(other.rtc.restore(BigUint64Array.from(words))).toBeTypeOf('string');
});

test('the identification', () => {
  const words = Array.from({ length: 8 }, (_, i) => device().rtc.readRegister(0xfe0 + 4 * i));
  expect(words).toEqual([0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
});
