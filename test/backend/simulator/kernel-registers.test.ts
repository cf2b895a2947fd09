import { beforeEach, describe, expect, test } from 'vitest';
import { findRegister, registerByNumber, type SystemRegister } from '../../../src/arm/index.ts';
import {
  CoreId,
  ccsidrId,
  Errno,
  firmwareBitmapId,
  firmwareId,
  idGroup,
  idName,
  idToSystemRegisterNumber,
  KernelRegisters,
  kvmRegisterList,
  sysregId,
} from '../../../src/backend/index.ts';
import type { RegisterFile } from '../../../src/backend/simulator/register-file.ts';

const ALL = (1n << 64n) - 1n;
const numberOf = (name: string): number => (findRegister(name) as SystemRegister).number;
const idOf = (name: string): bigint => sysregId(numberOf(name));

/** Registers that are storage and nothing else. */
class Storage implements RegisterFile {
  readonly x = new BigUint64Array(31);
  readonly sp = [0n, 0n];
  pc = 0n;
  pstate = 0x3c5n;
  readonly v = new BigUint64Array(64);
  readonly system = new Map<number, bigint>();
  readonly cacheSizes = [0x701fe00a];
  hasRun = false;
  readX = (n: number) => this.x[n];
  writeX = (n: number, value: bigint) => {
    this.x[n] = value;
  };
  readSp = (el: 0 | 1) => this.sp[el];
  writeSp = (el: 0 | 1, value: bigint) => {
    this.sp[el] = value;
  };
  readPc = () => this.pc;
  writePc = (value: bigint) => {
    this.pc = value;
  };
  readPstate = () => this.pstate;
  writePstate = (value: bigint) => {
    this.pstate = value;
  };
  readV = (n: number, half: 0 | 1) => this.v[2 * n + half];
  writeV = (n: number, half: 0 | 1, value: bigint) => {
    this.v[2 * n + half] = value;
  };
  readSystem = (number: number) => this.system.get(number) ?? 0n;
  writeSystem = (number: number, value: bigint) => {
    this.system.set(number, value);
  };
  keptBits = (number: number) => (number === numberOf('VBAR_EL1') ? ALL - 0x7ffn : ALL);
}

let file: Storage;
let kernel: KernelRegisters;
beforeEach(() => {
  file = new Storage();
  file.system.set(numberOf('MIDR_EL1'), 0x410fd034n);
  file.system.set(numberOf('OSLSR_EL1'), 8n);
  kernel = new KernelRegisters(file);
});

const get = (id: bigint): bigint | string => {
  const [values, errnos] = [new BigUint64Array(2), new Int32Array(1)];
  const failures = kernel.getRegisters(BigUint64Array.of(id), values, errnos, 1);
  expect(failures).toBe(errnos[0] === 0 ? 0 : 1);
  return errnos[0] === 0 ? values[0] : `errno ${errnos[0]}`;
};
const set = (id: bigint, value: bigint, high = 0n): number => {
  const errnos = new Int32Array(1);
  const failures = kernel.setRegisters(BigUint64Array.of(id), BigUint64Array.of(value, high), errnos, 1);
  expect(failures).toBe(errnos[0] === 0 ? 0 : 1);
  return errnos[0];
};

describe('the list', () => {
  test('is that of Linux 6.12 for a vCPU with PMU, without SVE and pointer authentication, ascending', () => {
    expect([...kernel.registerIds]).toEqual([...kvmRegisterList({ kernel: '6.12', pmu: true })]);
    expect([...kernel.registerIds].sort((a, b) => (a < b ? -1 : 1))).toEqual([...kernel.registerIds]);
  });

  test('every id can be read, and takes its own value back', () => {
    for (const id of kernel.registerIds) {
      const value = get(id);
      expect(typeof value, idName(id)).toBe('bigint');
      expect(set(id, value as bigint), idName(id)).toBe(0);
      expect(get(id), idName(id)).toBe(value);
    }
  });

  test('other ids are unknown', () => {
    for (const id of [sysregId(0xffff), 0n, ALL, idOf('ZCR_EL1'), 0x4020_0000_000f_0800n]) {
      expect(get(id)).toBe(`errno ${Errno.ENOENT}`);
      expect(set(id, 0n)).toBe(Errno.ENOENT);
    }
  });
});

