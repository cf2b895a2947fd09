/** Exception classes and the layout of the syndrome that each has. Arm ARM DDI 0487, ESR_EL1. */
import { asynchronousErrorType, faultStatus, serrorStatus } from './fault-status.ts';
import { checkFields, type Field, field, flag, impdef, res0, type Values } from './register.ts';

export interface ExceptionClass {
  /** ESR_ELx.EC. */
  readonly code: number;
  readonly name: string;
  /** ISS from bit 24 down to 0. */
  readonly fields: readonly Field[];
  /** Another layout of ISS that holds for some values; tried first. */
  readonly variant?: { readonly matches: (iss: bigint) => boolean; readonly fields: readonly Field[] };
}

const decimal = (value: bigint): string => `#${value}`;
const general = (value: bigint): string => (value === 31n ? 'XZR' : `X${value}`);
const conditionCodes = ['EQ', 'NE', 'CS', 'CC', 'MI', 'PL', 'VS', 'VC', 'HI', 'LS', 'GE', 'LT', 'GT', 'LE', 'AL'];
const condition: Values = { ...conditionCodes };

const noFields = [res0(24, 0)];
const immediate = [res0(24, 16), field('imm16', 15, 0, decimal)];
const comment = [res0(24, 16), field('Comment', 15, 0, decimal)];
const conditional = [flag('CV', 24, { 0: 'COND is not valid', 1: 'COND is valid' }), field('COND', 23, 20, condition)];
const direction = flag('Direction', 0, { 0: 'write', 1: 'read' });

const coprocessor = [
  ...conditional,
  field('Opc2', 19, 17),
  field('Opc1', 16, 14),
  field('CRn', 13, 10),
  field('Rt', 9, 5),
  field('CRm', 4, 1),
  direction,
];
const coprocessorPair = [
  ...conditional,
  field('Opc1', 19, 16),
  res0(15),
  field('Rt2', 14, 10),
  field('Rt', 9, 5),
  field('CRm', 4, 1),
  direction,
];
const coprocessorMemory = [
  ...conditional,
  field('imm8', 19, 12),
  res0(11, 10),
  field('Rn', 9, 5),
  flag('Offset', 4, { 0: 'subtracted', 1: 'added' }),
  field('AM', 3, 1, {
    0: 'immediate, unindexed',
    1: 'immediate, post-indexed',
    2: 'immediate, offset',
    3: 'immediate, pre-indexed',
    4: 'literal, unindexed',
    6: 'literal, offset',
  }),
  flag('Direction', 0, { 0: 'STC, to memory', 1: 'LDC, from memory' }),
];
const systemRegister = [
  res0(24, 22),
  field('Op0', 21, 20),
  field('Op2', 19, 17),
  field('Op1', 16, 14),
  field('CRn', 13, 10),
  field('Rt', 9, 5, general),
  field('CRm', 4, 1),
  direction,
];

const farValid: Values = { 0: 'FAR is valid', 1: 'FAR is not valid' };
const onWalk: Values = { 0: 'not on a stage 1 walk', 1: 'stage 2 fault on a stage 1 walk' };
const writeNotRead: Values = { 0: 'read', 1: 'write' };
/** Of a synchronous external abort only. */
const errorState: Values = { 0: 'recoverable, if external', 2: 'uncontainable', 3: 'restartable' };

const instructionAbort = [
  res0(24, 15),
  flag('PFV', 14),
  res0(13),
  field('SET', 12, 11, errorState),
  flag('FnV', 10, farValid),
  flag('EA', 9),
  res0(8),
  flag('S1PTW', 7, onWalk),
  res0(6),
  field('IFSC', 5, 0, faultStatus),
];
const dataAbortTail = [
  flag('VNCR', 13),
  field('SET', 12, 11, errorState),
  flag('FnV', 10, farValid),
  flag('EA', 9),
  flag('CM', 8, { 0: 'not by cache maintenance', 1: 'by cache maintenance' }),
  flag('S1PTW', 7, onWalk),
  flag('WnR', 6, writeNotRead),
  field('DFSC', 5, 0, faultStatus),
];
const syndromeValid: Values = { 0: 'the access is not told', 1: 'the access is told' };
const dataAbort = [flag('ISV', 24, syndromeValid), res0(23, 16), flag('FnP', 15), flag('PFV', 14), ...dataAbortTail];
const dataAbortWithAccess = [
  flag('ISV', 24, syndromeValid),
  field('SAS', 23, 22, { 0: 'byte', 1: 'halfword', 2: 'word', 3: 'doubleword' }),
  flag('SSE', 21, { 0: 'zero-extended', 1: 'sign-extended' }),
  field('SRT', 20, 16, general),
  flag('SF', 15, { 0: '32-bit register', 1: '64-bit register' }),
  flag('AR', 14, { 0: 'no acquire or release', 1: 'acquire or release' }),
  ...dataAbortTail,
];
const granuleProtectionCheck = [
  res0(24, 22),
  flag('S2PTW', 21),
  flag('InD', 20, { 0: 'data access', 1: 'instruction fetch' }),
  field('GPCSC', 19, 14),
  flag('VNCR', 13),
  res0(12, 9),
  flag('CM', 8),
  flag('S1PTW', 7, onWalk),
  flag('WnR', 6, writeNotRead),
  field('xFSC', 5, 0, faultStatus),
];

