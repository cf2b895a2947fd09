/** Registers from one machine to another: other kernels, other features, other machines. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { registersByGlob } from '../../../src/arm/index.ts';
import { Pl011 } from '../../../src/backend/devices/pl011.ts';
import { Pl031 } from '../../../src/backend/devices/pl031.ts';
import {
  CoreId,
  type CpuModelName,
  CpuSync,
  ccsidrId,
  Errno,
  firmwareBitmapId,
  idGroup,
  idName,
  idSize,
  type KvmVcpuFeatures,
  kvmWriteRule,
  type Machine,
  MachineState,
  type Refusal,
  type Restored,
  SimulatorMachine,
  type Snapshot,
  type StatefulDevice,
  sysregId,
} from '../../../src/backend/index.ts';
import { Gicv3 } from '../../../src/backend/simulator/devices/gicv3.ts';
import { Gicv3State } from '../../../src/backend/simulator/devices/gicv3-state.ts';
import { TargetError } from '../../../src/gdbstub/index.ts';
import { HandClock } from '../devices/clock.ts';
import { CNTVCT_EL0, KernelMachine, type KernelMachineOptions } from './kernel-machine.ts';

const idOf = (name: string): bigint => sysregId(registersByGlob(name)[0].number);
const RAM = 0x1_0000;

const uart = (): Pl011 => new Pl011({ send: () => undefined });
const rtc = (): Pl031 => new Pl031({ start: () => 0, time: new HandClock(), wire: () => undefined });
/** The words of KVM's vGIC are the same. */
const gic = (): Gicv3State =>
  new Gicv3State(new Gicv3({ affinities: [0], setLines: () => undefined }), () => undefined);
const kvm = (features: KvmVcpuFeatures, options: KernelMachineOptions = {}): KernelMachine =>
  new KernelMachine(features, { devices: [gic(), uart(), rtc()], ramSize: RAM, ...options });
const simulator = (cpu?: CpuModelName): SimulatorMachine =>
  new SimulatorMachine({ ramSize: RAM, image: { kind: 'flat', segments: [], entry: 0x4000_0000n }, rtc: 0, cpu });

function stateOf(machine: Machine): MachineState {
  return new MachineState({
    machine,
    cpus: machine.vcpus.map((vcpu) => ({ sync: new CpuSync(vcpu) })),
    readRam: (address, length) => machine.memory.view(address, length)!,
    renewed: () => undefined,
    restored: () => undefined,
  });
}

function saved(machine: Machine): Snapshot {
  const snapshot = stateOf(machine).save();
  if (snapshot instanceof TargetError) throw new Error(snapshot.message);
  return snapshot;
}

/** The snapshot with some registers otherwise; undefined takes one out. */
function changed(snapshot: Snapshot, registers: readonly (readonly [bigint, bigint | undefined])[]): Snapshot {
  const cpus = snapshot.cpus.map((cpu) => {
    const values = new Map([...cpu.registers, ...registers] as [bigint, bigint | undefined][]);
    const kept = [...values].flatMap(([id, value]) => (value === undefined ? [] : [[id, value] as const]));
    return { ...cpu, registers: new Map(kept.sort(([a], [b]) => (a < b ? -1 : 1))) };
  });
  return { ...snapshot, cpus };
}

/** All that can be seen of the machine, without the counter. */
const seen = ({ vcpus, ram, devices }: KernelMachine) => ({
  values: vcpus.map(({ values }) => new Map([...values].filter(([id]) => id !== CNTVCT_EL0))),
  events: vcpus.map(({ events }) => events),
  runStates: vcpus.map(({ mpState }) => mpState),
  devices: devices.map((device) => device.save()),
  ram: createHash('sha256').update(ram).digest('hex'),
});

/** What a refusal names, without the values. */
const namedBy = ({ message }: TargetError): string[] =>
  message
    .replace(/^.*?CPU 0: /, '')
    .replace(/0x[\da-f]+ \(here 0x[\da-f]+\)/g, '')
    .split(/[;,:] ?/)
    .map((word) => word.trim())
    .filter((word) => /^[A-Z]\S*\d$|_|\]$/.test(word));

