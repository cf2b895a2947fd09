/**
 * The firmware calls of a guest, by HVC or SMC: what KVM answers for PSCI 1.1 with one CPU.
 *
 * Arm Power State Coordination Interface, DEN 0022; SMC Calling Convention, DEN 0028.
 */

const Call = {
  SMCCC_VERSION: 0x8000_0000,
  PSCI_VERSION: 0x8400_0000,
  MIGRATE_INFO_TYPE: 0x8400_0006,
  SYSTEM_OFF: 0x8400_0008,
  SYSTEM_RESET: 0x8400_0009,
  PSCI_FEATURES: 0x8400_000a,
} as const;

export const PSCI_1_1 = 0x1_0001n;
const SMCCC_1_1 = 0x1_0001n;
/** No trusted OS, so nothing that would have to migrate. */
const MIGRATION_NOT_REQUIRED = 2n;

const known: readonly number[] = Object.values(Call);
const NOT_SUPPORTED = -1n;

/** What becomes of a call: the value of X0, or the end of the machine's run. */
export type FirmwareAnswer = bigint | 'shutdown' | 'reset';

/** The function's number is W0, its argument W1. */
export function firmwareCall(number: number, argument: number, psciVersion: bigint): FirmwareAnswer {
  switch (number) {
    case Call.SMCCC_VERSION:
      return SMCCC_1_1;
    case Call.PSCI_VERSION:
      return psciVersion;
    case Call.MIGRATE_INFO_TYPE:
      return MIGRATION_NOT_REQUIRED;
    case Call.SYSTEM_OFF:
      return 'shutdown';
    case Call.SYSTEM_RESET:
      return 'reset';
    case Call.PSCI_FEATURES:
      return known.includes(argument) ? 0n : NOT_SUPPORTED;
    default:
      return NOT_SUPPORTED;
  }
}
