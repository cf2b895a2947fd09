/**
 * Stage 1 translation of the EL1&0 regime, VMSAv8-64 as in Armv8.0 with FEAT_PAN. Pure: registers and a reader of
 * physical memory in, an address or a fault status out. Addresses are two 32-bit halves or numbers below 2^48, so that
 * a walk allocates nothing.
 *
 * Arm ARM DDI 0487, D5 "The AArch64 Virtual Memory System Architecture"; AArch64.FirstStageTranslate().
 */
import { FaultStatus } from '../exception.ts';
import { encodingNumber } from '../registers/register.ts';

export const Access = { read: 0, write: 1, execute: 2 } as const;
export type Access = (typeof Access)[keyof typeof Access];

/** The registers that decide a translation; ID_AA64MMFR0_EL1 tells which sizes of addresses and granules there are. */
export const translationRegisters = {
  sctlr: encodingNumber([3, 0, 1, 0, 0]),
  ttbr0: encodingNumber([3, 0, 2, 0, 0]),
  ttbr1: encodingNumber([3, 0, 2, 0, 1]),
  tcr: encodingNumber([3, 0, 2, 0, 2]),
  mair: encodingNumber([3, 0, 10, 2, 0]),
  mmfr0: encodingNumber([3, 0, 0, 7, 0]),
} as const;

export type TranslationRegisters = Readonly<Record<keyof typeof translationRegisters, bigint>>;

/** Reads translation tables. */
export interface DescriptorReader {
  /** The descriptor last read. */
  low: number;
  high: number;
  /** Reads 8 bytes at a physical address that is a multiple of 8. False: no memory answers. */
  readDescriptor(physical: number): boolean;
}

/** One half of the address space, as TCR_EL1 and a TTBR describe it. */
interface Half {
  readonly topByteIgnored: boolean;
  /** Nothing can be translated: EPD, or a size of region that there is not. */
  readonly disabled: boolean;
  readonly inputBits: number;
  /** log2 of the granule. */
  readonly grain: number;
  readonly startLevel: number;
  readonly table: number;
}

/** The registers, digested. Made anew when one of them changes. */
export interface TranslationRegime {
  readonly enabled: boolean;
  /** Of a physical address: ID_AA64MMFR0_EL1.PARange. */
  readonly physicalBits: number;
  readonly outputBits: number;
  readonly writeImpliesNever: boolean;
  /** MAIR_EL1's attributes. */
  readonly attributes: readonly number[];
  readonly halves: readonly [Half, Half];
}

/** What a translation yields. One object is used over and over. */
export interface TranslationResult {
  /** Physical address of the byte asked for. */
  physical: number;
  /** Any Device type: unaligned accesses fault. */
  device: boolean;
  /** What the context asked for may do with the page. */
  readable: boolean;
  writable: boolean;
  executable: boolean;
  /** The attribute in MAIR_EL1's format, and SH. */
  attribute: number;
  shareability: number;
  /** log2 of the bytes of the page or block that it is in; 12 without the MMU. */
  sizeBits: number;
}

export const newTranslationResult = (): TranslationResult => ({
  physical: 0,
  device: false,
  readable: false,
  writable: false,
  executable: false,
  attribute: 0,
  shareability: 0,
  sizeBits: 12,
});

const POWER = Array.from({ length: 65 }, (_, n) => 2 ** n);

/** Bits 31..0 and 63..32, unsigned. */
const lowWord = (value: bigint): number => Number(value & 0xffffffffn);
const highWord = (value: bigint): number => Number((value >> 32n) & 0xffffffffn);
const bit = (word: number, position: number): boolean => ((word >>> position) & 1) === 1;

/** log2 of the granule by TG0 and TG1. A reserved value means 4 KiB, and so does a granule that this CPU has not. */
const grainOfTg0 = [12, 16, 14, 12];
const grainOfTg1 = [12, 14, 12, 16];
/** By IPS and by PARange. */
const addressBits = [32, 36, 40, 42, 44, 48, 48, 48];

/** ID_AA64MMFR0_EL1.TGran16 and TGran64; the one of 4 KiB is always there. */
const hasGrain = (mmfr0: bigint, grain: number): boolean =>
  grain === 14 ? (mmfr0 & 0xf0_0000n) !== 0n : grain === 12 || (mmfr0 & 0xf00_0000n) === 0n;

