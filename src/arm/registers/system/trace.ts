/**
 * The trace unit. Arm IHI 0064 (ETMv4), "Register descriptions"; Arm ARM DDI 0487, "Trace registers" (D19.9). Fields of
 * ETMv4's data trace are kept where the later ETE has none.
 */
import {
  type Encoding,
  type Field,
  field,
  flag,
  impdef,
  res0,
  res1,
  type SystemRegister,
  type SystemRegisterOptions,
  sysreg,
  sysregs,
} from '../register.ts';

const trace = { group: 'trace', feature: 'FEAT_ETMv4' } as const;
const ete = { group: 'trace', feature: 'FEAT_ETE' } as const;
const constant = { ...trace, access: 'RO', constant: true } as const;
const readOnly = { ...trace, access: 'RO' } as const;

/** Trace registers are 32 bits wide but for addresses and identifiers: fields from 31 down to 0. */
const word = (...fields: Field[]): Field[] => [res0(63, 32), ...fields];

/** A resource selector, or a pair of them, whose eight bits end at `low`. */
const selector = (name: string, low: number): Field[] => [
  flag(`${name}_TYPE`, low + 7, { 0: 'one resource', 1: 'a pair of resources' }),
  res0(low + 6, low + 5),
  field(`${name}_SEL`, low + 4, low),
];

const exceptionLevels = (low: number): Field[] =>
  ['NS_EL2', 'NS_EL1', 'NS_EL0', 'S_EL3', 'S_EL2', 'S_EL1', 'S_EL0'].map((name, n) =>
    flag(`EXLEVEL_${name}`, low + 6 - n),
  );

const register = (
  name: string,
  [CRn, CRm, op2]: readonly [CRn: number, CRm: number, op2: number],
  title: string,
  fields: readonly Field[],
  options: SystemRegisterOptions = trace,
): SystemRegister => sysreg(name, [2, 1, CRn, CRm, op2], title, fields, options);

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

const family = (
  name: string,
  numbers: number | readonly number[],
  encoding: (n: number) => readonly [CRn: number, CRm: number, op2: number],
  title: string,
  fields: readonly Field[],
  options: SystemRegisterOptions = trace,
): SystemRegister[] => sysregs(name, numbers, (n): Encoding => [2, 1, ...encoding(n)], `${title} <n>`, fields, options);

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

const identification = [
  register(
    'TRCIDR0',
    [0, 8, 7],
    'ID Register 0',
    word(
      res0(31),
      flag('COMMTRANS', 30),
      flag('COMMOPT', 29),
      field('TSSIZE', 28, 24, { 0: 'no timestamps', 6: '48 bits', 8: '64 bits' }),
      flag('TSMARK', 23),
      flag('ITE', 22),
      res0(21, 18),
      flag('TRCEXDATA', 17),
      field('QSUPP', 16, 15),
      flag('QFILT', 14),
      field('CONDTYPE', 13, 12),
      field('NUMEVENT', 11, 10),
      flag('RETSTACK', 9),
      res0(8),
      flag('TRCCCI', 7),
      flag('TRCCOND', 6),
      flag('TRCBB', 5),
      field('TRCDATA', 4, 3),
      field('INSTP0', 2, 1),
      res1(0),
    ),
    constant,
  ),
  register(
    'TRCIDR1',
    [0, 9, 7],
    'ID Register 1',
    word(
      field('DESIGNER', 31, 24),
      res0(23, 16),
      res1(15, 12),
      field('TRCARCHMAJ', 11, 8, { 4: 'ETMv4', 15: 'as TRCDEVARCH says' }),
      field('TRCARCHMIN', 7, 4),
      field('REVISION', 3, 0),
    ),
    constant,
  ),
  register(
    'TRCIDR2',
    [0, 10, 7],
    'ID Register 2',
    word(
      flag('WFXMODE', 31),
      field('VMIDOPT', 30, 29),
      field('CCSIZE', 28, 25),
      field('DVSIZE', 24, 20),
      field('DASIZE', 19, 15),
      field('VMIDSIZE', 14, 10),
      field('CIDSIZE', 9, 5),
      field('IASIZE', 4, 0),
    ),
    constant,
  ),
  register(
    'TRCIDR3',
    [0, 11, 7],
    'ID Register 3',
    word(
      flag('NOOVERFLOW', 31),
      field('NUMPROC', 30, 28),
      flag('SYSSTALL', 27),
      flag('STALLCTL', 26),
      flag('SYNCPR', 25),
      flag('TRCERR', 24),
      res0(23),
      ...exceptionLevels(16),
      res0(15, 14),
      field('NUMPROC_4_3', 13, 12),
      field('CCITMIN', 11, 0),
    ),
    constant,
  ),
  register(
    'TRCIDR4',
    [0, 12, 7],
    'ID Register 4',
    word(
      field('NUMVMIDC', 31, 28),
      field('NUMCIDC', 27, 24),
      field('NUMSSCC', 23, 20),
      field('NUMRSPAIR', 19, 16),
      field('NUMPC', 15, 12),
      res0(11, 9),
      flag('SUPPDAC', 8),
      field('NUMDVC', 7, 4),
      field('NUMACPAIRS', 3, 0),
    ),
    constant,
  ),
  register(
    'TRCIDR5',
    [0, 13, 7],
    'ID Register 5',
    word(
      flag('OE', 31),
      field('NUMCNTR', 30, 28),
      field('NUMSEQSTATE', 27, 25),
      res0(24),
      flag('LPOVERRIDE', 23),
      flag('ATBTRIG', 22),
      field('TRACEIDSIZE', 21, 16),
      res0(15, 12),
      field('NUMEXTINSEL', 11, 9),
      field('NUMEXTIN', 8, 0),
    ),
    constant,
  ),
  register(
    'TRCIDR6',
    [0, 14, 7],
    'ID Register 6',
    word(res0(31, 3), ...['EL2', 'EL1', 'EL0'].map((el, n) => flag(`EXLEVEL_RL_${el}`, 2 - n))),
    constant,
  ),
  register('TRCIDR7', [0, 15, 7], 'ID Register 7', word(res0(31, 0)), constant),
  ...['MAXSPEC', 'NUMP0KEY', 'NUMP1KEY', 'NUMP1SPC', 'NUMCONDKEY', 'NUMCONDSPC'].map((name, n) =>
    register(`TRCIDR${8 + n}`, [0, n, 6], `ID Register ${8 + n}`, word(field(name, 31, 0)), constant),
  ),
  register('TRCIMSPEC0', [0, 0, 7], 'IMP DEF Register 0', word(res0(31, 8), field('EN', 7, 4), field('SUPPORT', 3, 0))),
  ...family('TRCIMSPEC<n>', [1, 2, 3, 4, 5, 6, 7], (n) => [0, n, 7], 'IMP DEF Register', word(impdef(31, 0))),
];

