/**
 * Registers that snapshots treat in their own way. QEMU has two lists of such: x-mig-hidden-regs and
 * x-mig-safe-missing-regs.
 */
import { registersByGlob } from '../../arm/index.ts';
import { CCSIDR_COUNT, ccsidrId, firmwareId, SveId, sysregId } from '../kvm-ids.ts';

const ids = (glob: string): bigint[] => {
  const found = registersByGlob(glob).map(({ number }) => sysregId(number));
  if (found.length === 0) throw new Error(`no register matches ${glob}`);
  return found;
};
const idOf = (name: string): bigint => ids(name)[0];

/** The virtual counter. A write of it moves it for all CPUs of a VM. */
export const CNTVCT_EL0 = idOf('CNTVCT_EL0');

/** Of these a one that is written clears what the SET register of the same storage shows. */
export const clearRegisters: readonly bigint[] = ids('PMCNTENCLR_EL0,PMINTENCLR_EL1,PMOVSCLR_EL0');

/** Never saved, and passed over where a snapshot has them. */
export const hiddenRegisters: ReadonlySet<bigint> = new Set([
  // The SET register of the same storage is saved.
  ...clearRegisters,
  // Reads as zero; a one counts an event.
  idOf('PMSWINC_EL0'),
]);

/** A value of the snapshot by its id. */
export type Incoming = (id: bigint) => bigint | undefined;

interface SafeMissing {
  readonly ids: readonly bigint[];
  /** Whether nothing is lost with them. */
  readonly when: (read: Incoming) => boolean;
  /** Why, for whoever is told that they were left out. */
  readonly reason: string;
}

const [CLIDR_EL1, TCR2_EL1, CNTP_CTL_EL0] = ['CLIDR_EL1', 'TCR2_EL1', 'CNTP_CTL_EL0'].map(idOf);

/** CLIDR_EL1.Ctype<n>: no cache, instructions only, data only, separate ones, a unified one. */
const hasCache = (clidr: bigint, selector: number): boolean => {
  const type = Number((clidr >> BigInt(3 * (selector >> 1))) & 7n);
  return selector & 1 ? type === 1 || type === 3 : type >= 2;
};

/** Registers that a machine may lack, or hold another value in, although the snapshot has them. */
const safeMissing: readonly SafeMissing[] = [
  {
    // Linux has listed them since 6.12, or the CPU has no such feature. PIR_EL1 and PIRE0_EL1 mean nothing until
    // TCR2_EL1.PIE is set.
    ids: [TCR2_EL1, ...ids('PIR_EL1,PIRE0_EL1')],
    when: (read) => read(TCR2_EL1) === 0n,
    reason: 'TCR2_EL1 is 0',
  },
  {
    // Linux has listed the physical timer since 6.4. Before, its counter is the host's, and so it is not the one saved.
    ids: [CNTP_CTL_EL0, ...ids('CNTP_CVAL_EL0,CNTPCT_EL0')],
    when: (read) => ((read(CNTP_CTL_EL0) ?? 0n) & 1n) === 0n,
    reason: 'the physical timer is off',
  },
  // Linux has listed 14 selectors since 6.3, whatever caches the CPU shows its guest.
  ...Array.from({ length: CCSIDR_COUNT }, (_, selector) => ({
    ids: [ccsidrId(selector)],
    when: (read: Incoming) => {
      const clidr = read(CLIDR_EL1);
      return clidr !== undefined && !hasCache(clidr, selector);
    },
    reason: 'the CPU has no such cache',
  })),
];

/** Why nothing is lost without this register of a snapshot; undefined: something is. */
export const safeWithout = (id: bigint, read: Incoming): string | undefined =>
  safeMissing.find(({ ids: safe, when }) => safe.includes(id) && when(read))?.reason;

interface Harmless {
  readonly bits: bigint;
  readonly reason: string;
}

/** Bits of identification that a machine may show in its own way. */
export const harmlessBits: ReadonlyMap<bigint, Harmless> = new Map([
  // HCX: Linux 6.1 hides it, 6.12 shows it and does not let it be hidden.
  [idOf('ID_AA64MMFR1_EL1'), { bits: 0xfn << 40n, reason: 'HCX tells of EL2, which the guest does not have' }],
  // IMP and IDCODE: those of the host on Linux 6.1, zeros on 6.12.
  [idOf('PMCR_EL0'), { bits: 0xffffn << 16n, reason: 'IMP and IDCODE name the maker, as MIDR_EL1 does' }],
]);

/** Bits that do not have to read back as they were put: all others do. */
export const uncomparedBits: ReadonlyMap<bigint, bigint> = new Map([
  // They run on.
  ...ids('CNTVCT_EL0,CNTPCT_EL0').map((id) => [id, (1n << 64n) - 1n] as const),
  // ISTATUS is computed from the counter.
  ...ids('CNTV_CTL_EL0,CNTP_CTL_EL0').map((id) => [id, 4n] as const),
  // KVM accepts what the host can keep a guest's promise of, and stores nothing.
  ...[1, 2, 3].map((n) => [firmwareId(n), (1n << 64n) - 1n] as const),
]);

/** Never written: fixed when the vCPU was made. It only has to be the same. */
export const fixedRegisters: ReadonlySet<bigint> = new Set([SveId.VLS]);
