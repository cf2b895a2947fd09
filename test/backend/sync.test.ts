import { beforeEach, describe, expect, test } from 'vitest';
import { type Cpreg, encodingNumber } from '../../src/arm/index.ts';
import {
  CoreId,
  CpuSync,
  ccsidrId,
  corePosition,
  coreRegisters,
  cpregOfId,
  Errno,
  firmwareId,
  idName,
  type Scope,
  sysregId,
} from '../../src/backend/index.ts';
import { ScriptedVcpu } from './scripted-vcpu.ts';

const number = {
  MIDR_EL1: encodingNumber([3, 0, 0, 0, 0]),
  SCTLR_EL1: encodingNumber([3, 0, 1, 0, 0]),
  VBAR_EL1: encodingNumber([3, 0, 12, 0, 0]),
  CNTVCT_EL0: encodingNumber([3, 3, 14, 0, 2]),
  CNTV_CVAL_EL0: encodingNumber([3, 3, 14, 3, 2]),
};
const id = Object.fromEntries(Object.entries(number).map(([name, n]) => [name, sysregId(n)])) as Record<
  keyof typeof number,
  bigint
>;
const PSCI_VERSION = firmwareId(0);
const CCSIDR0 = ccsidrId(0);

function machine(): ScriptedVcpu {
  return new ScriptedVcpu([
    ...coreRegisters.map((register) => ({ id: register.id, resetValue: register.name === 'PSTATE' ? 0x3c5n : 0n })),
    { id: id.MIDR_EL1, value: 0x410fd034n, resetValue: 0x410fd034n, writable: 0n },
    { id: id.SCTLR_EL1, value: 0x30d0_1804n, resetValue: 0x30d0_0800n },
    { id: id.VBAR_EL1, value: 0x4000_0000n },
    { id: id.CNTVCT_EL0, value: 1234n },
    { id: id.CNTV_CVAL_EL0, value: 99n },
    { id: PSCI_VERSION, value: 0x10001n, resetValue: 0x10001n },
    { id: CCSIDR0, value: 0x700fe01an, resetValue: 0x700fe01an },
  ]);
}

let vcpu: ScriptedVcpu;
let sync: CpuSync;
const values = () => new Map([...vcpu.registers].map(([register, { value }]) => [register, value]));
const position = (register: bigint): number => sync.list.cpregIndexes.indexOf(register);
const scopeOf = (...ids: bigint[]): Scope => ({
  core: ids.flatMap((wanted) => coreRegisters.findIndex((register) => register.id === wanted)).filter((at) => at >= 0),
  cpregs: ids.map(position).filter((at) => at >= 0),
});
const written = () => vcpu.log.filter((line) => line.startsWith('set ')).map((line) => line.split(' ')[1]);
const nameOf = (register: bigint) => idName(register);

beforeEach(() => {
  vcpu = machine();
  sync = new CpuSync(vcpu);
});

describe('what the list holds', () => {
  test('everything but core and SVE registers', () => {
    expect(sync.list.cpregs.map(({ name }) => name)).toEqual([
      'CCSIDR_EL1[0]',
      'MIDR_EL1',
      'SCTLR_EL1',
      'VBAR_EL1',
      'CNTV_CVAL_EL0',
      'CNTVCT_EL0',
      'KVM_REG_ARM_PSCI_VERSION',
    ]);
  });

  test('a register wider than 64 bits is an error', () => {
    const wide = 0x6040_0000_0013_c080n;
    expect(() => new CpuSync(new ScriptedVcpu([{ id: wide }]))).toThrow('wider than 64 bits');
  });

  test("the ids that KVM's ABI exchanges load the registers of their names", () => {
    sync.kvmArchGetRegisters();
    expect(sync.state.system[number.CNTVCT_EL0]).toBe(1234n);
    expect(sync.state.system[number.CNTV_CVAL_EL0]).toBe(99n);
  });

  test('which registers synchronised can be asked', () => {
    expect(sync.list.synchronised[position(id.SCTLR_EL1)]).toBe('never');
    sync.kvmArchGetRegisters();
    const record = Object.fromEntries(sync.list.cpregs.map(({ name }, i) => [name, sync.list.synchronised[i]]));
    expect(record).toMatchObject({ SCTLR_EL1: 'yes', 'CCSIDR_EL1[0]': 'never', KVM_REG_ARM_PSCI_VERSION: 'never' });
  });
});