describe('writes', () => {
  const others = [...kvmRegisterList({ kernel: '6.12', pmu: true })].filter((id) => idGroup(id) === 'sysreg');
  const constant = others.filter((id) => registerByNumber(idToSystemRegisterNumber(id)!)?.constant);
  const monitors = ['PMCNTEN', 'PMINTEN', 'PMOVS'].flatMap((name) => [`${name}SET`, `${name}CLR`]);
  const special = new Set(
    [
      ...['OSLSR_EL1', 'CNTV_CTL_EL0', 'CNTP_CTL_EL0', 'PMCR_EL0', 'PMSWINC_EL0'],
      ...monitors.map((name) => `${name}_${name.startsWith('PMINTEN') ? 'EL1' : 'EL0'}`),
    ].map(idOf),
  );

  test('what identifies the CPU takes its own value only', () => {
    expect(constant.length).toBeGreaterThan(20);
    for (const id of constant) {
      const value = get(id) as bigint;
      expect(set(id, value ^ ALL), idName(id)).toBe(Errno.EINVAL);
      expect(get(id)).toBe(value);
    }
  });

  test('once the CPU has run, the identification of features is fixed', () => {
    file.hasRun = true;
    expect(set(idOf('ID_AA64PFR0_EL1'), 1n)).toBe(Errno.EBUSY);
    expect(set(idOf('ID_AA64PFR0_EL1'), 0n)).toBe(0);
    expect(set(idOf('MIDR_EL1'), 1n)).toBe(Errno.EINVAL);
  });

  test('every other register takes all bits, as KVM stores them', () => {
    const plain = others.filter((id) => !constant.includes(id) && !special.has(id) && !isFeature(id));
    expect(plain.length).toBeGreaterThan(80);
    for (const id of plain) {
      const value = (get(id) as bigint) ^ ALL;
      expect(set(id, value), idName(id)).toBe(0);
      expect(get(id), idName(id)).toBe(value);
    }
  });

  /** Reserved numbers among the identification registers read as zero. */
  const isFeature = (id: bigint): boolean => {
    const number = idToSystemRegisterNumber(id)!;
    return number >= 0xc008 && number < 0xc040;
  };

  test("the ids that KVM's ABI exchanges", () => {
    file.system.set(numberOf('CNTVCT_EL0'), 1234n);
    file.system.set(numberOf('CNTV_CVAL_EL0'), 99n);
    expect(get(0x6030_0000_0013_df1an)).toBe(1234n);
    expect(get(0x6030_0000_0013_df02n)).toBe(99n);
  });

  test('ISTATUS of a timer is computed, never written', () => {
    set(idOf('CNTV_CTL_EL0'), 7n);
    expect(file.system.get(numberOf('CNTV_CTL_EL0'))).toBe(3n);
  });

  test('of OSLSR_EL1 the lock alone', () => {
    expect(set(idOf('OSLSR_EL1'), 0xan)).toBe(0);
    expect(get(idOf('OSLSR_EL1'))).toBe(0xan);
    expect(set(idOf('OSLSR_EL1'), 0xbn)).toBe(Errno.EINVAL);
  });

  test.each([
    [0x0n, 0],
    [0x3c4n, 0],
    [0xf000_03c5n, 0],
    [0x1n, Errno.EINVAL],
    [0x9n, Errno.EINVAL],
    [0x10n, Errno.EINVAL],
    [0x1d3n, Errno.EINVAL],
    [0x1fn, Errno.EINVAL],
  ])('PSTATE %i: errno %i', (value, errno) => {
    expect(set(CoreId.PSTATE, value)).toBe(errno);
    expect(get(CoreId.PSTATE)).toBe(errno === 0 ? value : 0x3c5n);
  });

  test('firmware and caches', () => {
    expect(get(firmwareId(0))).toBe(0x1_0001n);
    expect(set(firmwareId(0), 0x1_0000n)).toBe(0);
    expect(kernel.psciVersion).toBe(0x1_0000n);
    expect(set(firmwareId(0), 7n)).toBe(Errno.EINVAL);
    expect(set(firmwareId(1), 0xffn)).toBe(Errno.EINVAL);
    expect(set(firmwareBitmapId(0), 1n)).toBe(Errno.EINVAL);
    expect(get(ccsidrId(0))).toBe(0x701fe00an);
    expect(set(ccsidrId(0), 0x2n)).toBe(Errno.EINVAL);
  });

  test('vectors are two words, among others in one call', () => {
    const ids = BigUint64Array.of(CoreId.X(1), CoreId.V(3), CoreId.FPSR, CoreId.X(2));
    const errnos = new Int32Array(4);
    const values = BigUint64Array.of(1n, 2n, 3n, 0x1_0000_0004n, 5n);
    expect(kernel.setRegisters(ids, values, errnos, 4)).toBe(0);
    expect([file.x[1], file.v[6], file.v[7], file.x[2]]).toEqual([1n, 2n, 3n, 5n]);
    const back = new BigUint64Array(5);
    expect(kernel.getRegisters(ids, back, errnos, 4)).toBe(0);
    // FPSR has 32 bits.
    expect([...back]).toEqual([1n, 2n, 3n, 4n, 5n]);
  });

  test('an unknown id in a batch fails alone', () => {
    const ids = BigUint64Array.of(CoreId.X(1), sysregId(0xffff), CoreId.X(2));
    const errnos = new Int32Array(3);
    expect(kernel.setRegisters(ids, BigUint64Array.of(1n, 2n, 3n), errnos, 3)).toBe(1);
    expect([...errnos]).toEqual([0, Errno.ENOENT, 0]);
    expect([file.x[1], file.x[2]]).toEqual([1n, 3n]);
  });
});

test('which bits the CPU keeps is told apart from what the storage takes', () => {
  expect(kernel.keptBits(idOf('VBAR_EL1'))).toBe(ALL - 0x7ffn);
  expect(kernel.keptBits(CoreId.X(0))).toBe(ALL);
  expect(set(idOf('VBAR_EL1'), 0x801n)).toBe(0);
  expect(get(idOf('VBAR_EL1'))).toBe(0x801n);
});
