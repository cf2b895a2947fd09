/** Every group of system registers: a new one is joined here and nowhere else. */
import type { SystemRegister } from '../register.ts';
import { amuRegisters } from './amu.ts';
import { cacheRegisters } from './cache.ts';
import { controlRegisters } from './control.ts';
import { debugRegisters } from './debug.ts';
import { el2Registers } from './el2.ts';
import { el3Registers } from './el3.ts';
import { exceptionRegisters } from './exception.ts';
import { gicRegisters } from './gic.ts';
import { idRegisters } from './id.ts';
import { mmuRegisters } from './mmu.ts';
import { mpamRegisters } from './mpam.ts';
import { mteRegisters } from './mte.ts';
import { otherRegisters } from './other.ts';
import { pauthRegisters } from './pauth.ts';
import { pmuRegisters } from './pmu.ts';
import { rasRegisters } from './ras.ts';
import { speRegisters } from './spe.ts';
import { specialRegisters } from './special.ts';
import { sveRegisters } from './sve.ts';
import { threadRegisters } from './thread.ts';
import { timerRegisters } from './timer.ts';
import { traceRegisters } from './trace.ts';

export const registerGroups: readonly (readonly SystemRegister[])[] = [
  amuRegisters,
  cacheRegisters,
  controlRegisters,
  debugRegisters,
  el2Registers,
  el3Registers,
  exceptionRegisters,
  gicRegisters,
  idRegisters,
  mmuRegisters,
  mpamRegisters,
  mteRegisters,
  otherRegisters,
  pauthRegisters,
  pmuRegisters,
  rasRegisters,
  speRegisters,
  specialRegisters,
  sveRegisters,
  threadRegisters,
  timerRegisters,
  traceRegisters,
];
