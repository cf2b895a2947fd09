/** Translation of addresses. Arm ARM DDI 0487, D19.2 "General system control registers" and D8. */
import { hex } from '../../bits.ts';
import { faultStatus } from '../fault-status.ts';
import { type Field, field, flag, impdef, res0, res1, type SystemRegister, sysreg, type Values } from '../register.ts';

/** A field that holds an address without its low bits. */
const addressFrom =
  (low: number) =>
  (value: bigint): string =>
    hex(value << BigInt(low));

const translationTable: readonly Field[] = [
  field('ASID', 63, 48),
  // With 52-bit addresses bits 5:2 are bits 51:48 of the address; whether they are, TCR_EL1 tells.
  field('BADDR', 47, 1, addressFrom(1)),
  flag('CnP', 0, { 0: 'private to this PE', 1: 'common to the inner shareable domain' }),
];

const TTBR0_EL1 = sysreg('TTBR0_EL1', [3, 0, 2, 0, 0], 'Translation Table Base Register 0', translationTable, {
  group: 'mmu',
});
const TTBR1_EL1 = sysreg('TTBR1_EL1', [3, 0, 2, 0, 1], 'Translation Table Base Register 1', translationTable, {
  group: 'mmu',
});

const shareability: Values = { 0: 'non-shareable', 2: 'outer shareable', 3: 'inner shareable' };
const cacheability: Values = {
  0: 'non-cacheable',
  1: 'write-back, read- and write-allocate',
  2: 'write-through',
  3: 'write-back, read-allocate',
};
const walks: Values = { 0: 'walks', 1: 'a TLB miss faults' };
const topByte: Values = { 0: 'part of the address', 1: 'ignored' };

/** TnSZ: the region has 2 to the power of 64 - n bytes. */
const regionSize = (value: bigint): string => `${64n - value} bits, ${formatSize(64n - value)}`;

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
const formatSize = (power: bigint): string => {
  const unit = Math.min(6, Math.floor(Number(power) / 10));
  return `${2n ** (power - 10n * BigInt(unit))} ${units[unit]}`;
};

const TCR_EL1 = sysreg(
  'TCR_EL1',
  [3, 0, 2, 0, 2],
  'Translation Control Register',
  [
    res0(63, 62),
    flag('MTX1', 61, { 0: 'tag bits ignored or part of the address', 1: 'tag in bits 59:56' }),
    flag('MTX0', 60, { 0: 'tag bits ignored or part of the address', 1: 'tag in bits 59:56' }),
    flag('DS', 59, { 0: '48-bit addresses', 1: '52-bit addresses' }),
    flag('TCMA1', 58, { 0: 'all accesses checked', 1: 'match-all tag unchecked' }),
    flag('TCMA0', 57, { 0: 'all accesses checked', 1: 'match-all tag unchecked' }),
    flag('E0PD1', 56, { 0: 'EL0 may access', 1: 'EL0 accesses fault' }),
    flag('E0PD0', 55, { 0: 'EL0 may access', 1: 'EL0 accesses fault' }),
    flag('NFD1', 54, { 0: 'walks', 1: 'no walks for non-fault accesses' }),
    flag('NFD0', 53, { 0: 'walks', 1: 'no walks for non-fault accesses' }),
    flag('TBID1', 52, { 0: 'TBI for data and instructions', 1: 'TBI for data only' }),
    flag('TBID0', 51, { 0: 'TBI for data and instructions', 1: 'TBI for data only' }),
    flag('HWU162', 50, { 0: 'descriptor bit unused', 1: 'descriptor bit free for hardware' }),
    flag('HWU161', 49, { 0: 'descriptor bit unused', 1: 'descriptor bit free for hardware' }),
    flag('HWU160', 48, { 0: 'descriptor bit unused', 1: 'descriptor bit free for hardware' }),
    flag('HWU159', 47, { 0: 'descriptor bit unused', 1: 'descriptor bit free for hardware' }),
    flag('HWU062', 46, { 0: 'descriptor bit unused', 1: 'descriptor bit free for hardware' }),
    flag('HWU061', 45, { 0: 'descriptor bit unused', 1: 'descriptor bit free for hardware' }),
    flag('HWU060', 44, { 0: 'descriptor bit unused', 1: 'descriptor bit free for hardware' }),
    flag('HWU059', 43, { 0: 'descriptor bit unused', 1: 'descriptor bit free for hardware' }),
    flag('HPD1', 42, { 0: 'table permissions used', 1: 'table permissions ignored' }),
    flag('HPD0', 41, { 0: 'table permissions used', 1: 'table permissions ignored' }),
    flag('HD', 40, { 0: 'dirty state by software', 1: 'dirty state by hardware' }),
    flag('HA', 39, { 0: 'access flag by software', 1: 'access flag by hardware' }),
    flag('TBI1', 38, topByte),
    flag('TBI0', 37, topByte),
    flag('AS', 36, { 0: '8-bit ASID', 1: '16-bit ASID' }),
    res0(35),
    field('IPS', 34, 32, {
      0: '32 bits, 4 GiB',
      1: '36 bits, 64 GiB',
      2: '40 bits, 1 TiB',
      3: '42 bits, 4 TiB',
      4: '44 bits, 16 TiB',
      5: '48 bits, 256 TiB',
      6: '52 bits, 4 PiB',
      7: '56 bits, 64 PiB',
    }),
    field('TG1', 31, 30, { 1: '16 KiB', 2: '4 KiB', 3: '64 KiB' }),
    field('SH1', 29, 28, shareability),
    field('ORGN1', 27, 26, cacheability),
    field('IRGN1', 25, 24, cacheability),
    flag('EPD1', 23, walks),
    flag('A1', 22, { 0: 'ASID from TTBR0_EL1', 1: 'ASID from TTBR1_EL1' }),
    field('T1SZ', 21, 16, regionSize),
    field('TG0', 15, 14, { 0: '4 KiB', 1: '64 KiB', 2: '16 KiB' }),
    field('SH0', 13, 12, shareability),
    field('ORGN0', 11, 10, cacheability),
    field('IRGN0', 9, 8, cacheability),
    flag('EPD0', 7, walks),
    res0(6),
    field('T0SZ', 5, 0, regionSize),
  ],
  { group: 'mmu' },
);

