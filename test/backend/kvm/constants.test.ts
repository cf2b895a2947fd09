/** Every number and offset of the KVM interface against the kernel's own headers, by the compiler for arm64. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import {
  Capability,
  DeviceType,
  ExitReason,
  GuestDebugControl,
  Ioctl,
  SystemEvent,
  VcpuFeature,
  Vgic,
} from '../../../src/backend/kvm/constants.ts';
import { EVENTS_BYTES, RUN_PAGE_BYTES } from '../../../src/backend/kvm/structures.ts';

type Names = Readonly<Record<string, number>>;
const asserts = (prefix: string, names: Names): string[] =>
  Object.entries(names).map(([name, value]) => `_Static_assert(${prefix}${name} == ${value}u, "${prefix}${name}");`);

/** Younger than the headers that the test may find. */
const { MEMORY_FAULT, ...exits } = ExitReason;
const { KVM_CAP_COUNTER_OFFSET, ...capabilities } = Capability;

const claims: Readonly<Record<string, readonly string[]>> = {
  ioctls: asserts('', Ioctl),
  capabilities: asserts('', capabilities),
  'features of a vCPU': asserts('KVM_ARM_VCPU_', VcpuFeature),
  exits: asserts('KVM_EXIT_', exits),
  'system events': asserts('KVM_SYSTEM_EVENT_', SystemEvent),
  'types of devices': asserts('KVM_DEV_TYPE_ARM_', DeviceType),
  'guest debug': asserts('KVM_GUESTDBG_', GuestDebugControl),
  'the vGIC': [
    `_Static_assert(KVM_DEV_ARM_VGIC_GRP_ADDR == ${Vgic.GRP_ADDR}, "");`,
    `_Static_assert(KVM_VGIC_V2_ADDR_TYPE_DIST == ${Vgic.V2_ADDR_DIST}, "");`,
    `_Static_assert(KVM_VGIC_V2_ADDR_TYPE_CPU == ${Vgic.V2_ADDR_CPU}, "");`,
    `_Static_assert(KVM_VGIC_V3_ADDR_TYPE_DIST == ${Vgic.V3_ADDR_DIST}, "");`,
    `_Static_assert(KVM_VGIC_V3_ADDR_TYPE_REDIST == ${Vgic.V3_ADDR_REDIST}, "");`,
    `_Static_assert(KVM_DEV_ARM_VGIC_GRP_NR_IRQS == ${Vgic.GRP_NR_IRQS}, "");`,
    `_Static_assert(KVM_DEV_ARM_VGIC_GRP_CTRL == ${Vgic.GRP_CTRL}, "");`,
    `_Static_assert(KVM_DEV_ARM_VGIC_CTRL_INIT == ${Vgic.CTRL_INIT}, "");`,
  ],
  'struct kvm_run': [
    ...[
      ['exit_reason', 8],
      ['mmio.phys_addr', 32],
      ['mmio.data', 40],
      ['mmio.len', 48],
      ['mmio.is_write', 52],
      ['debug.arch.hsr', 32],
      ['debug.arch.far', 40],
      ['system_event.type', 32],
      ['fail_entry.hardware_entry_failure_reason', 32],
      ['internal.suberror', 32],
      ['arm_nisv.fault_ipa', 40],
    ].map(([field, offset]) => `_Static_assert(offsetof(struct kvm_run, ${field}) == ${offset}, "${field}");`),
    `_Static_assert(${RUN_PAGE_BYTES} <= sizeof(struct kvm_run), "page");`,
  ],
  'struct kvm_vcpu_events': [
    `_Static_assert(sizeof(struct kvm_vcpu_events) == ${EVENTS_BYTES}, "size");`,
    '_Static_assert(offsetof(struct kvm_vcpu_events, exception.serror_has_esr) == 1, "has_esr");',
    '_Static_assert(offsetof(struct kvm_vcpu_events, exception.ext_dabt_pending) == 2, "ext_dabt");',
    '_Static_assert(offsetof(struct kvm_vcpu_events, exception.serror_esr) == 8, "esr");',
  ],
  'struct kvm_guest_debug': [
    '_Static_assert(offsetof(struct kvm_guest_debug, arch.dbg_bcr) == 8, "bcr");',
    '_Static_assert(offsetof(struct kvm_guest_debug, arch.dbg_bvr) == 136, "bvr");',
    '_Static_assert(offsetof(struct kvm_guest_debug, arch.dbg_wcr) == 264, "wcr");',
    '_Static_assert(offsetof(struct kvm_guest_debug, arch.dbg_wvr) == 392, "wvr");',
  ],
};

/** What the compiler says; nothing where all is well. */
function compile(lines: readonly string[]): string {
  const source = ['#include <stddef.h>', '#include <linux/kvm.h>', ...lines, ''].join('\n');
  try {
    execFileSync('aarch64-linux-gnu-gcc', ['-std=gnu11', '-fsyntax-only', '-x', 'c', '-'], {
      input: source,
      stdio: 'pipe',
    });
    return '';
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error);
  }
}

describe('the kernel agrees about', () => {
  test.each(Object.keys(claims))('%s', (name) => {
    expect(claims[name].length).toBeGreaterThan(1);
    expect(compile(claims[name])).toBe('');
  });

  test('younger numbers are as documented', () => {
    expect([MEMORY_FAULT, KVM_CAP_COUNTER_OFFSET]).toEqual([39, 227]);
  });

  test('and would object', () => {
    expect(compile(['_Static_assert(KVM_EXIT_MMIO == 7u, "KVM_EXIT_MMIO");'])).toContain('KVM_EXIT_MMIO');
  });
});
