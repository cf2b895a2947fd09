/**
 * KVM's 64-bit register ids on arm64: architecture (63..56), log2 of the size in bytes (55..52), group (27..16) and
 * an index in the group (15..0). Always a bigint and unsigned: compare and sort them as such.
 *
 * Linux Documentation/virt/kvm/api.rst, KVM_SET_ONE_REG; arch/arm64/include/uapi/asm/kvm.h.
 */
import { type Encoding, encodingNumber, hex, registerName } from '../arm/index.ts';

const ARM64 = 0x60n;
const groups = {
  core: 0x10n,
  demux: 0x11n,
  sysreg: 0x13n,
  firmware: 0x14n,
  sve: 0x15n,
  'firmware-bitmap': 0x16n,
} as const;

export type KvmGroup = keyof typeof groups;

const groupOfNumber = new Map<bigint, KvmGroup>(
  Object.entries(groups).map(([name, number]) => [number, name as KvmGroup]),
);

/** log2 of the size in bytes. */
const Size = { U32: 2n, U64: 3n, U128: 4n, U256: 5n, U512: 6n, U2048: 8n } as const;

const makeId = (size: bigint, group: KvmGroup, index: number): bigint =>
  (ARM64 << 56n) | (size << 52n) | (groups[group] << 16n) | BigInt(index);

const indexOf = (id: bigint): number => Number(id & 0xffffn);

/** The group of an arm64 id; undefined for an id of another architecture or an unknown group. */
export const idGroup = (id: bigint): KvmGroup | undefined =>
  id >> 56n === ARM64 ? groupOfNumber.get((id >> 16n) & 0xfffn) : undefined;

/** Size of the value in bytes: 4, 8, 16 ... */
export const idSize = (id: bigint): number => 1 << Number((id >> 52n) & 0xfn);

/** How many 64-bit words the value takes in the arrays of `Vcpu.getRegisters`: one up to U64. */
export const idWords = (id: bigint): number => Math.max(1, idSize(id) / 8);

/** The index of a core register is its offset in struct kvm_regs, counted in 32-bit words. */
const core = (index: number): bigint => makeId(Size.U64, 'core', index);

const spsrNames = ['SPSR_EL1', 'SPSR_abt', 'SPSR_und', 'SPSR_irq', 'SPSR_fiq'];

/** Ids of the core registers. SP is SP_EL0. SP_EL1, ELR_EL1 and SPSR_EL1 are here, never among the system registers. */
export const CoreId = {
  X: (n: number): bigint => core(2 * n),
  SP: core(0x3e),
  PC: core(0x40),
  PSTATE: core(0x42),
  SP_EL1: core(0x44),
  ELR_EL1: core(0x46),
  /** 0..4: EL1, abt, und, irq, fiq. */
  SPSR: (n: number): bigint => core(0x48 + 2 * n),
  /** 0..31. 0x52 is a hole: V0 is aligned to 16 bytes. */
  V: (n: number): bigint => makeId(Size.U128, 'core', 0x54 + 4 * n),
  FPSR: makeId(Size.U32, 'core', 0xd4),
  FPCR: makeId(Size.U32, 'core', 0xd5),
} as const;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Every core register with its name, in the order of the ids. */
export const coreIds: readonly { readonly name: string; readonly id: bigint }[] = [
  ...numbers(31).map((n) => ({ name: `X${n}`, id: CoreId.X(n) })),
  { name: 'SP', id: CoreId.SP },
  { name: 'PC', id: CoreId.PC },
  { name: 'PSTATE', id: CoreId.PSTATE },
  { name: 'SP_EL1', id: CoreId.SP_EL1 },
  { name: 'ELR_EL1', id: CoreId.ELR_EL1 },
  ...spsrNames.map((name, n) => ({ name, id: CoreId.SPSR(n) })),
  ...numbers(32).map((n) => ({ name: `V${n}`, id: CoreId.V(n) })),
  { name: 'FPSR', id: CoreId.FPSR },
  { name: 'FPCR', id: CoreId.FPCR },
];

