/**
 * The registers that the distributor of a GICv2, that of a GICv3 and a redistributor's second frame have at the same
 * offsets. Where the frame has no such interrupt they read as zero and ignore writes.
 */
import { type BitRegister, type InterruptBank, PRIVATE, SGIS } from './gic-bank.ts';

/** The first of the bits, of the priorities, and of what is the frame's own; of the configurations, and their end. */
const BITS = 0x80;
const IPRIORITYR = 0x400;
const ITARGETSR = 0x800;
const ICFGR = 0xc00;
const END = 0xd00;

export const isPriority = (offset: number): boolean => offset >= IPRIORITYR && offset < ITARGETSR;
/** Whether a frame has the register here. */
export const isCommon = (offset: number): boolean =>
  (offset >= BITS && offset < ITARGETSR) || (offset >= ICFGR && offset < END);

/** The bits of a word that an access of one or two bytes reaches. */
export const partMask = (offset: number, bytes: number): number => (bytes === 1 ? 0xff : 0xffff) << (8 * (offset & 3));

/** The first interrupt of which a word tells. */
function firstInterrupt(offset: number): number {
  if (offset < IPRIORITYR) return (offset & 0x7f) * 8;
  return offset < ITARGETSR ? offset - IPRIORITYR : (offset - ICFGR) * 4;
}

export class Frame {
  private readonly privates: InterruptBank | undefined;
  private readonly shared: InterruptBank | undefined;

  constructor(privates: InterruptBank | undefined, shared: InterruptBank | undefined) {
    this.privates = privates;
    this.shared = shared;
  }

  private bank(interrupt: number): InterruptBank | undefined {
    if (interrupt < PRIVATE) return this.privates;
    return this.shared && interrupt - PRIVATE < this.shared.words * 32 ? this.shared : undefined;
  }

  /** The offset is a multiple of 4. */
  read(offset: number): number {
    const interrupt = firstInterrupt(offset);
    const bank = this.bank(interrupt);
    if (!bank) return 0;
    const index = indexInBank(interrupt);
    if (offset < IPRIORITYR) return bank.readBits((offset >> 7) as BitRegister, index >> 5);
    return offset < ITARGETSR ? bank.readPriorities(index) : bank.readConfiguration(index >> 4);
  }

  write(offset: number, value: number, mask = -1): void {
    const interrupt = firstInterrupt(offset);
    const bank = this.bank(interrupt);
    if (!bank) return;
    const index = indexInBank(interrupt);
    if (offset < IPRIORITYR) bank.writeBits((offset >> 7) as BitRegister, index >> 5, value, mask);
    else if (offset < ITARGETSR) bank.writePriorities(index, value, mask);
    // SGIs are edges, whatever is written.
    else if (interrupt >= SGIS) bank.writeConfiguration(index >> 4, value, mask);
  }
}

const indexInBank = (interrupt: number): number => (interrupt < PRIVATE ? interrupt : interrupt - PRIVATE);
