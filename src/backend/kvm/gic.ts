/**
 * The interrupt controller that KVM plays: a GICv3, or a GICv2 where the host's has no better.
 *
 * Linux Documentation/virt/kvm/devices/arm-vgic-v3.rst, arm-vgic.rst.
 */
import { GIC_CPU_INTERFACE, GIC_DISTRIBUTOR, GIC_INTERRUPTS, GIC_REDISTRIBUTORS, type GicVersion } from '../board.ts';
import type { Addon, Handle } from './addon.ts';
import { DeviceType, Ioctl, IRQ_TYPE_SPI, Vgic } from './constants.ts';
import { checked, KvmError } from './error.ts';

export interface KvmGic {
  readonly version: GicVersion;
  readonly handle: Handle;
}

/** The first shared interrupt. */
const FIRST_SPI = 32;

const bytes64 = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

/** Throws KvmError where KVM has none, or not the wanted one. All vCPUs must be there before `initialiseGic`. */
export function createGic(addon: Addon, vm: Handle, wanted?: GicVersion): KvmGic {
  for (const [version, type] of [
    [3, DeviceType.VGIC_V3],
    [2, DeviceType.VGIC_V2],
  ] as const) {
    if (wanted !== undefined && version !== wanted) continue;
    const handle = addon.createDevice(vm, type);
    if (typeof handle !== 'number') return { version, handle };
  }
  throw new KvmError(
    wanted === undefined
      ? 'this KVM plays neither a GICv3 nor a GICv2 interrupt controller'
      : `this KVM plays no GICv${wanted} interrupt controller`,
  );
}

/** Says where it lies, and how many interrupts it has. */
export function initialiseGic(addon: Addon, { version, handle }: KvmGic): void {
  const set = (group: number, attribute: number, value: Uint8Array | undefined) =>
    checked(addon.attribute(handle, Ioctl.KVM_SET_DEVICE_ATTR, group, attribute, value), `the vGIC v${version}`);
  if (version === 3) {
    set(Vgic.GRP_ADDR, Vgic.V3_ADDR_DIST, bytes64(GIC_DISTRIBUTOR));
    set(Vgic.GRP_ADDR, Vgic.V3_ADDR_REDIST, bytes64(GIC_REDISTRIBUTORS));
  } else {
    set(Vgic.GRP_ADDR, Vgic.V2_ADDR_DIST, bytes64(GIC_DISTRIBUTOR));
    set(Vgic.GRP_ADDR, Vgic.V2_ADDR_CPU, bytes64(GIC_CPU_INTERFACE));
  }
  set(Vgic.GRP_NR_IRQS, 0, bytes64(GIC_INTERRUPTS));
  set(Vgic.GRP_CTRL, Vgic.CTRL_INIT, undefined);
}

/** KVM_IRQ_LINE of a shared interrupt, counted from the first of them. */
export function setInterruptLine(addon: Addon, vm: Handle, spi: number, level: boolean): void {
  const bytes = new Uint8Array(8);
  const fields = new DataView(bytes.buffer);
  fields.setUint32(0, ((IRQ_TYPE_SPI << 24) | (FIRST_SPI + spi)) >>> 0, true);
  fields.setUint32(4, Number(level), true);
  addon.ioctl(vm, Ioctl.KVM_IRQ_LINE, bytes);
}
