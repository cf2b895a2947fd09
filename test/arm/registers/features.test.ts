import { expect, test } from 'vitest';
import { a64Instructions } from '../../../src/arm/a64/index.ts';
import { featureFields, featuresOf } from '../../../src/arm/registers/features.ts';

test('every feature that an instruction names is told by an identification register', () => {
  const named = new Set(a64Instructions.flatMap(({ features }) => features));
  expect(named.size).toBeGreaterThan(10);
  expect([...named].filter((feature) => !featureFields.has(feature))).toEqual([]);
});

test.each<[register: string, value: bigint, features: string[]]>([
  ['ID_AA64ISAR0_EL1', 0n, []],
  ['ID_AA64ISAR0_EL1', 0x1_1110n, ['FEAT_AES', 'FEAT_SHA1', 'FEAT_SHA256', 'FEAT_CRC32']],
  ['ID_AA64ISAR0_EL1', 0x20n, ['FEAT_AES', 'FEAT_PMULL']],
  // Atomic is 0 or 2.
  ['ID_AA64ISAR0_EL1', 0x10_0000n, []],
  ['ID_AA64ISAR0_EL1', 0x20_0000n, ['FEAT_LSE']],
  ['ID_AA64ISAR1_EL1', 0x2n, ['FEAT_DPB', 'FEAT_DPB2']],
  ['ID_AA64MMFR1_EL1', 0x30_0000n, ['FEAT_PAN', 'FEAT_PAN2']],
  // Floating point without half precision, with it, and none.
  ['ID_AA64PFR0_EL1', 0n, []],
  ['ID_AA64PFR0_EL1', 0x11_0000n, ['FEAT_FP16']],
  ['ID_AA64PFR0_EL1', 0xff_0000n, []],
])('%s %x', (register, value, features) => {
  const field = [...featureFields.values()].find(({ name }) => name === register);
  expect([...featuresOf((number) => (number === field?.number ? value : 0n))]).toEqual(features);
});