/** Device memory by bits 3:2 of an attribute. */
const deviceTypes = ['nGnRnE', 'nGnRE', 'nGRE', 'GRE'];

/** One half of an attribute of Normal memory. */
function normalPolicy(half: number): string {
  if (half === 0b0100) return 'non-cacheable';
  const allocation = ['', ' write-allocate', ' read-allocate', ' read- and write-allocate'][half & 3];
  const policy = half & 0b0100 ? 'write-back' : 'write-through';
  return `${policy}${half & 0b1000 ? '' : ' transient'}${allocation || ' no-allocate'}`;
}

/** An attribute of MAIR_EL1 and PAR_EL1. Arm ARM DDI 0487, MAIR_EL1, Attr<n>. */
function memoryAttribute(value: bigint): string | undefined {
  const attribute = Number(value);
  const [outer, inner] = [attribute >> 4, attribute & 15];
  if (outer === 0) {
    const device = (inner & 2) === 0 ? `Device-${deviceTypes[inner >> 2]}` : undefined;
    return device && inner & 1 ? `${device}, FEAT_XS` : device;
  }
  if (attribute === 0x40) return 'Normal, non-cacheable, FEAT_XS';
  if (attribute === 0xa0) return 'Normal, write-through, FEAT_XS';
  if (attribute === 0xf0) return 'Normal, write-back, tagged';
  if (inner === 0) return undefined;
  const [outside, inside] = [normalPolicy(outer), normalPolicy(inner)];
  return outside === inside ? `Normal, ${inside}` : `Normal, outer ${outside}, inner ${inside}`;
}

const MAIR_EL1 = sysreg(
  'MAIR_EL1',
  [3, 0, 10, 2, 0],
  'Memory Attribute Indirection Register',
  [7, 6, 5, 4, 3, 2, 1, 0].map((n) => field(`Attr${n}`, 8 * n + 7, 8 * n, memoryAttribute)),
  { group: 'mmu' },
);
const AMAIR_EL1 = sysreg(
  'AMAIR_EL1',
  [3, 0, 10, 3, 0],
  'Auxiliary Memory Attribute Indirection Register',
  [impdef(63, 0)],
  {
    group: 'mmu',
  },
);

const CONTEXTIDR_EL1 = sysreg(
  'CONTEXTIDR_EL1',
  [3, 0, 13, 0, 1],
  'Context ID Register',
  [res0(63, 32), field('PROCID', 31, 0)],
  {
    group: 'mmu',
  },
);

const PAR_EL1 = sysreg(
  'PAR_EL1',
  [3, 0, 7, 4, 0],
  'Physical Address Register',
  [
    field('ATTR', 63, 56, memoryAttribute),
    res0(55, 52),
    field('PA', 51, 12, addressFrom(12)),
    res1(11),
    impdef(10),
    flag('NS', 9, { 0: 'secure', 1: 'non-secure' }),
    field('SH', 8, 7, shareability),
    res0(6, 1),
    flag('F', 0, { 0: 'translation succeeded', 1: 'translation failed' }),
  ],
  {
    group: 'mmu',
    variants: [
      {
        when: 'F = 1',
        matches: (value) => (value & 1n) === 1n,
        fields: [
          impdef(63, 48),
          res0(47, 16),
          flag('DirtyBit', 15),
          flag('Overlay', 14),
          flag('TopLevel', 13),
          flag('AssuredOnly', 12),
          res1(11),
          res0(10),
          flag('S', 9, { 0: 'stage 1', 1: 'stage 2' }),
          flag('PTW', 8, { 0: 'not on a walk', 1: 'stage 2 fault on a stage 1 walk' }),
          res0(7),
          field('FST', 6, 1, faultStatus),
          flag('F', 0, { 0: 'translation succeeded', 1: 'translation failed' }),
        ],
      },
    ],
  },
);

