/** A machine under test, and what tests of the vCPU interface say of it. Uses no test framework: it runs in the lab, too. */
import assert from 'node:assert/strict';
import { findRegister } from '../../../src/arm/index.ts';
import {
  CoreId,
  type DebugSlot,
  type Exit,
  Guest,
  type GuestDebug,
  type GuestOptions,
  type Image,
  ImageError,
  idName,
  idWords,
  type KvmKernel,
  type Machine,
  parseImage,
  RAM_BASE,
  sysregId,
  type Vcpu,
} from '../../../src/backend/index.ts';
import type { Program } from '../assembled.ts';
import type { Case } from '../case.ts';

export const START = BigInt(RAM_BASE);
const RAM_SIZE = 16 << 20;
/** Milliseconds that a guest may run until its exit, on a slow machine. */
const PATIENCE = 10_000;

/** One of the two kinds of machine. */
export interface Bench {
  readonly name: Machine['name'];
  /** Whose rules its registers follow. */
  readonly kernel: KvmKernel;
  make(options: { ramSize: number; image: Image; cpus: number; serial: (bytes: Uint8Array) => void }): Machine;
}

/** A test of a machine that was made for it and is closed after it. */
export interface Conformance {
  readonly name: string;
  /** What stands at the start of RAM. */
  readonly source: string;
  readonly cpus?: number;
  readonly run: (subject: Subject) => void | Promise<void>;
}

export const caseOf = (bench: Bench, { name, source, cpus = 1, run }: Conformance): Case => ({
  name,
  source,
  run: async ({ report, program }) => {
    if (!program) throw new Error('nothing was assembled');
    const subject = new Subject(bench, program, cpus, report);
    try {
      await run(subject);
    } finally {
      subject.machine.close();
    }
  },
});

export class Subject {
  readonly bench: Bench;
  readonly machine: Machine;
  readonly vcpu: Vcpu;
  readonly symbols: Readonly<Record<string, bigint>>;
  readonly report: (line: string) => void;
  /** Another machine of the same kind, for the test to close. */
  readonly another: () => Machine;
  /** What the guest has printed. */
  printed = '';

  constructor(bench: Bench, { elf, symbols }: Program, cpus: number, report: (line: string) => void) {
    const image = parseImage(elf, { start: START, length: BigInt(RAM_SIZE) });
    if (image instanceof ImageError) throw new Error(image.message);
    const serial = (bytes: Uint8Array): void => {
      this.printed += Buffer.from(bytes).toString('latin1');
    };
    this.bench = bench;
    this.another = () => bench.make({ ramSize: RAM_SIZE, image, cpus, serial });
    this.machine = this.another();
    this.vcpu = this.machine.vcpus[0];
    this.symbols = symbols;
    this.report = report;
  }

  /** A debugger's view. */
  guest(options?: GuestOptions): Guest {
    const guest = new Guest(this.machine, options);
    guest.attached(true);
    return guest;
  }

  get(name: string, vcpu = this.vcpu): bigint {
    return getAll(vcpu, [idOf(name)])[0];
  }

  set(name: string, value: bigint, vcpu = this.vcpu): void {
    assert.equal(setAll(vcpu, [idOf(name)], [value])[0], 0, `${name} cannot be written`);
  }

  /** Several registers as text, to be compared. */
  values(...names: readonly string[]): string {
    return names.map((name) => `${name} ${this.get(name).toString(16)}`).join(', ');
  }

  /** Runs to an exit. Throws when none comes. */
  async run(vcpu = this.vcpu): Promise<Exit> {
    const exit = vcpu.run();
    if (!(exit instanceof Promise)) return exit;
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      vcpu.kick();
    }, PATIENCE);
    const found = await exit;
    clearTimeout(late);
    if (isLate) throw new Error(`no exit: ${this.values('PC', 'PSTATE', 'ESR_EL1', 'FAR_EL1', 'ELR_EL1', 'X0')}`);
    return found;
  }

  /** Runs for a while; the guest is not to exit by itself. */
  async runOn(milliseconds = 50, vcpu = this.vcpu): Promise<void> {
    const exit = vcpu.run();
    const kick = setTimeout(() => vcpu.kick(), milliseconds);
    assert.deepEqual(await exit, { kind: 'interrupted' });
    clearTimeout(kick);
  }

  /** One instruction. */
  async step(vcpu = this.vcpu): Promise<void> {
    assert.equal(vcpu.setGuestDebug(stepping), 0);
    const exit = await this.run(vcpu);
    assert.equal(exit.kind, 'debug');
    assert.equal(vcpu.setGuestDebug(debugOff), 0);
  }

  word(address: bigint): bigint {
    return Buffer.from(this.machine.memory.view(address, 8)!).readBigUInt64LE();
  }
}

