/**
 * The interrupts of a GIC in words of 32, with the registers that a GICv2's distributor and a GICv3's distributor and
 * redistributors have in common.
 *
 * Arm GIC Architecture Specification, IHI 0069 (GICv3), "Distributor register descriptions"; IHI 0048 (GICv2), 4.3.
 */

/** Interrupts that every CPU has for itself: software generated ones (SGIs), then peripherals' (PPIs). */
export const SGIS = 16;
export const PRIVATE = 32;
/** Reading this id means that there is no interrupt. */
export const SPURIOUS = 1023;
/** Priorities have 5 bits; the lower three are RAZ/WI. */
export const PRIORITY_BITS = 0xf8;

/** The number of the lowest bit that is one, of a word that is not zero. */
export const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

/** A register with a bit for each interrupt: its offset from the frame's begin, shifted right by 7. */
export const BitRegister = {
  IGROUPR: 1,
  ISENABLER: 2,
  ICENABLER: 3,
  ISPENDR: 4,
  ICPENDR: 5,
  ISACTIVER: 6,
  ICACTIVER: 7,
} as const;
export type BitRegister = (typeof BitRegister)[keyof typeof BitRegister];

export class InterruptBank {
  readonly words: number;
  readonly group: Int32Array;
  readonly enabled: Int32Array;
  /** Pending by an edge, or by a write of ISPENDR. */
  readonly latch: Int32Array;
  /** The lines. */
  readonly level: Int32Array;
  readonly active: Int32Array;
  readonly edge: Int32Array;
  readonly priority: Uint8Array;

  constructor(words: number) {
    this.words = words;
    const bits = (): Int32Array => new Int32Array(words);
    [this.group, this.enabled, this.latch] = [bits(), bits(), bits()];
    [this.level, this.active, this.edge] = [bits(), bits(), bits()];
    this.priority = new Uint8Array(words * 32);
  }

  /** All but the lines, which belong to those who drive them. */
  reset(): void {
    for (const bits of [this.group, this.enabled, this.latch, this.active, this.edge]) bits.fill(0);
    this.priority.fill(0);
  }

  /** False: the line had this level already. */
  setLine(index: number, level: boolean): boolean {
    const [word, bit] = [index >> 5, 1 << (index & 31)];
    if (((this.level[word] & bit) !== 0) === level) return false;
    this.level[word] ^= bit;
    if (level) this.latch[word] |= this.edge[word] & bit;
    return true;
  }

  pending(word: number): number {
    return this.latch[word] | (this.level[word] & ~this.edge[word]);
  }

  /** The interrupts that may be signalled when the groups of these bits are enabled. */
  forwarded(word: number, groups: number): number {
    const group = this.group[word];
    const enabledGroups = (groups & 1 ? ~group : 0) | (groups & 2 ? group : 0);
    return this.pending(word) & this.enabled[word] & ~this.active[word] & enabledGroups;
  }

  groupOf(index: number): 0 | 1 {
    return ((this.group[index >> 5] >> (index & 31)) & 1) as 0 | 1;
  }

  readBits(register: BitRegister, word: number): number {
    switch (register) {
      case BitRegister.IGROUPR:
        return this.group[word] >>> 0;
      case BitRegister.ISENABLER:
      case BitRegister.ICENABLER:
        return this.enabled[word] >>> 0;
      case BitRegister.ISPENDR:
      case BitRegister.ICPENDR:
        return this.pending(word) >>> 0;
      default:
        return this.active[word] >>> 0;
    }
  }

  /** `mask`: the bits that the access reaches. Registers that set or clear look at the ones only. */
  writeBits(register: BitRegister, word: number, value: number, mask = -1): void {
    const ones = value & mask;
    switch (register) {
      case BitRegister.IGROUPR:
        this.group[word] = (this.group[word] & ~mask) | ones;
        break;
      case BitRegister.ISENABLER:
        this.enabled[word] |= ones;
        break;
      case BitRegister.ICENABLER:
        this.enabled[word] &= ~ones;
        break;
      case BitRegister.ISPENDR:
        this.latch[word] |= ones;
        break;
      case BitRegister.ICPENDR:
        this.latch[word] &= ~ones;
        break;
      case BitRegister.ISACTIVER:
        this.active[word] |= ones;
        break;
      case BitRegister.ICACTIVER:
        this.active[word] &= ~ones;
        break;
    }
  }

  /** IPRIORITYR: a byte for each of 4 interrupts. */
  readPriorities(index: number): number {
    const { priority } = this;
    let value = 0;
    for (let i = 0; i < 4; i++) value |= priority[index + i] << (8 * i);
    return value >>> 0;
  }

  writePriorities(index: number, value: number, mask = -1): void {
    for (let i = 0; i < 4; i++)
      if ((mask >>> (8 * i)) & 0xff) this.priority[index + i] = (value >>> (8 * i)) & PRIORITY_BITS;
  }

  /** ICFGR: two bits for each of 16 interrupts, of which the upper one says edge. */
  readConfiguration(half: number): number {
    const edges = this.edge[half >> 1] >>> (16 * (half & 1));
    let value = 0;
    for (let i = 0; i < 16; i++) value |= ((edges >> i) & 1) << (2 * i + 1);
    return value >>> 0;
  }

  writeConfiguration(half: number, value: number, mask = -1): void {
    for (let i = 0; i < 16; i++) {
      const field = 1 << (2 * i + 1);
      const bit = 1 << (16 * (half & 1) + i);
      if (!(mask & field)) continue;
      if (value & field) this.edge[half >> 1] |= bit;
      else this.edge[half >> 1] &= ~bit;
    }
  }
}
