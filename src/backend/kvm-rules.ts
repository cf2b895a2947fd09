/**
 * What KVM does with a value that is written to a register (KVM_SET_ONE_REG), by kernel. The ioctl answers success for
 * values that do not stick, so a rule tells what the register holds then. Measured on Linux 6.1.176 and 6.12.95 with
 * QEMU's `-cpu max` as the host, on vCPUs that had not run.
 *
 * Linux arch/arm64/kvm/{guest,sys_regs,pmu-emul,hypercalls,arch_timer}.c.
 */
import { mask, registersByGlob } from '../arm/index.ts';
import { CCSIDR_COUNT, CoreId, ccsidrId, firmwareBitmapId, firmwareId, idSize, sysregId } from './kvm-ids.ts';
import type { KvmKernel } from './kvm-lists.ts';
import { Errno } from './vcpu.ts';

export interface KvmWriteRule {
  readonly kind: /** Takes every bit. */
    | 'plain'
    /** Accepts only the value that it has. */
    | 'invariant'
    /** Takes some bits and drops the others. */
    | 'masked'
    /** Takes nothing. */
    | 'ignored'
    /** Ones set or clear bits, as an MSR would. */
    | 'set'
    | 'clear'
    /** Accepts only some values. */
    | 'limited';
  /** What the register holds after `value` was written; `initial` is its reset value. Undefined: EINVAL. */
  readonly write: (value: bigint, present: bigint, initial: bigint) => bigint | undefined;
  /** Once a vCPU has run, only the present value is taken: others are EBUSY where this says so, else EINVAL as ever. */
  readonly fixedByRun?: (value: bigint) => boolean;
  /** Takes the place of `write` once a vCPU has run. */
  readonly afterRun?: KvmWriteRule['write'];
}

/** A write of one register: its value before it and after reset, and whether a vCPU of the machine has run. */
export interface KvmWrite {
  readonly value: bigint;
  readonly present: bigint;
  readonly initial: bigint;
  readonly hasRun: boolean;
}

/** What the register holds then, or as a number the errno that refuses the write. */
export function writeByRule(rule: KvmWriteRule, { value, present, initial, hasRun }: KvmWrite): bigint | number {
  const { write, fixedByRun, afterRun = write } = rule;
  if (hasRun && fixedByRun) {
    if (value === present) return present;
    return fixedByRun(value) ? Errno.EBUSY : Errno.EINVAL;
  }
  return (hasRun ? afterRun : write)(value, present, initial) ?? Errno.EINVAL;
}

const U32 = 0xffff_ffffn;

const plain: KvmWriteRule = { kind: 'plain', write: (value) => value };
const plain32: KvmWriteRule = { kind: 'plain', write: (value) => value & U32 };
const invariant: KvmWriteRule = {
  kind: 'invariant',
  write: (value, present) => (value === present ? value : undefined),
};
const ignored: KvmWriteRule = { kind: 'ignored', write: (_, present) => present };
const masked = (kept: bigint): KvmWriteRule => ({ kind: 'masked', write: (value) => value & kept });
const setBits = (kept: bigint): KvmWriteRule => ({ kind: 'set', write: (value, present) => present | (value & kept) });
const clearBits = (kept: bigint): KvmWriteRule => ({
  kind: 'clear',
  write: (value, present) => present & ~(value & kept),
});
const limited = (accepts: (value: bigint, present: bigint, initial: bigint) => boolean): KvmWriteRule => ({
  kind: 'limited',
  write: (value, present, initial) => (accepts(value, present, initial) ? value : undefined),
});

interface FeatureLimits {
  /** Low bits of fields that are signed: all ones (not implemented) is the least. */
  readonly signed?: readonly number[];
  /** Low bits of fields that may grow as well. */
  readonly free?: readonly number[];
  /** Low bit of a field and the least value that it may have. */
  readonly least?: readonly [low: number, value: number];
  /** Likewise, but zero is accepted too. */
  readonly leastOrZero?: readonly [low: number, value: number];
}

