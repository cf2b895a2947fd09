/**
 * A machine for tests of the protocol: a page of instructions that do nothing but move the pc by 4, again and again, a few
 * registers and 1 MiB of memory. It has every ability, so that every packet can be tried.
 */
import type {
  BreakpointKind,
  Client,
  Description,
  RegisterDescription,
  ResumeAction,
  Stop,
  Target,
} from '../../src/gdbstub/index.ts';
import { TargetError } from '../../src/gdbstub/index.ts';

export const base = 0x4000_0000n;
export const size = 0x10_0000;
/** The line is a page long and begins again. */
const lineMask = 0xfffn;

/** Numbers: x0 to x30, sp, pc, cpsr as in GDB's aarch64 core; then three system registers. */
export const Reg = { sp: 31, pc: 32, cpsr: 33, stuck: 0xc000, free: 0xc600, hidden: 0xc700 } as const;

const core: readonly RegisterDescription[] = [
  ...Array.from(
    { length: 31 },
    (_, number): RegisterDescription => ({
      name: `x${number}`,
      number,
      bits: 64,
      type: 'int',
      group: 'general',
      general: true,
    }),
  ),
  { name: 'sp', number: 31, bits: 64, type: 'data_ptr', general: true, generic: 'sp' },
  { name: 'pc', number: 32, bits: 64, type: 'code_ptr', general: true, generic: 'pc', expedited: true },
  { name: 'cpsr', number: 33, bits: 32, type: 'int', general: true, generic: 'flags', expedited: true },
];

const system: readonly RegisterDescription[] = [
  { name: 'MIDR_EL1', number: Reg.stuck, bits: 64, type: 'uint64', group: 'system' },
  { name: 'VBAR_EL1', number: Reg.free, bits: 64, type: 'uint64', group: 'system' },
  { name: 'DBGAUTH_EL1', number: Reg.hidden, bits: 64, type: 'uint64', group: 'system' },
];

/** What was done to the machine that a debugger cannot see. */
export interface Journal {
  attached: boolean[];
  resumes: (readonly ResumeAction[])[];
  interrupts: number;
  kills: number;
}

export class LineMachine implements Target {
  readonly journal: Journal = { attached: [], resumes: [], interrupts: 0, kills: 0 };
  readonly values = new Map<number, bigint>([
    [Reg.pc, base],
    [Reg.sp, base + 0x8000n],
    [Reg.cpsr, 0x3c5n],
    [Reg.stuck, 0x411f_d070n],
  ]);
  readonly bytes = new Uint8Array(size);
  readonly points = new Map<string, { kind: BreakpointKind; address: bigint; length: number }>();
  /** Instructions until a `continue` ends by itself with exit code 0. */
  left = Number.POSITIVE_INFINITY;
  /** Instructions in one slice of a continue; a slice that stops answers at once. */
  slice = 10_000;
  #interrupt = false;

  describe(client: Client): Description {
    return {
      architecture: 'aarch64',
      features: [
        { name: 'org.gnu.gdb.aarch64.core', registers: core },
        { name: `line.${client}`, registers: system },
      ],
    };
  }

  readonly threads = { list: () => [1], name: () => 'cpu0', extra: () => 'EL1h' };

  readonly registers: Target['registers'] = {
    read: (_, register) => (register === Reg.hidden ? undefined : (this.values.get(register) ?? 0n)),
    write: (_, register, value) => {
      if (register === Reg.stuck && value !== this.values.get(register))
        return new TargetError('MIDR_EL1 is read-only', 1);
      this.values.set(register, value);
      return undefined;
    },
    writeAll: (_, writes) => {
      for (const { register, value } of writes) this.values.set(register, value);
      return undefined;
    },
  };