describe('order', () => {
  test('a full put writes PSTATE, general registers, the list, events, and the run state last', () => {
    sync.kvmArchGetRegisters();
    vcpu.log = [];
    expect(sync.kvmArchPutRegisters('full')).toEqual([]);
    const order = written();
    expect(order[0]).toBe('PSTATE');
    expect(order.indexOf('X0')).toBeLessThan(order.indexOf('PC'));
    expect(order.indexOf('FPCR')).toBeLessThan(order.indexOf(nameOf(id.MIDR_EL1)));
    expect(order.slice(-2)).toEqual(['events', 'run']);
    expect(new Set(order).size).toBe(vcpu.registers.size + 2);
  });

  test('a core register that is refused ends the put and is named', () => {
    sync.kvmArchGetRegisters();
    vcpu.registers.get(CoreId.PSTATE)!.setErrno = Errno.EINVAL;
    vcpu.log = [];
    expect(sync.kvmArchPutRegisters('runtime')).toEqual([
      { name: 'PSTATE', operation: 'set', errno: Errno.EINVAL, reason: 'EINVAL' },
    ]);
    expect(written()).not.toContain(nameOf(id.SCTLR_EL1));
    expect(written()).not.toContain('events');
  });
});

describe('no failure hides', () => {
  test('every register of the list is tried, each failure named with its errno', () => {
    sync.kvmArchGetRegisters();
    vcpu.registers.get(id.MIDR_EL1)!.setErrno = Errno.EINVAL;
    vcpu.registers.get(id.CNTV_CVAL_EL0)!.setErrno = Errno.EBUSY;
    sync.state.system[number.VBAR_EL1] = 0x4444_0000n;
    expect(sync.kvmArchPutRegisters('full')).toEqual([
      { name: 'MIDR_EL1', operation: 'set', errno: Errno.EINVAL, reason: 'EINVAL' },
      { name: 'CNTV_CVAL_EL0', operation: 'set', errno: Errno.EBUSY, reason: 'EBUSY' },
    ]);
    expect(vcpu.get(id.VBAR_EL1)).toBe(0x4444_0000n);
  });

  test('a register that cannot be read is named, and stays unknown', () => {
    vcpu.registers.get(id.SCTLR_EL1)!.getErrno = Errno.ENOENT;
    const failed = [{ name: 'SCTLR_EL1', operation: 'get', errno: Errno.ENOENT, reason: 'ENOENT' }];
    expect(sync.kvmArchGetRegisters()).toEqual(failed);
    expect(sync.ensure(scopeOf(id.SCTLR_EL1))).toEqual(failed);
    expect(sync.ensure(scopeOf(id.VBAR_EL1))).toEqual([]);
  });

  test('a register that did not load into the state is not synced back, whatever the state holds', () => {
    const lossy: Cpreg['access'] = {
      read: (state) => state.system[number.SCTLR_EL1],
      write: (state, value) => {
        state.system[number.SCTLR_EL1] = value & 0xffn;
      },
    };
    sync = new CpuSync(vcpu, {
      cpregOf: (wanted) => ({ ...cpregOfId(wanted), ...(wanted === id.SCTLR_EL1 && { access: lossy }) }),
    });
    expect(sync.kvmArchGetRegisters().map(({ name, operation }) => [name, operation])).toEqual([
      ['SCTLR_EL1', 'list to state'],
    ]);
    sync.state.system[number.SCTLR_EL1] = 0x55n;
    sync.state.system[number.VBAR_EL1] = 0x5000n;
    expect(sync.kvmArchPutRegisters('full').map(({ name, operation }) => [name, operation])).toEqual([
      ['SCTLR_EL1', 'state to list'],
    ]);
    expect(vcpu.get(id.SCTLR_EL1)).toBe(0x30d0_1804n);
    expect(vcpu.get(id.VBAR_EL1)).toBe(0x5000n);
  });
});