function half(tcr: bigint, ttbr: bigint, mmfr0: bigint, upper: boolean): Half {
  const control = upper ? lowWord(tcr) >>> 16 : lowWord(tcr) & 0xffff;
  const size = control & 0x3f;
  const chosen = (upper ? grainOfTg1 : grainOfTg0)[control >> 14];
  const grain = hasGrain(mmfr0, chosen) ? chosen : 12;
  const inputBits = 64 - Math.min(Math.max(size, 16), 39);
  const stride = grain - 3;
  const startLevel = 4 - Math.ceil((inputBits - grain) / stride);
  const tableBits = inputBits - grain - (3 - startLevel) * stride + 3;
  return {
    topByteIgnored: bit(highWord(tcr), upper ? 6 : 5),
    disabled: bit(control, 7) || size < 16 || size > 39,
    inputBits,
    grain,
    startLevel,
    table: (highWord(ttbr) & 0xffff) * POWER[32] + ((lowWord(ttbr) & (-1 << tableBits)) >>> 0),
  };
}

export function translationRegime(registers: TranslationRegisters): TranslationRegime {
  const { sctlr, tcr, ttbr0, ttbr1, mair, mmfr0 } = registers;
  const control = lowWord(sctlr);
  const physicalBits = addressBits[Math.min(Number(mmfr0 & 15n), 7)];
  return {
    enabled: bit(control, 0),
    physicalBits,
    outputBits: Math.min(addressBits[highWord(tcr) & 7], physicalBits),
    writeImpliesNever: bit(control, 19),
    attributes: [lowWord(mair), highWord(mair)].flatMap((word) => [0, 8, 16, 24].map((low) => (word >>> low) & 0xff)),
    halves: [half(tcr, ttbr0, mmfr0, false), half(tcr, ttbr1, mmfr0, true)],
  };
}

/** The status of a translation without a fault. */
export const TRANSLATED = -1;

/** Bits of the answer of `walk` that say what a page permits: descriptor and table attributes joined. */
interface Leaf extends TranslationResult {
  readOnly: boolean;
  userAccess: boolean;
  privilegedNever: boolean;
  userNever: boolean;
  level: number;
}

const leaf: Leaf = {
  ...newTranslationResult(),
  readOnly: false,
  userAccess: false,
  privilegedNever: false,
  userNever: false,
  level: 0,
};

/** Address bits <47:low> of the descriptor last read. */
const descriptorAddress = (memory: DescriptorReader, low: number): number =>
  (memory.high & 0xffff) * POWER[32] + ((memory.low & (-1 << low)) >>> 0);

/** Offset of a virtual address in its half, or -1 when it lies in neither. */
function inputAddress({ topByteIgnored, inputBits }: Half, upper: boolean, vaLow: number, vaHigh: number): number {
  const flip = upper ? -1 : 0;
  const high = (vaHigh ^ flip) & (topByteIgnored ? 0xffffff : -1);
  const distance = (high >>> 0) * POWER[32] + ((vaLow ^ flip) >>> 0);
  if (distance >= POWER[inputBits]) return -1;
  return upper ? POWER[inputBits] - 1 - distance : distance;
}

/** Walks the tables into `leaf`. With an access flag fault, `leaf` holds nevertheless. */
function walk(regime: TranslationRegime, memory: DescriptorReader, vaLow: number, vaHigh: number): number {
  const upper = (vaHigh & 0x800000) !== 0;
  const region = regime.halves[upper ? 1 : 0];
  let rest = region.disabled ? -1 : inputAddress(region, upper, vaLow, vaHigh);
  if (rest < 0) return FaultStatus.translation;
  const limit = POWER[regime.outputBits];
  if (region.table >= limit) return FaultStatus.addressSize;
  const { grain } = region;
  let table = region.table;
  let level = region.startLevel;
  let shift = grain + (3 - level) * (grain - 3);
  /** NSTable, APTable, UXNTable, PXNTable of all levels, in bits 31..27. */
  let inherited = 0;
  for (;;) {
    const index = Math.floor(rest / POWER[shift]);
    rest -= index * POWER[shift];
    if (!memory.readDescriptor(table + index * 8)) return FaultStatus.externalOnWalk + level;
    const isTable = (memory.low & 3) === 3 && level < 3;
    if (!isTable && !isLeaf(memory.low, grain, level)) return FaultStatus.translation + level;
    table = descriptorAddress(memory, isTable ? grain : shift);
    if (table >= limit) return FaultStatus.addressSize + level;
    if (!isTable) break;
    inherited |= memory.high;
    level++;
    shift -= grain - 3;
  }
  setLeaf(regime, memory, inherited, level);
  leaf.physical = table + rest;
  leaf.sizeBits = shift;
  return memory.low & (1 << 10) ? TRANSLATED : FaultStatus.accessFlag + level;
}

