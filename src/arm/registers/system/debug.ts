/** Self-hosted and external debug. Arm ARM DDI 0487, "Debug registers" (D19.3). */
import { field, flag, res0, type SystemRegister, sysreg, sysregs } from '../register.ts';

const group = 'debug';

/** Which security states a breakpoint or watchpoint matches in, together with HMC and PMC or PAC. */
const ssc = field('SSC', 15, 14, {
  0: 'both security states',
  1: 'Non-secure state only',
  2: 'Secure state only',
  3: 'both, or Secure EL2 and EL0',
});
const debugPrivilege = { 0: 'as HMC and SSC say', 1: 'EL1', 2: 'EL0', 3: 'EL1 and EL0' };

/** DBGCLAIMSET_EL1 and DBGCLAIMCLR_EL1 show the same eight tags. */
const claim = [res0(63, 8), field('CLAIM', 7, 0)];

const breakpoints = [
  ...sysregs(
    'DBGBVR<n>_EL1',
    16,
    (n) => [2, 0, 0, n, 4],
    'Debug Breakpoint Value Register <n>',
    // With DBGBCR<n>_EL1.BT of context matching, bits 31..0 are a ContextID and 47..32 a VMID.
    [field('RESS', 63, 53), field('VA', 52, 2), res0(1, 0)],
    { group },
  ),
  ...sysregs(
    'DBGBCR<n>_EL1',
    16,
    (n) => [2, 0, 0, n, 5],
    'Debug Breakpoint Control Register <n>',
    [
      res0(63, 24),
      field('BT', 23, 20, {
        0: 'address match',
        1: 'address match, linked',
        2: 'context ID match',
        3: 'context ID match, linked',
        4: 'address mismatch',
        5: 'address mismatch, linked',
        6: 'CONTEXTIDR_EL1 match',
        7: 'CONTEXTIDR_EL1 match, linked',
        8: 'VMID match',
        9: 'VMID match, linked',
        10: 'VMID and context ID match',
        11: 'VMID and context ID match, linked',
        12: 'CONTEXTIDR_EL2 match',
        13: 'CONTEXTIDR_EL2 match, linked',
        14: 'CONTEXTIDR_EL1 and CONTEXTIDR_EL2 match',
        15: 'CONTEXTIDR_EL1 and CONTEXTIDR_EL2 match, linked',
      }),
      field('LBN', 19, 16),
      ssc,
      flag('HMC', 13),
      res0(12, 9),
      field('BAS', 8, 5, { 3: 'T32 at the value', 12: 'T32 at the value + 2', 15: 'A64 or A32' }),
      res0(4, 3),
      field('PMC', 2, 1, debugPrivilege),
      flag('E', 0, { 0: 'disabled', 1: 'enabled' }),
    ],
    { group },
  ),
];

const watchpoints = [
  ...sysregs(
    'DBGWVR<n>_EL1',
    16,
    (n) => [2, 0, 0, n, 6],
    'Debug Watchpoint Value Register <n>',
    [field('RESS', 63, 53), field('VA', 52, 2), res0(1, 0)],
    { group },
  ),
  ...sysregs(
    'DBGWCR<n>_EL1',
    16,
    (n) => [2, 0, 0, n, 7],
    'Debug Watchpoint Control Register <n>',
    [
      res0(63, 29),
      field('MASK', 28, 24, { 0: 'no mask', 3: '8 bytes', 12: '4 KiB', 31: '2 GiB' }),
      res0(23, 21),
      flag('WT', 20, { 0: 'unlinked', 1: 'linked' }),
      field('LBN', 19, 16),
      ssc,
      flag('HMC', 13),
      field('BAS', 12, 5),
      field('LSC', 4, 3, { 1: 'loads', 2: 'stores', 3: 'loads and stores' }),
      field('PAC', 2, 1, debugPrivilege),
      flag('E', 0, { 0: 'disabled', 1: 'enabled' }),
    ],
    { group },
  ),
];

const monitor = [
  sysreg(
    'MDSCR_EL1',
    [2, 0, 0, 2, 2],
    'Monitor Debug System Control Register',
    [
      res0(63, 51),
      flag('EnSTEPOP', 50),
      res0(49, 36),
      flag('EHBWE', 35),
      flag('EnSPM', 34),
      flag('TTA', 33),
      flag('EMBWE', 32),
      flag('TFO', 31, { 0: 'trace filters as TRFCR_ELx says', 1: 'trace filters overridden' }),
      flag('RXfull', 30),
      flag('TXfull', 29),
      res0(28),
      flag('RXO', 27),
      flag('TXU', 26),
      res0(25, 24),
      field('INTdis', 23, 22),
      flag('TDA', 21),
      res0(20),
      flag('SC2', 19),
      res0(18, 16),
      flag('MDE', 15, { 0: 'breakpoints and watchpoints off', 1: 'breakpoints and watchpoints on' }),
      flag('HDE', 14),
      flag('KDE', 13, { 0: 'no debug exceptions inside the debug target', 1: 'also inside the debug target' }),
      flag('TDCC', 12, { 0: 'no trap', 1: 'EL0 access to the communications channel traps' }),
      res0(11, 7),
      flag('ERR', 6),
      res0(5, 1),
      flag('SS', 0, { 0: 'no software step', 1: 'software step' }),
    ],
    { group },
  ),
  sysreg(
    'MDCCINT_EL1',
    [2, 0, 0, 2, 0],
    'Monitor DCC Interrupt Enable Register',
    [res0(63, 31), flag('RX', 30), flag('TX', 29), res0(28, 0)],
    { group },
  ),
  sysreg(
    'MDCCSR_EL0',
    [2, 3, 0, 1, 0],
    'Monitor DCC Status Register',
    [res0(63, 31), flag('RXfull', 30), flag('TXfull', 29), res0(28, 0)],
    { group, access: 'RO' },
  ),
  sysreg(
    'MDRAR_EL1',
    [2, 0, 1, 0, 0],
    'Monitor Debug ROM Address Register',
    [
      res0(63, 56),
      field('ROMADDR', 55, 12),
      res0(11, 2),
      field('Valid', 1, 0, { 0: 'no ROM table', 3: 'ROM table at ROMADDR' }),
    ],
    { group, access: 'RO', constant: true },
  ),
];