const raised: Values = { 0: 'not raised', 1: 'raised' };
const floatingPoint = [
  res0(24),
  flag('TFV', 23, { 0: 'the exceptions are not told', 1: 'the exceptions are told' }),
  res0(22, 11),
  field('VECITR', 10, 8),
  flag('IDF', 7, raised),
  res0(6, 5),
  flag('IXF', 4, raised),
  flag('UFF', 3, raised),
  flag('OFF', 2, raised),
  flag('DZF', 1, raised),
  flag('IOF', 0, raised),
];
const serror = [
  flag('IDS', 24, { 0: 'architected syndrome', 1: 'implementation defined syndrome' }),
  res0(23, 14),
  flag('IESB', 13),
  field('AET', 12, 10, asynchronousErrorType),
  flag('EA', 9),
  res0(8, 6),
  field('DFSC', 5, 0, serrorStatus),
];
const breakpoint = [res0(24, 6), field('IFSC', 5, 0, faultStatus)];
const step = [
  flag('ISV', 24, { 0: 'EX is not valid', 1: 'EX is valid' }),
  res0(23, 7),
  flag('EX', 6, { 0: 'not a load-exclusive', 1: 'a load-exclusive was stepped' }),
  field('IFSC', 5, 0, faultStatus),
];
const watchpoint = [
  res0(24),
  field('WPT', 23, 18),
  flag('WPTV', 17, { 0: 'WPT is not valid', 1: 'WPT is valid' }),
  flag('WPF', 16),
  flag('FnP', 15, { 0: 'FAR is precise', 1: 'FAR is not precise' }),
  res0(14),
  flag('VNCR', 13),
  res0(12, 11),
  flag('FnV', 10, farValid),
  res0(9),
  flag('CM', 8, { 0: 'not by cache maintenance', 1: 'by cache maintenance' }),
  res0(7),
  flag('WnR', 6, writeNotRead),
  field('DFSC', 5, 0, faultStatus),
];

const lowAndSame = (code: number, name: string, rest: Pick<ExceptionClass, 'fields' | 'variant'>): ExceptionClass[] => [
  { code, name: `${name} from a lower Exception level`, ...rest },
  { code: code + 1, name: `${name} taken without a change in Exception level`, ...rest },
];
const bit24 = (iss: bigint): boolean => (iss & (1n << 24n)) !== 0n;

