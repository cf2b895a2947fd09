/**
 * Arm ARM DDI 0487, C4.1 "Conversion between floating-point and fixed-point", "... and integer": between general and
 * SIMD&FP registers.
 */
import type { Builder, RegisterOperand, VectorOperand, Width } from '../builder/builder.ts';
import { Rounding } from '../fp/format.ts';
import { a64 } from './definition.ts';
import { bitsOf, type FpSize, forPrecisions, scalar } from './fp-operations.ts';
import { datasize } from './pseudocode.ts';

/** By rmode. */
const roundings = [Rounding.tieEven, Rounding.positive, Rounding.negative, Rounding.zero] as const;

function toFixed<V>(
  b: Builder<V>,
  { sf, U, size, rounding }: { sf: number; U: number; size: FpSize; rounding: Rounding },
  { Rn, Rd }: { Rn: VectorOperand; Rd: RegisterOperand },
  fbits?: V,
): void {
  const to: Width = datasize(sf);
  const operation = scalar('FPToFixed', size, { to, rounding, variant: U === 1 });
  b.writeX(to, Rd, b.fp(operation, [b.readElement(size, Rn)], fbits));
}

function fromFixed<V>(
  b: Builder<V>,
  { sf, U, size }: { sf: number; U: number; size: FpSize },
  { Rn, Rd }: { Rn: RegisterOperand; Rd: VectorOperand },
  fbits?: V,
): void {
  const operation = scalar('FixedToFP', sf ? 3 : 2, { to: bitsOf(size), variant: U === 1 });
  b.writeScalar(size, Rd, b.fp(operation, [b.readX(datasize(sf), Rn)], fbits));
}

/** The scale of 32 bits has its upper bit set. */
const noScale = ({ sf, scale }: { sf: number; scale: number }) => !sf && scale < 32;
const immediates = { fbits: ({ scale }: { readonly scale: number }) => 64 - scale };

/** Every call of a sine asks for it: kept here, as NZCV is, it costs no round trip. */
const readFpcr = a64(
  'MRS (FPCR)',
  '110101010011101101000100000 Rt:5',
  { simd: true, registers: { Rt: 'target' } },
  (b, { Rt }) => b.writeX(32, Rt, b.readFpcr()),
);

export const fpConvert = [
  readFpcr,
  ...forPrecisions(({ half, feature, shape: precision, sizeOf, name }) => {
    const type = (half ? '11' : '0 sz') as '0 sz';
    const shape = ['sf', ...precision, 'U'] as const;
    return [
      a64(
        name('SCVTF, UCVTF (scalar, fixed-point)'),
        `sf 0011110 ${type} 00001 U scale:6 Rn:5 Rd:5`,
        { feature, shape, unallocated: noScale, registers: { Rn: 'source' }, vectors: { Rd: 'vector' }, immediates },
        (b, { sf, sz, U, Rn, Rd, fbits }) =>
          fromFixed(b, { sf, U, size: sizeOf(sz) }, { Rn, Rd }, b.immediate(32, fbits)),
      ),
      a64(
        name('FCVTZS, FCVTZU (scalar, fixed-point)'),
        `sf 0011110 ${type} 01100 U scale:6 Rn:5 Rd:5`,
        { feature, shape, unallocated: noScale, registers: { Rd: 'target' }, vectors: { Rn: 'vector' }, immediates },
        (b, { sf, sz, U, Rn, Rd, fbits }) =>
          toFixed(b, { sf, U, size: sizeOf(sz), rounding: Rounding.zero }, { Rn, Rd }, b.immediate(32, fbits)),
      ),
      a64(
        name('SCVTF, UCVTF (scalar, integer)'),
        `sf 0011110 ${type} 10001 U 000000 Rn:5 Rd:5`,
        { feature, shape, registers: { Rn: 'source' }, vectors: { Rd: 'vector' } },
        (b, { sf, sz, U, Rn, Rd }) => fromFixed(b, { sf, U, size: sizeOf(sz) }, { Rn, Rd }),
      ),
      a64(
        name('FCVTNS, FCVTNU, FCVTPS, FCVTPU, FCVTMS, FCVTMU, FCVTZS, FCVTZU (scalar, integer)'),
        `sf 0011110 ${type} 1 rmode:2 00 U 000000 Rn:5 Rd:5`,
        { feature, shape: [...shape, 'rmode'], registers: { Rd: 'target' }, vectors: { Rn: 'vector' } },
        (b, { sf, sz, rmode, U, Rn, Rd }) =>
          toFixed(b, { sf, U, size: sizeOf(sz), rounding: roundings[rmode] }, { Rn, Rd }),
      ),
      a64(
        name('FCVTAS, FCVTAU (scalar)'),
        `sf 0011110 ${type} 10010 U 000000 Rn:5 Rd:5`,
        { feature, shape, registers: { Rd: 'target' }, vectors: { Rn: 'vector' } },
        (b, { sf, sz, U, Rn, Rd }) => toFixed(b, { sf, U, size: sizeOf(sz), rounding: Rounding.tieAway }, { Rn, Rd }),
      ),
    ];
  }),

  a64(
    'FMOV (general, to half precision)',
    'sf 001111011100111000000 Rn:5 Rd:5',
    { feature: 'FEAT_FP16', registers: { Rn: 'source' }, vectors: { Rd: 'vector' } },
    (b, { Rn, Rd }) => b.writeScalar(1, Rd, b.readX(32, Rn)),
  ),
  a64(
    'FMOV (general, from half precision)',
    'sf 001111011100110000000 Rn:5 Rd:5',
    { feature: 'FEAT_FP16', registers: { Rd: 'target' }, vectors: { Rn: 'vector' } },
    (b, { Rn, Rd }) => b.writeX(32, Rd, b.readElement(1, Rn)),
  ),

  a64(
    'FJCVTZS',
    '0001111001111110000000 Rn:5 Rd:5',
    { feature: 'FEAT_JSCVT', registers: { Rd: 'target' }, vectors: { Rn: 'vector' } },
    (b, { Rn, Rd }) => {
      const both = b.let(64, b.fp(scalar('FPToFixedJS', 3), [b.readElement(3, Rn)]));
      // Z above the result: bit 2 of the flags.
      b.setNzcv(b.binary('and', 32, b.truncate(b.binary('shr_u', 64, both, b.constant(64, 30n))), b.constant(32, 4n)));
      b.writeX(32, Rd, b.truncate(both));
    },
  ),
];