/** An identification register: the four-bit fields in `writable` may show less than the host has, never more. */
function features(writable: bigint, { signed, free, least, leastOrZero }: FeatureLimits = {}): KvmWriteRule {
  const fieldOf = (value: bigint, low: number): number => Number((value >> BigInt(low)) & 15n);
  const sign = (field: number): number => (field >= 8 ? field - 16 : field);
  const isEnough = (value: bigint): boolean => {
    if (least && fieldOf(value, least[0]) < least[1]) return false;
    const field = leastOrZero ? fieldOf(value, leastOrZero[0]) : 0;
    return field === 0 || field >= leastOrZero![1];
  };
  const fits = (low: number, value: number, limit: number): boolean | undefined =>
    signed?.includes(low) ? sign(value) <= sign(limit) : free?.includes(low) || value <= limit;
  const rule = limited((value, _, initial) => {
    if (((value ^ initial) & ~writable) !== 0n || !isEnough(value)) return false;
    for (let low = 0; low < 64; low += 4) if (!fits(low, fieldOf(value, low), fieldOf(initial, low))) return false;
    return true;
  });
  return { ...rule, fixedByRun: isEnough };
}

type Rules = readonly (readonly [glob: string, rule: KvmWriteRule])[];

/** SPSR.M of the modes in which a vCPU with 64-bit EL1 may be put: EL0t, EL1t, EL1h. */
const modes: readonly bigint[] = [0n, 4n, 5n];
const pstate = limited((value) => modes.includes(value & 0x1fn));

/** ISTATUS is computed, the other 32 bits are kept as they come. */
const timerControl = masked(0xffff_fffbn);

const bothKernels: Rules = [
  ['MIDR_EL1,REVIDR_EL1,AIDR_EL1', invariant],
  ['OSLSR_EL1', limited((value, present) => ((value ^ present) & ~2n) === 0n)],
  ['PMSWINC_EL0', ignored],
  ['CNTV_CTL_EL0,CNTP_CTL_EL0', timerControl],
];

const linux61: Rules = [
  ['CTR_EL0,CLIDR_EL1,ID_*,MVFR*,S3_0_C0_*', invariant],
  // CSV3 and CSV2 only; may be changed at any time.
  ['ID_AA64PFR0_EL1', { ...features(mask(63, 56)), fixedByRun: undefined }],
  ['PMEVCNTR*', masked(U32)],
];

/** PMCR_EL0.N = 6: the cycle counter and six event counters. */
const EVENT_COUNTERS = 6n;
const implementedCounters = 0x8000_003fn;

/** E to LP are taken as they come. N may be made less before the first run; a greater one is ignored. */
const pmcr: KvmWriteRule = {
  kind: 'masked',
  afterRun: (value, present) => (value & 0xffn) | (present & mask(15, 11)),
  write: (value, present) => {
    const wanted = (value >> 11n) & 31n;
    return (value & 0xffn) | (wanted <= EVENT_COUNTERS ? wanted << 11n : present & mask(15, 11));
  },
};

