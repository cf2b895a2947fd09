/** A virtual CPU of KVM: every method is ioctls on its file descriptor, made by its thread. */
import { encodingNumber } from '../../arm/index.ts';
import type { Bus } from '../devices/bus.ts';
import { errnoText } from '../errors.ts';
import { idName, idWords, sysregId } from '../kvm-ids.ts';
import { Errno, type Exit, type GuestDebug, type Vcpu, type VcpuEvents } from '../vcpu.ts';
import type { Addon, Handle } from './addon.ts';
import { ExitReason, Ioctl } from './constants.ts';
import { checked, KvmError, made } from './error.ts';
import { exitOf, runFailed } from './exits.ts';
import { decodeEvents, EVENTS_BYTES, encodeEvents, encodeGuestDebug, RunPage } from './structures.ts';

/** So many microseconds a run is waited for; a step even longer, because it always ends soon. */
const WAIT = 200;
const STEP_WAIT = 5000;
/** Devices are answered at once for so many milliseconds; then others get their turn. */
const SLICE = 2;
/** KVM_RUN goes on. */
const PENDING = 1;
/** KVM_RUN wants to be called again. */
const EAGAIN = 11;

const interrupted: Exit = { kind: 'interrupted' };

/** What a vCPU is made of. */
export interface KvmVcpuParts {
  readonly handle: Handle;
  /** The bytes of KVM_ARM_VCPU_INIT. */
  readonly init: Uint8Array;
}

/** The virtual counter of the machine where it stands still: what registers show then, and take. */
export interface StoppedClock {
  virtualTime: bigint | undefined;
}

const CNTVCT_EL0 = sysregId(encodingNumber([3, 3, 14, 0, 2]));

export interface KvmVcpuOptions {
  readonly addon: Addon;
  readonly index: number;
  readonly bus: Bus;
  readonly clock: StoppedClock;
  /** What the guest has sent goes out whenever it leaves off. */
  readonly flush: () => void;
  /** What a user should know that no debugger asks for. */
  readonly log: (message: string) => void;
}

export class KvmVcpu implements Vcpu {
  readonly index: number;
  readonly #options: KvmVcpuOptions;
  readonly #addon: Addon;
  readonly #page = new RunPage();
  #parts: KvmVcpuParts | undefined;
  #registerIds: BigUint64Array | undefined;
  #isStepping: boolean = false;
  /** Ends the run in progress. */
  #finish: ((exit: Exit) => void) | undefined;
  readonly #value = new BigUint64Array(1);
  readonly #error = new Int32Array(1);
  #reads = new Uint8Array();
  #writes = new Uint8Array();

  constructor(options: KvmVcpuOptions) {
    this.index = options.index;
    this.#options = options;
    this.#addon = options.addon;
  }

  /** Another vCPU takes this one's place: the machine was made anew. */
  attach(parts: KvmVcpuParts): void {
    this.#parts = parts;
    this.#isStepping = false;
    // The kernel lists them group by group.
    this.#registerIds ??= made(this.#addon.registerList(parts.handle), 'KVM_GET_REG_LIST').sort();
  }

