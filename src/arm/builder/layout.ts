/**
 * Where a simulated CPU's state lies in its WebAssembly.Memory: byte offsets. Guest RAM follows in the same memory,
 * so that handlers reach registers, TLB and RAM alike.
 */
export const Layout = {
  /** Slots of 8 bytes: X0..X30, zero (31), the current SP (32), discarded (33). */
  x: 0,
  pc: 34 * 8,
  /** Value of a slow load or store, 16 bytes. */
  scratch: 36 * 8,
  /** Lazy flags: kind (i32), then two operands (i64). Kind 0: NZCV stand in bits 3..0 of the first operand. */
  flagsKind: 38 * 8,
  flagsA: 39 * 8,
  flagsB: 40 * 8,
  /** Instructions that may still run before the engine must return (i32). */
  budget: 41 * 8,
  /** Exclusive monitor: four slots of 8 bytes, in the order of StateSlot. */
  exclusive: 42 * 8,
  /** PSTATE without NZCV, as in SPSR_EL1 (i32): the CPU's to write. */
  pstate: 46 * 8,
  /** i32: non-zero when SP must be aligned at the current exception level. */
  spCheck: 46 * 8 + 4,
  /** i32: non-zero when every data access must be aligned (SCTLR_EL1.A). */
  alignCheck: 47 * 8,
  /** 48..63: the engine's own. */
  engine: 48 * 8,
  /** V0..V31, 16 bytes each. */
  v: 0x200,
  /** System registers: 8 bytes at 8 * (op0:op1:CRn:CRm:op2). SP_EL0, SP_EL1, ELR_EL1 and SPSR_EL1 are among them. */
  system: 0x10000,
  systemBytes: 0x80000,
  /** From here: the engine's TLBs, jump caches and decoded records; their sizes are the engine's. */
  engineArea: 0x90000,
} as const;
