import { expect, test } from 'vitest';
import { CpuState } from '../../src/arm/cpu-state.ts';
import { Esr, exceptionState, FaultStatus, takeException, Vector } from '../../src/arm/exception.ts';
import { encodingNumber } from '../../src/arm/registers/register.ts';

const SCTLR_EL1 = encodingNumber([3, 0, 1, 0, 0]);
const ESR_EL1 = encodingNumber([3, 0, 5, 2, 0]);
const VBAR_EL1 = encodingNumber([3, 0, 12, 0, 0]);
const ID_AA64MMFR1_EL1 = encodingNumber([3, 0, 0, 7, 1]);
const SPAN = 1n << 23n;

test.each([
  // before, SCTLR, vector, offset, after
  ['EL0', 0x60000000n, SPAN, Vector.synchronous, 0x400n, 0x600003c5n],
  ['EL1t', 0x80000004n, SPAN, Vector.irq, 0x080n, 0x800003c5n],
  ['EL1h', 0xf0000085n, SPAN, Vector.fiq, 0x300n, 0xf00003c5n],
  ['EL1h, step and illegal state', 0x00300005n, SPAN, Vector.serror, 0x380n, 0x3c5n],
  ['EL0, AArch32', 0x000001b0n, SPAN, Vector.synchronous, 0x600n, 0x3c5n],
  ['EL0, PAN set by entry', 0n, 0n, Vector.synchronous, 0x400n, 0x4003c5n],
  ['EL1h, PAN kept', 0x00400005n, SPAN, Vector.synchronous, 0x200n, 0x4003c5n],
  ['EL0, DIT kept', 0x01000000n, SPAN, Vector.synchronous, 0x400n, 0x10003c5n],
])('entry from %s', (_, pstate, sctlr, vector, offset, after) => {
  const cpu = new CpuState();
  cpu.pc = 0xffff_8000_1234_5678n;
  cpu.pstate = pstate;
  cpu.system[SCTLR_EL1] = sctlr;
  cpu.system[ID_AA64MMFR1_EL1] = 0x10_0000n;
  cpu.system[VBAR_EL1] = 0xffff_ffff_ffff_ffffn;
  takeException(exceptionState(cpu), Esr.svc(7), vector);
  expect(cpu.pc).toBe(0xffff_ffff_ffff_f800n + offset);
  expect(cpu.elr[1]).toBe(0xffff_8000_1234_5678n);
  expect(cpu.spsr[1]).toBe(pstate);
  expect(cpu.pstate).toBe(after);
  expect(cpu.system[ESR_EL1]).toBe(0x56000007n);
});

test('entry without FEAT_PAN leaves PSTATE.PAN alone', () => {
  const cpu = new CpuState();
  takeException(exceptionState(cpu), Esr.svc(7));
  expect(cpu.pstate).toBe(0x3c5n);
});

test.each([
  [Esr.unknown(), 0x02000000],
  [Esr.wfx(false), 0x07e00000],
  [Esr.wfx(true), 0x07e00001],
  [Esr.fpAccess(), 0x1fe00000],
  [Esr.illegalState(), 0x3a000000],
  [Esr.svc(0xffff), 0x5600ffff],
  [Esr.hvc(1), 0x5a000001],
  [Esr.smc(2), 0x5e000002],
  // MRS X3, CTR_EL0; MSR CNTV_CTL_EL0, X5; DC CVAU, X0; MSR DAIFSet, #2
  [Esr.msr(0xd53b0023), 0x6232c061],
  [Esr.msr(0xd51be325), 0x6232f8a6],
  [Esr.msr(0xd50b7b20), 0x6212dc16],
  [Esr.msr(0xd50342df), 0x620cd3e4],
  [Esr.instructionAbort(0, FaultStatus.translation + 3), 0x82000007],
  [Esr.instructionAbort(1, FaultStatus.permission + 2), 0x8600000e],
  [Esr.pcAlignment(), 0x8a000000],
  [Esr.dataAbort(0, FaultStatus.accessFlag + 1, false), 0x92000009],
  [Esr.dataAbort(1, FaultStatus.alignment, true), 0x96000061],
  [Esr.cacheMaintenanceAbort(0, FaultStatus.translation), 0x92000144],
  [Esr.spAlignment(), 0x9a000000],
  [Esr.serror(0x1000001), 0xbf000001],
  [Esr.breakpoint(0), 0xc2000022],
  [Esr.breakpoint(1), 0xc6000022],
  [Esr.softwareStep(0), 0xca000022],
  [Esr.softwareStep(1, false), 0xcf000022],
  [Esr.softwareStep(1, true), 0xcf000062],
  [Esr.watchpoint(0, false), 0xd2000022],
  [Esr.watchpoint(1, true), 0xd6000062],
  [Esr.brk(0x1234), 0xf2001234],
])('syndrome %#', (esr, expected) => expect(esr.toString(16)).toBe(expected.toString(16)));

test('a debug exception gets the form of the level it is taken from', () => {
  expect(Esr.debugFrom(Esr.watchpoint(0, true), 1)).toBe(Esr.watchpoint(1, true));
  expect(Esr.debugFrom(Esr.breakpoint(1), 0)).toBe(Esr.breakpoint(0));
  expect(Esr.debugFrom(Esr.softwareStep(0, true), 1)).toBe(Esr.softwareStep(1, true));
  expect(Esr.debugFrom(Esr.brk(5), 1)).toBe(Esr.brk(5));
});