const full = { pmu: true, pauth: true } as const;
const identification = [
  ...['CCSIDR_EL1[1]', 'CCSIDR_EL1[2]', 'MIDR_EL1', 'ID_PFR0_EL1', 'ID_PFR1_EL1', 'ID_DFR0_EL1', 'ID_MMFR0_EL1'],
  ...['ID_MMFR1_EL1', 'ID_MMFR2_EL1', 'ID_MMFR3_EL1', 'ID_ISAR0_EL1', 'ID_ISAR1_EL1', 'ID_ISAR2_EL1', 'ID_ISAR3_EL1'],
  ...['ID_ISAR4_EL1', 'ID_ISAR5_EL1', 'ID_MMFR4_EL1', 'ID_ISAR6_EL1', 'MVFR0_EL1', 'MVFR1_EL1', 'MVFR2_EL1'],
  ...['ID_PFR2_EL1', 'ID_MMFR5_EL1', 'ID_AA64PFR0_EL1', 'ID_AA64PFR1_EL1', 'ID_AA64DFR0_EL1', 'ID_AA64ISAR0_EL1'],
  ...['ID_AA64ISAR1_EL1', 'ID_AA64MMFR0_EL1', 'ID_AA64MMFR1_EL1', 'ID_AA64MMFR2_EL1', 'CLIDR_EL1', 'CTR_EL0'],
  ...['KVM_REG_ARM_STD_BMAP', 'KVM_REG_ARM_STD_HYP_BMAP', 'KVM_REG_ARM_VENDOR_HYP_BMAP'],
];

describe('from a kernel to the same one', () => {
  test.each<KvmVcpuFeatures>([
    { kernel: '6.1' },
    { kernel: '6.1', ...full },
    { kernel: '6.12' },
    { kernel: '6.12', ...full },
    { kernel: '6.12', sve: true },
  ])('%j', (features) => {
    const snapshot = saved(kvm(features));
    const machine = kvm(features);
    for (const [id] of machine.vcpus[0].values) if (id === CoreId.X(3)) machine.vcpus[0].values.set(id, 7n);
    expect(stateOf(machine).restore(snapshot)).toEqual({ reset: [], leftOut: [] });
    expect(saved(machine).cpus[0].registers.get(CoreId.X(3))).toBe(0n);
  });

  test.each(['6.1', '6.12'] as const)('%s: every register takes what was saved', (kernel) => {
    const from = kvm({ kernel, ...full });
    const [vcpu] = from.vcpus;
    const plain = [...vcpu.registerIds].filter((id) => kvmWriteRule(kernel, id).kind === 'plain');
    const value = (id: bigint) => fc.bigInt({ min: 0n, max: (1n << BigInt(8 * idSize(id))) - 1n });
    fc.assert(
      fc.property(fc.tuple(...plain.map(value)), (values) => {
        for (const [i, id] of plain.entries())
          if (vcpu.values.has(id) && id !== CNTVCT_EL0) vcpu.values.set(id, values[i]);
        const snapshot = saved(from);
        const to = kvm({ kernel, ...full });
        expect(stateOf(to).restore(snapshot)).toEqual({ reset: [], leftOut: [] });
        expect(seen(to)).toEqual(seen(from));
      }),
      { numRuns: 5 },
    );
  });

  test.each(['6.1', '6.12'] as const)('%s: event counters that are off stay off', (kernel) => {
    const from = kvm({ kernel, ...full });
    const registers = ['PMCNTENSET_EL0', 'PMINTENSET_EL1', 'PMOVSSET_EL0'].map(idOf);
    for (const id of registers) from.vcpus[0].values.set(id, 0x12n);
    const to = kvm({ kernel, ...full });
    for (const id of registers) to.vcpus[0].values.set(id, 0x8000_000fn);
    expect(stateOf(to).restore(saved(from))).toEqual({ reset: [], leftOut: [] });
    expect(registers.map((id) => to.vcpus[0].values.get(id))).toEqual([0x12n, 0x12n, 0x12n]);
  });
});