const TCR2_EL1 = sysreg(
  'TCR2_EL1',
  [3, 0, 2, 0, 3],
  'Extended Translation Control Register',
  [
    res0(63, 22),
    flag('FNGNA1', 21),
    flag('FNGNA0', 20),
    res0(19),
    flag('FNG1', 18),
    flag('FNG0', 17),
    flag('A2', 16),
    flag('DisCH1', 15),
    flag('DisCH0', 14),
    res0(13, 12),
    flag('HAFT', 11),
    flag('PTTWI', 10),
    res0(9, 6),
    flag('D128', 5),
    flag('AIE', 4),
    flag('POE', 3),
    flag('E0POE', 2),
    flag('PIE', 1),
    flag('PnCH', 0),
  ],
  { group: 'mmu', feature: 'FEAT_TCR2' },
);

const permissionFields = (permissions: Values): readonly Field[] =>
  Array.from({ length: 16 }, (_, n) => field(`Perm${15 - n}`, 63 - 4 * n, 60 - 4 * n, permissions));

/** What a base permission allows; `overlaid` ones a permission overlay can take away from. */
const basePermissions = permissionFields({
  0: 'none, overlaid',
  1: 'R, overlaid',
  2: 'X, overlaid',
  3: 'RX, overlaid',
  5: 'RW, overlaid',
  6: 'RWX but not both W and X, overlaid',
  7: 'RWX, overlaid',
  8: 'R',
  9: 'R, guarded control stack',
  10: 'RX',
  12: 'RW',
  14: 'RWX',
});
const overlayPermissions = permissionFields({
  0: 'none',
  1: 'R',
  2: 'X',
  3: 'RX',
  4: 'W',
  5: 'RW',
  6: 'WX',
  7: 'RWX',
});
const s1pie = { group: 'mmu', feature: 'FEAT_S1PIE' } as const;
const s1poe = { group: 'mmu', feature: 'FEAT_S1POE' } as const;

const permissionRegisters = [
  sysreg('PIRE0_EL1', [3, 0, 10, 2, 2], 'Permission Indirection Register 0', basePermissions, s1pie),
  sysreg('PIR_EL1', [3, 0, 10, 2, 3], 'Permission Indirection Register 1', basePermissions, s1pie),
  sysreg('POR_EL1', [3, 0, 10, 2, 4], 'Permission Overlay Register 1', overlayPermissions, s1poe),
  sysreg('POR_EL0', [3, 3, 10, 2, 4], 'Permission Overlay Register 0', overlayPermissions, s1poe),
];

const lor = { group: 'mmu', feature: 'FEAT_LOR' } as const;

const loRegisters = [
  sysreg(
    'LORSA_EL1',
    [3, 0, 10, 4, 0],
    'LORegion Start Address',
    [res0(63, 52), field('SA', 51, 16, addressFrom(16)), res0(15, 1), flag('Valid', 0)],
    lor,
  ),
  sysreg(
    'LOREA_EL1',
    [3, 0, 10, 4, 1],
    'LORegion End Address',
    [res0(63, 52), field('EA', 51, 16, addressFrom(16)), res0(15, 0)],
    lor,
  ),
  sysreg('LORN_EL1', [3, 0, 10, 4, 2], 'LORegion Number', [res0(63, 8), field('Num', 7, 0)], lor),
  sysreg(
    'LORC_EL1',
    [3, 0, 10, 4, 3],
    'LORegion Control',
    [res0(63, 10), field('DS', 9, 2), res0(1), flag('EN', 0)],
    lor,
  ),
  sysreg(
    'LORID_EL1',
    [3, 0, 10, 4, 7],
    'LORegion ID Register',
    [res0(63, 24), field('LD', 23, 16), res0(15, 8), field('LR', 7, 0)],
    { ...lor, access: 'RO', constant: true },
  ),
];

export const mmuRegisters: readonly SystemRegister[] = [
  TTBR0_EL1,
  TTBR1_EL1,
  TCR_EL1,
  MAIR_EL1,
  AMAIR_EL1,
  CONTEXTIDR_EL1,
  PAR_EL1,
  TCR2_EL1,
  ...permissionRegisters,
  ...loRegisters,
];
