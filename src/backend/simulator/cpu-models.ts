/**
 * The CPUs that the simulator can be, a row each: what their identification registers hold. What a CPU can do follows
 * from these values and from nothing else (`featuresOf`): an instruction of a feature that they do not tell is UNDEFINED.
 *
 * The values of the Cortex CPUs are those of their technical reference manuals, "AArch64 identification registers", as
 * QEMU 7.2 has them; test/backend/simulator/cpu-models.test.ts compares them, and knows where and why they differ.
 */
import { featuresOf, type SystemRegister } from '../../arm/index.ts';
import { PMU_VERSION } from './pmu.ts';
import { registerOf } from './state.ts';

/** What a register holds: its fields, of which those that are not told are 0, or all of it. */
type Value = bigint | Readonly<Record<string, number>>;
type Values = Readonly<Record<string, Value>>;

interface Row {
  /** In the device tree. */
  readonly compatible: string;
  /** By the manual's names. Identification registers that are not told read as zero. */
  readonly registers: Values;
  /** CCSIDR_EL1 by CSSELR_EL1: data and instructions of level 1, level 2. */
  readonly cacheSizes: readonly [number, number, number];
}

/**
 * What is the same in all. ID_AA64PFR0_EL1.GIC tells of the machine, not of its CPU: register-rules.ts.
 */
const common = {
  /** AArch64 only. CSV2, CSV3: nothing is speculated, so that no guest need protect itself. */
  ID_AA64PFR0_EL1: { CSV3: 1, CSV2: 1, EL1: 1, EL0: 1 },
  /** Armv8.0 debug: 6 breakpoints, of which one matches contexts, 4 watchpoints. PMUv3. */
  ID_AA64DFR0_EL1: { WRPs: 3, BRPs: 5, PMUVer: PMU_VERSION, DebugVer: 6 },
  /** Caches of instructions and of data at level 1, one for both at level 2. */
  CLIDR_EL1: 0x0a20_0023n,
  /** DC ZVA clears 64 bytes. */
  DCZID_EL0: 4n,
} as const;

/** Armv8.0-A with the crypto extension and CRC32. */
const armv8 = { ...common, ID_AA64ISAR0_EL1: { CRC32: 1, SHA2: 1, SHA1: 1, AES: 2 } } as const;

const rows = {
  /** r0p4. */
  'cortex-a53': {
    compatible: 'arm,cortex-a53',
    registers: {
      ...armv8,
      MIDR_EL1: 0x410f_d034n,
      // 16-bit ASIDs, 40-bit physical addresses, no granule of 16 KiB.
      ID_AA64MMFR0_EL1: { ASIDBits: 2, PARange: 2 },
      CTR_EL0: 0x8444_8004n,
    },
    cacheSizes: [0x700f_e01a, 0x201f_e00a, 0x707f_e07a],
  },
  /** r1p0. */
  'cortex-a57': {
    compatible: 'arm,cortex-a57',
    registers: {
      ...armv8,
      MIDR_EL1: 0x411f_d070n,
      // 44-bit physical addresses.
      ID_AA64MMFR0_EL1: { ASIDBits: 2, PARange: 4 },
      CTR_EL0: 0x8444_c004n,
    },
    cacheSizes: [0x701f_e00a, 0x201f_e012, 0x70ff_e07a],
  },
  /** r0p3. */
  'cortex-a72': {
    compatible: 'arm,cortex-a72',
    registers: {
      ...armv8,
      MIDR_EL1: 0x410f_d083n,
      ID_AA64MMFR0_EL1: { ASIDBits: 2, PARange: 4 },
      CTR_EL0: 0x8444_c004n,
    },
    cacheSizes: [0x701f_e00a, 0x201f_e012, 0x707f_e07a],
  },
  /** All that this simulator implements: no CPU that is made. */
  max: {
    compatible: 'arm,armv8',
    registers: {
      ...common,
      MIDR_EL1: 0x000f_a640n,
      ID_AA64PFR0_EL1: { ...common.ID_AA64PFR0_EL1, AdvSIMD: 1, FP: 1 },
      ID_AA64ISAR0_EL1: { FHM: 1, DP: 1, RDM: 1, Atomic: 2, CRC32: 1, SHA2: 1, SHA1: 1, AES: 2 },
      ID_AA64ISAR1_EL1: { I8MM: 1, FRINTTS: 1, LRCPC: 1, FCMA: 1, JSCVT: 1, DPB: 2 },
      // 44-bit physical addresses, all three granules.
      ID_AA64MMFR0_EL1: { TGran16: 1, ASIDBits: 2, PARange: 4 },
      // LO: limited order, but no regions of it.
      ID_AA64MMFR1_EL1: { PAN: 2, LO: 1 },
      CTR_EL0: 0x8444_c004n,
    },
    cacheSizes: [0x701f_e00a, 0x201f_e012, 0x70ff_e07a],
  },
} as const satisfies Readonly<Record<string, Row>>;

export type CpuModelName = keyof typeof rows;

export interface CpuModel {
  readonly name: CpuModelName;
  readonly compatible: string;
  /** By number, what identifies it. */
  readonly registers: ReadonlyMap<number, bigint>;
  readonly cacheSizes: readonly number[];
  /** FEAT_PAN ..., as its registers tell. */
  readonly features: ReadonlySet<string>;
}

/** A register's value by its fields. */
function compose({ name, fields }: SystemRegister, value: Value): bigint {
  if (typeof value === 'bigint') return value;
  return Object.entries(value).reduce((sum, [fieldName, content]) => {
    const field = fields.find((one) => one.name === fieldName);
    if (!field) throw new Error(`there is no ${name}.${fieldName}`);
    return sum | (BigInt(content) << BigInt(field.low));
  }, 0n);
}

function modelOf(name: CpuModelName, { compatible, registers, cacheSizes }: Row): CpuModel {
  const values = new Map(
    Object.entries(registers).map(([registerName, value]) => {
      const register = registerOf(registerName);
      return [register.number, compose(register, value)];
    }),
  );
  const features = featuresOf((number) => values.get(number) ?? 0n);
  return { name, compatible, registers: values, cacheSizes, features };
}

export const cpuModelNames = Object.keys(rows) as readonly CpuModelName[];
export const DEFAULT_CPU: CpuModelName = 'max';

const models = new Map(cpuModelNames.map((name) => [name, modelOf(name, rows[name])]));

/** By the name that a user gives. */
export const cpuModel = (name: CpuModelName): CpuModel => models.get(name)!;
