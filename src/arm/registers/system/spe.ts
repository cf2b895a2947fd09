/** Statistical profiling. Arm ARM DDI 0487, "Statistical Profiling Extension registers" (D19.8). */
import { bits } from '../../bits.ts';
import { type Field, field, flag, res0, type SystemRegister, sysreg } from '../register.ts';

const spe = { group: 'spe', feature: 'FEAT_SPE' } as const;

const on = { 0: 'off', 1: 'on' };

/** Events that samples are filtered by; the others between 63..48, 31..26 and 15..12 are the implementation's own. */
const events: readonly Field[] = [
  field('E63_48', 63, 48),
  res0(47, 32),
  field('E31_26', 31, 26),
  ...Array.from({ length: 10 }, (_, n) => flag(`E${25 - n}`, 25 - n)),
  field('E15_12', 15, 12),
  ...Array.from({ length: 11 }, (_, n) => flag(`E${11 - n}`, 11 - n)),
  res0(0),
];

const sampling = [
  sysreg(
    'PMSCR_EL1',
    [3, 0, 9, 9, 0],
    'Statistical Profiling Control Register (EL1)',
    [
      res0(63, 12),
      flag('EnVM', 11),
      flag('KE', 10),
      field('EE', 9, 8),
      field('PCT', 7, 6, { 0: 'virtual', 1: 'physical', 3: 'guest physical' }),
      flag('TS', 5, on),
      flag('PA', 4, on),
      flag('CX', 3, on),
      res0(2),
      flag('E1SPE', 1, { 0: 'EL1 not sampled', 1: 'EL1 sampled' }),
      flag('E0SPE', 0, { 0: 'EL0 not sampled', 1: 'EL0 sampled' }),
    ],
    spe,
  ),
  sysreg('PMSNEVFR_EL1', [3, 0, 9, 9, 1], 'Sampling Inverted Event Filter Register', events, {
    group: 'spe',
    feature: 'FEAT_SPEv1p2',
  }),
  sysreg(
    'PMSICR_EL1',
    [3, 0, 9, 9, 2],
    'Sampling Interval Counter Register',
    [field('ECOUNT', 63, 56), res0(55, 32), field('COUNT', 31, 0)],
    spe,
  ),
  sysreg(
    'PMSIRR_EL1',
    [3, 0, 9, 9, 3],
    'Sampling Interval Reload Register',
    [res0(63, 32), field('INTERVAL', 31, 8), res0(7, 1), flag('RND', 0, { 0: 'exact', 1: 'random' })],
    spe,
  ),
  sysreg(
    'PMSFCR_EL1',
    [3, 0, 9, 9, 4],
    'Sampling Filter Control Register',
    [
      res0(63, 53),
      flag('SIMDm', 52),
      flag('FPm', 51),
      flag('STm', 50),
      flag('LDm', 49),
      flag('Bm', 48),
      res0(47, 21),
      flag('SIMD', 20),
      flag('FP', 19),
      flag('ST', 18),
      flag('LD', 17),
      flag('B', 16),
      res0(15, 5),
      flag('FDS', 4),
      flag('FnE', 3),
      flag('FL', 2),
      flag('FT', 1),
      flag('FE', 0),
    ],
    spe,
  ),
  sysreg('PMSEVFR_EL1', [3, 0, 9, 9, 5], 'Sampling Event Filter Register', events, spe),
  sysreg(
    'PMSLATFR_EL1',
    [3, 0, 9, 9, 6],
    'Sampling Latency Filter Register',
    [res0(63, 16), field('MINLAT', 15, 0)],
    spe,
  ),
  sysreg(
    'PMSIDR_EL1',
    [3, 0, 9, 9, 7],
    'Sampling Profiling ID Register',
    [
      res0(63, 33),
      flag('SME', 32),
      field('ALTCLK', 31, 28),
      flag('FPF', 27),
      flag('EFT', 26),
      flag('CRR', 25),
      flag('PBT', 24),
      field('Format', 23, 20),
      field('CountSize', 19, 16, { 2: '12 bits', 3: '16 bits' }),
      field('MaxSize', 15, 12, { 4: '16 bytes', 5: '32 bytes', 6: '64 bytes', 11: '2 KiB' }),
      field('Interval', 11, 8, {
        0: '256',
        2: '512',
        3: '768',
        4: '1024',
        5: '1536',
        6: '2048',
        7: '3072',
        8: '4096',
      }),
      flag('FDS', 7),
      flag('FnE', 6),
      flag('ERnd', 5),
      flag('LDS', 4),
      flag('ArchInst', 3),
      flag('FL', 2),
      flag('FT', 1),
      flag('FE', 0),
    ],
    { ...spe, access: 'RO', constant: true },
  ),
];

const status = (syndrome: readonly Field[]): Field[] => [
  res0(63, 56),
  field('MSS2', 55, 32),
  field('EC', 31, 26, { 0: 'buffer full or other', 36: 'stage 1 Data Abort', 37: 'stage 2 Data Abort' }),
  res0(25, 20),
  flag('DL', 19, { 0: 'no record lost', 1: 'part of a record lost' }),
  flag('EA', 18, { 0: 'no External abort', 1: 'External abort' }),
  flag('S', 17, { 0: 'no event', 1: 'event, interrupt asserted' }),
  flag('COLL', 16, { 0: 'no collision', 1: 'collision' }),
  ...syndrome,
];

const buffer = [
  sysreg(
    'PMBLIMITR_EL1',
    [3, 0, 9, 10, 0],
    'Profiling Buffer Limit Address Register',
    [
      field('LIMIT', 63, 12),
      res0(11, 8),
      flag('nVM', 7),
      res0(6),
      flag('PMFZ', 5),
      res0(4, 3),
      field('FM', 2, 1, { 0: 'stop when full', 2: 'discard' }),
      flag('E', 0, on),
    ],
    spe,
  ),
  sysreg('PMBPTR_EL1', [3, 0, 9, 10, 1], 'Profiling Buffer Write Pointer Register', [field('PTR', 63, 0)], spe),
  sysreg(
    'PMBSR_EL1',
    [3, 0, 9, 10, 3],
    'Profiling Buffer Status/syndrome Register (EL1)',
    status([field('MSS', 15, 0)]),
    {
      ...spe,
      variants: [
        {
          when: 'EC = buffer full or other',
          matches: (value) => bits(value, 31, 26) === 0n,
          fields: status([res0(15, 6), field('BSC', 5, 0, { 0: 'not full', 1: 'full' })]),
        },
        {
          when: 'EC = Data Abort',
          matches: (value) => bits(value, 31, 27) === 0b10010n,
          fields: status([res0(15, 6), field('FSC', 5, 0)]),
        },
      ],
    },
  ),
  sysreg(
    'PMBIDR_EL1',
    [3, 0, 9, 10, 7],
    'Profiling Buffer ID Register',
    [
      res0(63, 48),
      field('MaxBuffSize', 47, 32),
      res0(31, 12),
      field('EA', 11, 8),
      field('AddrMode', 7, 6),
      flag('F', 5),
      flag('P', 4, { 0: 'may be programmed here', 1: 'owned by a higher level' }),
      field('Align', 3, 0),
    ],
    { ...spe, access: 'RO', constant: true },
  ),
];

export const speRegisters: readonly SystemRegister[] = [...sampling, ...buffer];
