/**
 * The state of KVM's interrupt controller for snapshots: its registers, one by one. No vCPU may run meanwhile. When one
 * has run, its timers own their interrupts, and KVM ignores that one of them is to be active: restore a new one.
 */
import { errnoText } from '../errors.ts';
import type { StatefulDevice } from '../vcpu.ts';
import type { Addon } from './addon.ts';
import { Ioctl } from './constants.ts';
import type { KvmGic } from './gic.ts';
import { affinityV3, controlV3, type GicRegister, registersV2, registersV3 } from './gic-registers.ts';

export interface GicStateOptions {
  readonly addon: Addon;
  /** Another one after a reset of the machine. */
  readonly gic: () => KvmGic;
  /** MPIDR_EL1 of each CPU as it is now: KVM finds a CPU's registers by it. */
  readonly affinities: () => readonly bigint[];
}

const ALL = (1n << 64n) - 1n;
const U32 = 0xffff_ffffn;

export class GicState implements StatefulDevice {
  readonly name: string;
  readonly #options: GicStateOptions;
  readonly #value = new BigUint64Array(1);
  readonly #bytes = new Uint8Array(this.#value.buffer);

  constructor(options: GicStateOptions) {
    this.#options = options;
    this.name = `vGIC v${options.gic().version}`;
  }

  save(): BigUint64Array | string {
    const registers = this.#registers();
    return typeof registers === 'string' ? registers : this.#read(registers);
  }

  #read(registers: readonly GicRegister[]): BigUint64Array | string {
    const words = new BigUint64Array(registers.length);
    for (const [i, register] of registers.entries()) {
      const value = this.#get(register);
      if (typeof value === 'string') return value;
      words[i] = value;
    }
    return words;
  }

  restore(words: BigUint64Array): string | undefined {
    const registers = this.#registers();
    if (typeof registers === 'string') return registers;
    if (registers.length !== words.length) return `it has ${registers.length} registers here, not ${words.length}`;
    if (registers.some(({ bytes }, i) => bytes === 4 && words[i] > U32)) return 'a register of 32 bits has more';
    const before = this.#read(registers);
    if (typeof before === 'string') return before;
    const refused = this.#write(registers, words) ?? this.#firstOther(registers, words);
    if (refused === undefined) return undefined;
    const lost = this.#write(registers, before);
    return lost === undefined ? refused : `${refused}, and it could not be put back: ${lost}`;
  }

  /** It is new: the machine is renewed before a restore. */
  reset(): void {}

  #registers(): GicRegister[] | string {
    const { gic, affinities } = this.#options;
    if (gic().version === 2) return registersV2(affinities().length);
    const cpus: { cpu: number; control: bigint }[] = [];
    for (const mpidr of affinities()) {
      const cpu = affinityV3(mpidr);
      const control = this.#get(controlV3(cpu));
      if (typeof control === 'string') return control;
      cpus.push({ cpu, control });
    }
    return registersV3(cpus);
  }

  #write(registers: readonly GicRegister[], words: BigUint64Array): string | undefined {
    for (const [i, register] of registers.entries()) {
      const { clear } = register;
      const refused =
        (clear === undefined ? undefined : this.#set(register, clear, ALL)) ??
        this.#set(register, register.attribute, words[i]);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  /** What was written is there. */
  #firstOther(registers: readonly GicRegister[], words: BigUint64Array): string | undefined {
    const now = this.#read(registers);
    if (typeof now === 'string') return now;
    const other = now.findIndex((value, i) => value !== words[i]);
    if (other < 0) return undefined;
    return `${nameOf(registers[other])} holds 0x${now[other].toString(16)} instead of 0x${words[other].toString(16)}`;
  }

  #get(register: GicRegister): bigint | string {
    this.#value[0] = 0n;
    const answer = this.#attribute(Ioctl.KVM_GET_DEVICE_ATTR, register.group, register.attribute);
    return answer < 0 ? `${nameOf(register)} cannot be read (${errnoText(-answer)})` : this.#value[0];
  }

  #set(register: GicRegister, attribute: number, value: bigint): string | undefined {
    this.#value[0] = register.bytes === 4 ? value & U32 : value;
    const answer = this.#attribute(Ioctl.KVM_SET_DEVICE_ATTR, register.group, attribute);
    return answer < 0 ? `${nameOf(register)} refuses 0x${value.toString(16)} (${errnoText(-answer)})` : undefined;
  }

  #attribute(request: number, group: number, attribute: number): number {
    const { addon, gic } = this.#options;
    return addon.attribute(gic().handle, request, group, attribute, this.#bytes);
  }
}

const nameOf = ({ group, attribute }: GicRegister): string => `register ${group}/0x${attribute.toString(16)}`;