/** Throws when one cannot be read. */
export function getAll(vcpu: Vcpu, ids: readonly bigint[]): bigint[] {
  const words = new BigUint64Array(2 * ids.length);
  const errnos = new Int32Array(ids.length);
  vcpu.getRegisters(BigUint64Array.from(ids), words, errnos, ids.length);
  let at = 0;
  return ids.map((id, i) => {
    assert.equal(errnos[i], 0, `${idName(id)} cannot be read`);
    const wide = idWords(id) === 2;
    const value = wide ? words[at] | (words[at + 1] << 64n) : words[at];
    at += wide ? 2 : 1;
    return value;
  });
}

/** The errnos. */
export function setAll(vcpu: Vcpu, ids: readonly bigint[], values: readonly bigint[]): Int32Array {
  const words = values.flatMap((value, i) => (idWords(ids[i]) === 2 ? [value, value >> 64n] : [value]));
  const errnos = new Int32Array(ids.length);
  vcpu.setRegisters(BigUint64Array.from(ids), BigUint64Array.from(words), errnos, ids.length);
  return errnos;
}

const coreIdOf: Readonly<Record<string, bigint>> = {
  PC: CoreId.PC,
  PSTATE: CoreId.PSTATE,
  SP: CoreId.SP,
  SP_EL0: CoreId.SP,
  SP_EL1: CoreId.SP_EL1,
  ELR_EL1: CoreId.ELR_EL1,
  SPSR_EL1: CoreId.SPSR(0),
};

/** X0 to X30, PC, PSTATE, or a system register's name. */
export function idOf(name: string): bigint {
  const general = /^X(\d+)$/.exec(name);
  if (general) return CoreId.X(Number(general[1]));
  const core = coreIdOf[name];
  if (core !== undefined) return core;
  const found = findRegister(name);
  if (!('number' in found)) throw new Error(`there is no register ${name}`);
  return sysregId(found.number);
}

export const debugOff: GuestDebug = {
  enable: false,
  singleStep: false,
  useSoftwareBreakpoints: false,
  useHardware: false,
  breakpoints: [],
  watchpoints: [],
};
export const stepping: GuestDebug = { ...debugOff, enable: true, singleStep: true };
export const softwareBreakpoints: GuestDebug = { ...debugOff, enable: true, useSoftwareBreakpoints: true };
export const slots = (breakpoints: readonly DebugSlot[], watchpoints: readonly DebugSlot[] = []): GuestDebug => ({
  ...debugOff,
  enable: true,
  useHardware: true,
  breakpoints,
  watchpoints,
});

/** An identity map of the first four GiB as normal memory, from a table at the end of the first MiB. */
export function enableMmu(subject: Subject): void {
  const { memory } = subject.machine;
  const table = START + 0xf_f000n;
  const view = memory.view(table, 4096)!;
  const data = new DataView(view.buffer, view.byteOffset, view.length);
  for (let i = 0; i < 4; i++) data.setBigUint64(i * 8, (BigInt(i) << 30n) | 0x401n, true);
  memory.changed(table, 4096);
  subject.set('MAIR_EL1', 0xffn);
  subject.set('TCR_EL1', 25n | (1n << 23n) | (2n << 32n));
  subject.set('TTBR0_EL1', table);
  subject.set('SCTLR_EL1', subject.get('SCTLR_EL1') | 1n);
}

/** Every register by its name, but some. */
export function valuesBut({ vcpu }: Subject, left: RegExp): ReadonlyMap<string, bigint> {
  const ids = [...vcpu.registerIds].filter((id) => !left.test(idName(id)));
  const values = getAll(vcpu, ids);
  return new Map(ids.map((id, i) => [idName(id), values[i]]));
}
