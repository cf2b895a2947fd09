/** What a system register of the modelled CPU is beyond storage. */
import type { SystemRegister } from '../../arm/index.ts';
import type { Counter } from './clock.ts';
import type { Core } from './core.ts';
import type { Debug } from './debug.ts';
import type { Pmu } from './pmu.ts';

/** What rules work on. */
export interface RegisterUnit {
  readonly core: Core;
  readonly debug: Debug;
  readonly pmu: Pmu;
  readonly virtualCounter: Counter;
  readonly physicalCounter: Counter;
  /** CCSIDR_EL1 by CSSELR_EL1. */
  readonly cacheSizes: readonly number[];
  /** A register of a timer or a counter was written. */
  timersChanged(): void;
}

export interface Rule {
  /** Bits that the hardware keeps; the others are RES0. Default: all. RES1 bits are kept as written. */
  readonly keeps?: bigint;
  /** Bits that it keeps beside these where the CPU has a feature. */
  readonly keepsWith?: readonly [feature: string, bits: bigint];
  readonly reset?: bigint;
  /** The value, where it is not what is stored. */
  readonly read?: (unit: RegisterUnit) => bigint;
  /** What a write does instead of storing. */
  readonly write?: (unit: RegisterUnit, value: bigint) => void;
  /** What an MSR does instead, where that is not what a debugger's write does. */
  readonly msr?: (unit: RegisterUnit, value: bigint) => void;
  /** What must be done before there is a new value. */
  readonly changing?: (unit: RegisterUnit) => void;
  /** What follows from a new value. */
  readonly changed?: (unit: RegisterUnit) => void;
  /** At EL1h it is what is stored, after all. */
  readonly storedAtEl1h?: boolean;
  /** Whether an access at EL0 is trapped to EL1. */
  readonly trapped?: (unit: RegisterUnit, write: boolean) => boolean;
  /** Whether an access at EL1 is UNDEFINED in the present state. */
  readonly undefinedNow?: (unit: RegisterUnit) => boolean;
  /** CPACR_EL1 traps it as it does SIMD and floating-point instructions. */
  readonly simd?: boolean;
}

export interface Definition extends Rule {
  readonly register: SystemRegister;
  readonly keeps: bigint;
}
