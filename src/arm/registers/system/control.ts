/** Control registers of EL1. Arm ARM DDI 0487, D19.2 "General system control registers". */
import { field, flag, impdef, res0, type SystemRegister, sysreg, type Values } from '../register.ts';

const trapped: Values = { 0: 'trapped to EL1', 1: 'not trapped' };
const checkMode: Values = { 0: 'no effect', 1: 'synchronous exception', 2: 'asynchronous', 3: 'synchronous on reads' };

const SCTLR_EL1 = sysreg(
  'SCTLR_EL1',
  [3, 0, 1, 0, 0],
  'System Control Register',
  [
    flag('TIDCP', 63),
    flag('SPINTMASK', 62),
    flag('NMI', 61),
    flag('EnTP2', 60),
    flag('TCSO', 59),
    flag('TCSO0', 58),
    flag('EPAN', 57),
    flag('EnALS', 56),
    flag('EnAS0', 55),
    flag('EnASR', 54),
    flag('TME', 53),
    flag('TME0', 52),
    flag('TMT', 51),
    flag('TMT0', 50),
    field('TWEDEL', 49, 46),
    flag('TWEDEn', 45),
    flag('DSSBS', 44),
    flag('ATA', 43),
    flag('ATA0', 42),
    field('TCF', 41, 40, checkMode),
    field('TCF0', 39, 38, checkMode),
    flag('ITFSB', 37),
    flag('BT1', 36),
    flag('BT0', 35),
    flag('EnFPM', 34),
    flag('MSCEn', 33),
    flag('CMOW', 32),
    flag('EnIA', 31),
    flag('EnIB', 30),
    flag('LSMAOE', 29),
    flag('nTLSMD', 28),
    flag('EnDA', 27),
    flag('UCI', 26, trapped),
    flag('EE', 25, { 0: 'little-endian at EL1', 1: 'big-endian at EL1' }),
    flag('E0E', 24, { 0: 'little-endian at EL0', 1: 'big-endian at EL0' }),
    flag('SPAN', 23, { 0: 'exceptions set PAN', 1: 'exceptions leave PAN' }),
    flag('EIS', 22),
    flag('IESB', 21),
    flag('TSCXT', 20),
    flag('WXN', 19, { 0: 'no effect', 1: 'writable is execute-never' }),
    flag('nTWE', 18, trapped),
    res0(17),
    flag('nTWI', 16, trapped),
    flag('UCT', 15, trapped),
    flag('DZE', 14, trapped),
    flag('EnDB', 13),
    flag('I', 12, { 0: 'instruction fetches non-cacheable', 1: 'instruction fetches cacheable' }),
    flag('EOS', 11),
    flag('EnRCTX', 10),
    flag('UMA', 9, trapped),
    flag('SED', 8, { 0: 'SETEND enabled', 1: 'SETEND undefined' }),
    flag('ITD', 7),
    flag('nAA', 6),
    flag('CP15BEN', 5),
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
    flag('E0POE', 29),
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
