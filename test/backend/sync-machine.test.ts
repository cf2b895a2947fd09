/** The synchronisation rules on a machine that runs: what a scripted vCPU cannot show. */
import { beforeEach, describe, expect, test } from 'vitest';
import { findRegister, type SystemRegister } from '../../src/arm/index.ts';
import { CpuSync, idName, sysregId, type Vcpu } from '../../src/backend/index.ts';
import { assemble, machineOf } from './assembled.ts';

/** Counts, with exceptions, flags and stack pointers that change on the way. */
const program = assemble(`
  ldr x0, =vectors
  msr vbar_el1, x0
  mov sp, x0
  mov x19, #0
loop:
  adds x19, x19, #3
  msr spsel, #0
  mov sp, x19
  msr spsel, #1
  svc #1
  msr tpidr_el0, x19
  mrs x20, tpidr_el0
  b loop
  .ltorg
  .balign 2048
vectors:
  .rept 16
  mrs x21, esr_el1
  eor x22, x22, x21
  eret
  .balign 128
  .endr
`);
const machine = machineOf(program);
const vcpu = machine.vcpus[0];
const idOf = (name: string): bigint => sysregId((findRegister(name) as SystemRegister).number);

beforeEach(() => machine.reset());

const step = () => {
  const none = { enable: true, singleStep: true, useSoftwareBreakpoints: false, useHardware: false };
  expect(vcpu.setGuestDebug({ ...none, breakpoints: [], watchpoints: [] })).toBe(0);
  expect(vcpu.run()).toMatchObject({ kind: 'debug' });
};

function everything({ registerIds }: Vcpu): bigint[] {
  const [values, errnos] = [new BigUint64Array(2 * registerIds.length), new Int32Array(registerIds.length)];
  expect(vcpu.getRegisters(registerIds, values, errnos, registerIds.length)).toBe(0);
  return [...values];
}

test('every register of the simulated vCPU passes through the CPU state unchanged', () => {
  const sync = new CpuSync(vcpu);
  expect(sync.kvmArchGetRegisters()).toEqual([]);
  const refused = sync.list.cpregs.filter((_, i) => sync.list.synchronised[i] === 'no').map(({ name }) => name);
  expect(refused).toEqual([]);
});

describe.each(['record', 'probe'] as const)('with the %s', (mode) => {
  test.each(['runtime', 'reset', 'full'] as const)('a refill and a put of level %s change nothing', (level) => {
    for (let i = 0; i < 20; i++) step();
    const before = everything(vcpu);
    const sync = new CpuSync(vcpu, { mode });
    expect(sync.kvmArchGetRegisters()).toEqual([]);
    expect(sync.kvmArchPutRegisters(level)).toEqual([]);
    expect(everything(vcpu)).toEqual(before);
  });

  test('the guest does not feel a get and a put after every instruction', () => {
    const steps = 200;
    for (let i = 0; i < steps; i++) step();
    const undisturbed = everything(vcpu);
    machine.reset();
    const sync = new CpuSync(vcpu, { mode });
    for (let i = 0; i < steps; i++) {
      sync.kvmArchGetRegisters();
      expect(sync.kvmArchPutRegisters('runtime')).toEqual([]);
      step();
    }
    expect(everything(vcpu)).toEqual(undisturbed);
  });
});

test('a reset followed by a put keeps the reset values', () => {
  const fresh = everything(vcpu);
  const sync = new CpuSync(vcpu);
  for (let i = 0; i < 20; i++) step();
  sync.kvmArchGetRegisters();
  sync.state.system[0xc080] |= 1n;
  sync.state.x.fill(7n);
  expect(sync.kvmArchPutRegisters('runtime')).toEqual([]);
  expect(sync.kvmArmResetVcpu()).toEqual([]);
  expect(sync.kvmArchPutRegisters('reset')).toEqual([]);
  const now = everything(vcpu);
  // The entry of the image and the time are the machine's, not the vCPU's.
  for (const [i, id] of [...vcpu.registerIds].entries()) if (/^(PC|CNT[PV]CT_EL0)$/.test(idName(id))) now[i] = fresh[i];
  expect(now).toEqual(fresh);
  expect(sync.list.cpregValues[sync.list.cpregIndexes.indexOf(idOf('SCTLR_EL1'))]).toBe(0x30d5_0998n);
});