  /** A run in progress ends as interrupted. */
  detach(): void {
    if (!this.#parts) return;
    this.#addon.close(this.#parts.handle);
    this.#parts = undefined;
    this.#finish?.(interrupted);
  }

  get #handle(): Handle {
    if (!this.#parts) throw new Error('the machine was closed');
    return this.#parts.handle;
  }

  /** KVM_RUN announced its end, on this handle: it may be one that is gone. */
  ended(handle: Handle): void {
    if (this.#parts?.handle !== handle) return;
    const exit = this.#answered(this.#addon.exit(this.#handle, this.#page.bytes)) ?? this.#go();
    if (exit) this.#finish?.(exit);
  }

  get registerIds(): BigUint64Array {
    if (!this.#registerIds) throw new Error('the vCPU was never attached');
    return this.#registerIds;
  }

  getRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    if (this.#reads.length < count) this.#reads = new Uint8Array(ids.length);
    return this.transferRegisters(this.#reads, ids, values, errnos, count);
  }

  setRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    if (this.#writes.length < count) this.#writes = new Uint8Array(ids.length).fill(1);
    return this.transferRegisters(this.#writes, ids, values, errnos, count);
  }

  transferRegisters(
    writes: Uint8Array,
    ids: BigUint64Array,
    values: BigUint64Array,
    errnos: Int32Array,
    count: number,
  ): number {
    const failures = this.#addon.registers(this.#handle, writes, ids, values, errnos, count);
    if (failures >= 0) {
      if (this.#options.clock.virtualTime !== undefined) this.#showStoppedClock(writes, ids, values, errnos, count);
      return failures;
    }
    // Nothing was asked for: the vCPU runs, or the values have no room.
    errnos.fill(-failures, 0, count);
    return count;
  }

  /** KVM's counter goes on while the machine stands still, and is set to this value when it goes on. */
  #showStoppedClock(
    writes: Uint8Array,
    ids: BigUint64Array,
    values: BigUint64Array,
    errnos: Int32Array,
    count: number,
  ): void {
    const { clock } = this.#options;
    for (let i = 0, at = 0; i < count; at += idWords(ids[i]), i++) {
      if (ids[i] !== CNTVCT_EL0 || errnos[i] !== 0) continue;
      if (writes[i] === 1) clock.virtualTime = values[at];
      else values[at] = clock.virtualTime!;
    }
  }

  /** The virtual counter as KVM has it. */
  get counter(): bigint {
    return this.read(CNTVCT_EL0);
  }

  set counter(value: bigint) {
    this.write(CNTVCT_EL0, value);
  }

  /** One register of up to 64 bits. Throws KvmError. */
  read(id: bigint): bigint {
    const errno = this.#one(0, id);
    if (errno !== 0) throw new KvmError(`${idName(id)} cannot be read: ${errnoText(errno)}`, errno);
    return this.#value[0];
  }

  write(id: bigint, value: bigint): void {
    this.#value[0] = value;
    const errno = this.#one(1, id);
    if (errno !== 0) throw new KvmError(`${idName(id)} cannot be written: ${errnoText(errno)}`, errno);
  }

  #one(write: 0 | 1, id: bigint): number {
    this.transferRegisters(Uint8Array.of(write), BigUint64Array.of(id), this.#value, this.#error, 1);
    return this.#error[0];
  }

  /** KVM_SET_DEVICE_ATTR. Throws KvmError. */
  setAttribute(group: number, attribute: number, value: Uint8Array | undefined): void {
    const answer = this.#addon.attribute(this.#handle, Ioctl.KVM_SET_DEVICE_ATTR, group, attribute, value);
    checked(answer, `attribute ${group}/${attribute} of the vCPU`);
  }

  getEvents(): VcpuEvents {
    const bytes = new Uint8Array(EVENTS_BYTES);
    checked(this.#addon.ioctl(this.#handle, Ioctl.KVM_GET_VCPU_EVENTS, bytes), 'KVM_GET_VCPU_EVENTS');
    return decodeEvents(bytes);
  }

  setEvents(events: VcpuEvents): number {
    return this.#errno(Ioctl.KVM_SET_VCPU_EVENTS, encodeEvents(events));
  }

  getMpState(): number {
    const bytes = new Uint8Array(4);
    checked(this.#addon.ioctl(this.#handle, Ioctl.KVM_GET_MP_STATE, bytes), 'KVM_GET_MP_STATE');
    return bytes[0];
  }

  setMpState(state: number): number {
    return this.#errno(Ioctl.KVM_SET_MP_STATE, Uint8Array.of(state, 0, 0, 0));
  }

  setGuestDebug(debug: GuestDebug): number {
    const errno = this.#errno(Ioctl.KVM_SET_GUEST_DEBUG, encodeGuestDebug(debug));
    if (errno === 0) this.#isStepping = debug.enable && debug.singleStep;
    return errno;
  }

  #errno(request: number, bytes: Uint8Array): number {
    return Math.max(0, -this.#addon.ioctl(this.#handle, request, bytes));
  }

  run(): Exit | Promise<Exit> {
    const exit = this.#go();
    if (exit) return exit;
    return new Promise((resolve) => {
      this.#finish = (late) => {
        this.#finish = undefined;
        resolve(late);
      };
    });
  }

  /** Runs until an exit that is not for a device. Undefined: that comes later, by `ended` or by another turn. */
  #go(): Exit | undefined {
    const end = performance.now() + SLICE;
    do {
      const answer = this.#addon.run(this.#handle, this.#page.bytes, this.#isStepping ? STEP_WAIT : WAIT);
      if (answer === PENDING) {
        this.#options.flush();
        return undefined;
      }
      const exit = this.#answered(answer);
      if (exit) return exit;
    } while (performance.now() < end);
    this.#options.flush();
    const parts = this.#parts;
    setImmediate(() => {
      if (this.#parts !== parts || !this.#finish) return;
      const exit = this.#go();
      if (exit) this.#finish?.(exit);
    });
    return undefined;
  }

  /** The exit that KVM_RUN's answer is; undefined: a device was asked, and the guest goes on. */
  #answered(answer: number): Exit | undefined {
    if (answer === -EAGAIN) return undefined;
    const { exitReason } = this.#page;
    if (answer === 0 && exitReason === ExitReason.MMIO) return this.#mmio();
    if (answer === 0 && exitReason === ExitReason.ARM_NISV) return this.#undecoded();
    this.#options.flush();
    if (answer === -Errno.EINTR) return interrupted;
    return answer < 0 ? runFailed(-answer) : exitOf(this.#page);
  }

  /** The access is completed by the next KVM_RUN, and every exit that is shown comes from a later one. */
  #mmio(): Exit | undefined {
    const page = this.#page;
    const address = Number(page.mmioAddress);
    const { bus } = this.#options;
    const answered = page.mmioIsWrite ? bus.writeFrom(address, page.mmioData) : bus.readInto(address, page.mmioData);
    return answered ? undefined : this.#externalAbort();
  }

  #undecoded(): Exit | undefined {
    const address = this.#page.undecodedAddress;
    this.#options.log(
      `the guest accessed 0x${address.toString(16)} by an instruction that KVM cannot decode: it gets an external abort`,
    );
    return this.#externalAbort();
  }

  /** Where there is no device the bus answers with an external abort. KVM knows the address. */
  #externalAbort(): Exit | undefined {
    const errno = this.setEvents({ serrorPending: false, serrorHasEsr: false, serrorEsr: 0n, extDabtPending: true });
    if (errno !== 0)
      return {
        kind: 'mmio',
        address: this.#page.mmioAddress,
        data: this.#page.mmioData,
        write: this.#page.mmioIsWrite,
      };
    // Before Linux 6.13 the kernel would go on to complete the access, too, and so spoil the exception.
    this.#page.exitReason = ExitReason.INTR;
    return undefined;
  }

  reset(): void {
    checked(this.#addon.ioctl(this.#handle, Ioctl.KVM_ARM_VCPU_INIT, this.#parts!.init), 'KVM_ARM_VCPU_INIT');
    this.#isStepping = false;
  }

  kick(): void {
    if (this.#parts) this.#addon.kick(this.#parts.handle);
  }
}
