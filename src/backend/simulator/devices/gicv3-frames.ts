/**
 * The registers of a GICv3 in memory: the distributor's frame, and two frames for each redistributor. What is reserved,
 * or not there at this width, reads as zero and ignores writes.
 *
 * Arm GIC Architecture Specification, IHI 0069, "The GIC Distributor register descriptions", "The GIC Redistributor
 * register descriptions".
 */
import { GIC_DISTRIBUTOR, GIC_INTERRUPTS, GIC_REDISTRIBUTOR_SIZE, GIC_REDISTRIBUTORS } from '../../board.ts';
import type { Device, MappedDevice } from '../../devices/device.ts';
import { PRIVATE } from './gic-bank.ts';
import { Frame, isCommon, isPriority, partMask } from './gic-frame.ts';
import type { Gicv3 } from './gicv3.ts';

const Offset = { CTLR: 0, TYPER: 4, IIDR: 8, IROUTER: 0x6000, IROUTER_END: 0x8000, IDREGS: 0xffd0 } as const;
const RedistributorOffset = { IIDR: 4, TYPER: 8, TYPER_HIGH: 0xc, WAKER: 0x14 } as const;
const SGI_FRAME = 0x1_0000;

/** GICD_CTLR: affinity routing, and one security state. */
const ARE_DS = (1 << 4) | (1 << 6);
/** GICD_TYPER: ITLinesNumber; IDbits 16; A3V, because affinities have level 3; No1N, because IROUTER has no IRM. */
const TYPER = (GIC_INTERRUPTS / 32 - 1) | (0xf << 19) | (1 << 24) | (1 << 25);
/** GICR_TYPER.Last. */
const LAST = 1 << 4;
/** GICR_WAKER: ProcessorSleep and ChildrenAsleep. */
const ASLEEP = 6;
const PROCESSOR_SLEEP = 2;

/** PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3: a GICv3 by Arm. */
const identification = [0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1];
const REDISTRIBUTOR_PIDR0 = 0x93;

/** Registers of which only the priorities can be accessed by bytes, and nothing by halfwords. */
abstract class NarrowPriorities implements Device {
  abstract readRegister(offset: number): number;
  protected abstract writeMasked(offset: number, value: number, mask: number): void;
  /** The offset in the common frame. */
  protected abstract common(offset: number): number;
  abstract reset(): void;

  writeRegister(offset: number, value: number): void {
    this.writeMasked(offset, value, -1);
  }

  readPart(offset: number, bytes: number): number {
    if (bytes !== 1 || !isPriority(this.common(offset))) return 0;
    return (this.readRegister(offset & ~3) >>> (8 * (offset & 3))) & 0xff;
  }

  writePart(offset: number, bytes: number, value: number): void {
    if (bytes !== 1 || !isPriority(this.common(offset))) return;
    this.writeMasked(offset & ~3, value << (8 * (offset & 3)), partMask(offset, bytes));
  }
}

export class Distributor extends NarrowPriorities {
  private readonly gic: Gicv3;
  private readonly frame: Frame;

  constructor(gic: Gicv3) {
    super();
    this.gic = gic;
    this.frame = new Frame(undefined, gic.shared);
  }

  /** The whole GIC: its other frames have nothing to do then. */
  reset(): void {
    this.gic.reset();
  }

  protected common(offset: number): number {
    return offset;
  }

  readRegister(offset: number): number {
    if (isCommon(offset)) return this.frame.read(offset);
    if (offset >= Offset.IROUTER && offset < Offset.IROUTER_END) return this.readRoute(offset);
    if (offset >= Offset.IDREGS) return identification[(offset - Offset.IDREGS) >> 2];
    switch (offset) {
      case Offset.CTLR:
        return ARE_DS | this.gic.groups;
      case Offset.TYPER:
        return TYPER;
      case Offset.IIDR:
        return this.gic.iidr;
      default:
        return 0;
    }
  }

