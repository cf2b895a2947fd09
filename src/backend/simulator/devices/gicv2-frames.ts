/**
 * The registers of a GICv2: the distributor and the CPU interface, as one CPU finds them. What is reserved reads as zero
 * and ignores writes; every register can be accessed by bytes and halfwords.
 *
 * Arm GIC Architecture Specification, version 2.0, IHI 0048, 4.3 "Distributor register descriptions", 4.4 "CPU interface
 * register descriptions".
 */
import { GIC_CPU_INTERFACE, GIC_DISTRIBUTOR, GIC_INTERRUPTS } from '../../board.ts';
import type { Device, MappedDevice } from '../../devices/device.ts';
import type { Group } from './gic-cpu-interface.ts';
import { Frame, isCommon, partMask } from './gic-frame.ts';
import type { Gicv2 } from './gicv2.ts';

const Dist = {
  CTLR: 0,
  TYPER: 4,
  IIDR: 8,
  ITARGETSR: 0x800,
  ICFGR: 0xc00,
  SGIR: 0xf00,
  CPENDSGIR: 0xf10,
  SPENDSGIR: 0xf20,
  SPENDSGIR_END: 0xf30,
  IDREGS: 0xfd0,
} as const;

/** GICC_CTLR. */
const Control = { AckCtl: 1 << 2, FIQEn: 1 << 3, CBPR: 1 << 4, EOImode: 1 << 9 } as const;
/** GICC_IIDR: a CPU interface of version 2 by Arm. */
const INTERFACE_IIDR = 0x0002_043b;

/** PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3: a GIC-400. */
const identification = [0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1];

/** The four bytes of a register, each by a function of its place. */
function gather(first: number, byte: (at: number) => number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) value |= byte(first + i) << (8 * i);
  return value >>> 0;
}

function scatter(first: number, value: number, mask: number, set: (at: number, byte: number) => void): void {
  for (let i = 0; i < 4; i++) if ((mask >>> (8 * i)) & 0xff) set(first + i, (value >>> (8 * i)) & 0xff);
}

/** Registers that take narrow accesses: a write says by a mask which bits it reaches. */
abstract class Registers implements Device {
  protected readonly gic: Gicv2;
  protected readonly cpu: number;

  constructor(gic: Gicv2, cpu: number) {
    this.gic = gic;
    this.cpu = cpu;
  }

  abstract readRegister(offset: number): number;
  protected abstract writeMasked(offset: number, value: number, mask: number): void;

  writeRegister(offset: number, value: number): void {
    this.writeMasked(offset, value, -1);
  }

  readPart(offset: number, bytes: number): number {
    return (this.readRegister(offset & ~3) >>> (8 * (offset & 3))) & (bytes === 1 ? 0xff : 0xffff);
  }

  writePart(offset: number, bytes: number, value: number): void {
    this.writeMasked(offset & ~3, value << (8 * (offset & 3)), partMask(offset, bytes));
  }

  /** The whole GIC, whichever of its frames is told. */
  reset(): void {
    this.gic.reset();
  }
}

export class Distributor extends Registers {
  private readonly frame = new Frame(this.gic.privates[this.cpu], this.gic.shared);

  readRegister(offset: number): number {
    const { gic, cpu } = this;
    if (isCommon(offset)) return this.frame.read(offset);
    if (offset >= Dist.ITARGETSR && offset < Dist.ICFGR)
      return gather(offset - Dist.ITARGETSR, (interrupt) => gic.targetsOf(interrupt, cpu));
    if (offset >= Dist.CPENDSGIR && offset < Dist.SPENDSGIR_END)
      return gather(offset & 0xc, (interrupt) => gic.sources[cpu][interrupt]);
    if (offset >= Dist.IDREGS) return identification[(offset - Dist.IDREGS) >> 2];
    switch (offset) {
      case Dist.CTLR:
        return gic.groups;
      case Dist.TYPER:
        return (GIC_INTERRUPTS / 32 - 1) | ((gic.cpus - 1) << 5);
      case Dist.IIDR:
        return gic.iidr;
      default:
        return 0;
    }
  }

  protected writeMasked(offset: number, value: number, mask: number): void {
    const { gic, cpu } = this;
    if (isCommon(offset)) this.writeCommon(offset, value, mask);
    else if (offset >= Dist.ITARGETSR && offset < Dist.ICFGR)
      scatter(offset - Dist.ITARGETSR, value, mask, (interrupt, cpus) => gic.setTargets(interrupt, cpus));
    else if (offset >= Dist.CPENDSGIR && offset < Dist.SPENDSGIR_END)
      scatter(offset & 0xc, value, mask, (interrupt, cpus) => {
        const now = gic.sources[cpu][interrupt];
        gic.setSources(cpu, interrupt, offset < Dist.SPENDSGIR ? now & ~cpus : now | cpus);
      });
    else if (offset === Dist.CTLR && mask & 3) gic.groups = value & 3;
    else if (offset === Dist.SGIR && mask === -1) this.sendSgi(value);
    else return;
    gic.update();
  }

