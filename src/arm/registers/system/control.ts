/** Control registers of EL1. Arm ARM DDI 0487, D19.2 "General system control registers". */
import { field, flag, impdef, res0, type SystemRegister, sysreg, type Values } from '../register.ts';

const trapped: Values = { 0: 'trapped to EL1', 1: 'not trapped' };
const enabled: Values = { 0: 'key unused', 1: 'key used' };
const checkMode: Values = { 0: 'no effect', 1: 'synchronous exception', 2: 'asynchronous', 3: 'synchronous on reads' };

const SCTLR_EL1 = sysreg(
  'SCTLR_EL1',
  [3, 0, 1, 0, 0],
  'System Control Register',
  [
    flag('TIDCP', 63, { 0: 'not trapped', 1: 'EL0 use of implementation defined instructions traps' }),
    flag('SPINTMASK', 62, { 0: 'PSTATE.ALLINT masks', 1: 'PSTATE.SP masks interrupts too' }),
    flag('NMI', 61, { 0: 'no superpriority', 1: 'interrupts with superpriority' }),
    flag('EnTP2', 60, trapped),
    flag('TCSO', 59, { 0: 'loads and stores checked', 1: 'only stores checked at EL1' }),
    flag('TCSO0', 58, { 0: 'loads and stores checked', 1: 'only stores checked at EL0' }),
    flag('EPAN', 57, { 0: 'PAN ignores execute-only pages', 1: 'PAN covers execute-only pages' }),
    flag('EnALS', 56, trapped),
    flag('EnAS0', 55, trapped),
    flag('EnASR', 54, trapped),
    flag('TME', 53),
    flag('TME0', 52),
    flag('TMT', 51),
    flag('TMT0', 50),
    field('TWEDEL', 49, 46),
    flag('TWEDEn', 45, { 0: 'implementation defined delay', 1: 'delay from TWEDEL' }),
    flag('DSSBS', 44, { 0: 'exceptions clear SSBS', 1: 'exceptions set SSBS' }),
    flag('ATA', 43, { 0: 'no tag access at EL1', 1: 'tag access at EL1' }),
    flag('ATA0', 42, { 0: 'no tag access at EL0', 1: 'tag access at EL0' }),
    field('TCF', 41, 40, checkMode),
    field('TCF0', 39, 38, checkMode),
    flag('ITFSB', 37, { 0: 'exceptions do not wait for tag faults', 1: 'exceptions wait for tag faults' }),
    flag('BT1', 36, { 0: 'PACIASP accepts a jump at EL1', 1: 'PACIASP refuses a jump at EL1' }),
    flag('BT0', 35, { 0: 'PACIASP accepts a jump at EL0', 1: 'PACIASP refuses a jump at EL0' }),
    flag('EnFPM', 34, trapped),
    flag('MSCEn', 33, { 0: 'memory copy undefined at EL0', 1: 'memory copy enabled at EL0' }),
    flag('CMOW', 32, { 0: 'cache maintenance needs read permission', 1: 'cache maintenance needs write permission' }),
    flag('EnIA', 31, enabled),
    flag('EnIB', 30, enabled),
    flag('LSMAOE', 29, { 0: 'load and store multiple may be interrupted', 1: 'load and store multiple in order' }),
    flag('nTLSMD', 28, { 0: 'load and store multiple trap on devices', 1: 'no trap' }),
    flag('EnDA', 27, enabled),
    flag('UCI', 26, trapped),
    flag('EE', 25, { 0: 'little-endian at EL1', 1: 'big-endian at EL1' }),
    flag('E0E', 24, { 0: 'little-endian at EL0', 1: 'big-endian at EL0' }),
    flag('SPAN', 23, { 0: 'exceptions set PAN', 1: 'exceptions leave PAN' }),
    flag('EIS', 22, { 0: 'exception entry need not synchronize', 1: 'exception entry synchronizes' }),
    flag('IESB', 21, { 0: 'no error synchronization', 1: 'exceptions synchronize errors' }),
    flag('TSCXT', 20, { 0: 'SCXTNUM_EL0 not trapped', 1: 'SCXTNUM_EL0 traps at EL0' }),
    flag('WXN', 19, { 0: 'no effect', 1: 'writable is execute-never' }),
    flag('nTWE', 18, trapped),
    res0(17),
    flag('nTWI', 16, trapped),
    flag('UCT', 15, trapped),
    flag('DZE', 14, trapped),
    flag('EnDB', 13, enabled),
    flag('I', 12, { 0: 'instruction fetches non-cacheable', 1: 'instruction fetches cacheable' }),
    flag('EOS', 11, { 0: 'exception return need not synchronize', 1: 'exception return synchronizes' }),
    flag('EnRCTX', 10, trapped),
    flag('UMA', 9, trapped),
    flag('SED', 8, { 0: 'SETEND enabled', 1: 'SETEND undefined' }),
    flag('ITD', 7, { 0: 'IT enabled', 1: 'long IT blocks undefined' }),
    flag('nAA', 6, { 0: 'unaligned acquire and release fault', 1: 'unaligned acquire and release within 16 bytes' }),
    flag('CP15BEN', 5, { 0: 'CP15 barriers undefined', 1: 'CP15 barriers enabled' }),
    flag('SA0', 4, { 0: 'SP unchecked at EL0', 1: 'SP alignment checked at EL0' }),
    flag('SA', 3, { 0: 'SP unchecked at EL1', 1: 'SP alignment checked at EL1' }),
    flag('C', 2, { 0: 'data non-cacheable', 1: 'data cacheable' }),
    flag('A', 1, { 0: 'alignment unchecked', 1: 'alignment checked' }),
    flag('M', 0, { 0: 'MMU off', 1: 'MMU on' }),
  ],
  { group: 'control' },
);

const ACTLR_EL1 = sysreg('ACTLR_EL1', [3, 0, 1, 0, 1], 'Auxiliary Control Register', [impdef(63, 0)], {
  group: 'control',
});

const traps: Values = { 0: 'EL0 and EL1 trap', 1: 'EL0 traps', 2: 'EL0 and EL1 trap', 3: 'no trap' };

const CPACR_EL1 = sysreg(
  'CPACR_EL1',
  [3, 0, 1, 0, 2],
  'Architectural Feature Access Control Register',
  [
    res0(63, 30),
    flag('E0POE', 29, { 0: 'POR_EL0 traps at EL0', 1: 'no trap' }),
    flag('TTA', 28, { 0: 'no trap', 1: 'trace registers trap' }),
    res0(27, 26),
    field('SMEN', 25, 24, traps),
    res0(23, 22),
    field('FPEN', 21, 20, traps),
    res0(19, 18),
    field('ZEN', 17, 16, traps),
    res0(15, 0),
  ],
  { group: 'control' },
);

export const controlRegisters: readonly SystemRegister[] = [SCTLR_EL1, ACTLR_EL1, CPACR_EL1];
