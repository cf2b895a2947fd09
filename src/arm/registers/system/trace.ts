/**
 * The trace unit. Arm IHI 0064 (ETMv4), "Register descriptions"; Arm ARM DDI 0487, "Trace registers" (D19.9). Fields of
 * ETMv4's data trace are kept where the later ETE has none.
 */
import { field, flag, impdef, res0, res1, type SystemRegister } from '../register.ts';
import { traceIdentificationRegisters } from './trace-identification.ts';
import { ete, exceptionLevels, family, readOnly, register, selector, word } from './trace-kit.ts';

const control = [
  register('TRCPRGCTLR', [0, 1, 0], 'Programming Control Register', word(res0(31, 1), flag('EN', 0))),
  register('TRCPROCSELR', [0, 2, 0], 'PE Select Control Register', word(res0(31, 5), field('PROCSEL', 4, 0))),
  register(
    'TRCSTATR',
    [0, 3, 0],
    'Trace Status Register',
    word(res0(31, 2), flag('PMSTABLE', 1), flag('IDLE', 0)),
    readOnly,
  ),
  register(
    'TRCCONFIGR',
    [0, 4, 0],
    'Trace Configuration Register',
    word(
      res0(31, 19),
      flag('ITO', 18),
      flag('DV', 17),
      flag('DA', 16),
      flag('VMIDOPT', 15),
      field('QE', 14, 13),
      flag('RS', 12),
      flag('TS', 11),
      field('COND', 10, 8),
      flag('VMID', 7),
      flag('CID', 6),
      res0(5),
      flag('CCI', 4),
      flag('BB', 3),
      field('INSTP0', 2, 1),
      res1(0),
    ),
  ),
  register('TRCAUXCTLR', [0, 6, 0], 'Auxiliary Control Register', word(impdef(31, 0))),
  register(
    'TRCEVENTCTL0R',
    [0, 8, 0],
    'Event Control 0 Register',
    word(...selector('EVENT3', 24), ...selector('EVENT2', 16), ...selector('EVENT1', 8), ...selector('EVENT0', 0)),
  ),
  register(
    'TRCEVENTCTL1R',
    [0, 9, 0],
    'Event Control 1 Register',
    word(
      res0(31, 14),
      flag('OE', 13),
      flag('LPOVERRIDE', 12),
      flag('ATB', 11),
      res0(10, 5),
      flag('DATAEN', 4),
      field('INSTEN', 3, 0),
    ),
  ),
  register(
    'TRCRSR',
    [0, 10, 0],
    'Resources Status Register',
    word(res0(31, 13), flag('TA', 12), field('EVENT', 11, 8), res0(7, 4), field('EXTIN', 3, 0)),
    ete,
  ),
  register(
    'TRCSTALLCTLR',
    [0, 11, 0],
    'Stall Control Register',
    word(
      res0(31, 14),
      flag('NOOVERFLOW', 13),
      flag('DATADISCARDSTORE', 12),
      flag('DATADISCARDLOAD', 11),
      flag('INSTPRIORITY', 10),
      flag('DSTALL', 9),
      flag('ISTALL', 8),
      res0(7, 4),
      field('LEVEL', 3, 0),
    ),
  ),
  register('TRCTSCTLR', [0, 12, 0], 'Timestamp Control Register', word(res0(31, 8), ...selector('EVENT', 0))),
  register('TRCSYNCPR', [0, 13, 0], 'Synchronization Period Register', word(res0(31, 5), field('PERIOD', 4, 0))),
  register('TRCCCCTLR', [0, 14, 0], 'Cycle Count Control Register', word(res0(31, 12), field('THRESHOLD', 11, 0))),
  register(
    'TRCBBCTLR',
    [0, 15, 0],
    'Branch Broadcast Control Register',
    word(res0(31, 9), flag('MODE', 8, { 0: 'exclude ranges', 1: 'include ranges' }), field('RANGE', 7, 0)),
  ),
  register('TRCTRACEIDR', [0, 0, 1], 'Trace ID Register', word(res0(31, 7), field('TRACEID', 6, 0))),
  register(
    'TRCQCTLR',
    [0, 1, 1],
    'Q Element Control Register',
    word(res0(31, 9), flag('MODE', 8, { 0: 'exclude ranges', 1: 'include ranges' }), field('RANGE', 7, 0)),
  ),
];

