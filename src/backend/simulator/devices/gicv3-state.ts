/** The state of the GICv3 for snapshots, in the words of KVM's vGIC: a snapshot of one fits the other. */
import { encodingNumber } from '../../../arm/index.ts';
import { GIC_REDISTRIBUTOR_SIZE } from '../../board.ts';
import { type GicRegister, Group, Offset, registersV3, SGI_FRAME } from '../../gic-registers.ts';
import { registerName, vgicName } from '../../gic-state.ts';
import { type InterruptBank, PRIVATE } from './gic-bank.ts';
import type { Gicv3 } from './gicv3.ts';
import { Distributor, Redistributors } from './gicv3-frames.ts';
import { gicv3RegistersByNumber } from './gicv3-registers.ts';
import { SimulatedGicState } from './simulated-gic-state.ts';

const ICC_CTLR_EL1 = encodingNumber([3, 0, 12, 12, 4]);
const GICR_CTLR = 0;
/** ICC_CTLR_EL1 but CBPR, EOImode and PRIbits: how wide numbers may be that this board does not have. */
const CTLR_WIDTHS = 0xc_f800n;
/** GICR_CTLR.CES and IR: what is there of LPIs, of which neither has any. */
const LPI_ABILITIES = 6n;
const ALL = (1n << 64n) - 1n;
const AFFINITY = 2 ** 32;

export class Gicv3State extends SimulatedGicState<Gicv3> {
  private readonly distributor: Distributor;
  private readonly redistributors: Redistributors;

  constructor(gic: Gicv3, drive: () => void) {
    super(vgicName(3), gic, drive);
    this.distributor = new Distributor(gic);
    this.redistributors = new Redistributors(gic);
  }

  protected registers(): GicRegister[] {
    const control = gicv3RegistersByNumber.get(ICC_CTLR_EL1)!.read!(this.gic, 0);
    return registersV3(this.gic.affinities.map((affinity) => ({ cpu: affinity * AFFINITY, control })));
  }

  protected override compared({ group, attribute }: GicRegister): bigint {
    const offset = attribute % AFFINITY;
    if (group === Group.CPU_SYSREGS && offset === ICC_CTLR_EL1) return ALL ^ CTLR_WIDTHS;
    return group === Group.REDIST_REGS && offset === GICR_CTLR ? ALL ^ LPI_ABILITIES : ALL;
  }

  protected get({ group, attribute }: GicRegister): bigint {
    const { cpu, offset } = this.place(attribute);
    const raw = this.raw(group, cpu, offset);
    if (raw) return BigInt(raw.words[raw.at] >>> 0);
    switch (group) {
      case Group.DIST_REGS:
        return BigInt(this.distributor.readRegister(offset));
      case Group.REDIST_REGS:
        return BigInt(this.redistributors.readRegister(cpu * GIC_REDISTRIBUTOR_SIZE + offset));
      default:
        return gicv3RegistersByNumber.get(offset)!.read!(this.gic, cpu);
    }
  }

  protected set(register: GicRegister, attribute: number, value: bigint): string | undefined {
    const { group } = register;
    const { cpu, offset } = this.place(attribute);
    const low = Number(value & 0xffff_ffffn);
    const raw = this.raw(group, cpu, offset);
    if (raw) raw.words[raw.at] = low;
    else if (group === Group.DIST_REGS && offset === Offset.IIDR) this.gic.iidr = low;
    else if (group === Group.DIST_REGS) this.distributor.writeRegister(offset, low);
    else if (group === Group.REDIST_REGS) this.redistributors.writeRegister(cpu * GIC_REDISTRIBUTOR_SIZE + offset, low);
    else {
      const { write } = gicv3RegistersByNumber.get(offset)!;
      if (!write) return `${registerName(register)} is read-only`;
      write(this.gic, cpu, value);
    }
    return undefined;
  }

  /** The CPU that an attribute names, or the first, and the offset or the number. */
  private place(attribute: number): { readonly cpu: number; readonly offset: number } {
    const cpu = this.gic.affinities.indexOf(Math.floor(attribute / AFFINITY));
    return { cpu, offset: attribute % AFFINITY };
  }

  /** What no register of the guest shows by itself: what is pending without the lines, and the lines. */
  private raw(group: number, cpu: number, offset: number): { words: Int32Array; at: number } | undefined {
    const { shared, privates } = this.gic;
    if (group === Group.LEVEL_INFO) {
      const interrupt = offset & 0x3ff;
      return interrupt < PRIVATE
        ? { words: privates[cpu].level, at: 0 }
        : { words: shared.level, at: (interrupt - PRIVATE) >> 5 };
    }
    if (group === Group.DIST_REGS && offset >= Offset.ISPENDR && offset < Offset.ICPENDR)
      return latch(shared, ((offset - Offset.ISPENDR) >> 2) - 1);
    if (group === Group.REDIST_REGS && offset === SGI_FRAME + Offset.ISPENDR) return latch(privates[cpu], 0);
    return undefined;
  }
}

const latch = (bank: InterruptBank, at: number): { words: Int32Array; at: number } => ({ words: bank.latch, at });