const simple: readonly (readonly [code: number, name: string, fields: readonly Field[]])[] = [
  [0x00, 'Unknown reason', noFields],
  [
    0x01,
    'Trapped WFI, WFE, WFIT or WFET',
    [
      ...conditional,
      res0(19, 10),
      field('RN', 9, 5, general),
      res0(4, 3),
      flag('RV', 2, { 0: 'RN is not valid', 1: 'RN is valid' }),
      field('TI', 1, 0, { 0: 'WFI', 1: 'WFE', 2: 'WFIT', 3: 'WFET' }),
    ],
  ],
  [0x03, 'Trapped MCR or MRC to coprocessor 15', coprocessor],
  [0x04, 'Trapped MCRR or MRRC to coprocessor 15', coprocessorPair],
  [0x05, 'Trapped MCR or MRC to coprocessor 14', coprocessor],
  [0x06, 'Trapped LDC or STC', coprocessorMemory],
  [0x07, 'Trapped SVE, Advanced SIMD or floating-point access', [...conditional, res0(19, 0)]],
  [0x08, 'Trapped VMRS', coprocessor],
  [0x09, 'Trapped pointer authentication instruction', noFields],
  [0x0a, 'Trapped LD64B, ST64B, ST64BV, ST64BV0 or other instruction', [field('ISS', 24, 0)]],
  [0x0c, 'Trapped MRRC to coprocessor 14', coprocessorPair],
  [0x0d, 'Branch Target Exception', [res0(24, 2), field('BTYPE', 1, 0)]],
  [0x0e, 'Illegal Execution state', noFields],
  [0x11, 'SVC in AArch32 state', immediate],
  [0x12, 'HVC in AArch32 state', immediate],
  [
    0x13,
    'SMC in AArch32 state',
    [...conditional, flag('CCKNOWNPASS', 19, { 0: 'unconditional', 1: 'condition passed' }), res0(18, 0)],
  ],
  [
    0x14,
    'Trapped MSRR, MRRS or 128-bit System instruction',
    [
      res0(24, 22),
      field('Op0', 21, 20),
      field('Op2', 19, 17),
      field('Op1', 16, 14),
      field('CRn', 13, 10),
      field('Rt', 9, 6),
      res0(5),
      field('CRm', 4, 1),
      direction,
    ],
  ],
  [0x15, 'SVC in AArch64 state', immediate],
  [0x16, 'HVC in AArch64 state', immediate],
  [0x17, 'SMC in AArch64 state', immediate],
  [0x18, 'Trapped MSR, MRS or System instruction', systemRegister],
  [0x19, 'Trapped SVE access', noFields],
  [
    0x1a,
    'Trapped ERET, ERETAA or ERETAB',
    [
      res0(24, 2),
      flag('ERET', 1, { 0: 'ERET', 1: 'ERETAA or ERETAB' }),
      flag('ERETA', 0, { 0: 'ERETAA', 1: 'ERETAB' }),
    ],
  ],
  [0x1b, 'TSTART', [res0(24, 10), field('Rd', 9, 5, general), res0(4, 0)]],
  [
    0x1c,
    'Pointer authentication failure',
    [res0(24, 2), flag('DnI', 1, { 0: 'instruction key', 1: 'data key' }), flag('BnA', 0, { 0: 'key A', 1: 'key B' })],
  ],
  [
    0x1d,
    'Trapped SME access',
    [
      res0(24, 3),
      field('SMTC', 2, 0, {
        0: 'SME is disabled',
        1: 'illegal in Streaming SVE mode',
        2: 'illegal outside Streaming SVE mode',
        3: 'ZA is disabled',
        4: 'ZT0 is disabled',
      }),
    ],
  ],
  [0x1e, 'Granule Protection Check exception', granuleProtectionCheck],
  [0x1f, 'Implementation defined exception to EL3', [impdef(24, 0)]],
  [0x22, 'PC alignment fault', noFields],
  [0x26, 'SP alignment fault', noFields],
  [
    0x27,
    'Memory Operation Exception',
    [
      flag('MemInst', 24, { 0: 'CPY', 1: 'SET' }),
      flag('isSETG', 23),
      field('Options', 22, 19),
      flag('FromEpilogue', 18),
      flag('WrongOption', 17),
      flag('OptionA', 16),
      res0(15),
      field('destreg', 14, 10, general),
      field('srcreg', 9, 5, general),
      field('sizereg', 4, 0, general),
    ],
  ],
  [0x28, 'Trapped floating-point exception in AArch32 state', floatingPoint],
  [0x2c, 'Trapped floating-point exception in AArch64 state', floatingPoint],
  [0x2d, 'Guarded Control Stack exception', [field('ISS', 24, 0)]],
  [0x38, 'BKPT in AArch32 state', comment],
  [0x3a, 'Vector Catch in AArch32 state', breakpoint],
  [0x3c, 'BRK in AArch64 state', comment],
  [0x3d, 'Profiling exception', [field('ISS', 24, 0)]],
];

export const exceptionClasses: readonly ExceptionClass[] = [
  ...simple.map(([code, name, fields]) => ({ code, name, fields })),
  ...lowAndSame(0x20, 'Instruction Abort', { fields: instructionAbort }),
  ...lowAndSame(0x24, 'Data Abort', {
    fields: dataAbort,
    variant: { matches: bit24, fields: dataAbortWithAccess },
  }),
  {
    code: 0x2f,
    name: 'SError',
    fields: serror,
    variant: { matches: bit24, fields: [flag('IDS', 24, { 1: 'implementation defined syndrome' }), impdef(23, 0)] },
  },
  ...lowAndSame(0x30, 'Breakpoint', { fields: breakpoint }),
  ...lowAndSame(0x32, 'Software Step', { fields: step }),
  ...lowAndSame(0x34, 'Watchpoint', { fields: watchpoint }),
].sort((a, b) => a.code - b.code);

for (const { code, fields, variant } of exceptionClasses) {
  checkFields(`EC 0x${code.toString(16)}`, fields, 24);
  if (variant) checkFields(`EC 0x${code.toString(16)}, variant`, variant.fields, 24);
}

/** The name of each class by its code. */
export const exceptionClassNames: Values = Object.fromEntries(exceptionClasses.map(({ code, name }) => [code, name]));
