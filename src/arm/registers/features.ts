/**
 * By which fields of the identification registers a CPU tells that it has a feature.
 * Arm ARM DDI 0487, A2 "Armv8-A Architecture Extensions".
 */
import { registersByGlob } from './index.ts';

/** The least value of the field is 1 where no other is told. */
type Row = readonly [feature: string, register: string, field: string, least?: number];

const rows: readonly Row[] = [
  ['FEAT_FP16', 'ID_AA64PFR0_EL1', 'FP'],
  ['FEAT_DIT', 'ID_AA64PFR0_EL1', 'DIT'],
  ['FEAT_SSBS', 'ID_AA64PFR1_EL1', 'SSBS'],
  ['FEAT_AES', 'ID_AA64ISAR0_EL1', 'AES'],
  ['FEAT_PMULL', 'ID_AA64ISAR0_EL1', 'AES', 2],
  ['FEAT_SHA1', 'ID_AA64ISAR0_EL1', 'SHA1'],
  ['FEAT_SHA256', 'ID_AA64ISAR0_EL1', 'SHA2'],
  ['FEAT_CRC32', 'ID_AA64ISAR0_EL1', 'CRC32'],
  ['FEAT_LSE', 'ID_AA64ISAR0_EL1', 'Atomic', 2],
  ['FEAT_RDM', 'ID_AA64ISAR0_EL1', 'RDM'],
  ['FEAT_DotProd', 'ID_AA64ISAR0_EL1', 'DP'],
  ['FEAT_FHM', 'ID_AA64ISAR0_EL1', 'FHM'],
  ['FEAT_DPB', 'ID_AA64ISAR1_EL1', 'DPB'],
  ['FEAT_DPB2', 'ID_AA64ISAR1_EL1', 'DPB', 2],
  ['FEAT_JSCVT', 'ID_AA64ISAR1_EL1', 'JSCVT'],
  ['FEAT_FCMA', 'ID_AA64ISAR1_EL1', 'FCMA'],
  ['FEAT_LRCPC', 'ID_AA64ISAR1_EL1', 'LRCPC'],
  ['FEAT_FRINTTS', 'ID_AA64ISAR1_EL1', 'FRINTTS'],
  ['FEAT_I8MM', 'ID_AA64ISAR1_EL1', 'I8MM'],
  ['FEAT_PMUv3', 'ID_AA64DFR0_EL1', 'PMUVer'],
  ['FEAT_PAN', 'ID_AA64MMFR1_EL1', 'PAN'],
  ['FEAT_PAN2', 'ID_AA64MMFR1_EL1', 'PAN', 2],
  ['FEAT_LOR', 'ID_AA64MMFR1_EL1', 'LO'],
  ['FEAT_UAO', 'ID_AA64MMFR2_EL1', 'UAO'],
];

export interface FeatureField {
  /** FEAT_PAN, as the manual calls it. */
  readonly feature: string;
  /** The identification register, by name and number. */
  readonly name: string;
  readonly number: number;
  /** Whether this value of the register tells the feature. */
  tells(value: bigint): boolean;
}

/** By feature. Not all that there are: those that instructions, registers and PSTATE of this program depend on. */
export const featureFields: ReadonlyMap<string, FeatureField> = new Map(
  rows.map(([feature, name, fieldName, least = 1]) => {
    const [register] = registersByGlob(name);
    const field = register?.fields.find((one) => one.name === fieldName);
    if (!field) throw new Error(`${feature}: there is no ${name}.${fieldName}`);
    // Fields count upwards from 0, and some have 15 for "not implemented".
    const tells = (value: bigint) => BigInt.asIntN(4, value >> BigInt(field.low)) >= least;
    return [feature, { feature, name, number: register.number, tells }];
  }),
);

/** What a CPU has, by its identification registers. */
export const featuresOf = (read: (number: number) => bigint): ReadonlySet<string> =>
  new Set([...featureFields.values()].filter(({ number, tells }) => tells(read(number))).map(({ feature }) => feature));
