/**
 * Where the state of a simulated machine lies in its WebAssembly.Memory: byte offsets. Guest RAM follows in the same
 * memory, so that handlers reach registers, TLB and RAM alike.
 *
 * What handlers find at fixed places, the first `bankBytes`, belongs to the CPU that runs. The other CPUs have theirs in
 * their banks: a change of CPUs is a copy out and a copy in.
 */
export const Layout = {
  /** Slots of 8 bytes: X0..X30, zero (31), the current SP (32), discarded (33). */
  x: 0,
  /** Valid while the engine does not run, and inside every call of the host. */
  pc: 34 * 8,
  /** Lazy flags: kind (i32), then two operands (i64). Kind 0: NZCV stand in bits 3..0 of the first operand. */
  flagsKind: 38 * 8,
  flagsA: 39 * 8,
  flagsB: 40 * 8,
  /** Instructions that may still run before the engine must return (i32). Valid when pc is. */
  budget: 41 * 8,
  /** Exclusive monitor: four slots of 8 bytes, in the order of StateSlot. */
  exclusive: 42 * 8,
  /** PSTATE without NZCV, as in SPSR_EL1 (i32): the CPU's to write. */
  pstate: 46 * 8,
  /** i32: non-zero when SP must be aligned at the current exception level. */
  spCheck: 46 * 8 + 4,
  /** i32: non-zero when every data access must be aligned (SCTLR_EL1.A). The TLBs are flushed when it changes. */
  alignCheck: 47 * 8,
  /** The engine's own. The TLBs that apply (i32, an address): one of `contexts`. */
  context: 48 * 8,
  /** The record that has not been decoded yet (i32, an address). */
  undecoded: 48 * 8 + 4,
  /** Value of a slow load or store, 32 bytes. */
  scratch: 50 * 8,
  /** Three operands of a floating-point operation, 16 bytes each; then the result in the place of the first. */
  fpOperands: 54 * 8,
  /** System registers that instructions use: see systemPlace. */
  fpcr: 60 * 8,
  fpsr: 61 * 8,
  /** i32 each, addresses: `system` of the CPU, and its TLBs for accesses as from EL0. */
  systemBase: 62 * 8,
  unprivileged: 62 * 8 + 4,
  /** V0..V31, 16 bytes each. */
  v: 0x200,
  bankBytes: 0x400,
  /** From here to `cpuBytes`: offsets in the area of each CPU. See cpuArea. */
  bank: 0x400,
  /** System registers: 8 bytes at 8 * (op0:op1:CRn:CRm:op2). SP_EL0, SP_EL1, ELR_EL1 and SPSR_EL1 are among them. */
  system: 0x10000,
  systemBytes: 0x80000,
  /** One Context each for EL0, EL1, and EL1 with PSTATE.PAN. */
  contexts: 0x90000,
  cpuBytes: 0xb0000,
  /** Room for the records of a page, to run a part of them from. */
  part: 0xb0000,
  /** For each 4 KiB of RAM 64 bits: which of its 64-byte lines hold decoded code. */
  codeLines: 0x100000,
  /** Decoded pages: see Record. */
  pages: 0x900000,
  pageCount: 1536,
  /** The areas of all CPUs but the first. */
  otherCpus: 0x6920000,
  ram: 0x7000000,
} as const;

/** A machine has no more CPUs. */
export const MAXIMUM_CPUS = 8;

/** Where the area of a CPU begins: that of the first one is around what belongs to all. */
export const cpuArea = (index: number): number => (index === 0 ? 0 : Layout.otherCpus + (index - 1) * Layout.cpuBytes);

/** Offsets in Layout.system of the two system registers that are not there. */
export const SystemOffset = { fpcr: 8 * 0xda20, fpsr: 8 * 0xda21 } as const;

/** Where a system register of the CPU that runs is, by its offset in Layout.system and where that is. */
export const systemPlace = (offset: number, system: number = Layout.system): number => {
  if (offset === SystemOffset.fpcr) return Layout.fpcr;
  return offset === SystemOffset.fpsr ? Layout.fpsr : system + offset;
};

/**
 * The TLBs of one translation context, offsets from its start. All are direct mapped by the page's number. An entry is
 * 16 bytes: a tag (i64), which is the page's virtual address or -1, then two i32.
 */
export const Context = {
  /** Of data: the tag, what to add to a virtual address for the place in memory, and `aligned`. */
  entries: 1024,
  read: 0,
  write: 1024 * 16,
  /** A bit of a tag in the TLB for writes: the page holds decoded code. No address that is looked up has it. */
  holdsCode: 1 << 11,
  /** Of decoded pages: the tag, the address of the first record. */
  codeEntries: 512,
  code: 2 * 1024 * 16,
  bytes: 2 * 1024 * 16 + 512 * 16,
  value: 8,
  /** All ones when unaligned accesses must leave the fast path, or zero. */
  aligned: 12,
} as const;

/**
 * A decoded instruction, offsets from its start. The records of a page of code stand one behind the other, one for each
 * word, and one more that leads to the next page. A record of zeros has not been decoded yet.
 *
 * Time is counted in records: a handler gets the address of its record and the `limit`, the address at which the
 * instructions that may run would end if all of them stood in a row. A jump moves both.
 */
export const Record = {
  bytes: 64,
  /** The handler that runs (u16): the instruction's own, or one for it and the next. */
  handler: 0,
  /** The instruction's own handler (u16). */
  own: 2,
  /** Bytes of records from here to where the flow cannot fall through. */
  span: 4,
  pc: 8,
  /** Up to 6 register operands: offsets from Layout.x, or from Layout.v for vectors, 16 bits each. */
  registers: 16,
  /** Address of the record that the first label leads to when it is in the same page; or zero. */
  near: 28,
  /** Up to 4 immediates, then labels: 64 bits each. */
  immediates: 32,
  /** Of the records of a page of code. */
  pageBytes: 1025 * 64,
} as const;
