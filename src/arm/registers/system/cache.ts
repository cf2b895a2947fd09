/** The caches that software sees. Arm ARM DDI 0487, D19.2 "General system control registers". */
import { field, flag, res0, res1, type SystemRegister, sysreg, unknown, type Values } from '../register.ts';

const cacheType: Values = {
  0: 'no cache',
  1: 'instruction only',
  2: 'data only',
  3: 'separate instruction and data',
  4: 'unified',
};
const tagCacheType: Values = {
  0: 'no tag cache',
  1: 'separate tag cache',
  2: 'tags and data, in one line',
  3: 'tags and data, in separate lines',
};
const levels = [7, 6, 5, 4, 3, 2, 1];
/** CCSIDR_EL1.LineSize counts from 16 bytes. */
const lineSize = (value: bigint): string => `${16n << value} bytes`;
/** Fields that hold the binary logarithm of a number of words. */
const words = (value: bigint): string => `${4n << value} bytes`;
const wordsOrNotTold = (value: bigint): string => (value === 0n ? 'not told' : words(value));
const oneLess = (value: bigint): string => `${value + 1n}`;
const cache = { group: 'cache' } as const;
const constant = { ...cache, access: 'RO', constant: true } as const;

const CTR_EL0 = sysreg(
  'CTR_EL0',
  [3, 3, 0, 0, 1],
  'Cache Type Register',
  [
    res0(63, 38),
    field('TminLine', 37, 32, wordsOrNotTold),
    res1(31),
    res0(30),
    flag('DIC', 29, { 0: 'instruction caches need invalidation', 1: 'no instruction cache invalidation needed' }),
    flag('IDC', 28, { 0: 'data caches need cleaning', 1: 'no data cache cleaning needed' }),
    field('CWG', 27, 24, wordsOrNotTold),
    field('ERG', 23, 20, wordsOrNotTold),
    field('DminLine', 19, 16, words),
    field('L1Ip', 15, 14, { 0: 'VPIPT', 1: 'AIVIVT', 2: 'VIPT', 3: 'PIPT' }),
    res0(13, 4),
    field('IminLine', 3, 0, words),
  ],
  constant,
);

const CLIDR_EL1 = sysreg(
  'CLIDR_EL1',
  [3, 1, 0, 0, 1],
  'Cache Level ID Register',
  [
    res0(63, 47),
    ...levels.map((n) => field(`Ttype${n}`, 2 * n + 32, 2 * n + 31, tagCacheType)),
    field('ICB', 32, 30, { 0: 'not told', 1: 'L1', 2: 'L2', 3: 'L3', 4: 'L4', 5: 'L5', 6: 'L6', 7: 'L7' }),
    field('LoUU', 29, 27),
    field('LoC', 26, 24),
    field('LoUIS', 23, 21),
    ...levels.map((n) => field(`Ctype${n}`, 3 * n - 1, 3 * n - 3, cacheType)),
  ],
  constant,
);

/** The cache that CSSELR_EL1 selects. FEAT_CCIDX moves NumSets into the upper half. */
const CCSIDR_EL1 = sysreg(
  'CCSIDR_EL1',
  [3, 1, 0, 0, 0],
  'Current Cache Size ID Register',
  [
    res0(63, 32),
    unknown(31, 28),
    field('NumSets', 27, 13, oneLess),
    field('Associativity', 12, 3, oneLess),
    field('LineSize', 2, 0, lineSize),
  ],
  {
    ...cache,
    access: 'RO',
    variants: [
      {
        when: 'FEAT_CCIDX',
        matches: (value) => value >> 32n !== 0n,
        fields: [
          res0(63, 56),
          field('NumSets', 55, 32, oneLess),
          res0(31, 24),
          field('Associativity', 23, 3, oneLess),
          field('LineSize', 2, 0, lineSize),
        ],
      },
    ],
  },
);

const CCSIDR2_EL1 = sysreg(
  'CCSIDR2_EL1',
  [3, 1, 0, 0, 2],
  'Current Cache Size ID Register 2',
  [res0(63, 24), field('NumSets', 23, 0, oneLess)],
  { ...cache, access: 'RO', feature: 'FEAT_CCIDX' },
);

const CSSELR_EL1 = sysreg(
  'CSSELR_EL1',
  [3, 2, 0, 0, 0],
  'Cache Size Selection Register',
  [
    res0(63, 5),
    flag('TnD', 4, { 0: 'data or unified', 1: 'allocation tags' }),
    field('Level', 3, 1, { 0: 'L1', 1: 'L2', 2: 'L3', 3: 'L4', 4: 'L5', 5: 'L6', 6: 'L7' }),
    flag('InD', 0, { 0: 'data or unified', 1: 'instruction' }),
  ],
  cache,
);

const DCZID_EL0 = sysreg(
  'DCZID_EL0',
  [3, 3, 0, 0, 7],
  'Data Cache Zero ID Register',
  [res0(63, 5), flag('DZP', 4, { 0: 'DC ZVA permitted', 1: 'DC ZVA prohibited' }), field('BS', 3, 0, words)],
  constant,
);

export const cacheRegisters: readonly SystemRegister[] = [
  CTR_EL0,
  DCZID_EL0,
  CLIDR_EL1,
  CSSELR_EL1,
  CCSIDR_EL1,
  CCSIDR2_EL1,
];
