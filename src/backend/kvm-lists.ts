/**
 * Which registers KVM lists for a vCPU (KVM_GET_REG_LIST), by kernel and features. Measured on Linux 6.1.176 and
 * 6.12.95 with QEMU's `-cpu max` as the host; the same for a vCPU made with KVM_ARM_VCPU_EL1_32BIT.
 *
 * Linux arch/arm64/kvm/{guest,sys_regs}.c; tools/testing/selftests/kvm has a list to compare with.
 */
import { encodingNumber, registersByGlob } from '../arm/index.ts';
import { ccsidrId, coreIds, firmwareBitmapId, firmwareId, SveId, sysregId } from './kvm-ids.ts';

export type KvmKernel = '6.1' | '6.12';

/** A kernel, and the features that the vCPU was made with beyond KVM_ARM_VCPU_PSCI_0_2. */
export interface KvmVcpuFeatures {
  readonly kernel: KvmKernel;
  /** KVM_ARM_VCPU_PMU_V3. */
  readonly pmu?: boolean;
  /** KVM_ARM_VCPU_PTRAUTH_ADDRESS and _GENERIC. */
  readonly pauth?: boolean;
  /** KVM_ARM_VCPU_SVE: Z registers instead of V registers. */
  readonly sve?: boolean;
  /** How many caches the CPU has; 6.12 lists 14 whatever it has. */
  readonly caches?: number;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const byName = (glob: string): bigint[] => registersByGlob(glob).map(({ number }) => sysregId(number));

/** op0 = 3, op1 = 0, CRn = 0, CRm = 1..7: every number there, also those that name no register yet. */
const featureIds = (): bigint[] => numbers(56).map((n) => sysregId(encodingNumber([3, 0, 0, 1 + (n >> 3), n & 7])));

const system = [
  ...['MIDR_EL1', 'MPIDR_EL1', 'REVIDR_EL1', 'CLIDR_EL1', 'AIDR_EL1', 'CSSELR_EL1', 'CTR_EL0'],
  ...['SCTLR_EL1', 'ACTLR_EL1', 'CPACR_EL1', 'TTBR0_EL1', 'TTBR1_EL1', 'TCR_EL1', 'MAIR_EL1', 'AMAIR_EL1', 'PAR_EL1'],
  ...['AFSR0_EL1', 'AFSR1_EL1', 'ESR_EL1', 'FAR_EL1', 'VBAR_EL1', 'DISR_EL1'],
  ...['CONTEXTIDR_EL1', 'TPIDR_EL1', 'TPIDR_EL0', 'TPIDRRO_EL0'],
  ...['CNTKCTL_EL1', 'CNTV_CTL_EL0', 'CNTV_CVAL_EL0', 'CNTVCT_EL0'],
  ...['DACR32_EL2', 'IFSR32_EL2', 'FPEXC32_EL2', 'DBGVCR32_EL2'],
  ...['MDSCR_EL1', 'MDCCINT_EL1', 'OSLSR_EL1', 'DBGBVR*', 'DBGBCR*', 'DBGWVR*', 'DBGWCR*'],
].join();
/** Listed since some kernel between 6.1 and 6.12. */
const younger = 'TCR2_EL1,PIR_EL1,PIRE0_EL1,CNTP_CTL_EL0,CNTP_CVAL_EL0,CNTPCT_EL0';
const pmu = [
  ...['PMINTENSET_EL1', 'PMINTENCLR_EL1', 'PMCR_EL0', 'PMCNTENSET_EL0', 'PMCNTENCLR_EL0', 'PMOVSSET_EL0'],
  ...['PMOVSCLR_EL0', 'PMSWINC_EL0', 'PMSELR_EL0', 'PMCCNTR_EL0', 'PMCCFILTR_EL0', 'PMUSERENR_EL0'],
  ...['PMEVCNTR*', 'PMEVTYPER*'],
].join();

const firmware = [...numbers(4).map(firmwareId), ...numbers(3).map(firmwareBitmapId)];
const vectorNames = /^V\d+$/;

const sve = (): bigint[] => [
  ...numbers(32).map(SveId.Z),
  ...numbers(16).map(SveId.P),
  SveId.FFR,
  SveId.VLS,
  ...byName('ZCR_EL1'),
];

/** The ids in ascending order, as unsigned numbers. */
export function kvmRegisterList(features: KvmVcpuFeatures): BigUint64Array {
  const recent = features.kernel === '6.12';
  return BigUint64Array.from([
    ...coreIds.filter(({ name }) => !(features.sve && vectorNames.test(name))).map(({ id }) => id),
    ...numbers(recent ? 14 : (features.caches ?? 3)).map(ccsidrId),
    ...firmware,
    ...featureIds(),
    ...byName(system),
    ...(recent ? byName(younger) : []),
    ...(features.pmu ? byName(pmu) : []),
    ...(features.pauth ? byName('AP?AKEY*_EL1,AP?BKEY*_EL1') : []),
    ...(features.sve ? sve() : []),
  ]).sort();
}
