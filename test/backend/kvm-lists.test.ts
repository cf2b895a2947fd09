import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { registerByNumber } from '../../src/arm/index.ts';
import { idName, idToSystemRegisterNumber } from '../../src/backend/kvm-ids.ts';
import { type KvmVcpuFeatures, kvmRegisterList } from '../../src/backend/kvm-lists.ts';

const all = { pmu: true, pauth: true, sve: true };

describe('the register list of KVM', () => {
  /** What the kernels answered for a vCPU with PSCI 0.2 and these features; the digest is of the ids in hexadecimal. */
  const counts: readonly [KvmVcpuFeatures, count: number, digest: string][] = [
    [{ kernel: '6.1' }, 242, '5cb709f8ad48977a'],
    [{ kernel: '6.1', pmu: true }, 316, 'aa6cffc314875f04'],
    [{ kernel: '6.1', pmu: true, pauth: true }, 326, '18bb851b982f3c31'],
    [{ kernel: '6.1', sve: true }, 261, '80a8873dc3e3ca6f'],
    [{ kernel: '6.1', ...all }, 345, '582b9865b0587fa1'],
    [{ kernel: '6.12' }, 259, '1eb66861447744a1'],
    [{ kernel: '6.12', pmu: true }, 333, 'b80197da1cc56aeb'],
    [{ kernel: '6.12', pmu: true, pauth: true }, 343, '656a1ca5f6784e9e'],
    [{ kernel: '6.12', sve: true }, 278, '35863356808dc808'],
    [{ kernel: '6.12', ...all }, 362, 'f0204de75d97d74f'],
  ];
  it.each(counts)('for %o has %i ids', (features, count, digest) => {
    const list = kvmRegisterList(features);
    expect(list).toHaveLength(count);
    const text = Array.from(list, (id) => id.toString(16)).join(' ');
    expect(createHash('sha256').update(text).digest('hex').slice(0, 16)).toBe(digest);
  });

  it('differs between 6.1 and 6.12 in caches, PIE and the physical timer', () => {
    const old = new Set(kvmRegisterList({ kernel: '6.1', ...all }));
    const added = [...kvmRegisterList({ kernel: '6.12', ...all })].filter((id) => !old.has(id)).map(idName);
    const caches = Array.from({ length: 11 }, (_, n) => `CCSIDR_EL1[${3 + n}]`);
    const registers = ['TCR2_EL1', 'PIRE0_EL1', 'PIR_EL1', 'CNTPCT_EL0', 'CNTP_CTL_EL0', 'CNTP_CVAL_EL0'];
    expect(added).toEqual([...caches, ...registers]);
  });

  it('has each system register in the catalogue, with its fields', () => {
    for (const id of kvmRegisterList({ kernel: '6.12', ...all })) {
      const number = idToSystemRegisterNumber(id);
      if (number === undefined) continue;
      expect(registerByNumber(number)?.fields.length, idName(id)).toBeGreaterThan(0);
    }
  });

  it('gives each id a name of its own', () => {
    const names = [...kvmRegisterList({ kernel: '6.12', ...all, sve: false })].map(idName);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).not.toMatch(/^0x/);
  });
});