const filters = [
  register(
    'TRCVICTLR',
    [0, 0, 2],
    'ViewInst Main Control Register',
    word(
      res0(31, 27),
      ...['EL2', 'EL1', 'EL0'].map((el, n) => flag(`EXLEVEL_RL_${el}`, 26 - n)),
      res0(23),
      ...exceptionLevels(16),
      res0(15, 12),
      flag('TRCERR', 11),
      flag('TRCRESET', 10),
      flag('SSSTATUS', 9, { 0: 'stopped', 1: 'started' }),
      res0(8),
      ...selector('EVENT', 0),
    ),
  ),
  register(
    'TRCVIIECTLR',
    [0, 1, 2],
    'ViewInst Include/Exclude Control Register',
    word(res0(31, 24), field('EXCLUDE', 23, 16), res0(15, 8), field('INCLUDE', 7, 0)),
  ),
  register(
    'TRCVISSCTLR',
    [0, 2, 2],
    'ViewInst Start/Stop Control Register',
    word(field('STOP', 31, 16), field('START', 15, 0)),
  ),
  register(
    'TRCVIPCSSCTLR',
    [0, 3, 2],
    'ViewInst Start/Stop PE Comparator Control Register',
    word(res0(31, 24), field('STOP', 23, 16), res0(15, 8), field('START', 7, 0)),
  ),
  register(
    'TRCVDCTLR',
    [0, 8, 2],
    'ViewData Main Control Register',
    word(
      res0(31, 13),
      flag('TRCEXDATA', 12),
      flag('TBI', 11),
      flag('PCREL', 10),
      field('SPREL', 9, 8),
      ...selector('EVENT', 0),
    ),
  ),
  register(
    'TRCVDSACCTLR',
    [0, 9, 2],
    'ViewData Include/Exclude Single Address Comparator Control Register',
    word(field('EXCLUDE', 31, 16), field('INCLUDE', 15, 0)),
  ),
  register(
    'TRCVDARCCTLR',
    [0, 10, 2],
    'ViewData Include/Exclude Address Range Comparator Control Register',
    word(res0(31, 24), field('EXCLUDE', 23, 16), res0(15, 8), field('INCLUDE', 7, 0)),
  ),
];

const sequencerAndCounters = [
  ...family(
    'TRCSEQEVR<n>',
    3,
    (n) => [0, n, 4],
    'Sequencer State Transition Control Register',
    word(res0(31, 16), ...selector('B', 8), ...selector('F', 0)),
  ),
  register('TRCSEQRSTEVR', [0, 6, 4], 'Sequencer Reset Control Register', word(res0(31, 8), ...selector('RST', 0))),
  register('TRCSEQSTR', [0, 7, 4], 'Sequencer State Register', word(res0(31, 2), field('STATE', 1, 0))),
  ...family(
    'TRCEXTINSELR<n>',
    4,
    (n) => [0, 8 + n, 4],
    'External Input Select Register',
    word(res0(31, 16), field('evtCount', 15, 0)),
  ),
  ...family(
    'TRCCNTRLDVR<n>',
    4,
    (n) => [0, n, 5],
    'Counter Reload Value Register',
    word(res0(31, 16), field('VALUE', 15, 0)),
  ),
  ...family(
    'TRCCNTCTLR<n>',
    4,
    (n) => [0, 4 + n, 5],
    'Counter Control Register',
    word(
      res0(31, 18),
      flag('CNTCHAIN', 17),
      flag('RLDSELF', 16),
      ...selector('RLDEVENT', 8),
      ...selector('CNTEVENT', 0),
    ),
  ),
  ...family(
    'TRCCNTVR<n>',
    4,
    (n) => [0, 8 + n, 5],
    'Counter Value Register',
    word(res0(31, 16), field('VALUE', 15, 0)),
  ),
  ...family(
    'TRCRSCTLR<n>',
    Array.from({ length: 30 }, (_, n) => n + 2),
    (n) => [1, n & 15, n >> 4],
    'Resource Selection Control Register',
    word(res0(31, 22), flag('PAIRINV', 21), flag('INV', 20), field('GROUP', 19, 16), field('SELECT', 15, 0)),
  ),
];