describe('refill, reset, levels', () => {
  test.each(['runtime', 'reset', 'full'] as const)(
    'a refill followed by a put of level %s changes nothing',
    (level) => {
      for (const [i, register] of [...vcpu.registers.values()].entries())
        if (register.writable !== 0n) register.value = 0x1234_5678_9abc_def0n + BigInt(i);
      const before = values();
      sync.kvmArchGetRegisters();
      expect(sync.kvmArchPutRegisters(level)).toEqual([]);
      expect(values()).toEqual(before);
    },
  );

  test('a put without a get reads first: nothing stale is written', () => {
    const before = values();
    expect(sync.kvmArchPutRegisters('full')).toEqual([]);
    expect(values()).toEqual(before);
    vcpu.registers.get(CoreId.X(3))!.value = 77n;
    vcpu.registers.get(id.VBAR_EL1)!.value = 0x8000n;
    sync.invalidate();
    sync.kvmArchPutRegisters('full');
    expect([vcpu.get(CoreId.X(3)), vcpu.get(id.VBAR_EL1)]).toEqual([77n, 0x8000n]);
  });

  test('a reset followed by a put keeps the reset values: firmware that sets up its own tables lives', () => {
    sync.kvmArchGetRegisters();
    sync.state.system[number.SCTLR_EL1] = 0x30d0_5835n;
    sync.state.system[number.VBAR_EL1] = 0xffff_0000_0000_0800n;
    sync.state.x[0] = 1n;
    sync.kvmArchPutRegisters('runtime');
    sync.kvmArchGetRegisters();
    expect(sync.kvmArmResetVcpu()).toEqual([]);
    const reset = values();
    expect(reset.get(id.SCTLR_EL1)).toBe(0x30d0_0800n);
    expect(sync.kvmArchPutRegisters('reset')).toEqual([]);
    expect(values()).toEqual(reset);
  });

  test('a refill of the list alone cannot be overwritten by a stale state', () => {
    sync.kvmArchGetRegisters();
    vcpu.reset();
    sync.writeKvmStateToList();
    sync.state.system[number.SCTLR_EL1] = 0xbadn;
    sync.kvmArchPutRegisters('reset', { core: [], cpregs: sync.list.all });
    expect(vcpu.get(id.SCTLR_EL1)).toBe(0x30d0_0800n);
  });

  test.each([
    ['runtime', ['MIDR_EL1', 'SCTLR_EL1', 'VBAR_EL1', 'CNTV_CVAL_EL0']],
    ['reset', ['MIDR_EL1', 'SCTLR_EL1', 'VBAR_EL1', 'CNTV_CVAL_EL0', 'at reset']],
    ['full', ['MIDR_EL1', 'SCTLR_EL1', 'VBAR_EL1', 'CNTV_CVAL_EL0', 'at reset', 'CNTVCT_EL0']],
  ] as const)('level %s writes exactly its registers', (level, expected) => {
    const atReset = sysregId(encodingNumber([3, 0, 15, 0, 0]));
    vcpu = new ScriptedVcpu([...vcpu.registers.values(), { id: atReset }]);
    sync = new CpuSync(vcpu, {
      cpregOf: (wanted) => ({ ...cpregOfId(wanted), ...(wanted === atReset && { level: 'reset', name: 'at reset' }) }),
    });
    sync.kvmArchGetRegisters();
    vcpu.log = [];
    sync.kvmArchPutRegisters(level);
    const names = new Map([...sync.list.cpregs].map(({ index, name }) => [nameOf(index), name]));
    const listed = written().flatMap((name) => names.get(name) ?? []);
    expect(new Set(listed)).toEqual(new Set([...expected, 'CCSIDR_EL1[0]', 'KVM_REG_ARM_PSCI_VERSION']));
  });
});

describe('scopes', () => {
  test('one register costs one get, one set and one read-back, one call each', () => {
    const scope = scopeOf(id.VBAR_EL1);
    sync.ensure(scope);
    sync.state.system[number.VBAR_EL1] = 0x4010_0000n;
    sync.kvmArchPutRegisters('full', scope);
    sync.ensure(scope);
    const name = nameOf(id.VBAR_EL1);
    expect(vcpu.log).toEqual([`get ${name}`, `set ${name} 40100000`, `get ${name}`]);
    expect(vcpu.calls).toBe(3);
    expect(sync.list.cpregValues[position(id.VBAR_EL1)]).toBe(0x4010_0000n);
  });

  test('a core register likewise', () => {
    const scope: Scope = { core: [corePosition.get('X5')!], cpregs: [] };
    sync.ensure(scope);
    sync.state.x[5] = 42n;
    sync.kvmArchPutRegisters('full', scope);
    sync.ensure(scope);
    expect(vcpu.log).toEqual(['get X5', 'set X5 2a', 'get X5']);
    expect(sync.state.x[5]).toBe(42n);
  });

  test('what is known is not read again until the machine has run', () => {
    const scope = scopeOf(id.VBAR_EL1, id.SCTLR_EL1, CoreId.PC);
    sync.ensure(scopeOf(id.VBAR_EL1));
    sync.ensure(scope);
    sync.ensure(scope);
    expect(vcpu.log).toEqual(['VBAR', 'PC', 'SCTLR'].map(() => expect.stringContaining('get ')));
    sync.invalidate();
    sync.ensure(scope);
    expect(vcpu.log).toHaveLength(6);
  });

  test('a 128-bit register takes two words among others', () => {
    vcpu.registers.get(CoreId.V(1))!.value = 1n;
    vcpu.registers.get(CoreId.V(1))!.high = 2n;
    vcpu.registers.get(CoreId.FPSR)!.value = 0x1fn;
    sync.kvmArchGetRegisters();
    expect([...sync.state.v.subarray(0, 6)]).toEqual([0n, 0n, 1n, 2n, 0n, 0n]);
    expect(sync.state.fpsr).toBe(0x1fn);
  });
});