test.each(['6.1', '6.12'] as const)('%s: a put of everything that was read changes nothing', (kernel) => {
  const machine = kvm({ kernel, ...full });
  for (const name of ['PMCNTENSET_EL0', 'PMINTENSET_EL1', 'PMOVSSET_EL0']) machine.vcpus[0].values.set(idOf(name), 5n);
  const before = seen(machine);
  const sync = new CpuSync(machine.vcpus[0]);
  expect(sync.kvmArchGetRegisters()).toEqual([]);
  expect(sync.kvmArchPutRegisters('full')).toEqual([]);
  expect(seen(machine)).toEqual(before);
});

describe('from one kernel to another', () => {
  test('6.1 to 6.12, on a CPU that has not run', () => {
    const from = kvm({ kernel: '6.1', ...full });
    from.vcpus[0].values.set(idOf('ESR_EL1'), 0x9600_0045n);
    from.vcpus[0].values.set(idOf('PMCR_EL0'), 0x4101_3001n);
    const to = kvm({ kernel: '6.12', ...full });
    expect(stateOf(to).restore(saved(from))).toEqual({
      reset: [
        ...['CCSIDR_EL1[3..13]', 'TCR2_EL1', 'PIRE0_EL1', 'PIR_EL1'],
        ...['CNTPCT_EL0', 'CNTP_CTL_EL0', 'CNTP_CVAL_EL0'],
      ],
      leftOut: [
        'ID_AA64MMFR1_EL1 0x1010211122 is 0x11010211122 here (HCX tells of EL2, which the guest does not have)',
        'PMCR_EL0 0x41013001 is 0x3001 here (IMP and IDCODE name the maker, as MIDR_EL1 does)',
      ],
    });
    expect(to.vcpus[0].values.get(idOf('ESR_EL1'))).toBe(0x9600_0045n);
    expect(to.vcpus[0].values.get(idOf('ID_DFR0_EL1'))).toBe(0x501_0009n);
  });

  test.each([
    ['of a machine that makes a new one', true, []],
    ['that stays', false, ['ID_DFR0_EL1', 'ID_AA64DFR0_EL1']],
  ])('6.1 to 6.12, on a CPU that has run, %s', (_, renews, names) => {
    const to = kvm({ kernel: '6.12', ...full });
    to.vcpus[0].hasRun = true;
    if (!renews) to.renew = () => undefined;
    const before = seen(to);
    const restored = stateOf(to).restore(saved(kvm({ kernel: '6.1', ...full })));
    if (renews) return expect(restored).toMatchObject({ reset: expect.any(Array) as string[] });
    expect(namedBy(restored as TargetError)).toEqual(names);
    expect((restored as TargetError).message).toContain('EBUSY');
    expect(seen(to)).toEqual(before);
  });

  test('6.12 to 6.1', () => {
    const to = kvm({ kernel: '6.1', ...full });
    const before = seen(to);
    const refused = stateOf(to).restore(saved(kvm({ kernel: '6.12', ...full }))) as Refusal;
    expect(refused).toMatchObject({ code: 'SNAPSHOT_REGISTERS' });
    expect(namedBy(refused)).toEqual(['CCSIDR_EL1[1]', 'CCSIDR_EL1[2]', 'ID_DFR0_EL1', 'ID_AA64DFR0_EL1', 'CLIDR_EL1']);
    expect(seen(to)).toEqual(before);
  });

  /** A CPU of 6.12 that looks like one of 6.1, as one is that 6.1 has saved. */
  const alike = (): Snapshot => {
    const older = saved(kvm({ kernel: '6.1', ...full })).cpus[0].registers;
    return changed(saved(kvm({ kernel: '6.12', ...full })), [...older]);
  };

  test('what only 6.12 lists may be missing on 6.1 where nothing is lost', () => {
    expect(stateOf(kvm({ kernel: '6.1', ...full })).restore(alike())).toMatchObject({
      reset: [],
      leftOut: expect.arrayContaining([
        'CCSIDR_EL1[3] (the CPU has no such cache)',
        'TCR2_EL1 (TCR2_EL1 is 0)',
        'CNTPCT_EL0 (the physical timer is off)',
      ]) as string[],
    });
  });

  test.each<[string, string, bigint, string[]]>([
    ['the physical timer is on', 'CNTP_CTL_EL0', 1n, ['CNTPCT_EL0', 'CNTP_CTL_EL0', 'CNTP_CVAL_EL0']],
    ['TCR2_EL1 is in use', 'TCR2_EL1', 2n, ['TCR2_EL1', 'PIRE0_EL1', 'PIR_EL1']],
  ])('and not where %s', (_, name, value, names) => {
    const refused = stateOf(kvm({ kernel: '6.1', ...full })).restore(changed(alike(), [[idOf(name), value]]));
    expect(namedBy(refused as TargetError)).toEqual(names);
  });

  test('nor where the cache is there', () => {
    const clidr = 0x0a20_0123n;
    const machine = kvm({ kernel: '6.1', ...full });
    machine.vcpus[0].initial.set(idOf('CLIDR_EL1'), clidr);
    machine.renew();
    const refused = stateOf(machine).restore(changed(alike(), [[idOf('CLIDR_EL1'), clidr]]));
    expect(namedBy(refused as TargetError)).toEqual(['CCSIDR_EL1[4]']);
  });
});

