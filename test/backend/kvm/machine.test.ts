/** What can be said of KVM without KVM: the exits, and why there is no machine. */
import { describe, expect, test } from 'vitest';
import { KvmError } from '../../../src/backend/index.ts';
import { type Addon, AddonMissing, loadAddon } from '../../../src/backend/kvm/addon.ts';
import { openKvm } from '../../../src/backend/kvm/capabilities.ts';
import { inspectKvm } from '../../../src/backend/kvm/doctor.ts';
import { checked, made } from '../../../src/backend/kvm/error.ts';
import { exitOf, runFailed } from '../../../src/backend/kvm/exits.ts';
import { encodeGuestDebug, RunPage, targetOf, vcpuInit } from '../../../src/backend/kvm/structures.ts';

describe('exits', () => {
  const pageOf = (reason: number, fill: (fields: DataView) => void = () => undefined): RunPage => {
    const page = new RunPage();
    page.exitReason = reason;
    fill(new DataView(page.bytes.buffer));
    return page;
  };

  test.each([
    [24, 1, { kind: 'shutdown' }],
    [24, 2, { kind: 'reset' }],
    [24, 3, { kind: 'crash' }],
    [10, 0, { kind: 'interrupted' }],
    [24, 9, { kind: 'failed', reason: 'the guest asked for the system event 9' }],
    [9, 7, { kind: 'failed', reason: 'the hardware refused to run the vCPU: reason 0x7' }],
    [17, 3, { kind: 'failed', reason: expect.stringContaining('internal error 3') }],
    [99, 0, { kind: 'failed', reason: expect.stringContaining('reason 99') }],
  ])('reason %i, %i', (reason, word, exit) => {
    expect(exitOf(pageOf(reason, (fields) => fields.setUint32(32, word, true)))).toEqual(exit);
  });

  test('a debug exit has its syndrome and address', () => {
    const page = pageOf(4, (fields) => {
      fields.setUint32(32, 0xd2000022, true);
      fields.setBigUint64(40, 0xffff_0000_1234_5678n, true);
    });
    expect(exitOf(page)).toEqual({ kind: 'debug', esr: 0xd2000022, far: 0xffff_0000_1234_5678n });
  });

  test('the data of an access is its length, never more than eight bytes', () => {
    for (const [length, seen] of [
      [1, 1],
      [8, 8],
      [0xffff_ffff, 8],
    ])
      expect(pageOf(6, (fields) => fields.setUint32(48, length, true)).mmioData).toHaveLength(seen);
  });

  test('errnos of KVM_RUN are explained', () => {
    expect(runFailed(38)).toMatchObject({ kind: 'failed', reason: expect.stringContaining('cannot decode') });
    expect(runFailed(5)).toEqual({ kind: 'failed', reason: 'KVM_RUN: errno 5' });
  });
});

describe('structures', () => {
  test('features are bits', () => {
    const init = vcpuInit(5, [0, 2, 3]);
    expect([targetOf(init), init[4], init.length]).toEqual([5, 0b1101, 32]);
  });

  test('a debug setting that is off says nothing else', () => {
    const slot = { control: 0x1e7n, value: 0x4000_0000n };
    const debug = { singleStep: true, useSoftwareBreakpoints: true, useHardware: true, watchpoints: [slot] };
    expect(encodeGuestDebug({ enable: false, ...debug, breakpoints: [slot] }).every((byte) => byte === 0)).toBe(true);
    const bytes = encodeGuestDebug({ enable: true, ...debug, breakpoints: Array.from({ length: 20 }, () => slot) });
    const fields = new DataView(bytes.buffer);
    expect([fields.getUint32(0, true), bytes.length]).toEqual([0x30003, 520]);
    expect([fields.getBigUint64(8 + 8 * 15, true), fields.getBigUint64(264, true)]).toEqual([0x1e7n, 0x1e7n]);
    expect([fields.getBigUint64(136 + 8 * 15, true), fields.getBigUint64(392, true)]).toEqual([slot.value, slot.value]);
  });
});

describe('what stands in the way', () => {
  /** An addon of which only the opening is asked. */
  const addonThatOpens = (answer: number): Addon => ({ open: () => answer }) as unknown as Addon;

  test.skipIf(process.arch === 'arm64')('elsewhere than on arm64 there is no addon', () => {
    expect(loadAddon()).toBeInstanceOf(AddonMissing);
    expect(inspectKvm()).toMatchObject({ addon: false, device: false, capabilities: [] });
  });

  test.each([
    [-2, 'the kernel offers no virtualisation'],
    [-13, 'you may not open it: add yourself to its group'],
    [-19, '/dev/kvm: ENODEV, no such device'],
  ])('opening it answers %i', (answer, sentence) => {
    expect(() => openKvm(addonThatOpens(answer))).toThrow(sentence);
    expect(inspectKvm(addonThatOpens(answer)).obstacle).toContain(sentence);
  });

  test('errors have the call, the errno in words, and advice', () => {
    expect(checked(0, 'KVM_X')).toBe(0);
    expect(() => checked(-22, 'KVM_X', { 22: 'do this' })).toThrow('KVM_X: EINVAL, invalid value; do this');
    expect(() => made(3, 'KVM_X')).toThrow(KvmError);
  });
});
