/**
 * The state of KVM's interrupt controller for snapshots. No vCPU may run meanwhile. When one has run, its timers own
 * their interrupts, and KVM ignores that one of them is to be active: restore a new one.
 */
import { errnoText } from '../errors.ts';
import { affinityV3, controlV3, type GicRegister, registersV2, registersV3 } from '../gic-registers.ts';
import { registerName, GicState as State, vgicName } from '../gic-state.ts';
import type { Addon } from './addon.ts';
import { Ioctl } from './constants.ts';
import type { KvmGic } from './gic.ts';

export interface GicStateOptions {
  readonly addon: Addon;
  /** Another one after a reset of the machine. */
  readonly gic: () => KvmGic;
  /** MPIDR_EL1 of each CPU as it is now: KVM finds a CPU's registers by it. */
  readonly affinities: () => readonly bigint[];
}

const U32 = 0xffff_ffffn;

export class GicState extends State {
  readonly #options: GicStateOptions;
  readonly #value = new BigUint64Array(1);
  readonly #bytes = new Uint8Array(this.#value.buffer);

  constructor(options: GicStateOptions) {
    super(vgicName(options.gic().version));
    this.#options = options;
  }

  /** It is new: the machine is renewed before a restore. */
  reset(): void {}

  protected registers(): GicRegister[] | string {
    const { gic, affinities } = this.#options;
    if (gic().version === 2) return registersV2(affinities().length);
    const cpus: { cpu: number; control: bigint }[] = [];
    for (const mpidr of affinities()) {
      const cpu = affinityV3(mpidr);
      const control = this.get(controlV3(cpu));
      if (typeof control === 'string') return control;
      cpus.push({ cpu, control });
    }
    return registersV3(cpus);
  }

  protected get(register: GicRegister): bigint | string {
    this.#value[0] = 0n;
    const answer = this.#attribute(Ioctl.KVM_GET_DEVICE_ATTR, register.group, register.attribute);
    return answer < 0 ? `${registerName(register)} cannot be read (${errnoText(-answer)})` : this.#value[0];
  }

  protected set(register: GicRegister, attribute: number, value: bigint): string | undefined {
    this.#value[0] = register.bytes === 4 ? value & U32 : value;
    const answer = this.#attribute(Ioctl.KVM_SET_DEVICE_ATTR, register.group, attribute);
    return answer < 0 ? `${registerName(register)} refuses 0x${value.toString(16)} (${errnoText(-answer)})` : undefined;
  }

  #attribute(request: number, group: number, attribute: number): number {
    const { addon, gic } = this.#options;
    return addon.attribute(gic().handle, request, group, attribute, this.#bytes);
  }
}