describe('from one machine to another', () => {
  test('KVM to the simulator', () => {
    const machine = simulator();
    const before = saved(machine);
    const refused = stateOf(machine).restore(saved(kvm({ kernel: '6.12', ...full }))) as TargetError;
    expect(namedBy(refused)).toEqual([
      ...['IA', 'IB', 'DA', 'DB', 'GA'].flatMap((key) => [`AP${key}KeyLo_EL1`, `AP${key}KeyHi_EL1`]),
      ...identification,
    ]);
    expect({ ...saved(machine), time: 0 }).toEqual({ ...before, time: 0 });
  });

  test('KVM to the simulator, where the CPU is the same', () => {
    const simulated = saved(simulator()).cpus[0].registers;
    const same = [...simulated].filter(([id]) => idGroup(id) !== 'core' && id !== CNTVCT_EL0);
    const from = kvm({ kernel: '6.12', pmu: true });
    from.vcpus[0].values.set(CoreId.X(5), 55n);
    const machine = simulator();
    expect(stateOf(machine).restore(changed(saved(from), same))).toEqual({
      reset: ['CPU of the simulator', 'turns of the simulator'],
      leftOut: [],
    });
    expect(saved(machine).cpus[0].registers.get(CoreId.X(5))).toBe(55n);
  });

  test.each<[from: CpuModelName, to: CpuModelName, named: string[]]>([
    ['cortex-a72', 'cortex-a57', ['CCSIDR_EL1[2]', 'MIDR_EL1']],
    [
      'cortex-a57',
      'cortex-a53',
      [...[0, 1, 2].map((n) => `CCSIDR_EL1[${n}]`), 'MIDR_EL1', 'ID_AA64MMFR0_EL1', 'CTR_EL0'],
    ],
    [
      'max',
      'cortex-a57',
      [
        ...['MIDR_EL1', 'ID_AA64PFR0_EL1', 'ID_AA64ISAR0_EL1', 'ID_AA64ISAR1_EL1'],
        ...['ID_AA64MMFR0_EL1', 'ID_AA64MMFR1_EL1'],
      ],
    ],
  ])('%s to %s, both simulated', (from, to, named) => {
    const machine = simulator(to);
    const before = saved(machine);
    const refused = stateOf(machine).restore(saved(simulator(from))) as TargetError;
    expect(namedBy(refused)).toEqual(named);
    expect({ ...saved(machine), time: 0 }).toEqual({ ...before, time: 0 });
    expect(stateOf(simulator(from)).restore(saved(simulator(from)))).toEqual({ reset: [], leftOut: [] });
  });

  test('the simulator to KVM', () => {
    const machine = kvm({ kernel: '6.12', pmu: true });
    const before = seen(machine);
    const refused = stateOf(machine).restore(saved(simulator())) as TargetError;
    expect(namedBy(refused)).toContain('MIDR_EL1');
    expect(refused.message).not.toContain('not known here');
    expect(refused.message).not.toMatch(/\bPM/);
    expect(seen(machine)).toEqual(before);
  });

  test('the simulator to KVM without performance monitors', () => {
    const refused = stateOf(kvm({ kernel: '6.12' })).restore(saved(simulator())) as TargetError;
    expect(namedBy(refused).slice(0, 10)).toEqual([
      ...['PMINTENSET_EL1', 'PMCR_EL0', 'PMCNTENSET_EL0', 'PMSELR_EL0', 'PMCCNTR_EL0', 'PMUSERENR_EL0', 'PMOVSSET_EL0'],
      ...['PMEVCNTR0..30_EL0', 'PMEVTYPER0..30_EL0', 'PMCCFILTR_EL0'],
    ]);
  });

  describe('performance monitors', () => {
    const monitors: readonly (readonly [name: string, value: bigint])[] = [
      ['PMCR_EL0', 0x3041n],
      ['PMCNTENSET_EL0', 0x8000_0021n],
      ['PMINTENSET_EL1', 0x8000_0002n],
      ['PMOVSSET_EL0', 0x13n],
      ['PMSELR_EL0', 5n],
      ['PMUSERENR_EL0', 9n],
      ['PMCCNTR_EL0', 0x1234_5678_9abc_def0n],
      ['PMCCFILTR_EL0', 0x8000_0000n],
      ['PMEVCNTR0_EL0', 0xffff_fff0n],
      ['PMEVTYPER0_EL0', 0x4000_0011n],
      ['PMEVCNTR5_EL0', 7n],
      ['PMEVTYPER5_EL0', 8n],
    ];
    const ofMonitors = (snapshot: Snapshot) =>
      monitors.map(([name]) => [name, snapshot.cpus[0].registers.get(idOf(name))]);
    /** The snapshot of a CPU that is the other machine's, but for core registers and the monitors. */
    const asThoseOf = (machine: Machine, snapshot: Snapshot): Snapshot => {
      const own = [...saved(machine).cpus[0].registers];
      const kept = (id: bigint): boolean => idGroup(id) === 'core' || id === CNTVCT_EL0 || idName(id).startsWith('PM');
      return changed(
        snapshot,
        own.filter(([id]) => !kept(id)),
      );
    };

    test.each(['6.1', '6.12'] as const)('from the simulator to KVM of %s, and back', (kernel) => {
      const features = { kernel, pmu: true } as const;
      const from = changed(
        saved(simulator()),
        monitors.map(([name, value]) => [idOf(name), value]),
      );
      const first = simulator();
      expect(stateOf(first).restore(from)).toEqual({ reset: [], leftOut: [] });
      const to = kvm(features);
      const restored = stateOf(to).restore(asThoseOf(kvm(features), saved(first))) as Restored;
      expect(ofMonitors(saved(to))).toEqual(monitors);
      expect(restored.leftOut.filter((text) => text.startsWith('PM'))).toEqual([]);
      const second = simulator();
      expect(stateOf(second).restore(asThoseOf(simulator(), saved(to)))).not.toBeInstanceOf(TargetError);
      expect(ofMonitors(saved(second))).toEqual(monitors);
    });

    test.each([
      ['more counters than here', 'PMCR_EL0', 0x3841n, 'not kept: PMCR_EL0 0x3841 (here 0x3041)'],
      ['a counter that is not here', 'PMCNTENSET_EL0', 0x41n, 'not kept: PMCNTENSET_EL0 0x41 (here 0x1)'],
    ])('%s stands in the way', (_, name, value, message) => {
      const refused = stateOf(simulator()).restore(changed(saved(simulator()), [[idOf(name), value]])) as TargetError;
      expect(refused.message).toContain(message);
    });

    test('less counters than here are fine', () => {
      const machine = simulator();
      const less = changed(saved(simulator()), [[idOf('PMCR_EL0'), 0x2041n]]);
      expect(stateOf(machine).restore(less)).toEqual({ reset: [], leftOut: [] });
      expect(saved(machine).cpus[0].registers.get(idOf('PMCR_EL0'))).toBe(0x2041n);
    });
  });

  test('other features', () => {
    const to = kvm({ kernel: '6.12' });
    const refused = stateOf(to).restore(saved(kvm({ kernel: '6.12', sve: true }))) as TargetError;
    expect(refused.message).toBe(
      'these registers stand in the way: CPU 0: not known here: ZCR_EL1, P0..15, FFR, KVM_REG_ARM64_SVE_VLS, Z0..31; ' +
        'not in the snapshot: V0..31',
    );
  });
});

