/**
 * The state of the GICv2 for snapshots. The words are those of KVM's vGIC as far as it goes, and are not its: KVM has one
 * register for the active priorities of both groups, shifts the priority mask, and does not tell the lines.
 */
import { type GicRegister, Group, Offset, registersV2, word } from '../../gic-registers.ts';
import { PRIVATE } from './gic-bank.ts';
import type { Gicv2 } from './gicv2.ts';
import { CpuInterfaceFrame, Distributor } from './gicv2-frames.ts';
import { SimulatedGicState } from './simulated-gic-state.ts';

const CPU = 2 ** 32;
const NSAPR0 = 0xe0;

export class Gicv2State extends SimulatedGicState<Gicv2> {
  private readonly distributors: readonly Distributor[];
  private readonly interfaces: readonly CpuInterfaceFrame[];
  private readonly list: GicRegister[];

  constructor(gic: Gicv2, drive: () => void) {
    super('GICv2 of the simulator', gic, drive);
    this.distributors = gic.interfaces.map((_, cpu) => new Distributor(gic, cpu));
    this.interfaces = gic.interfaces.map((_, cpu) => new CpuInterfaceFrame(gic, cpu));
    this.list = [
      ...gic.privates.map((_, cpu) => word(Group.LEVEL_INFO, cpu * CPU)),
      ...Array.from(gic.shared.level, (_, n) => word(Group.LEVEL_INFO, PRIVATE + 32 * n)),
      ...registersV2(gic.cpus),
      ...gic.interfaces.map((_, cpu) => word(Group.CPU_REGS, cpu * CPU + NSAPR0)),
    ];
  }

  protected registers(): GicRegister[] {
    return this.list;
  }

  protected get({ group, attribute }: GicRegister): bigint {
    const [cpu, offset] = [Math.floor(attribute / CPU), attribute % CPU];
    const raw = this.raw(group, cpu, offset);
    if (raw) return BigInt(raw.words[raw.at] >>> 0);
    const frame = group === Group.CPU_REGS ? this.interfaces[cpu] : this.distributors[cpu];
    return BigInt(frame.readRegister(offset));
  }

  protected set({ group }: GicRegister, attribute: number, value: bigint): undefined {
    const [cpu, offset] = [Math.floor(attribute / CPU), attribute % CPU];
    const low = Number(value & 0xffff_ffffn);
    const raw = this.raw(group, cpu, offset);
    if (raw) raw.words[raw.at] = low;
    else if (group === Group.DIST_REGS && offset === Offset.IIDR) this.gic.iidr = low;
    else (group === Group.CPU_REGS ? this.interfaces[cpu] : this.distributors[cpu]).writeRegister(offset, low);
  }

  /** What no register of the guest shows by itself: what is pending without the lines, and the lines. */
  private raw(group: number, cpu: number, offset: number): { words: Int32Array; at: number } | undefined {
    const { shared, privates } = this.gic;
    const isLevel = group === Group.LEVEL_INFO;
    if (!isLevel && !(group === Group.DIST_REGS && offset >= Offset.ISPENDR && offset < Offset.ICPENDR))
      return undefined;
    const at = isLevel ? offset >> 5 : (offset - Offset.ISPENDR) >> 2;
    const bank = at === 0 ? privates[cpu] : shared;
    return { words: isLevel ? bank.level : bank.latch, at: Math.max(0, at - 1) };
  }
}
