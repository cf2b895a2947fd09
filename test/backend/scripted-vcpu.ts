/** A vCPU of the test's own making: registers that refuse, mask or accept as the script says, and a log of all calls. */
import {
  Errno,
  type Exit,
  type GuestDebug,
  idName,
  idWords,
  type Vcpu,
  type VcpuEvents,
} from '../../src/backend/index.ts';

export interface ScriptedRegister {
  id: bigint;
  /** One word, or two for U128. */
  value?: bigint;
  high?: bigint;
  /** After KVM_ARM_VCPU_INIT. */
  resetValue?: bigint;
  getErrno?: number;
  setErrno?: number;
  /** Bits that a write reaches. */
  writable?: bigint;
}

export class ScriptedVcpu implements Vcpu {
  readonly index = 0;
  readonly registerIds: BigUint64Array;
  readonly registers: Map<bigint, ScriptedRegister>;
  /** `get X0`, `set PC 4`, `set events` ... */
  log: string[] = [];
  /** Calls, however many registers each has. */
  calls = 0;
  mpState = 0;
  /** For tests to give. */
  transferRegisters?: Vcpu['transferRegisters'];

  constructor(registers: readonly ScriptedRegister[]) {
    this.registers = new Map(registers.map((register) => [register.id, { value: 0n, ...register }]));
    this.registerIds = BigUint64Array.from(this.registers.keys()).sort();
  }

  get(id: bigint): bigint {
    return this.registers.get(id)?.value ?? 0n;
  }

  getRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    this.calls++;
    return this.#each(ids, errnos, count, (register, at) => {
      this.log.push(`get ${idName(register.id)}`);
      if (register.getErrno) return register.getErrno;
      values[at] = register.value ?? 0n;
      if (idWords(register.id) === 2) values[at + 1] = register.high ?? 0n;
      return 0;
    });
  }

  setRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    this.calls++;
    return this.#each(ids, errnos, count, (register, at) => {
      this.log.push(`set ${idName(register.id)} ${values[at].toString(16)}`);
      if (register.setErrno) return register.setErrno;
      const writable = register.writable ?? 0xffff_ffff_ffff_ffffn;
      register.value = ((register.value ?? 0n) & ~writable) | (values[at] & writable);
      if (idWords(register.id) === 2) register.high = values[at + 1];
      return 0;
    });
  }

  #each(
    ids: BigUint64Array,
    errnos: Int32Array,
    count: number,
    act: (register: ScriptedRegister, at: number) => number,
  ): number {
    let failures = 0;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const register = this.registers.get(ids[i]);
      errnos[i] = register ? act(register, at) : Errno.ENOENT;
      at += idWords(ids[i]);
      if (errnos[i] !== 0) failures++;
    }
    return failures;
  }

  getEvents(): VcpuEvents {
    this.log.push('get events');
    return { serrorPending: false, serrorHasEsr: false, serrorEsr: 0n, extDabtPending: false };
  }

  setEvents(): number {
    this.log.push('set events');
    return 0;
  }

  getMpState(): number {
    return this.mpState;
  }

  setMpState(state: number): number {
    this.log.push('set run state');
    this.mpState = state;
    return 0;
  }

  reset(): void {
    for (const register of this.registers.values()) register.value = register.resetValue ?? 0n;
  }

  setGuestDebug(_debug: GuestDebug): number {
    return 0;
  }

  run(): Exit {
    return { kind: 'failed', reason: 'a scripted vCPU runs nothing' };
  }

  kick(): void {}
}