describe('the whole list is accounted for', () => {
  const features = { kernel: '6.12' } as const;
  const last = firmwareBitmapId(3);

  test.each([
    ['behind our last register', last],
    ['before our first', CoreId.X(0) - (1n << 56n)],
    ['of no group', 0x6030_0000_00ff_0001n],
  ])('a register %s is named', (_, id) => {
    const machine = kvm(features);
    const refused = stateOf(machine).restore(changed(saved(kvm(features)), [[id, 1n]])) as TargetError;
    expect(refused.message).toBe(`these registers stand in the way: CPU 0: not known here: ${idName(id)}`);
  });

  test('a register that is missing is told, and holds its reset value', () => {
    const machine = kvm(features);
    machine.vcpus[0].values.set(idOf('VBAR_EL1'), 0x800n);
    const snapshot = changed(saved(kvm(features)), [[idOf('VBAR_EL1'), undefined]]);
    expect(stateOf(machine).restore(snapshot)).toEqual({ reset: ['VBAR_EL1'], leftOut: [] });
    expect(machine.vcpus[0].values.get(idOf('VBAR_EL1'))).toBe(0n);
  });

  test('no CPU is without its core registers', () => {
    const machine = kvm(features);
    const snapshot = changed(saved(kvm(features)), [
      [CoreId.PC, undefined],
      [CoreId.X(1), undefined],
    ]);
    const log = machine.vcpus[0].log.length;
    expect((stateOf(machine).restore(snapshot) as TargetError).message).toMatch(/: not in the snapshot: X1, PC$/);
    expect(machine.vcpus[0].log).toHaveLength(log);
  });

  test('hidden registers are not saved, and passed over where they come', () => {
    const features612 = { kernel: '6.12', ...full } as const;
    const hidden = ['PMCNTENCLR_EL0', 'PMINTENCLR_EL1', 'PMOVSCLR_EL0', 'PMSWINC_EL0'].map(idOf);
    const snapshot = saved(kvm(features612));
    expect(hidden.filter((id) => snapshot.cpus[0].registers.has(id))).toEqual([]);
    const more = changed(
      snapshot,
      hidden.map((id) => [id, ~0n & 0xffff_ffffn]),
    );
    expect(stateOf(kvm(features612)).restore(more)).toEqual({ reset: [], leftOut: [] });
  });
});

