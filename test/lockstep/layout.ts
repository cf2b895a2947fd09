/** Where things lie in the guest of the lock-step runs. The same addresses stand in harness.S. */
export const ram = { base: 0x4000_0000, size: 0x0c00_0000 } as const;
/** Unsigned number of cases. */
export const countAddress = 0x41ff_fff8;
/** The windows' content when a case begins. */
export const pristine = 0x4200_0000;
/** What V0..V31 may begin with. */
export const vectors = { start: 0x4210_0000, bytes: 1 << 16 } as const;
/** Pages: read-write, read-write, read-only, read-write for EL1 only, unmapped. */
export const data = 0x4300_0000;
export const stubs = 0x4400_0000;
export const stubWords = 8;
export const cases = 0x4500_0000;
/** X0..X30, SP, SPSR, the byte at which V0..V31 begin in `vectors`, CPACR_EL1, one to spare. */
export const caseWords = 36;
export const results = 0x4800_0000;
/** X0..X30, SP, then `resultNames`. */
export const resultWords = 40;
export const resultNames = ['ELR', 'SPSR', 'ESR', 'FAR', 'PAR', 'hash', 'TPIDR_EL0', 'CONTEXTIDR_EL1'] as const;

/** The parts of `data` that cases may write: restored before each, hashed after it. */
export const windows = [
  { start: data + 0x1000 - 256, bytes: 512 },
  { start: data + 0x3000, bytes: 256 },
] as const;

/** Instructions of a case stand at words 1..3 of its stub. BRKs around them tell where a case ended. */
export const instructionsPerCase = 3;
export const firstInstruction = 1;
const brk = (comment: number) => 0xd4200000 | (comment << 5);
export const stubBrks: readonly (number | undefined)[] = [
  brk(0x10),
  undefined,
  undefined,
  undefined,
  brk(0x14),
  brk(0x15),
  brk(0x16),
  brk(0x17),
];