const linux612: Rules = [
  ['ID_*,MVFR*,S3_0_C0_*', { ...invariant, fixedByRun: () => true }],
  // What KVM_ARM_GET_REG_WRITABLE_MASKS answers.
  ['ID_PFR?_EL1,ID_MMFR1_EL1,ID_MMFR2_EL1,ID_MMFR3_EL1,ID_MMFR5_EL1,ID_ISAR*,MVFR*', features(U32)],
  ['ID_DFR0_EL1', features(U32, { least: [0, 6], leastOrZero: [24, 3] })],
  ['ID_MMFR0_EL1', features(U32, { signed: [8, 28] })],
  ['ID_MMFR4_EL1', features(U32, { free: [0] })],
  ['ID_AA64PFR0_EL1', features(0xffff_00f0_0f00_ffffn)],
  ['ID_AA64PFR1_EL1', features(0x0000_000f_0000_00ffn)],
  ['ID_AA64PFR2_EL1', features(0x0000_000f_0000_0000n)],
  ['ID_AA64ZFR0_EL1', features(0x0ff0_ff0f_0fff_00ffn)],
  ['ID_AA64FPFR0_EL1', features(0x0000_0000_f000_0003n)],
  ['ID_AA64DFR0_EL1', features(0x0000_00f0_00f0_0f0fn, { least: [0, 6], signed: [36] })],
  ['ID_AA64ISAR0_EL1', features(0xffff_ffff_ffff_fff0n)],
  ['ID_AA64ISAR1_EL1', features(0xffff_ffff_00ff_f00fn)],
  ['ID_AA64ISAR2_EL1', features(0xffff_0fff_ffff_00ffn)],
  ['ID_AA64MMFR0_EL1', features(0xff00_f000_ffff_ff0fn, { signed: [24, 28] })],
  ['ID_AA64MMFR1_EL1', features(0xffff_f0f0_0fff_f00fn, { free: [24] })],
  ['ID_AA64MMFR2_EL1', features(0xf0ff_000f_f00f_ffffn)],
  ['ID_AA64MMFR3_EL1', features(0x0000_0000_000f_0f0fn)],
  ['CTR_EL0', features(0x300f_000fn)],
  // The kernel also refuses levels that contradict the host's CTR_EL0.IDC = 0.
  ['CLIDR_EL1', limited((value) => value >> 47n === 0n)],
  ['PMCR_EL0', pmcr],
  // So writing a CLR register's own value back clears what it shows.
  ['PMCNTENSET_EL0,PMINTENSET_EL1,PMOVSSET_EL0', setBits(implementedCounters)],
  ['PMCNTENCLR_EL0,PMINTENCLR_EL1,PMOVSCLR_EL0', clearBits(implementedCounters)],
];

/** CCSIDR_EL1 of 6.12: lines may not be shorter than CTR_EL0 says (64 bytes: LineSize 2). */
const cacheSize = limited((value) => (value & 7n) >= 2n && value <= U32);

/** PSCI 0.2, 1.0, 1.1. */
const psciVersions: readonly bigint[] = [2n, 0x1_0000n, 0x1_0001n];

/** What the host needs: a guest that was told that it needs less or the same is accepted, and nothing is stored. */
const workaround = (level: bigint): KvmWriteRule => ({
  kind: 'ignored',
  write: (value, present) => (value <= level ? present : undefined),
});
const services = (all: bigint): KvmWriteRule => {
  const exist = (value: bigint): boolean => (value & ~all) === 0n;
  return { ...limited(exist), fixedByRun: exist };
};

const firmware: readonly (readonly [id: bigint, rule: KvmWriteRule])[] = [
  [firmwareId(0), limited((value) => psciVersions.includes(value))],
  [firmwareId(1), workaround(2n)],
  [firmwareId(2), workaround(1n)],
  [firmwareId(3), workaround(0n)],
  [firmwareBitmapId(0), services(1n)],
  [firmwareBitmapId(1), services(1n)],
  [firmwareBitmapId(2), services(3n)],
];

const caches = (rule: KvmWriteRule) =>
  Array.from({ length: CCSIDR_COUNT }, (_, selector) => [ccsidrId(selector), rule] as const);

function rulesOf(kernel: KvmKernel): Map<bigint, KvmWriteRule> {
  const rules = new Map<bigint, KvmWriteRule>([
    [CoreId.PSTATE, pstate],
    ...firmware,
    ...caches(kernel === '6.1' ? invariant : cacheSize),
  ]);
  for (const [glob, rule] of [...bothKernels, ...(kernel === '6.1' ? linux61 : linux612)]) {
    const registers = registersByGlob(glob);
    if (registers.length === 0) throw new Error(`no register matches ${glob}`);
    for (const { number } of registers) rules.set(sysregId(number), rule);
  }
  return rules;
}

const made: Partial<Record<KvmKernel, Map<bigint, KvmWriteRule>>> = {};

/** The rule of a register that the kernel lists. */
export function kvmWriteRule(kernel: KvmKernel, id: bigint): KvmWriteRule {
  made[kernel] ??= rulesOf(kernel);
  return made[kernel].get(id) ?? (idSize(id) === 4 ? plain32 : plain);
}