/** Whether a descriptor that is no table maps memory at this level. */
const isLeaf = (low: number, grain: number, level: number): boolean =>
  level === 3 ? (low & 3) === 3 : (low & 3) === 1 && (level === 2 || (level === 1 && grain === 12));

function setLeaf(regime: TranslationRegime, { low, high }: DescriptorReader, inherited: number, level: number): void {
  leaf.level = level;
  leaf.attribute = regime.attributes[(low >> 2) & 7];
  leaf.shareability = (low >> 8) & 3;
  leaf.readOnly = ((low >> 7) & 1) === 1 || (inherited & (1 << 30)) !== 0;
  leaf.userAccess = ((low >> 6) & 1) === 1 && (inherited & (1 << 29)) === 0;
  leaf.userNever = (high & (1 << 22)) !== 0 || (inherited & (1 << 28)) !== 0;
  leaf.privilegedNever = (high & (1 << 21)) !== 0 || (inherited & (1 << 27)) !== 0;
}

/** Permissions of `leaf` for one context, into `result`. D5.4.5 "Access permissions for data and instruction". */
function setPermissions(regime: TranslationRegime, privileged: boolean, pan: boolean, result: TranslationResult): void {
  const { readOnly, userAccess } = leaf;
  const accessible = privileged ? !(pan && userAccess) : userAccess;
  const writableByContext = !readOnly && (privileged || userAccess);
  const never = privileged ? leaf.privilegedNever || (userAccess && !readOnly) : leaf.userNever;
  result.readable = accessible;
  result.writable = accessible && !readOnly;
  result.executable = !never && !(regime.writeImpliesNever && writableByContext);
}

/** Without the MMU data is Device-nGnRnE, instructions are Normal, and only the size of the address is checked. */
function translateFlat(
  regime: TranslationRegime,
  vaLow: number,
  vaHigh: number,
  access: Access,
  result: TranslationResult,
): number {
  const { topByteIgnored } = regime.halves[(vaHigh >> 23) & 1];
  const high = (vaHigh & (topByteIgnored ? 0xffffff : -1)) >>> 0;
  if (high >= POWER[regime.physicalBits - 32]) return FaultStatus.addressSize;
  result.physical = high * POWER[32] + (vaLow >>> 0);
  result.attribute = access === Access.execute ? 0x44 : 0x00;
  result.device = access !== Access.execute;
  result.shareability = 2;
  result.sizeBits = 12;
  result.readable = result.writable = result.executable = true;
  return TRANSLATED;
}

/**
 * Translates one address for an access at EL1 (`privileged`) or EL0. Answers TRANSLATED, with `result` filled for all
 * kinds of access, or the fault status of DFSC and IFSC.
 */
export function translate(
  regime: TranslationRegime,
  memory: DescriptorReader,
  vaLow: number,
  vaHigh: number,
  access: Access,
  privileged: boolean,
  pan: boolean,
  result: TranslationResult,
): number {
  if (!regime.enabled) return translateFlat(regime, vaLow, vaHigh, access, result);
  const status = walk(regime, memory, vaLow, vaHigh);
  if (status !== TRANSLATED) return status;
  result.physical = leaf.physical;
  result.attribute = leaf.attribute;
  result.device = leaf.attribute >> 4 === 0;
  result.shareability = leaf.shareability;
  result.sizeBits = leaf.sizeBits;
  setPermissions(regime, privileged, pan, result);
  const permitted =
    access === Access.read ? result.readable : access === Access.write ? result.writable : result.executable;
  return permitted ? TRANSLATED : FaultStatus.permission + leaf.level;
}

const debuggerResult = newTranslationResult();

/**
 * Where a virtual address lies, as a debugger asks: the tables decide, permissions and the access flag do not. A
 * number below 2^48, or undefined where nothing is mapped.
 */
export function translateForDebugger(
  regime: TranslationRegime,
  memory: DescriptorReader,
  address: bigint,
): number | undefined {
  const vaLow = Number(address & 0xffffffffn);
  const vaHigh = Number((address >> 32n) & 0xffffffffn);
  if (!regime.enabled)
    return translateFlat(regime, vaLow, vaHigh, Access.read, debuggerResult) === TRANSLATED
      ? debuggerResult.physical
      : undefined;
  const status = walk(regime, memory, vaLow, vaHigh);
  return status === TRANSLATED || (status & ~3) === FaultStatus.accessFlag ? leaf.physical : undefined;
}
