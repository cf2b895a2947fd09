import { type ResumeAction, type Server, type Stop, serve, type Target, TargetError } from '../../src/gdbstub/index.ts';

/** Eight instructions of RISC-V's RV32I, 4 KiB of memory. */
class ToyCpu {
  readonly memory = new DataView(new ArrayBuffer(4096));
  /** x0 to x31 and the pc. */
  readonly x = new Uint32Array(33);

  /** Executes one instruction. False: it is none of the eight, or ebreak, and nothing happened. */
  step(): boolean {
    const pc = this.x[32];
    if (pc % 4 !== 0 || pc >= this.memory.byteLength) return false;
    const word = this.memory.getUint32(pc, true);
    const [rd, rs1, rs2] = [word >> 7, word >> 15, word >> 20].map((shifted) => shifted & 31);
    const immediate = word >> 20;
    const store = ((word >> 25) << 5) | rd;
    const branch = ((word >> 31) << 12) | ((word & 0x80) << 4) | ((word >> 20) & 0x7e0) | (rd & 0x1e);
    const jump = ((word >> 31) << 20) | (word & 0xff000) | ((word >> 9) & 0x800) | ((word >> 20) & 0x7fe);
    let next = pc + 4;
    if ((word & 0x7f) === 0x37)
      this.x[rd] = word & 0xfffff000; // lui
    else if ((word & 0x707f) === 0x13)
      this.x[rd] = this.x[rs1] + immediate; // addi
    else if ((word & 0xfe00707f) === 0x33)
      this.x[rd] = this.x[rs1] + this.x[rs2]; // add
    else if ((word & 0x707f) === 0x2003)
      this.x[rd] = this.memory.getUint32((this.x[rs1] + immediate) & 0xffc, true); // lw
    else if ((word & 0x707f) === 0x2023)
      this.memory.setUint32((this.x[rs1] + store) & 0xffc, this.x[rs2], true); // sw
    else if ((word & 0x607f) === 0x63)
      next = (this.x[rs1] === this.x[rs2]) === !(word & 0x1000) ? pc + branch : next; // beq, bne
    else if ((word & 0x7f) === 0x6f)
      [this.x[rd], next] = [next, pc + jump]; // jal
    else return false;
    this.x[0] = 0;
    this.x[32] = next;
    return true;
  }
}

/** What a debugger can do with it. */
class ToyTarget implements Target {
  readonly cpu = new ToyCpu();
  readonly #breakpoints = new Set<bigint>();
  #interrupted: boolean = false;

  // gdb and lldb are told the same here. `general` registers make up the packets g and G.
  describe: Target['describe'] = () => ({
    architecture: 'riscv:rv32',
    features: [
      {
        name: 'org.gnu.gdb.riscv.cpu',
        registers: [
          ...Array.from({ length: 32 }, (_, n) => ({ name: `x${n}`, number: n, bits: 32, type: 'int', general: true })),
          {
            name: 'pc',
            number: 32,
            bits: 32,
            type: 'code_ptr',
            general: true,
            expedited: true,
            generic: 'pc' as const,
          },
        ],
      },
    ],
  });

  readonly threads: Target['threads'] = { list: () => [1], name: () => 'cpu0', extra: () => 'toy' };

  // A refusal is a returned TargetError: the debugger prints its text, and nothing was changed.
  readonly registers: Target['registers'] = {
    read: (_thread, register) => BigInt(this.cpu.x[register]),
    write: (thread, register, value) => this.registers.writeAll(thread, [{ register, value }]),
    writeAll: (_thread, writes) => {
      for (const { register, value } of writes) {
        if (register === 0 && value !== 0n) return new TargetError('x0 is always 0');
        if (register === 32 && value % 4n !== 0n) return new TargetError('the pc is a multiple of 4');
      }
      for (const { register, value } of writes) this.cpu.x[register] = Number(value);
    },
  };

  readonly memory: Target['memory'] = {
    read: (_thread, address, length) => this.#bytes(address, length),
    write: (_thread, address, data) => {
      const bytes = this.#bytes(address, data.length);
      if (bytes instanceof TargetError) return bytes;
      if (bytes.length < data.length) return new TargetError('the range goes beyond the end of the memory');
      bytes.set(data);
    },
  };

  readonly execution: Target['execution'] = {
    resume: ([action]) => (action.kind === 'step' ? this.#step() : this.#continue(action)),
    interrupt: () => {
      this.#interrupted = true;
    },
  };

  // An optional ability: without this member the debugger writes breakpoint instructions itself.
  readonly breakpoints: Target['breakpoints'] = {
    kinds: ['software', 'hardware'],
    watchpointCount: 0,
    insert: (_kind, address) => void this.#breakpoints.add(address),
    remove: (_kind, address) => void this.#breakpoints.delete(address),
  };

  #bytes(address: bigint, length: number): Uint8Array | TargetError {
    const size = this.cpu.memory.byteLength;
    if (address >= BigInt(size)) return new TargetError(`there is no memory at 0x${address.toString(16)}`);
    return new Uint8Array(this.cpu.memory.buffer, Number(address), Math.min(length, size - Number(address)));
  }

  #step(): Stop {
    const SIGILL = 4;
    return this.cpu.step() ? { kind: 'step', thread: 1 } : { kind: 'signal', thread: 1, signal: SIGILL };
  }

  // Runs in slices, so that the server can hear an interrupt in between.
  async #continue({ thread }: ResumeAction): Promise<Stop> {
    this.#interrupted = false;
    while (!this.#interrupted) {
      for (let instructions = 0; instructions < 10_000; instructions++) {
        const stop = this.#step();
        if (stop.kind !== 'step') return stop;
        if (this.#breakpoints.has(BigInt(this.cpu.x[32]))) return { kind: 'breakpoint', thread, hardware: false };
      }
      await new Promise((resolve) => setTimeout(resolve));
    }
    return { kind: 'interrupted', thread };
  }
}

/** Counts in t0 and at address 0x100. */
const program = [
  0x00000293, // li   t0, 0
  0x00128293, // addi t0, t0, 1
  0x10502023, // sw   t0, 0x100(zero)
  0xff9ff06f, // j    4
];

/** `listen` is `tcp:1234`, `unix:/tmp/toy` or `stdio`. The toy is held until a debugger lets it go. */
export function serveToy(listen: string): Promise<Server> {
  const target = new ToyTarget();
  for (const [index, word] of program.entries()) target.cpu.memory.setUint32(4 * index, word, true);
  return serve(target, { listen });
}
