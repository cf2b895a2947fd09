/**
 * The simulated kernel: KVM_GET_REG_LIST, KVM_GET_ONE_REG and KVM_SET_ONE_REG over the registers of a simulated CPU,
 * with the answers of Linux 6.12 for a vCPU with KVM_ARM_VCPU_PSCI_0_2, KVM_ARM_VCPU_PMU_V3 and nothing else.
 *
 * Linux arch/arm64/kvm/{guest,sys_regs,hypercalls,arch_timer}.c. Different here: what identifies the CPU and its caches
 * keeps its value (Linux lets some of it be changed before the first run), and the firmware offers no service that its
 * bitmaps could switch off.
 */
import { registerByNumber } from '../../arm/index.ts';
import {
  CCSIDR_COUNT,
  CoreId,
  ccsidrId,
  firmwareBitmapId,
  firmwareId,
  idToSystemRegisterNumber,
  idWords,
} from '../kvm-ids.ts';
import { kvmRegisterList } from '../kvm-lists.ts';
import { kvmWriteRule, writeByRule } from '../kvm-rules.ts';
import { Errno } from '../vcpu.ts';
import type { RegisterFile } from './register-file.ts';
import { numberOf } from './state.ts';

/** One id: values[at] and, for 128 bits, values[at + 1]. `set` answers an errno. */
interface Entry {
  readonly words: number;
  get(values: BigUint64Array, at: number): void;
  set(values: BigUint64Array, at: number): number;
}

const word = (read: () => bigint, write: (value: bigint) => number): Entry => ({
  words: 1,
  get: (values, at) => {
    values[at] = read();
  },
  set: (values, at) => write(values[at]),
});

/** A register that takes every value. */
const plain = (read: () => bigint, write: (value: bigint) => void): Entry =>
  word(read, (value) => {
    write(value);
    return 0;
  });

/** Takes its own value only. */
const invariant = (read: () => bigint): Entry => word(read, (value) => (value === read() ? 0 : Errno.EINVAL));

const KERNEL = '6.12';
const ALL = (1n << 64n) - 1n;

/** A register as the kernel's rule has it. */
function ruled(id: bigint, read: () => bigint, write: (value: bigint) => void, hasRun: () => boolean): Entry {
  const rule = kvmWriteRule(KERNEL, id);
  if (rule.kind === 'plain') return plain(read, write);
  let initial: bigint | undefined;
  return word(read, (value) => {
    const present = read();
    // Nothing but this function changes what such a rule compares with its first value.
    initial ??= present;
    const held = writeByRule(rule, { value, present, initial, hasRun: hasRun() });
    if (typeof held === 'number') return held;
    if (held !== present) write(held);
    return 0;
  });
}

/** Takes its own value only; others are refused in the kernel's words. */
function constant(id: bigint, read: () => bigint, hasRun: () => boolean): Entry {
  const rule = kvmWriteRule(KERNEL, id);
  return word(read, (value) => {
    const present = read();
    if (value === present) return 0;
    const held = writeByRule(rule, { value, present, initial: present, hasRun: hasRun() });
    return typeof held === 'number' ? held : Errno.EINVAL;
  });
}