const authenticated = { 0: 'not implemented', 2: 'implemented, disabled', 3: 'implemented, enabled' };

const management = [
  register('TRCOSLAR', [1, 0, 4], 'Trace OS Lock Access Register', word(res0(31, 1), flag('OSLK', 0)), {
    ...trace,
    access: 'WO',
    noRaw: true,
  }),
  register(
    'TRCOSLSR',
    [1, 1, 4],
    'Trace OS Lock Status Register',
    word(res0(31, 5), field('OSLM_2_1', 4, 3), res0(2), flag('OSLK', 1), flag('OSLM_0', 0)),
    readOnly,
  ),
  register('TRCPDCR', [1, 4, 4], 'PowerDown Control Register', word(res0(31, 4), flag('PU', 3), res0(2, 0))),
  register(
    'TRCPDSR',
    [1, 5, 4],
    'PowerDown Status Register',
    word(res0(31, 6), flag('OSLK', 5), res0(4, 2), flag('STICKYPD', 1), flag('POWER', 0)),
    // Reading clears STICKYPD.
    { ...readOnly, noRaw: true },
  ),
  register('TRCITCTRL', [7, 0, 4], 'Integration Mode Control Register', word(res0(31, 1), flag('IME', 0))),
  register('TRCCLAIMSET', [7, 8, 6], 'Claim Tag Set Register', word(field('SET', 31, 0)), { ...trace, noRaw: true }),
  register('TRCCLAIMCLR', [7, 9, 6], 'Claim Tag Clear Register', word(field('CLR', 31, 0)), { ...trace, noRaw: true }),
  register('TRCDEVAFF0', [7, 10, 6], 'Device Affinity Register 0', word(field('MPIDR_lo', 31, 0)), constant),
  register('TRCDEVAFF1', [7, 11, 6], 'Device Affinity Register 1', word(field('MPIDR_hi', 31, 0)), constant),
  register('TRCLAR', [7, 12, 6], 'Software Lock Access Register', word(field('KEY', 31, 0)), {
    ...trace,
    access: 'WO',
    noRaw: true,
  }),
  register(
    'TRCLSR',
    [7, 13, 6],
    'Software Lock Status Register',
    word(res0(31, 3), flag('nTT', 2), flag('SLK', 1), flag('SLI', 0)),
    readOnly,
  ),
  register(
    'TRCAUTHSTATUS',
    [7, 14, 6],
    'Authentication Status Register',
    word(
      res0(31, 28),
      field('RTNID', 27, 26, authenticated),
      field('RTID', 25, 24, authenticated),
      res0(23, 16),
      ...['RLNID', 'RLID', 'HNID', 'HID', 'SNID', 'SID', 'NSNID', 'NSID'].map((name, n) =>
        field(name, 15 - 2 * n, 14 - 2 * n, authenticated),
      ),
    ),
    readOnly,
  ),
  register(
    'TRCDEVARCH',
    [7, 15, 6],
    'Device Architecture Register',
    word(
      field('ARCHITECT', 31, 21),
      flag('PRESENT', 20),
      field('REVISION', 19, 16),
      field('ARCHVER', 15, 12),
      field('ARCHPART', 11, 0),
    ),
    constant,
  ),
  register('TRCDEVID', [7, 2, 7], 'Device Configuration Register', word(field('DEVID', 31, 0)), constant),
  register(
    'TRCDEVTYPE',
    [7, 3, 7],
    'Device Type Register',
    word(res0(31, 8), field('SUB', 7, 4), field('MAJOR', 3, 0)),
    constant,
  ),
  ...family(
    'TRCPIDR<n>',
    8,
    (n) => [7, n < 4 ? 8 + n : n, 7],
    'Peripheral Identification Register',
    word(res0(31, 8), field('PIDR', 7, 0)),
    constant,
  ),
  ...family(
    'TRCCIDR<n>',
    4,
    (n) => [7, 12 + n, 7],
    'Component Identification Register',
    word(res0(31, 8), field('CIDR', 7, 0)),
    constant,
  ),
];

export const traceRegisters: readonly SystemRegister[] = [
  ...control,
  ...filters,
  ...sequencerAndCounters,
  ...comparators,
  ...identification,
  ...management,
];
