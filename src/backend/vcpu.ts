/**
 * The port to a machine's CPU: what /dev/kvm offers for one vCPU, and no more. The KVM addon implements it with
 * ioctls, the simulator with its own register file and the kernel's rules, so that everything above is one path.
 *
 * Linux Documentation/virt/kvm/api.rst. Ids are KVM's 64-bit register ids (KVM_REG_ARM64 ...), unsigned.
 */

/** Linux errnos that the calls answer with. 0 is success. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  E2BIG: 7,
  ENOEXEC: 8,
  EBUSY: 16,
  EINVAL: 22,
  ENOSPC: 28,
} as const;

export interface Vcpu {
  /** From 0. */
  readonly index: number;
  /** KVM_GET_REG_LIST: ascending as unsigned numbers. The array is not changed after the vCPU was made. */
  readonly registerIds: BigUint64Array;
  /**
   * KVM_GET_ONE_REG for the first `count` ids. Values are packed in order, each taking as many 64-bit words as its
   * size needs (one up to U64, two for U128), little-endian. errnos[i] is 0 or why id i could not be read.
   * Returns the number of failures.
   */
  getRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number;
  /** KVM_SET_ONE_REG, likewise. A zero errno does not prove that the value stuck: only reading back does. */
  setRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number;
  /**
   * Reads, and writes where `writes` is 1, in this order and in one trip, where a trip to the machine costs something.
   * Values and errnos as above. A write right behind a failed read of the same register is not made and fails likewise.
   */
  transferRegisters?(
    writes: Uint8Array,
    ids: BigUint64Array,
    values: BigUint64Array,
    errnos: Int32Array,
    count: number,
  ): number;
  /**
   * The bits that this CPU keeps of a register once it runs: the others are RES0 in it. Absent where the machine does
   * not tell, as KVM, which shows its masks only after a run.
   */
  keptBits?(id: bigint): bigint;
  /** KVM_GET_VCPU_EVENTS. */
  getEvents(): VcpuEvents;
  /** KVM_SET_VCPU_EVENTS: an errno. Set after all registers. */
  setEvents(events: VcpuEvents): number;
  /** KVM_GET_MP_STATE, where the machine has one. */
  getMpState?(): number;
  /** KVM_SET_MP_STATE: an errno. Set last of all. */
  setMpState?(state: number): number;
  /** KVM_SET_GUEST_DEBUG: an errno. Replaces the former setting. */
  setGuestDebug(debug: GuestDebug): number;
  /** KVM_RUN. Answers at once when the exit comes within a small slice of work, otherwise later. */
  run(): Exit | Promise<Exit>;
  /** Makes a run in progress, or else the next one, exit with `interrupted` soon. */
  kick(): void;
  /** KVM_ARM_VCPU_INIT with the same target and features again: back to the reset state. */
  reset(): void;
}

/** struct kvm_vcpu_events of arm64. */
export interface VcpuEvents {
  serrorPending: boolean;
  serrorHasEsr: boolean;
  serrorEsr: bigint;
  extDabtPending: boolean;
}

/** struct kvm_guest_debug and kvm_guest_debug_arch. Register formats are the architecture's: Arm ARM, DBGBCR<n>_EL1 ... */
export interface GuestDebug {
  /** KVM_GUESTDBG_ENABLE: every debug exception of the guest, its own included, exits. */
  readonly enable: boolean;
  readonly singleStep: boolean;
  readonly useSoftwareBreakpoints: boolean;
  readonly useHardware: boolean;
  readonly breakpoints: readonly DebugSlot[];
  readonly watchpoints: readonly DebugSlot[];
}

export interface DebugSlot {
  readonly control: bigint;
  readonly value: bigint;
}

export type Exit =
  /** KVM_EXIT_DEBUG: the syndrome always in the form of a lower exception level (EC 0x30, 0x32, 0x34, 0x38, 0x3c). */
  | { readonly kind: 'debug'; readonly esr: number; readonly far: bigint }
  /** KVM_EXIT_SYSTEM_EVENT. */
  /** `code`: what the guest gives as the exit code of its program. */
  | { readonly kind: 'shutdown'; readonly code?: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'crash' }
  /** EINTR after a kick. */
  | { readonly kind: 'interrupted' }
  /** KVM_EXIT_MMIO: `data` is to be filled for a read before the next run. */
  | { readonly kind: 'mmio'; readonly address: bigint; readonly data: Uint8Array; readonly write: boolean }
  /** KVM_EXIT_INTERNAL_ERROR, KVM_EXIT_FAIL_ENTRY, or an errno of KVM_RUN: the machine cannot go on. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Guest physical memory and devices as a debugger reaches them, without side effects of a guest's access. */
export interface PhysicalMemory {
  /** The ranges of RAM, ascending. */
  readonly ranges: readonly { readonly start: bigint; readonly length: bigint }[];
  /** A view of RAM at a physical address, of at most `length` bytes up to the end of its range; undefined outside. */
  view(address: bigint, length: number): Uint8Array | undefined;
  /** Tells the machine that RAM was changed from outside: decoded code and caches of it are stale. */
  changed(address: bigint, length: number): void;
}

/** A part of a machine whose state is neither in the vCPUs' registers nor in RAM: what snapshots hold of it. */
export interface StatefulDevice {
  /** Another one when the words get another meaning. */
  readonly name: string;
  /** The architecture lets this state be lost: a machine without the device takes a snapshot of one with it. */
  readonly mayBeLost?: boolean;
  /** A string: why the machine does not tell. */
  save(): BigUint64Array | string;
  /** A string: why these words cannot be its state; nothing has changed then. */
  restore(words: BigUint64Array): string | undefined;
  /** Back to power-on, for a snapshot without it. */
  reset(): void;
}

/** What a machine has done since it was made. */
export interface Usage {
  /** Executed by each CPU. */
  readonly instructions: readonly number[];
  /** Whether each CPU waits for an interrupt or an event. */
  readonly waiting: readonly boolean[];
  /** Seconds of the host in which the guest might run, and those of them in which all CPUs waited. */
  readonly running: number;
  readonly asleep: number;
  /** Seconds of the guest since power-on. */
  readonly guestTime: number;
}

/** A machine: its CPUs and its memory. */
export interface Machine {
  readonly name: 'simulator' | 'kvm';
  /** The CPU's name, where the machine's user chose it. */
  readonly cpu?: string;
  readonly vcpus: readonly Vcpu[];
  readonly memory: PhysicalMemory;
  readonly hardwareBreakpoints: number;
  readonly hardwareWatchpoints: number;
  /** Absent where the machine does not count. */
  readonly usage?: Usage;
  /** The virtual counter stands still while no vCPU may run. */
  stopClock(): void;
  startClock(): void;
  /**
   * CNTVCT_EL0 where it stood at stopClock, for a machine whose counter itself goes on; undefined while the clock runs.
   * QEMU's kvm_vtime. Settable: startClock puts it into the counter.
   */
  virtualTime?: bigint;
  /** In the order in which they are restored, after the vCPUs. */
  readonly devices?: readonly StatefulDevice[];
  /** Back to power-on: devices, RAM as loaded, CPUs. */
  reset(): void;
  /**
   * Before a snapshot is put: all but RAM and the debugger's own devices made anew, where a reset of the vCPUs would
   * leave something of the old ones. What KVM_SET_GUEST_DEBUG was given is gone then. A string: why it cannot be done;
   * the machine is of no more use then.
   */
  renew?(): string | undefined;
  close(): void;
}
