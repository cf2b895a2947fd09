/**
 * The structures of the KVM interface, as bytes of a little-endian arm64.
 *
 * Linux include/uapi/linux/kvm.h, arch/arm64/include/uapi/asm/kvm.h.
 */
import type { DebugSlot, GuestDebug, VcpuEvents } from '../vcpu.ts';
import { GuestDebugControl } from './constants.ts';

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** struct kvm_vcpu_init: the target, and the features by their bits. */
export function vcpuInit(target: number, features: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(32);
  view(bytes).setUint32(0, target, true);
  view(bytes).setUint32(
    4,
    features.reduce((all, bit) => all | (1 << bit), 0),
    true,
  );
  return bytes;
}

/** The target of struct kvm_vcpu_init. */
export const targetOf = (init: Uint8Array): number => view(init).getUint32(0, true);

/** struct kvm_vcpu_events. */
export const EVENTS_BYTES = 64;

export function encodeEvents(events: VcpuEvents): Uint8Array {
  const bytes = new Uint8Array(EVENTS_BYTES);
  bytes[0] = Number(events.serrorPending);
  bytes[1] = Number(events.serrorHasEsr);
  bytes[2] = Number(events.extDabtPending);
  view(bytes).setBigUint64(8, events.serrorEsr, true);
  return bytes;
}

export const decodeEvents = (bytes: Uint8Array): VcpuEvents => ({
  serrorPending: bytes[0] !== 0,
  serrorHasEsr: bytes[1] !== 0,
  extDabtPending: bytes[2] !== 0,
  serrorEsr: view(bytes).getBigUint64(8, true),
});

/** Slots of each kind in struct kvm_guest_debug_arch. */
const SLOTS = 16;
const GUEST_DEBUG_BYTES = 8 + 4 * SLOTS * 8;

function putSlots(bytes: DataView, at: number, slots: readonly DebugSlot[]): void {
  for (const [n, { control, value }] of slots.slice(0, SLOTS).entries()) {
    bytes.setBigUint64(at + 8 * n, control, true);
    bytes.setBigUint64(at + 8 * (SLOTS + n), value, true);
  }
}

/** struct kvm_guest_debug: control registers before value registers, breakpoints before watchpoints. */
export function encodeGuestDebug(debug: GuestDebug): Uint8Array {
  const { ENABLE, SINGLESTEP, USE_SW_BP, USE_HW } = GuestDebugControl;
  const bytes = new Uint8Array(GUEST_DEBUG_BYTES);
  if (!debug.enable) return bytes;
  const fields = view(bytes);
  const control =
    ENABLE |
    (debug.singleStep ? SINGLESTEP : 0) |
    (debug.useSoftwareBreakpoints ? USE_SW_BP : 0) |
    (debug.useHardware ? USE_HW : 0);
  fields.setUint32(0, control, true);
  putSlots(fields, 8, debug.breakpoints);
  putSlots(fields, 8 + 2 * SLOTS * 8, debug.watchpoints);
  return bytes;
}

export const RUN_PAGE_BYTES = 64;

/** struct kvm_run, from its start to the end of the exits that arm64 has. */
export class RunPage {
  readonly bytes = new Uint8Array(RUN_PAGE_BYTES);
  readonly #fields = view(this.bytes);
  /** The bytes that an MMIO access reads or writes. */
  readonly #data = this.bytes.subarray(40, 48);

  get exitReason(): number {
    return this.#fields.getUint32(8, true);
  }

  set exitReason(reason: number) {
    this.#fields.setUint32(8, reason, true);
  }

  get debugEsr(): number {
    return this.#fields.getUint32(32, true);
  }

  get debugFar(): bigint {
    return this.#fields.getBigUint64(40, true);
  }

  get mmioAddress(): bigint {
    return this.#fields.getBigUint64(32, true);
  }

  get mmioData(): Uint8Array {
    return this.#data.subarray(0, Math.min(this.#fields.getUint32(48, true), 8));
  }

  get mmioIsWrite(): boolean {
    return this.bytes[52] !== 0;
  }

  get systemEvent(): number {
    return this.#fields.getUint32(32, true);
  }

  get entryFailure(): bigint {
    return this.#fields.getBigUint64(32, true);
  }

  get internalError(): number {
    return this.#fields.getUint32(32, true);
  }

  /** Of an access that the kernel could not decode. */
  get undecodedAddress(): bigint {
    return this.#fields.getBigUint64(40, true);
  }
}