const comparators = [
  ...family(
    'TRCSSCCR<n>',
    8,
    (n) => [1, n, 2],
    'Single-shot Comparator Control Register',
    word(res0(31, 25), flag('RST', 24), field('ARC', 23, 16), field('SAC', 15, 0)),
  ),
  ...family(
    'TRCSSCSR<n>',
    8,
    (n) => [1, 8 + n, 2],
    'Single-shot Comparator Control Status Register',
    word(
      flag('STATUS', 31),
      flag('PENDING', 30),
      res0(29, 4),
      flag('PC', 3),
      flag('DV', 2),
      flag('DA', 1),
      flag('INST', 0),
    ),
  ),
  ...family(
    'TRCSSPCICR<n>',
    8,
    (n) => [1, n, 3],
    'Single-shot Processing Element Comparator Input Control Register',
    word(res0(31, 8), field('PC', 7, 0)),
  ),
  ...family('TRCACVR<n>', 16, (n) => [2, (2 * n) & 15, n >> 3], 'Address Comparator Value Register', [
    field('ADDRESS', 63, 0),
  ]),
  ...family('TRCACATR<n>', 16, (n) => [2, (2 * n) & 15, 2 + (n >> 3)], 'Address Comparator Access Type Register', [
    res0(63, 22),
    flag('DTBM', 21),
    flag('DATARANGE', 20),
    field('DATASIZE', 19, 18),
    field('DATAMATCH', 17, 16),
    res0(15),
    ...exceptionLevels(8),
    res0(7),
    field('CONTEXT', 6, 4),
    field('CONTEXTTYPE', 3, 2, { 0: 'no context', 1: 'Context ID', 2: 'Virtual context ID', 3: 'both' }),
    field('TYPE', 1, 0, { 0: 'instruction', 1: 'load', 2: 'store', 3: 'load or store' }),
  ]),
  ...family('TRCDVCVR<n>', 8, (n) => [2, (4 * n) & 15, 4 + (n >> 2)], 'Data Value Comparator Value Register', [
    field('VALUE', 63, 0),
  ]),
  ...family('TRCDVCMR<n>', 8, (n) => [2, (4 * n) & 15, 6 + (n >> 2)], 'Data Value Comparator Mask Register', [
    field('MASK', 63, 0),
  ]),
  ...family('TRCCIDCVR<n>', 8, (n) => [3, 2 * n, 0], 'Context Identifier Comparator Value Register', [
    field('VALUE', 63, 0),
  ]),
  ...family('TRCVMIDCVR<n>', 8, (n) => [3, 2 * n, 1], 'Virtual Context Identifier Comparator Value Register', [
    field('VALUE', 63, 0),
  ]),
  ...[0, 1].flatMap((n) => {
    const masks = word(...[3, 2, 1, 0].map((m) => field(`COMP${4 * n + m}`, 8 * m + 7, 8 * m)));
    return [
      register(`TRCCIDCCTLR${n}`, [3, n, 2], `Context Identifier Comparator Control Register ${n}`, masks),
      register(`TRCVMIDCCTLR${n}`, [3, 2 + n, 2], `Virtual Context Identifier Comparator Control Register ${n}`, masks),
    ];
  }),
];

export const traceRegisters: readonly SystemRegister[] = [
  ...control,
  ...filters,
  ...sequencerAndCounters,
  ...comparators,
  ...traceIdentificationRegisters,
];
