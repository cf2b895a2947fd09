/** What the host's KVM can do: what a machine is made of, and what `doctor` tells. */
import { Errno } from '../vcpu.ts';
import type { Addon, Handle } from './addon.ts';
import { API_VERSION, Capability, Ioctl } from './constants.ts';
import { checked, KvmError, made } from './error.ts';

export const KVM_DEVICE = '/dev/kvm';

const EACCES = 13;

const openAdvice: Readonly<Record<number, string>> = {
  [Errno.ENOENT]:
    'the kernel offers no virtualisation: it was booted at EL1 (as in most virtual machines), or has no KVM',
  [EACCES]: 'you may not open it: add yourself to its group (sudo usermod -aG kvm $USER) and log in again',
  [Errno.EPERM]: 'you may not open it: add yourself to its group (sudo usermod -aG kvm $USER) and log in again',
};

/** Throws KvmError. */
export function openKvm(addon: Addon, path = KVM_DEVICE): Handle {
  const system = made(addon.open(path), path, openAdvice);
  const version = addon.ioctl(system, Ioctl.KVM_GET_API_VERSION, 0);
  if (version === API_VERSION) return system;
  addon.close(system);
  throw new KvmError(`${path} speaks version ${version} of the KVM interface, and ${API_VERSION} is needed`);
}

/** 0: not there. Otherwise 1, or how many. */
export const capability = (addon: Addon, handle: Handle, number: number): number =>
  Math.max(0, addon.ioctl(handle, Ioctl.KVM_CHECK_EXTENSION, number));

/** Without these there is no debugging, or no way to stop a guest. */
const needed: readonly (keyof typeof Capability)[] = [
  'KVM_CAP_ONE_REG',
  'KVM_CAP_SET_GUEST_DEBUG',
  'KVM_CAP_VCPU_EVENTS',
  'KVM_CAP_IMMEDIATE_EXIT',
];

/** Throws KvmError. */
export function requireCapabilities(addon: Addon, system: Handle): void {
  const missing = needed.filter((name) => capability(addon, system, Capability[name]) === 0);
  if (missing.length > 0) throw new KvmError(`this kernel's KVM has no ${missing.join(', ')}: a newer one is needed`);
}

/** KVM_ENABLE_CAP, of a capability without arguments. */
export function enableCapability(addon: Addon, vm: Handle, number: number): void {
  const bytes = new Uint8Array(104);
  new DataView(bytes.buffer).setUint32(0, number, true);
  checked(addon.ioctl(vm, Ioctl.KVM_ENABLE_CAP, bytes), 'KVM_ENABLE_CAP');
}