/** CCSIDR_EL1 of the cache that CSSELR_EL1 = `selector` selects, 0..13. */
export const CCSIDR_COUNT = 14;
export const ccsidrId = (selector: number): bigint => makeId(Size.U32, 'demux', selector);

/** Pseudo registers of the firmware that KVM plays. Each index of the table is the index of the id. */
const firmwareNames = [
  'KVM_REG_ARM_PSCI_VERSION',
  'KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1',
  'KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2',
  'KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3',
];
const firmwareBitmapNames = [
  'KVM_REG_ARM_STD_BMAP',
  'KVM_REG_ARM_STD_HYP_BMAP',
  'KVM_REG_ARM_VENDOR_HYP_BMAP',
  'KVM_REG_ARM_VENDOR_HYP_BMAP_2',
];
export const firmwareId = (n: number): bigint => makeId(Size.U64, 'firmware', n);
export const firmwareBitmapId = (n: number): bigint => makeId(Size.U64, 'firmware-bitmap', n);

/** Ids of the SVE registers, slice 0: KVM has no other. */
export const SveId = {
  Z: (n: number): bigint => makeId(Size.U2048, 'sve', n << 5),
  P: (n: number): bigint => makeId(Size.U256, 'sve', 0x400 | (n << 5)),
  FFR: makeId(Size.U256, 'sve', 0x600),
  VLS: makeId(Size.U512, 'sve', 0xffff),
} as const;

/**
 * System registers whose id does not carry their own encoding. In KVM's ABI the ids of the virtual timer's compare
 * value and of the virtual counter are exchanged, for ever. The physical timer's are as they should be.
 */
const exchanged: readonly { readonly name: string; readonly register: Encoding; readonly id: Encoding }[] = [
  { name: 'KVM_REG_ARM_TIMER_CVAL', register: [3, 3, 14, 3, 2], id: [3, 3, 14, 0, 2] },
  { name: 'KVM_REG_ARM_TIMER_CNT', register: [3, 3, 14, 0, 2], id: [3, 3, 14, 3, 2] },
];
const indexOfRegister = new Map(exchanged.map(({ register, id }) => [encodingNumber(register), encodingNumber(id)]));
const registerOfIndex = new Map(exchanged.map(({ register, id }) => [encodingNumber(id), encodingNumber(register)]));

/** The id of the system register that `number` (bits 20..5 of MRS) names: KVM's exchanged pair is undone here. */
export const sysregId = (number: number): bigint => makeId(Size.U64, 'sysreg', indexOfRegister.get(number) ?? number);

/** The system register whose value the id holds, as `number` of its definition; undefined outside that group. */
export function idToSystemRegisterNumber(id: bigint): number | undefined {
  if (idGroup(id) !== 'sysreg') return undefined;
  const index = indexOf(id);
  return registerOfIndex.get(index) ?? index;
}

const coreNames = new Map(coreIds.map(({ name, id }) => [id, name]));

function sveName(index: number): string | undefined {
  if (index === 0xffff) return 'KVM_REG_ARM64_SVE_VLS';
  const n = (index >> 5) & 31;
  const slice = index & 31 ? `[${index & 31}]` : '';
  if (index < 0x400) return `Z${n}${slice}`;
  if (index < 0x600) return `P${n}${slice}`;
  return index < 0x620 ? `FFR${slice}` : undefined;
}

/** What messages call the register: `X0`, `SCTLR_EL1`, `CCSIDR_EL1[0]`, `KVM_REG_ARM_PSCI_VERSION`; else the number. */
export function idName(id: bigint): string {
  const index = indexOf(id);
  switch (idGroup(id)) {
    case 'core':
      return coreNames.get(id) ?? hex(id, 16);
    case 'demux':
      return index < 0x100 ? `CCSIDR_EL1[${index}]` : hex(id, 16);
    case 'sysreg':
      return registerName(registerOfIndex.get(index) ?? index);
    case 'firmware':
      return firmwareNames[index] ?? hex(id, 16);
    case 'firmware-bitmap':
      return firmwareBitmapNames[index] ?? hex(id, 16);
    case 'sve':
      return sveName(index) ?? hex(id, 16);
    default:
      return hex(id, 16);
  }
}
