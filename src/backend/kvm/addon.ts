/**
 * The addon in native/: /dev/kvm by ioctl numbers. What answers a number answers a negative errno when it fails; wrong
 * use throws a TypeError.
 */
import { createRequire } from 'node:module';

/** A file descriptor of KVM. It lives until `close`, and until those made from it are closed. */
export type Handle = { readonly __handle: unique symbol };

export interface Addon {
  open(path: string): Handle | number;
  /** KVM_CREATE_VM. */
  createVm(system: Handle, type: number): Handle | number;
  /** Zeroed RAM for guests, a multiple of 4096 bytes. It is freed when it is closed and no VM has it, or collected. */
  createMemory(size: number): ArrayBuffer | number;
  /** KVM_SET_USER_MEMORY_REGION; `readOnly` is 1 where writes are to exit. */
  setMemory(vm: Handle, slot: number, address: number, memory: ArrayBuffer, readOnly: 0 | 1): number;
  /** The same without memory: all accesses exit. */
  dropMemory(vm: Handle, slot: number): number;
  /** Bytes of RAM were changed from outside: data caches are cleaned, instruction caches invalidated. */
  clean(memory: ArrayBuffer, offset: number, length: number): void;
  /** KVM_CREATE_DEVICE. */
  createDevice(vm: Handle, type: number): Handle | number;
  /** KVM_CREATE_VCPU, and its thread. `ended` is called when a run has ended that did not answer at once. */
  createVcpu(vm: Handle, index: number, ended: () => void): Handle | number;
  /** A number as argument where the request says that it takes no structure; else its bytes. On the vCPU's thread. */
  ioctl(handle: Handle, request: number, argument: number | Uint8Array): number;
  /** KVM_SET_DEVICE_ATTR, _GET_ or _HAS_, by number. `value` has eight bytes. */
  attribute(handle: Handle, request: number, group: number, attribute: number, value: Uint8Array | undefined): number;
  /** KVM_GET_REG_LIST. */
  registerList(vcpu: Handle): BigUint64Array | number;
  /**
   * KVM_GET_ONE_REG or, where `writes` is 1, KVM_SET_ONE_REG of the first `count` ids, in order and in one trip to the
   * vCPU's thread. Values are packed, each of as many words as its id tells. Returns the number of failures.
   */
  registers(
    vcpu: Handle,
    writes: Uint8Array,
    ids: BigUint64Array,
    values: BigUint64Array,
    errnos: Int32Array,
    count: number,
  ): number;
  /**
   * KVM_RUN. `page` is the first 64 bytes of struct kvm_run; from `exit_reason` on they are given to the kernel, too.
   * 1: it goes on after so many microseconds, `ended` will tell, and then `exit` fetches the page. 0: an exit is in the
   * page.
   */
  run(vcpu: Handle, page: Uint8Array, microseconds: number): number;
  /** After `ended`: what `run` would have answered. */
  exit(vcpu: Handle, page: Uint8Array): number;
  /** Makes a run in progress, or else the next one, answer -EINTR. */
  kick(vcpu: Handle): void;
  /** A vCPU's thread is gone afterwards. Memory is empty afterwards. */
  close(closed: Handle | ArrayBuffer): void;
}

/** Why there is no addon: a sentence without a full stop at its end. */
export class AddonMissing {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

const PACKAGE = 'arm-gdbstub-kvm-linux-arm64';

/** Where it may be: the package for this platform, or the build of a checkout, seen from the sources or from dist. */
const places: readonly string[] = [
  PACKAGE,
  './native/build/kvm.node',
  '../../../../src/backend/kvm/native/build/kvm.node',
];

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND';

let loaded: Addon | AddonMissing | undefined;

/** The addon, loaded once. */
export function loadAddon(): Addon | AddonMissing {
  loaded ??= load();
  return loaded;
}

function load(): Addon | AddonMissing {
  if (process.platform !== 'linux' || process.arch !== 'arm64')
    return new AddonMissing(
      `KVM for Arm is there on Linux on arm64 only, and this is ${process.platform} on ${process.arch}`,
    );
  const require = createRequire(import.meta.url);
  for (const place of places) {
    try {
      return require(place) as Addon;
    } catch (error) {
      if (!isMissing(error))
        return new AddonMissing(`the addon ${place} cannot be loaded: ${(error as Error).message}`);
    }
  }
  return new AddonMissing(`the addon is not there: install ${PACKAGE}, or run npm run build:addon in a checkout`);
}