/** The debug communications channel: reading takes a word out, writing puts one in. */
const channel = [
  sysreg(
    'DBGDTR_EL0',
    [2, 3, 0, 4, 0],
    'Debug Data Transfer Register, half-duplex',
    [field('HighWord', 63, 32), field('LowWord', 31, 0)],
    { group, noRaw: true },
  ),
  sysreg(
    'DBGDTRRX_EL0',
    [2, 3, 0, 5, 0],
    'Debug Data Transfer Register, Receive',
    [res0(63, 32), field('DTRRX', 31, 0)],
    { group, access: 'RO', noRaw: true },
  ),
  // Shares its encoding with DBGDTRRX_EL0: MSR writes this one, MRS reads the other.
  sysreg(
    'DBGDTRTX_EL0',
    [2, 3, 0, 5, 0],
    'Debug Data Transfer Register, Transmit',
    [res0(63, 32), field('DTRTX', 31, 0)],
    { group, access: 'WO', noRaw: true },
  ),
];

const operatingSystem = [
  sysreg(
    'OSDTRRX_EL1',
    [2, 0, 0, 0, 2],
    'OS Lock Data Transfer Register, Receive',
    [res0(63, 32), field('DTRRX', 31, 0)],
    { group },
  ),
  sysreg(
    'OSDTRTX_EL1',
    [2, 0, 0, 3, 2],
    'OS Lock Data Transfer Register, Transmit',
    [res0(63, 32), field('DTRTX', 31, 0)],
    { group },
  ),
  sysreg(
    'OSECCR_EL1',
    [2, 0, 0, 6, 2],
    'OS Lock Exception Catch Control Register',
    [res0(63, 32), field('EDECCR', 31, 0)],
    { group },
  ),
  sysreg('OSLAR_EL1', [2, 0, 1, 0, 4], 'OS Lock Access Register', [res0(63, 1), flag('OSLK', 0)], {
    group,
    access: 'WO',
    noRaw: true,
  }),
  sysreg(
    'OSLSR_EL1',
    [2, 0, 1, 1, 4],
    'OS Lock Status Register',
    [
      res0(63, 4),
      flag('OSLM_1', 3, { 0: 'no OS Lock', 1: 'OS Lock implemented' }),
      flag('nTT', 2),
      flag('OSLK', 1, { 0: 'unlocked', 1: 'locked' }),
      flag('OSLM_0', 0),
    ],
    { group, access: 'RO' },
  ),
  sysreg(
    'OSDLR_EL1',
    [2, 0, 1, 3, 4],
    'OS Double Lock Register',
    [res0(63, 1), flag('DLK', 0, { 0: 'unlocked', 1: 'locked' })],
    { group },
  ),
  sysreg(
    'DBGPRCR_EL1',
    [2, 0, 1, 4, 4],
    'Debug Power Control Register',
    [res0(63, 1), flag('CORENPDRQ', 0, { 0: 'power down as asked', 1: 'emulate power down' })],
    { group },
  ),
  sysreg('DBGCLAIMSET_EL1', [2, 0, 7, 8, 6], 'Debug CLAIM Tag Set Register', claim, { group, noRaw: true }),
  sysreg('DBGCLAIMCLR_EL1', [2, 0, 7, 9, 6], 'Debug CLAIM Tag Clear Register', claim, { group, noRaw: true }),
];

const authenticated = { 0: 'not implemented', 2: 'implemented, disabled', 3: 'implemented, enabled' };

const authentication = [
  sysreg(
    'DBGAUTHSTATUS_EL1',
    [2, 0, 7, 14, 6],
    'Debug Authentication Status Register',
    [
      res0(63, 28),
      field('RTNID', 27, 26, authenticated),
      field('RTID', 25, 24, authenticated),
      res0(23, 16),
      field('RLNID', 15, 14, authenticated),
      field('RLID', 13, 12, authenticated),
      res0(11, 8),
      field('SNID', 7, 6, authenticated),
      field('SID', 5, 4, authenticated),
      field('NSNID', 3, 2, authenticated),
      field('NSID', 1, 0, authenticated),
    ],
    { group, access: 'RO' },
  ),
  sysreg(
    'TRFCR_EL1',
    [3, 0, 1, 2, 1],
    'Trace Filter Control Register (EL1)',
    [
      res0(63, 12),
      flag('DnVM', 11),
      flag('KE', 10),
      field('EE', 9, 8),
      res0(7),
      field('TS', 6, 5, { 1: 'virtual time', 2: 'guest physical time', 3: 'physical time' }),
      res0(4),
      flag('CX', 3),
      res0(2),
      flag('E1TRE', 1, { 0: 'no trace at EL1', 1: 'trace at EL1' }),
      flag('E0TRE', 0, { 0: 'no trace at EL0', 1: 'trace at EL0' }),
    ],
    { group, feature: 'FEAT_TRF' },
  ),
];

export const debugRegisters: readonly SystemRegister[] = [
  ...breakpoints,
  ...watchpoints,
  ...monitor,
  ...channel,
  ...operatingSystem,
  ...authentication,
];