  protected writeMasked(offset: number, value: number, mask: number): void {
    if (offset === Offset.CTLR) this.gic.groups = value & 3;
    else if (isCommon(offset)) this.frame.write(offset, value, mask);
    else if (offset >= Offset.IROUTER && offset < Offset.IROUTER_END) this.writeRoute(offset, value);
    else return;
    this.gic.update();
  }

  private readRoute(offset: number): number {
    const index = routeIndex(offset);
    if (!isShared(index)) return 0;
    const affinity = this.gic.routeOf(index);
    return offset & 4 ? affinity >>> 24 : affinity & 0xff_ffff;
  }

  private writeRoute(offset: number, value: number): void {
    const index = routeIndex(offset);
    if (!isShared(index)) return;
    const affinity = this.gic.routeOf(index);
    if (offset & 4) this.gic.route(index, ((value << 24) | (affinity & 0xff_ffff)) >>> 0);
    else this.gic.route(index, ((affinity & ~0xff_ffff) | (value & 0xff_ffff)) >>> 0);
  }
}

const routeIndex = (offset: number): number => ((offset - Offset.IROUTER) >> 3) - PRIVATE;
const isShared = (index: number): boolean => index >= 0 && index < GIC_INTERRUPTS - PRIVATE;

/** Those of all CPUs, one behind the other. */
export class Redistributors extends NarrowPriorities {
  private readonly gic: Gicv3;
  private readonly frames: readonly Frame[];

  constructor(gic: Gicv3) {
    super();
    this.gic = gic;
    this.frames = gic.privates.map((bank) => new Frame(bank, undefined));
  }

  reset(): void {}

  protected common(offset: number): number {
    const inFrames = offset % GIC_REDISTRIBUTOR_SIZE;
    return inFrames < SGI_FRAME ? 0 : inFrames - SGI_FRAME;
  }

  readRegister(offset: number): number {
    const cpu = Math.floor(offset / GIC_REDISTRIBUTOR_SIZE);
    const inFrames = offset % GIC_REDISTRIBUTOR_SIZE;
    if (inFrames >= SGI_FRAME) return this.readPrivate(cpu, inFrames - SGI_FRAME);
    if (inFrames >= Offset.IDREGS) {
      const at = (inFrames - Offset.IDREGS) >> 2;
      return at === 4 ? REDISTRIBUTOR_PIDR0 : identification[at];
    }
    switch (inFrames) {
      case RedistributorOffset.IIDR:
        return this.gic.iidr;
      case RedistributorOffset.TYPER:
        return (cpu << 8) | (cpu === this.gic.affinities.length - 1 ? LAST : 0);
      case RedistributorOffset.TYPER_HIGH:
        return this.gic.affinities[cpu];
      case RedistributorOffset.WAKER:
        return this.gic.asleep[cpu] ? ASLEEP : 0;
      default:
        return 0;
    }
  }

  private readPrivate(cpu: number, offset: number): number {
    return isCommon(offset) ? this.frames[cpu].read(offset) : 0;
  }

  protected writeMasked(offset: number, value: number, mask: number): void {
    const cpu = Math.floor(offset / GIC_REDISTRIBUTOR_SIZE);
    const inFrames = offset % GIC_REDISTRIBUTOR_SIZE;
    if (inFrames === RedistributorOffset.WAKER) this.gic.asleep[cpu] = (value & PROCESSOR_SLEEP) !== 0;
    else if (inFrames >= SGI_FRAME && isCommon(inFrames - SGI_FRAME)) {
      this.frames[cpu].write(inFrames - SGI_FRAME, value, mask);
      this.gic.update();
    }
  }
}

export const gicv3Frames = (gic: Gicv3): MappedDevice[] => [
  { base: GIC_DISTRIBUTOR, size: 0x1_0000, device: new Distributor(gic) },
  {
    base: GIC_REDISTRIBUTORS,
    size: GIC_REDISTRIBUTOR_SIZE * gic.affinities.length,
    device: new Redistributors(gic),
  },
];
