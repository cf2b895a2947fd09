/** The state of an interrupt controller for snapshots: its registers, one by one, as KVM has them of its vGIC. */
import type { GicVersion } from './board.ts';
import type { GicRegister } from './gic-registers.ts';
import type { StatefulDevice } from './vcpu.ts';

const ALL = (1n << 64n) - 1n;
const U32 = 0xffff_ffffn;

/** The name of KVM's, and of what keeps the same words. */
export const vgicName = (version: GicVersion): string => `vGIC v${version}`;

export abstract class GicState implements StatefulDevice {
  readonly name: string;

  /** Of a device whose words mean the same. */
  constructor(name: string) {
    this.name = name;
  }

  /** In the order in which they are written. A string: why the controller does not tell. */
  protected abstract registers(): GicRegister[] | string;
  /** The value of one, or why it cannot be read. */
  protected abstract get(register: GicRegister): bigint | string;
  /** Writes one, by its attribute or the one that clears. A string: why it cannot be. */
  protected abstract set(register: GicRegister, attribute: number, value: bigint): string | undefined;

  /** The bits that have to read back as they were written. */
  protected compared(_register: GicRegister): bigint {
    return ALL;
  }

  save(): BigUint64Array | string {
    const registers = this.registers();
    return typeof registers === 'string' ? registers : this.#read(registers);
  }

  #read(registers: readonly GicRegister[]): BigUint64Array | string {
    const words = new BigUint64Array(registers.length);
    for (const [i, register] of registers.entries()) {
      const value = this.get(register);
      if (typeof value === 'string') return value;
      words[i] = value;
    }
    return words;
  }

  restore(words: BigUint64Array): string | undefined {
    const registers = this.registers();
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

  abstract reset(): void;

  #write(registers: readonly GicRegister[], words: BigUint64Array): string | undefined {
    for (const [i, register] of registers.entries()) {
      const { clear } = register;
      const refused =
        (clear === undefined ? undefined : this.set(register, clear, ALL)) ??
        this.set(register, register.attribute, words[i]);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  /** What was written is there. */
  #firstOther(registers: readonly GicRegister[], words: BigUint64Array): string | undefined {
    const now = this.#read(registers);
    if (typeof now === 'string') return now;
    const other = now.findIndex((value, i) => ((value ^ words[i]) & this.compared(registers[i])) !== 0n);
    if (other < 0) return undefined;
    return `${registerName(registers[other])} holds 0x${now[other].toString(16)} instead of 0x${words[other].toString(16)}`;
  }
}

export const registerName = ({ group, attribute }: GicRegister): string =>
  `register ${group}/0x${attribute.toString(16)}`;