  readonly memory: Target['memory'] = {
    read: (_, address, length) => {
      const offset = Number(address - base);
      if (offset < 0 || offset >= size) return new TargetError(`no memory at 0x${address.toString(16)}`, 14);
      return this.bytes.subarray(offset, Math.min(size, offset + length));
    },
    write: (_, address, data) => {
      const offset = Number(address - base);
      if (offset < 0 || offset + data.length > size)
        return new TargetError(`no memory at 0x${address.toString(16)}`, 14);
      this.bytes.set(data, offset);
      return undefined;
    },
  };

  readonly breakpoints: Target['breakpoints'] = {
    kinds: ['software', 'hardware', 'write', 'read', 'access'],
    watchpointCount: 4,
    insert: (kind, address, length) => {
      if (kind === 'software' && this.memory.read(1, address, 4) instanceof TargetError)
        return new TargetError(`no memory at 0x${address.toString(16)}`, 14);
      this.points.set(`${kind} ${address} ${length}`, { kind, address, length });
      return undefined;
    },
    remove: (kind, address, length) => {
      this.points.delete(`${kind} ${address} ${length}`);
      return undefined;
    },
  };

  readonly monitor: Target['monitor'] = {
    run: (line) => (line === 'hello' ? 'Hello, world\n' : new TargetError(`there is no command ${line}`, 2)),
  };

  readonly memoryMap = () => [{ kind: 'ram' as const, start: base, length: BigInt(size) }];

  readonly memoryRegion: Target['memoryRegion'] = (_, address) => {
    const hole = { readable: false, writable: false, executable: false, mapped: false };
    const end = base + BigInt(size);
    if (address < base) return { start: 0n, length: base, ...hole };
    if (address >= end) return { start: end, length: (1n << 64n) - end, ...hole };
    return {
      start: base,
      length: BigInt(size),
      readable: true,
      writable: true,
      executable: true,
      mapped: true,
      name: 'ram',
    };
  };

  readonly host: Target['host'] = {
    triple: 'aarch64-unknown-none-elf',
    endian: 'little',
    pointerSize: 8,
    addressingBits: () => ({ low: 39, high: 39 }),
    watchpointTypes: ['aarch64-mask', 'aarch64-bas'],
  };

  readonly reset = () => {
    this.values.set(Reg.pc, base);
    return undefined;
  };

  readonly kill = () => {
    this.journal.kills++;
  };

  readonly attached = (attached: boolean) => {
    this.journal.attached.push(attached);
  };

  readonly execution: Target['execution'] = {
    resume: (actions) => {
      this.journal.resumes.push(actions);
      this.#interrupt = false;
      const [action] = actions;
      if (action.kind === 'step' && !action.range) return this.#step() ?? { kind: 'step', thread: 1 };
      return this.#slice(action) ?? this.#run(action);
    },
    interrupt: () => {
      this.journal.interrupts++;
      this.#interrupt = true;
    },
  };

  get pc(): bigint {
    return this.values.get(Reg.pc)!;
  }

  #step(): Stop | undefined {
    this.values.set(Reg.pc, base + ((this.pc + 4n - base) & lineMask));
    this.left--;
    if (this.left <= 0) return { kind: 'exited', code: 0 };
    for (const { kind, address } of this.points.values()) {
      if (address !== this.pc) continue;
      if (kind === 'software' || kind === 'hardware')
        return { kind: 'breakpoint', thread: 1, hardware: kind === 'hardware' };
      return { kind: 'watchpoint', thread: 1, access: kind, address };
    }
    return undefined;
  }

  #slice({ range }: ResumeAction): Stop | undefined {
    for (let count = 0; count < this.slice; count++) {
      const stop = this.#step();
      if (stop) return stop;
      if (range && (this.pc < range.start || this.pc >= range.end)) return { kind: 'step', thread: 1 };
    }
    return undefined;
  }

  async #run(action: ResumeAction): Promise<Stop> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#interrupt) return { kind: 'interrupted', thread: 1 };
      const stop = this.#slice(action);
      if (stop) return stop;
    }
  }
}
