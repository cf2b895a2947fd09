/** Vectors that are left out, and why. */
import type { Vector } from './vector.ts';

interface Rule {
  readonly reason: string;
  readonly mask: number;
  readonly value: number;
  /** Only these of the words that match. */
  readonly when?: (vector: Vector) => boolean;
}

const absent = (feature: string, ...words: readonly (readonly [mask: number, value: number])[]): Rule[] =>
  words.map(([mask, value]) => ({ reason: `${feature} is not part of this CPU`, mask, value }));

/** A byte or halfword with its upper bit set comes into a register. */
function loadsNegative({ i, m }: Vector): boolean {
  const [, , bytes] = m[0];
  return Number.parseInt(bytes.slice(-2), 16) >= 0x80 && (Number.parseInt(i, 16) & 31) !== 31;
}

/** An element of a half-precision operand is a signaling NaN: a single-precision one of the same value is quiet. */
function hasSignalingHalf({ i, v }: Vector): boolean {
  const word = Number.parseInt(i, 16);
  const halves = (n: number) =>
    new Uint16Array(Uint8Array.from(Buffer.from(v.slice(32 * n, 32 * n + 32), 'hex')).buffer);
  return [(word >>> 5) & 31, (word >>> 16) & 31].some((n) =>
    halves(n).some((h) => (h & 0x7e00) === 0x7c00 && (h & 0x1ff) !== 0),
  );
}

/** The code of the recording simulator itself was called, and the next record follows its return. */
const callsOut = ({ pc, o }: Vector): boolean => BigInt(`0x${o.pc}`) === BigInt(`0x${pc}`) + 4n;

const randomMonitor = 'store-exclusives: recorded with a monitor that fails at random';

const quietened = 'FMLAL of a signaling NaN: recorded as a quiet one, but the manual lets a signaling one go first';

const rules: readonly Rule[] = [
  { reason: randomMonitor, mask: 0x3fe0_0000, value: 0x0800_0000 },
  { reason: randomMonitor, mask: 0xbfe0_0000, value: 0x8820_0000 },
  {
    reason:
      'LDSMAX and LDSMIN of a byte or halfword: recorded sign-extended, but the manual zero-extends what was loaded',
    mask: 0xbf20_ec00,
    value: 0x3820_4000,
    when: loadsNegative,
  },
  ...[0x0e20_ec00, 0x2e20_cc00].map((value) => ({
    reason: quietened,
    mask: 0xbf60_fc00,
    value,
    when: hasSignalingHalf,
  })),
  ...[0x0f80_0000, 0x2f80_8000].map((value) => ({
    reason: quietened,
    mask: 0xbfc0_b400,
    value,
    when: hasSignalingHalf,
  })),
  { reason: 'calls out of the recorded program', mask: 0xffff_fc1f, value: 0xd63f_0000, when: callsOut },
  ...absent(
    'FEAT_PAuth',
    [0xffff_ff1f, 0xd503_211f],
    [0xffff_ff1f, 0xd503_231f],
    [0xffff_ffff, 0xd503_20ff],
    [0xffff_0000, 0xdac1_0000],
    [0xffe0_fc00, 0x9ac0_3000],
    [0xfe1f_f800, 0xd61f_0800],
    [0xff20_0400, 0xf820_0400],
  ),
  ...absent(
    'FEAT_MTE',
    [0xff20_0000, 0xd920_0000],
    [0xbfc0_0000, 0x9180_0000],
    [0xffe0_fc00, 0x9ac0_1000],
    [0xffe0_fc00, 0x9ac0_1400],
    [0xdfe0_fc00, 0x9ac0_0000],
    [0xfe40_0000, 0x6800_0000],
    [0xffff_f0e0, 0xd50b_7060],
    [0xffff_f0e0, 0xd50b_7080],
    [0xffff_f0e0, 0xd50b_70a0],
  ),
  ...absent('FEAT_LRCPC2', [0x3f20_0c00, 0x1900_0000]),
  ...absent('FEAT_FlagM', [0xffff_bc1f, 0x3a00_080d], [0xffe0_7c10, 0xba00_0400], [0xffff_ff1f, 0xd500_401f]),
  ...absent(
    'FEAT_CSSC',
    [0x7fff_f800, 0x5ac0_1800],
    [0x7fff_fc00, 0x5ac0_2000],
    [0x7fe0_f000, 0x1ac0_6000],
    [0x7fc0_0000, 0x11c0_0000],
  ),
  ...absent('FEAT_MOPS', [0x3b20_0c00, 0x1900_0400]),
  ...absent('FEAT_RNG', [0xffff_ffc0, 0xd53b_2400]),
  ...absent('FEAT_GCS', [0xffdf_ff00, 0xd50b_7700]),
  ...absent('FEAT_SVE', [0x1e00_0000, 0x0400_0000]),
];

/** Why this vector is not carried out; undefined: it is. */
export function reasonToLeaveOut(vector: Vector): string | undefined {
  const word = Number.parseInt(vector.i, 16);
  return rules.find(({ mask, value, when }) => ((word ^ value) & mask) === 0 && (when?.(vector) ?? true))?.reason;
}
