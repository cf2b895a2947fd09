/**
 * Arm ARM DDI 0487, C4.1 "Conversion between floating-point and fixed-point", "... and integer": between general and
 * SIMD&FP registers.
 */
import { a64, target } from './definition.ts';
import { bitsOf, Rounding, readFp, scalar, sizeOf } from './fp-operations.ts';
import { datasize } from './pseudocode.ts';

/** Nothing but FPRoundingMode() of the instruction: nearest, to plus, to minus infinity, to zero. */
const roundings = [Rounding.tieEven, Rounding.positive, Rounding.negative, Rounding.zero] as const;

export const fpConvert = [
  a64(
    'SCVTF, UCVTF (scalar, fixed-point)',
    'sf 00111100 sz 00001 U scale:6 Rn:5 Rd:5',
    {
      shape: ['sf', 'sz', 'U'],
      unallocated: ({ sf, scale }) => !sf && scale < 32,
      registers: { Rn: 'source' },
      vectors: { Rd: 'vector' },
      immediates: { fbits: ({ scale }) => 64 - scale },
    },
    (b, { sf, sz, U, Rn, Rd, fbits }) => {
      const operation = scalar('FixedToFP', datasize(sf), { to: bitsOf(sz), variant: U === 1 });
      b.writeScalar(sizeOf(sz), Rd, b.fp(operation, [b.readX(datasize(sf), Rn)], b.immediate(32, fbits)));
    },
  ),

  a64(
    'FCVTZS, FCVTZU (scalar, fixed-point)',
    'sf 00111100 sz 01100 U scale:6 Rn:5 Rd:5',
    {
      shape: ['sf', 'sz', 'U'],
      unallocated: ({ sf, scale }) => !sf && scale < 32,
      registers: { Rd: 'target' },
      vectors: { Rn: 'vector' },
      immediates: { fbits: ({ scale }) => 64 - scale },
    },
    (b, { sf, sz, U, Rn, Rd, fbits }) => {
      const to = datasize(sf);
      const operation = scalar('FPToFixed', bitsOf(sz), { to, rounding: Rounding.zero, variant: U === 1 });
      b.writeX(to, Rd, b.fp(operation, [readFp(b, sz, Rn)], b.immediate(32, fbits)));
    },
  ),

  a64(
    'SCVTF, UCVTF (scalar, integer)',
    'sf 00111100 sz 10001 U 000000 Rn:5 Rd:5',
    { shape: ['sf', 'sz', 'U'], registers: { Rn: 'source' }, vectors: { Rd: 'vector' } },
    (b, { sf, sz, U, Rn, Rd }) => {
      const operation = scalar('FixedToFP', datasize(sf), { to: bitsOf(sz), variant: U === 1 });
      b.writeScalar(sizeOf(sz), Rd, b.fp(operation, [b.readX(datasize(sf), Rn)]));
    },
  ),

  a64(
    'FCVTNS, FCVTNU, FCVTPS, FCVTPU, FCVTMS, FCVTMU, FCVTZS, FCVTZU (scalar, integer)',
    'sf 00111100 sz 1 rmode:2 00 U 000000 Rn:5 Rd:5',
    { shape: ['sf', 'sz', 'rmode', 'U'], registers: { Rd: 'target' }, vectors: { Rn: 'vector' } },
    (b, { sf, sz, rmode, U, Rn, Rd }) => {
      const to = datasize(sf);
      const operation = scalar('FPToFixed', bitsOf(sz), { to, rounding: roundings[rmode], variant: U === 1 });
      b.writeX(to, Rd, b.fp(operation, [readFp(b, sz, Rn)]));
    },
  ),

  a64(
    'FCVTAS, FCVTAU (scalar)',
    'sf 00111100 sz 10010 U 000000 Rn:5 Rd:5',
    { shape: ['sf', 'sz', 'U'], registers: { Rd: (f) => target(f.Rd) }, vectors: { Rn: 'vector' } },
    (b, { sf, sz, U, Rn, Rd }) => {
      const to = datasize(sf);
      const operation = scalar('FPToFixed', bitsOf(sz), { to, rounding: Rounding.tieAway, variant: U === 1 });
      b.writeX(to, Rd, b.fp(operation, [readFp(b, sz, Rn)]));
    },
  ),
];
