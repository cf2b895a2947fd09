/**
 * Numbers of the KVM interface on arm64.
 *
 * Linux include/uapi/linux/kvm.h, arch/arm64/include/uapi/asm/kvm.h, include/uapi/asm-generic/ioctl.h.
 */

const KVMIO = 0xae;
/** An ioctl's number carries the direction and the size of its argument. */
const request = (direction: number, number: number, size: number): number =>
  ((direction << 30) | (size << 16) | (KVMIO << 8) | number) >>> 0;
/** The argument is a number. */
const io = (number: number): number => request(0, number, 0);
/** The kernel reads, */
const iow = (number: number, size: number): number => request(1, number, size);
/** writes, */
const ior = (number: number, size: number): number => request(2, number, size);
/** or does both with a structure of so many bytes. */
const iowr = (number: number, size: number): number => request(3, number, size);

export const Ioctl = {
  KVM_GET_API_VERSION: io(0x00),
  KVM_CHECK_EXTENSION: io(0x03),
  KVM_IRQ_LINE: iow(0x61, 8),
  KVM_GET_MP_STATE: ior(0x98, 4),
  KVM_SET_MP_STATE: iow(0x99, 4),
  KVM_SET_GUEST_DEBUG: iow(0x9b, 520),
  KVM_GET_VCPU_EVENTS: ior(0x9f, 64),
  KVM_SET_VCPU_EVENTS: iow(0xa0, 64),
  KVM_ENABLE_CAP: iow(0xa3, 104),
  KVM_ARM_VCPU_INIT: iow(0xae, 32),
  KVM_ARM_PREFERRED_TARGET: ior(0xaf, 32),
  KVM_ARM_VCPU_FINALIZE: iow(0xc2, 4),
  KVM_CREATE_DEVICE: iowr(0xe0, 12),
  KVM_SET_DEVICE_ATTR: iow(0xe1, 24),
  KVM_GET_DEVICE_ATTR: iow(0xe2, 24),
  KVM_HAS_DEVICE_ATTR: iow(0xe3, 24),
} as const;

export const API_VERSION = 12;

/** Capabilities, as KVM_CHECK_EXTENSION knows them. */
export const Capability = {
  KVM_CAP_SET_GUEST_DEBUG: 23,
  KVM_CAP_VCPU_EVENTS: 41,
  KVM_CAP_ONE_REG: 70,
  KVM_CAP_ARM_EL1_32BIT: 93,
  KVM_CAP_GUEST_DEBUG_HW_BPS: 119,
  KVM_CAP_GUEST_DEBUG_HW_WPS: 120,
  KVM_CAP_ARM_PMU_V3: 126,
  KVM_CAP_IMMEDIATE_EXIT: 136,
  KVM_CAP_ARM_INJECT_SERROR_ESR: 158,
  KVM_CAP_ARM_VM_IPA_SIZE: 165,
  KVM_CAP_ARM_SVE: 170,
  KVM_CAP_ARM_PTRAUTH_ADDRESS: 171,
  KVM_CAP_ARM_PTRAUTH_GENERIC: 172,
  KVM_CAP_ARM_NISV_TO_USER: 177,
  KVM_CAP_ARM_INJECT_EXT_DABT: 178,
  KVM_CAP_ARM_MTE: 205,
  KVM_CAP_COUNTER_OFFSET: 227,
} as const;

/** Bits of struct kvm_vcpu_init.features. */
export const VcpuFeature = {
  POWER_OFF: 0,
  EL1_32BIT: 1,
  PSCI_0_2: 2,
  PMU_V3: 3,
  SVE: 4,
  PTRAUTH_ADDRESS: 5,
  PTRAUTH_GENERIC: 6,
} as const;

export const ExitReason = {
  DEBUG: 4,
  MMIO: 6,
  FAIL_ENTRY: 9,
  INTR: 10,
  INTERNAL_ERROR: 17,
  SYSTEM_EVENT: 24,
  ARM_NISV: 28,
  MEMORY_FAULT: 39,
} as const;

export const SystemEvent = { SHUTDOWN: 1, RESET: 2, CRASH: 3 } as const;

/** Bits of struct kvm_guest_debug.control. */
export const GuestDebugControl = { ENABLE: 1, SINGLESTEP: 2, USE_SW_BP: 1 << 16, USE_HW: 1 << 17 } as const;

/** Types of KVM_CREATE_DEVICE. */
export const DeviceType = { VGIC_V2: 5, VGIC_V3: 7 } as const;

/** Groups and attributes of a vGIC, KVM_DEV_ARM_VGIC_*. */
export const Vgic = {
  GRP_ADDR: 0,
  V2_ADDR_DIST: 0,
  V2_ADDR_CPU: 1,
  V3_ADDR_DIST: 2,
  V3_ADDR_REDIST: 3,
  GRP_NR_IRQS: 3,
  GRP_CTRL: 4,
  CTRL_INIT: 0,
} as const;

/** Attributes of a vCPU, KVM_ARM_VCPU_PMU_V3_*. */
export const VcpuPmu = { CTRL: 0, IRQ: 0, INIT: 1 } as const;

/** The type of a line in KVM_IRQ_LINE: a shared interrupt. */
export const IRQ_TYPE_SPI = 1;
