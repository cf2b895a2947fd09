/**
 * Special-purpose registers: the parts of PSTATE, and the control and status of floating point. Arm ARM DDI 0487, C5.2.
 * Those of PSTATE keep each bit where SPSR_EL1 has it.
 */
import { type Encoding, type Field, field, flag, res0, type SystemRegister, sysreg, type Values } from '../register.ts';
import { spsrFields, spsrVariants } from './exception.ts';

const pstate = (name: string, encoding: Encoding, title: string, fields: readonly Field[], feature?: string) =>
  sysreg(name, encoding, title, fields, { group: 'special', pstate: true, feature });

/** A register with one bit of PSTATE, which has the register's name. */
const pstateBit = (name: string, encoding: Encoding, title: string, feature: string, bit: number, values: Values) =>
  pstate(
    name,
    encoding,
    title,
    [res0(63, bit + 1), flag(name, bit, values), ...(bit > 0 ? [res0(bit - 1, 0)] : [])],
    feature,
  );

const masked: Values = { 0: 'not masked', 1: 'masked' };

const CurrentEL = sysreg(
  'CurrentEL',
  [3, 0, 4, 2, 2],
  'Current Exception Level',
  [res0(63, 4), field('EL', 3, 2, { 0: 'EL0', 1: 'EL1', 2: 'EL2', 3: 'EL3' }), res0(1, 0)],
  { group: 'special', pstate: true, access: 'RO' },
);

const trapEnable: Values = { 0: 'untrapped', 1: 'trapped' };

export const FPCR = sysreg(
  'FPCR',
  [3, 3, 4, 4, 0],
  'Floating-point Control Register',
  [
    res0(63, 27),
    flag('AHP', 26, { 0: 'IEEE half-precision', 1: 'alternative half-precision' }),
    flag('DN', 25, { 0: 'NaNs propagate', 1: 'default NaN' }),
    flag('FZ', 24, { 0: 'denormals kept', 1: 'denormals flushed to zero' }),
    field('RMode', 23, 22, {
      0: 'to nearest, ties to even',
      1: 'towards plus infinity',
      2: 'towards minus infinity',
      3: 'towards zero',
    }),
    field('Stride', 21, 20),
    flag('FZ16', 19, { 0: 'half-precision denormals kept', 1: 'half-precision denormals flushed to zero' }),
    field('Len', 18, 16),
    flag('IDE', 15, trapEnable),
    res0(14),
    flag('EBF', 13),
    flag('IXE', 12, trapEnable),
    flag('UFE', 11, trapEnable),
    flag('OFE', 10, trapEnable),
    flag('DZE', 9, trapEnable),
    flag('IOE', 8, trapEnable),
    res0(7, 3),
    flag('NEP', 2),
    flag('AH', 1),
    flag('FIZ', 0),
  ],
  { group: 'special' },
);

/** N, Z, C and V are those of AArch32 comparisons; AArch64 has them in PSTATE. */
export const FPSR = sysreg(
  'FPSR',
  [3, 3, 4, 4, 1],
  'Floating-point Status Register',
  [
    res0(63, 32),
    flag('N', 31),
    flag('Z', 30),
    flag('C', 29),
    flag('V', 28),
    flag('QC', 27),
    res0(26, 8),
    flag('IDC', 7),
    res0(6, 5),
    flag('IXC', 4),
    flag('UFC', 3),
    flag('OFC', 2),
    flag('DZC', 1),
    flag('IOC', 0),
  ],
  { group: 'special' },
);

const format8: Values = { 0: 'E5M2', 1: 'E4M3' };

const FPMR = sysreg(
  'FPMR',
  [3, 3, 4, 4, 2],
  'Floating-point Mode Register',
  [
    res0(63, 38),
    field('LSCALE2', 37, 32),
    field('NSCALE', 31, 24),
    res0(23),
    field('LSCALE', 22, 16),
    flag('OSC', 15, { 0: 'overflow to infinity or NaN', 1: 'overflow saturates in conversions' }),
    flag('OSM', 14, { 0: 'overflow to infinity', 1: 'overflow saturates in multiplications' }),
    res0(13, 9),
    field('F8D', 8, 6, format8),
    field('F8S2', 5, 3, format8),
    field('F8S1', 2, 0, format8),
  ],
  { group: 'special', feature: 'FEAT_FPMR' },
);

/** Only in Debug state, where an external debugger uses them. */
const debugState = { group: 'special', noRaw: true } as const;

export const specialRegisters: readonly SystemRegister[] = [
  pstate('NZCV', [3, 3, 4, 2, 0], 'Condition Flags', [
    res0(63, 32),
    flag('N', 31),
    flag('Z', 30),
    flag('C', 29),
    flag('V', 28),
    res0(27, 0),
  ]),
  pstate('DAIF', [3, 3, 4, 2, 1], 'Interrupt Mask Bits', [
    res0(63, 10),
    flag('D', 9, masked),
    flag('A', 8, masked),
    flag('I', 7, masked),
    flag('F', 6, masked),
    res0(5, 0),
  ]),
  CurrentEL,
  pstate('SPSel', [3, 0, 4, 2, 0], 'Stack Pointer Select', [
    res0(63, 1),
    flag('SP', 0, { 0: 'SP_EL0 at every level', 1: 'SP_ELx at ELx' }),
  ]),
  pstateBit('PAN', [3, 0, 4, 2, 3], 'Privileged Access Never', 'FEAT_PAN', 22, {
    0: 'EL1 may access EL0 memory',
    1: 'EL1 accesses of EL0 memory fault',
  }),
  pstateBit('UAO', [3, 0, 4, 2, 4], 'User Access Override', 'FEAT_UAO', 23, {
    0: 'LDTR and STTR as at EL0',
    1: 'LDTR and STTR as LDR and STR',
  }),
  pstateBit('DIT', [3, 3, 4, 2, 5], 'Data Independent Timing', 'FEAT_DIT', 24, {
    0: 'no statement on timing',
    1: 'timing independent of data',
  }),
  pstateBit('SSBS', [3, 3, 4, 2, 6], 'Speculative Store Bypass Safe', 'FEAT_SSBS', 12, {
    0: 'speculative store bypass prohibited',
    1: 'speculative store bypass permitted',
  }),
  pstateBit('TCO', [3, 3, 4, 2, 7], 'Tag Check Override', 'FEAT_MTE', 25, { 0: 'tags checked', 1: 'tags unchecked' }),
  FPCR,
  FPSR,
  FPMR,
  sysreg('DSPSR_EL0', [3, 3, 4, 5, 0], 'Debug Saved Program Status Register', spsrFields, {
    ...debugState,
    variants: spsrVariants,
  }),
  sysreg('DLR_EL0', [3, 3, 4, 5, 1], 'Debug Link Register', [field('ADDR', 63, 0)], debugState),
];
