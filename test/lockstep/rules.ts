/** What the lock-step runs leave out, and why. Everything else must be equal. */

import type { Random } from './random.ts';

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
  [enc(3, 0, 4, 1, 0), 'SP_EL0'],
  [enc(3, 4, 4, 1, 0), 'SP_EL1'],
  [enc(3, 3, 0, 0, 7), 'DCZID_EL0'],
]);

const operation = (op1: number, crn: number, crm: number, op2: number) => (op1 << 11) | (crn << 7) | (crm << 3) | op2;
const tlbi = [0, 1, 2, 3, 5, 7].flatMap((op2) => [3, 7].map((crm) => [operation(0, 8, crm, op2), 'TLBI'] as const));
/** SYS instructions that cases hold: op1:CRn:CRm:op2. DC and IC by address are left to the tests of the CPU. */
export const operationsDrawn: ReadonlyMap<number, string> = new Map([
  [operation(0, 7, 8, 0), 'AT S1E1R'],
  [operation(0, 7, 8, 1), 'AT S1E1W'],
  [operation(0, 7, 8, 2), 'AT S1E0R'],
  [operation(0, 7, 8, 3), 'AT S1E0W'],
  [operation(3, 7, 4, 1), 'DC ZVA'],
  ...tlbi,
]);
const registerNumbers = [...registersDrawn.keys()];
const operationNumbers = [...operationsDrawn.keys()];

/** Makes a system instruction name what may be drawn; other words stay as they are. */
export function steer(random: Random, word: number): number {
  if ((word & 0xffd00000) >>> 0 === 0xd5100000)
    return ((word & 0xffe0001f) | (random.pick(registerNumbers) << 5)) >>> 0;
  if ((word & 0xfff80000) >>> 0 === 0xd5080000)
    return ((word & 0xfff8001f) | (random.pick(operationNumbers) << 5)) >>> 0;
  return word;
}

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
  if ((word & 0xfff80000) >>> 0 === 0xd5080000) return operationsDrawn.has((word >>> 5) & 0x3fff);
  return true;
}
