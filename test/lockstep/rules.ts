/** What the lock-step runs leave out, and why. Everything else must be equal. */

interface Exclusion {
  readonly mask: number;
  readonly value: number;
  /** Only at this exception level. */
  readonly el?: 0 | 1;
  readonly reason: string;
}

export const exclusions: readonly Exclusion[] = [
  { mask: 0xffffffff, value: 0xd503207f, el: 1, reason: 'WFI waits for an interrupt, and none comes' },
  { mask: 0xffffffff, value: 0xd503205f, el: 1, reason: 'WFE likewise' },
  { mask: 0xffe0001f, value: 0xd4000002, reason: 'HVC calls PSCI, whose functions differ' },
  { mask: 0xffe0001f, value: 0xd4000003, reason: 'SMC is PSCI on the simulator and UNDEFINED on QEMU without EL3' },
  { mask: 0xffe0001f, value: 0xd4400000, reason: 'HLT is semihosting on QEMU' },
  { mask: 0xfffffbff, value: 0xd69f03e0, reason: 'ERET begins the case again; guests of the other tests return' },
];

/**
 * System registers that cases read and write: their values do not depend on the CPU's model, and a write does not
 * pull the floor from under the harness. Names as in the catalogue; numbers op0:op1:CRn:CRm:op2.
 */
const enc = (op0: number, op1: number, crn: number, crm: number, op2: number) =>
  (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
export const registersDrawn: ReadonlyMap<number, string> = new Map([
  [enc(3, 3, 4, 2, 0), 'NZCV'],
  [enc(3, 3, 4, 2, 1), 'DAIF'],
  [enc(3, 0, 4, 2, 2), 'CurrentEL'],
  [enc(3, 0, 4, 2, 3), 'PAN'],
  [enc(3, 3, 13, 0, 2), 'TPIDR_EL0'],
  [enc(3, 3, 13, 0, 3), 'TPIDRRO_EL0'],
  [enc(3, 0, 13, 0, 4), 'TPIDR_EL1'],
  [enc(3, 0, 6, 0, 0), 'FAR_EL1'],
  [enc(3, 0, 5, 2, 0), 'ESR_EL1'],
  [enc(3, 0, 4, 0, 1), 'ELR_EL1'],
  [enc(3, 0, 4, 1, 0), 'SP_EL0'],
  [enc(3, 4, 4, 1, 0), 'SP_EL1'],
  [enc(3, 3, 0, 0, 7), 'DCZID_EL0'],
]);

/** Whether a case may hold this word at this exception level. */
export function drawable(word: number, el1: boolean): boolean {
  for (const { mask, value, el } of exclusions)
    if (((word ^ value) & mask) === 0 && (el === undefined || el === (el1 ? 1 : 0))) return false;
  // MSR (immediate): SPSel would change the vector that the harness counts on; UAO, DIT, SSBS, TCO are features.
  if ((word & 0xfff8f01f) >>> 0 === 0xd500401f) {
    const op = ((word >>> 13) & 0x38) | ((word >>> 5) & 7);
    return op === 4 || op === 0x1e || op === 0x1f;
  }
  // MRS, MSR (register).
  if ((word & 0xffd00000) >>> 0 === 0xd5100000) return registersDrawn.has((word >>> 5) & 0xffff);
  // SYS, SYSL: by operation.
  if ((word & 0xffd80000) >>> 0 === 0xd5080000) return systemDrawn(word);
  return true;
}

/** AT S1E1R, S1E1W, S1E0R, S1E0W; DC ZVA; TLBI of the EL1&0 regime. SYSL and unallocated ones, too. */
function systemDrawn(word: number): boolean {
  const operation = (word >>> 5) & 0x3fff;
  const crn = (operation >>> 7) & 15;
  const crm = (operation >>> 3) & 15;
  if (crn === 7 && crm === 8) return (operation & ~3) === (7 << 7) + (8 << 3);
  if (crn === 7) return operation === (3 << 11) + (7 << 7) + (4 << 3) + 1;
  // TLBI VMALLE1, VAE1, ASIDE1, VAAE1, VALE1, VAALE1 and their inner shareable forms.
  if (crn === 8) return operation >>> 11 === 0 && (crm === 7 || crm === 3) && ![4, 6].includes(operation & 7);
  return false;
}
