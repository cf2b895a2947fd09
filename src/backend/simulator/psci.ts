/**
 * The firmware calls of a guest, by HVC or SMC: what KVM answers for PSCI 1.1.
 *
 * Arm Power State Coordination Interface, DEN 0022; SMC Calling Convention, DEN 0028. Linux arch/arm64/kvm/psci.c.
 */

/** In their 32-bit forms. */
const Call = {
  SMCCC_VERSION: 0x8000_0000,
  PSCI_VERSION: 0x8400_0000,
  CPU_SUSPEND: 0x8400_0001,
  CPU_OFF: 0x8400_0002,
  CPU_ON: 0x8400_0003,
  AFFINITY_INFO: 0x8400_0004,
  MIGRATE_INFO_TYPE: 0x8400_0006,
  SYSTEM_OFF: 0x8400_0008,
  SYSTEM_RESET: 0x8400_0009,
  PSCI_FEATURES: 0x8400_000a,
  SYSTEM_RESET2: 0x8400_0012,
} as const;

const SMC64 = 0x4000_0000;
/** Those that have a 64-bit form. */
const wide: readonly number[] = [Call.CPU_SUSPEND, Call.CPU_ON, Call.AFFINITY_INFO, Call.SYSTEM_RESET2];
const known: readonly number[] = [...Object.values(Call), ...wide.map((call) => call + SMC64)];

export const PSCI_1_1 = 0x1_0001n;
const SMCCC_1_1 = 0x1_0001n;
/** No trusted OS, so nothing that would have to migrate. */
const MIGRATION_NOT_REQUIRED = 2n;
const Answer = { SUCCESS: 0n, NOT_SUPPORTED: -1n, INVALID_PARAMETERS: -2n, ALREADY_ON: -4n } as const;
const AffinityState = { ON: 0n, OFF: 1n } as const;
/** Aff3 and Aff2 to Aff0. */
const AFFINITY = 0xff_00ff_ffffn;
/** From here on a SYSTEM_RESET2 is the vendor's. */
const VENDOR_RESET = 0x8000_0000n;

/** What firmware does to a CPU. */
export interface PoweredCpu {
  /** As in MPIDR_EL1. */
  readonly affinity: bigint;
  readonly isOff: boolean;
  /** From its reset on, at an address with a value in X0. */
  powerOn(entry: bigint, context: bigint): void;
}

export interface FirmwareCall {
  /** The function's number. */
  readonly number: number;
  /** X1 to X3. */
  readonly inputs: readonly [bigint, bigint, bigint];
  /** What PSCI_VERSION answers. */
  readonly psciVersion: bigint;
  /** All of the machine. */
  readonly cpus: readonly PoweredCpu[];
}

/** What becomes of a call: the value of X0, or of the CPU (it waits for an interrupt, it is off), or of the machine. */
export type FirmwareAnswer = bigint | 'suspend' | 'off' | 'shutdown' | 'reset';

export function firmwareCall({ number, inputs, psciVersion, cpus }: FirmwareCall): FirmwareAnswer {
  if (!known.includes(number)) return Answer.NOT_SUPPORTED;
  const is64 = (number & SMC64) !== 0;
  const [first, second, third] = is64 ? inputs : inputs.map((input) => input & 0xffff_ffffn);
  switch (is64 ? number - SMC64 : number) {
    case Call.SMCCC_VERSION:
      return SMCCC_1_1;
    case Call.PSCI_VERSION:
      return psciVersion;
    case Call.CPU_SUSPEND:
      return 'suspend';
    case Call.CPU_OFF:
      return 'off';
    case Call.CPU_ON:
      return cpuOn(cpus, first, second, third);
    case Call.AFFINITY_INFO:
      return affinityInfo(cpus, first, second);
    case Call.MIGRATE_INFO_TYPE:
      return MIGRATION_NOT_REQUIRED;
    case Call.SYSTEM_OFF:
      return 'shutdown';
    case Call.SYSTEM_RESET:
      return 'reset';
    case Call.SYSTEM_RESET2:
      return first === 0n || first >= VENDOR_RESET ? 'reset' : Answer.INVALID_PARAMETERS;
    default:
      return known.includes(Number(first & 0xffff_ffffn)) ? Answer.SUCCESS : Answer.NOT_SUPPORTED;
  }
}

function cpuOn(cpus: readonly PoweredCpu[], target: bigint, entry: bigint, context: bigint): bigint {
  const cpu = cpus.find(({ affinity }) => affinity === target);
  if (!cpu) return Answer.INVALID_PARAMETERS;
  if (!cpu.isOff) return Answer.ALREADY_ON;
  cpu.powerOn(entry, context);
  return Answer.SUCCESS;
}

/** Of one CPU, or of all that have the affinity fields from `level` on in common. */
function affinityInfo(cpus: readonly PoweredCpu[], target: bigint, level: bigint): bigint {
  if ((target & ~AFFINITY) !== 0n || level > 3n) return Answer.INVALID_PARAMETERS;
  const mask = AFFINITY & ~((1n << (level === 3n ? 32n : 8n * level)) - 1n);
  const found = cpus.filter(({ affinity }) => (affinity & mask) === (target & mask));
  if (found.length === 0) return Answer.INVALID_PARAMETERS;
  return found.every(({ isOff }) => isOff) ? AffinityState.OFF : AffinityState.ON;
}