describe('order', () => {
  test('reset, PSTATE, general registers, the list, events, run state; the counter once for all CPUs', () => {
    const features = { kernel: '6.12' } as const;
    const snapshot = saved(kvm(features, { cpus: 3 }));
    const machine = kvm(features, { cpus: 3 });
    for (const vcpu of machine.vcpus) vcpu.log = [];
    expect(stateOf(machine).restore(snapshot)).toEqual({ reset: [], leftOut: [] });
    for (const { log } of machine.vcpus) {
      const at = ['reset', 'PSTATE', 'X0', 'X30', 'SCTLR_EL1', 'events', 'run state'].map((name) => log.indexOf(name));
      expect(at).toEqual([...at].sort((a, b) => a - b));
      expect(log.filter((name) => name === 'reset')).toHaveLength(2);
      expect(log.at(-1)).toBe('run state');
    }
    const writes = machine.vcpus.map(({ log }) => log.filter((name) => name === 'CNTVCT_EL0' || name === 'CNTPCT_EL0'));
    expect(writes).toEqual([['CNTPCT_EL0', 'CNTVCT_EL0'], [], []]);
  });

  test('the virtual counter stands where the guest was stopped', () => {
    const features = { kernel: '6.12' } as const;
    const from = kvm(features);
    from.counter = 5000n;
    from.stopClock();
    from.counter = 9000n;
    const snapshot = saved(from);
    expect(snapshot.cpus[0].registers.get(CNTVCT_EL0)).toBe(5000n);
    for (const begin of [() => undefined, (machine: KernelMachine) => machine.stopClock()]) {
      const to = kvm(features);
      begin(to);
      expect(stateOf(to).restore(snapshot)).toEqual({ reset: [], leftOut: [] });
      to.counter = 77n;
      to.startClock();
      expect(to.counter).toBe(5000n);
    }
  });

  test('run states and a pending SError', () => {
    const features = { kernel: '6.12' } as const;
    const from = kvm(features, { cpus: 2 });
    from.vcpus[0].mpState = 5;
    from.vcpus[1].mpState = 0;
    from.vcpus[1].events = { serrorPending: true, serrorHasEsr: true, serrorEsr: 0x123n, extDabtPending: false };
    const to = kvm(features, { cpus: 2 });
    to.vcpus[0].events = { serrorPending: true, serrorHasEsr: true, serrorEsr: 1n, extDabtPending: false };
    expect(stateOf(to).restore(saved(from))).toEqual({ reset: [], leftOut: [] });
    expect(to.vcpus.map(({ mpState }) => mpState)).toEqual([5, 0]);
    expect(to.vcpus.map(({ events }) => events.serrorPending)).toEqual([false, true]);
    expect(to.vcpus[1].events.serrorEsr).toBe(0x123n);
  });
});