function systemEntry(file: RegisterFile, id: bigint, number: number): Entry {
  const read = () => file.readSystem(number);
  // Linux lets some features be hidden before the first run. This CPU would have them all the same.
  if (registerByNumber(number)?.constant) return constant(id, read, () => file.hasRun);
  return ruled(
    id,
    read,
    (value) => file.writeSystem(number, value),
    () => file.hasRun,
  );
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Core registers of KVM that are system registers of the architecture. */
const coreSystem: readonly (readonly [id: bigint, name: string])[] = [
  [CoreId.ELR_EL1, 'ELR_EL1'],
  ...['SPSR_EL1', 'SPSR_abt', 'SPSR_und', 'SPSR_irq', 'SPSR_fiq'].map((name, n) => [CoreId.SPSR(n), name] as const),
];
const simdControl: typeof coreSystem = [
  [CoreId.FPSR, 'FPSR'],
  [CoreId.FPCR, 'FPCR'],
];
const coreNumbers = new Map([...coreSystem, ...simdControl].map(([id, name]) => [id, numberOf(name)]));

function coreEntries(file: RegisterFile): [bigint, Entry][] {
  const system = (name: string): Entry => {
    const number = numberOf(name);
    return plain(
      () => file.readSystem(number),
      (value) => file.writeSystem(number, value),
    );
  };
  /** U32: the upper half of the word is not the register's. */
  const half = (name: string): Entry => {
    const number = numberOf(name);
    return plain(
      () => file.readSystem(number) & 0xffff_ffffn,
      (value) => file.writeSystem(number, value & 0xffff_ffffn),
    );
  };
  const pstate = ruled(
    CoreId.PSTATE,
    () => file.readPstate(),
    (value) => file.writePstate(value),
    () => file.hasRun,
  );
  const vector = (n: number): Entry => ({
    words: 2,
    get: (values, at) => {
      values[at] = file.readV(n, 0);
      values[at + 1] = file.readV(n, 1);
    },
    set: (values, at) => {
      file.writeV(n, 0, values[at]);
      file.writeV(n, 1, values[at + 1]);
      return 0;
    },
  });
  const general = (n: number): Entry =>
    plain(
      () => file.readX(n),
      (value) => file.writeX(n, value),
    );
  const stackPointer = (el: 0 | 1): Entry =>
    plain(
      () => file.readSp(el),
      (value) => file.writeSp(el, value),
    );
  return [
    ...numbers(31).map((n): [bigint, Entry] => [CoreId.X(n), general(n)]),
    [CoreId.SP, stackPointer(0)],
    [CoreId.SP_EL1, stackPointer(1)],
    [
      CoreId.PC,
      plain(
        () => file.readPc(),
        (value) => file.writePc(value),
      ),
    ],
    [CoreId.PSTATE, pstate],
    ...coreSystem.map(([id, name]): [bigint, Entry] => [id, system(name)]),
    ...numbers(32).map((n): [bigint, Entry] => [CoreId.V(n), vector(n)]),
    ...simdControl.map(([id, name]): [bigint, Entry] => [id, half(name)]),
  ];
}

/** PSCI 1.1, as Linux 6.12 offers it. */
const PSCI_VERSION = 0x1_0001n;
/** KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1 to 3, as measured on a host that needs none of them. */
const workArounds = [2n, 1n, 0n];

export class KernelRegisters {
  readonly registerIds: BigUint64Array = kvmRegisterList({ kernel: KERNEL, pmu: true });
  readonly #file: RegisterFile;
  readonly #entries: ReadonlyMap<bigint, Entry>;
  /** What PSCI_VERSION answers to the guest. */
  psciVersion = PSCI_VERSION;

  constructor(file: RegisterFile) {
    this.#file = file;
    const core = new Map(coreEntries(file));
    const others = new Map(this.#otherEntries());
    this.#entries = new Map(
      [...this.registerIds].map((id) => {
        const number = idToSystemRegisterNumber(id);
        const entry = number === undefined ? (core.get(id) ?? others.get(id)) : systemEntry(file, id, number);
        if (!entry) throw new Error(`the simulated kernel has no rule for the register id ${id.toString(16)}`);
        return [id, entry];
      }),
    );
  }

  #otherEntries(): [bigint, Entry][] {
    const file = this.#file;
    const psci = ruled(
      firmwareId(0),
      () => this.psciVersion,
      (value) => {
        this.psciVersion = value;
      },
      () => file.hasRun,
    );
    return [
      ...numbers(CCSIDR_COUNT).map((n): [bigint, Entry] => [
        ccsidrId(n),
        invariant(() => BigInt(file.cacheSizes[n] ?? 0)),
      ]),
      [firmwareId(0), psci],
      ...workArounds.map((level, n): [bigint, Entry] => {
        const id = firmwareId(n + 1);
        // The rule accepts or refuses, and stores nothing.
        return [
          id,
          ruled(
            id,
            () => level,
            () => undefined,
            () => file.hasRun,
          ),
        ];
      }),
      ...numbers(3).map((n): [bigint, Entry] => [firmwareBitmapId(n), invariant(() => 0n)]),
    ];
  }

  /** As Vcpu.keptBits: the storage takes every bit, as KVM's does, but the CPU does not. */
  keptBits(id: bigint): bigint {
    const number = idToSystemRegisterNumber(id) ?? coreNumbers.get(id);
    return number === undefined ? ALL : this.#file.keptBits(number);
  }

  /** As Vcpu.getRegisters. */
  getRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    let failures = 0;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const entry = this.#entries.get(ids[i]);
      if (entry) {
        entry.get(values, at);
        errnos[i] = 0;
        at += entry.words;
      } else {
        errnos[i] = Errno.ENOENT;
        at += idWords(ids[i]);
        failures++;
      }
    }
    return failures;
  }

  /** As Vcpu.setRegisters. */
  setRegisters(ids: BigUint64Array, values: BigUint64Array, errnos: Int32Array, count: number): number {
    let failures = 0;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const entry = this.#entries.get(ids[i]);
      const errno = entry ? entry.set(values, at) : Errno.ENOENT;
      errnos[i] = errno;
      at += entry ? entry.words : idWords(ids[i]);
      if (errno !== 0) failures++;
    }
    return failures;
  }
}