  /** SGIs are always enabled, and pending by SPENDSGIR only. */
  private writeCommon(offset: number, value: number, mask: number): void {
    const isFirst = (offset & 0x7f) === 0 && offset >= 0x100 && offset < 0x300;
    this.frame.write(offset, value, isFirst ? mask & ~0xffff : mask);
  }

  /** TargetListFilter, CPUTargetList, SGIINTID. */
  private sendSgi(value: number): void {
    const { gic, cpu } = this;
    const filters = [(value >> 16) & 0xff, ~(1 << cpu), 1 << cpu, 0];
    gic.sendSgi(cpu, value & 0xf, filters[(value >> 24) & 3]);
  }
}

interface InterfaceRegister {
  readonly read?: (gic: Gicv2, cpu: number) => number;
  readonly write?: (gic: Gicv2, cpu: number, value: number) => void;
}

const binaryPoint = (group: Group): InterfaceRegister => ({
  read: (gic, cpu) => gic.interfaces[cpu].binaryPoint[group],
  write: (gic, cpu, value) => gic.interfaces[cpu].setBinaryPoint(group, value),
});

const activePriorities = (group: Group): InterfaceRegister => ({
  read: (gic, cpu) => gic.interfaces[cpu].activePriorities[group] >>> 0,
  write: (gic, cpu, value) => {
    gic.interfaces[cpu].activePriorities[group] = value;
  },
});

const control: InterfaceRegister = {
  read: (gic, cpu) => {
    const { groups, commonBinaryPoint, splitsEnd } = gic.interfaces[cpu];
    const { acknowledgesBoth, groupZeroIsFiq } = gic.controls[cpu];
    return (
      groups |
      (acknowledgesBoth ? Control.AckCtl : 0) |
      (groupZeroIsFiq ? Control.FIQEn : 0) |
      (commonBinaryPoint ? Control.CBPR : 0) |
      (splitsEnd ? Control.EOImode : 0)
    );
  },
  write: (gic, cpu, value) => {
    const [one, more] = [gic.interfaces[cpu], gic.controls[cpu]];
    one.groups = value & 3;
    more.acknowledgesBoth = (value & Control.AckCtl) !== 0;
    more.groupZeroIsFiq = (value & Control.FIQEn) !== 0;
    one.commonBinaryPoint = (value & Control.CBPR) !== 0;
    one.splitsEnd = (value & Control.EOImode) !== 0;
  },
};

const endOfInterrupt: InterfaceRegister = { write: (gic, cpu, value) => gic.endOfInterrupt(cpu, value) };

/** By offset: GICC_CTLR, PMR, BPR, IAR, EOIR, RPR, HPPIR, ABPR, AIAR, AEOIR, AHPPIR, APR0, NSAPR0, IIDR, DIR. */
const interfaceRegisters: Readonly<Record<number, InterfaceRegister>> = {
  0: control,
  4: {
    read: (gic, cpu) => gic.interfaces[cpu].priorityMask,
    write: (gic, cpu, value) => gic.interfaces[cpu].setPriorityMask(value),
  },
  8: binaryPoint(0),
  12: { read: (gic, cpu) => gic.acknowledgeShown(cpu) },
  16: endOfInterrupt,
  20: { read: (gic, cpu) => gic.interfaces[cpu].runningPriority },
  24: { read: (gic, cpu) => gic.highestShown(cpu) },
  28: binaryPoint(1),
  32: { read: (gic, cpu) => gic.acknowledge(cpu, 1) },
  36: endOfInterrupt,
  40: { read: (gic, cpu) => gic.highestPending(cpu, 1) },
  208: activePriorities(0),
  224: activePriorities(1),
  252: { read: () => INTERFACE_IIDR },
  4096: {
    write: (gic, cpu, value) => {
      if (gic.interfaces[cpu].splitsEnd) gic.deactivate(cpu, value & 0x3ff);
    },
  },
};

export class CpuInterfaceFrame extends Registers {
  readRegister(offset: number): number {
    return interfaceRegisters[offset]?.read?.(this.gic, this.cpu) ?? 0;
  }

  /** No field of these registers crosses the lanes of what a narrow write reaches; the others are written as zeros. */
  protected writeMasked(offset: number, value: number, mask: number): void {
    interfaceRegisters[offset]?.write?.(this.gic, this.cpu, value & mask);
    this.gic.update();
  }
}

/** As the CPU of this index finds them. */
export const gicv2Frames = (gic: Gicv2, cpu: number): MappedDevice[] => [
  { base: GIC_DISTRIBUTOR, size: 0x1000, device: new Distributor(gic, cpu) },
  { base: GIC_CPU_INTERFACE, size: 0x2000, device: new CpuInterfaceFrame(gic, cpu) },
];
