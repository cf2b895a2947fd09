/** Fault status codes: IFSC and DFSC of a syndrome, FST of PAR_EL1. Arm ARM DDI 0487, ESR_EL1. */
import type { Values } from './register.ts';

/** Codes `first` and up are the levels 0 to 3 of one kind. */
const levels = (first: number, kind: string): Values =>
  Object.fromEntries([0, 1, 2, 3].map((level) => [first + level, `${kind}, level ${level}`]));

const walkAbort = 'synchronous external abort on a table walk';
const walkParity = 'synchronous parity or ECC error on a table walk';
const granuleProtection = 'granule protection fault on a table walk';

export const faultStatus: Values = {
  ...levels(0b000000, 'address size fault'),
  ...levels(0b000100, 'translation fault'),
  ...levels(0b001000, 'access flag fault'),
  ...levels(0b001100, 'permission fault'),
  16: 'synchronous external abort, not on a table walk',
  17: 'synchronous tag check fault',
  18: `${walkAbort}, level -2`,
  19: `${walkAbort}, level -1`,
  ...levels(0b010100, walkAbort),
  24: 'synchronous parity or ECC error, not on a table walk',
  27: `${walkParity}, level -1`,
  ...levels(0b011100, walkParity),
  33: 'alignment fault',
  34: 'debug exception',
  35: `${granuleProtection}, level -1`,
  ...levels(0b100100, granuleProtection),
  40: 'granule protection fault, not on a table walk',
  41: 'address size fault, level -1',
  42: 'translation fault, level -2',
  43: 'translation fault, level -1',
  44: 'address size fault, level -2',
  48: 'TLB conflict abort',
  49: 'unsupported atomic hardware update fault',
  52: 'implementation defined fault (lockdown)',
  53: 'implementation defined fault (unsupported exclusive or atomic access)',
  61: 'section domain fault',
  62: 'page domain fault',
};

/** DFSC of an SError interrupt, also in DISR_EL1. */
export const serrorStatus: Values = { 0: 'uncategorized', 17: 'asynchronous SError interrupt' };

/** AET of an SError interrupt, also in DISR_EL1. */
export const asynchronousErrorType: Values = {
  0: 'uncontainable',
  1: 'unrecoverable state',
  2: 'restartable state',
  3: 'recoverable state',
  6: 'corrected',
};