describe('all or nothing', () => {
  const features = { kernel: '6.12' } as const;
  const other = (): Snapshot => {
    const from = kvm(features, { cpus: 2 });
    from.ram.fill(0xaa);
    for (const vcpu of from.vcpus) vcpu.values.set(CoreId.X(0), 0x1234n);
    return saved(from);
  };

  /** The machine after a refusal, against what it was before. */
  function refusal(machine: KernelMachine, snapshot: Snapshot): Refusal {
    machine.ram[5] = 5;
    machine.vcpus[1].events = { serrorPending: true, serrorHasEsr: true, serrorEsr: 7n, extDabtPending: false };
    machine.vcpus[0].values.set(CoreId.X(7), 77n);
    machine.counter = 1234n;
    machine.stopClock();
    const before = seen(machine);
    const refused = stateOf(machine).restore(snapshot);
    expect(seen(machine)).toEqual(before);
    expect(machine.virtualTime).toBe(1234n);
    return refused as Refusal;
  }

  test.each<[name: string, id: bigint, value: bigint, message: RegExp]>([
    [
      'of the list',
      idOf('VBAR_EL1'),
      0x800n,
      /CPU 1: not accepted \(EINVAL, invalid value\): VBAR_EL1 0x800 \(here 0x0\)$/,
    ],
    ['of the core', CoreId.X(0), 0x1234n, /CPU 1: not accepted \(EINVAL, invalid value\): X0$/],
    ['of a mode that is not there', CoreId.PSTATE, 0x3c9n, /CPU 0: .*PSTATE.*CPU 1: .*PSTATE$/],
  ])('a register %s is refused', (_, id, value, message) => {
    const machine = kvm(features, { cpus: 2 });
    machine.vcpus[1].refusing.set(id, value);
    expect(refusal(machine, changed(other(), [[id, value]])).message).toMatch(message);
  });

  test('a value that does not stick', () => {
    const machine = kvm({ ...features, ...full }, { cpus: 2 });
    const from = kvm({ ...features, ...full }, { cpus: 2 });
    const snapshot = changed(saved(from), [[idOf('PMCNTENSET_EL0'), 0x40n]]);
    expect(refusal(machine, snapshot).message).toMatch(/CPU 0: not kept: PMCNTENSET_EL0 0x40 \(here 0x0\); CPU 1/);
  });

  test.each<[name: string, change: (snapshot: Snapshot) => Snapshot, message: string]>([
    ['other CPUs', (s) => ({ ...s, cpus: s.cpus.slice(1) }), 'it has 1 CPUs, the machine 2'],
    [
      'other RAM',
      (s) => ({ ...s, ram: [{ start: 0x8000_0000n, length: RAM, pieces: [] }] }),
      "its RAM is 0x80000000..0x8000ffff, the machine's 0x40000000..0x4000ffff",
    ],
    ['no RAM', (s) => ({ ...s, ram: [] }), "its RAM is empty, the machine's 0x40000000..0x4000ffff"],
    [
      'a device that is not here',
      (s) => ({ ...s, devices: [{ name: 'vgic', mayBeLost: false, words: new BigUint64Array() }] }),
      'the machine has no vgic',
    ],
    [
      'an odd pc in T32 state',
      (s) =>
        changed(s, [
          [CoreId.PSTATE, 0x1f3n],
          [CoreId.PC, 0x4000_0001n],
        ]),
      'the pc 0x40000001 of CPU 0 is odd, in T32 state',
    ],
  ])('%s', (_, change, message) => {
    const refused = refusal(kvm(features, { cpus: 2 }), change(other()));
    expect(refused).toMatchObject({
      code: 'SNAPSHOT_MACHINE',
      message: `the snapshot does not fit this machine: ${message}`,
    });
  });

  test('a CPU that is off, where there is no such thing', () => {
    const snapshot = saved(simulator());
    const off = { ...snapshot, cpus: [{ ...snapshot.cpus[0], mpState: 5 }] };
    const machine = simulator();
    Object.defineProperty(machine.vcpus[0], 'setMpState', { value: undefined });
    expect(stateOf(machine).restore(off)).toMatchObject({
      message: 'the snapshot does not fit this machine: CPU 0 is not running there (run state 5)',
    });
    expect(stateOf(simulator()).restore(off)).toEqual({ reset: [], leftOut: [] });
    const on = { ...snapshot, cpus: [{ ...snapshot.cpus[0], mpState: 0 }] };
    expect(stateOf(machine).restore(on)).toEqual({ reset: [], leftOut: [] });
  });

  const device = (
    name: string,
    words: () => BigUint64Array | string,
    more: Partial<StatefulDevice> = {},
  ): StatefulDevice => ({
    name,
    save: words,
    restore: () => undefined,
    reset: () => undefined,
    ...more,
  });

  test('a device that refuses its state leaves the others as they were', () => {
    const first = uart();
    const devices = [
      gic(),
      first,
      rtc(),
      device('picky', () => BigUint64Array.of(1n), { restore: ([word]) => (word === 1n ? undefined : 'no') }),
    ];
    const machine = kvm(features, { cpus: 2, devices });
    first.writeRegister(0x24, 7);
    const snapshot = other();
    const state = { name: 'picky', mayBeLost: false, words: BigUint64Array.of(2n) };
    const refused = refusal(machine, { ...snapshot, devices: [...snapshot.devices, state] });
    expect(refused).toMatchObject({ code: 'SNAPSHOT_DEVICE', message: 'the state of the picky: no' });
    expect(first.readRegister(0x24)).toBe(7);
  });

  test('what cannot be put back is told', () => {
    let restores = 0;
    const machine = kvm(features, {
      devices: [
        device('once', () => BigUint64Array.of(1n), { restore: () => (restores++ < 1 ? 'not now' : 'never again') }),
      ],
    });
    expect(stateOf(machine).restore(saved(machine))).toMatchObject({
      code: 'SNAPSHOT_NOT_UNDONE',
      message:
        'the snapshot was refused and the old state could not be put back in full: the state of the once: never again',
    });
  });

  test('a machine that cannot be made anew', () => {
    const machine = kvm(features);
    machine.renew = () => 'KVM_CREATE_VM: ENOMEM';
    expect(stateOf(machine).restore(saved(kvm(features)))).toMatchObject({
      code: 'SNAPSHOT_NOT_UNDONE',
      message: 'the snapshot was refused and the old state could not be put back in full: KVM_CREATE_VM: ENOMEM',
    });
  });

  test('a device that the snapshot does not have is reset', () => {
    const machine = kvm(features, { cpus: 2, devices: [uart(), rtc(), device('other', () => new BigUint64Array())] });
    expect(stateOf(machine).restore({ ...other(), devices: [] })).toEqual({
      reset: ['pl011', 'pl031', 'other'],
      leftOut: [],
    });
  });

  test('what cannot be read is not saved', () => {
    const machine = kvm(features);
    machine.vcpus[0].unreadable.set(idOf('FAR_EL1'), Errno.EINVAL);
    expect(stateOf(machine).save()).toMatchObject({ message: 'FAR_EL1 cannot be read: EINVAL, invalid value' });
    const silent = kvm(features, { devices: [device('silent', () => 'it does not tell')] });
    expect(stateOf(silent).save()).toMatchObject({ message: 'the state of the silent: it does not tell' });
  });

  test("a register that refuses the value that it has stands in nobody's way", () => {
    const machine = kvm({ kernel: '6.1' });
    machine.vcpus[0].refusing.set(ccsidrId(0), 0x701f_e00an);
    expect(stateOf(machine).restore(saved(kvm({ kernel: '6.1' })))).toEqual({ reset: [], leftOut: [] });
  });
});
