/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD copy", "... scalar copy", "... modified immediate", and of "Conversion between
 * floating-point and integer" what only moves bits.
 */
import type { Size } from '../builder/builder.ts';
import { a64, element } from './definition.ts';
import { splatElement, writeBytes } from './simd-pseudocode.ts';

/** The lowest set bit of imm5 tells the size of an element, the bits above it the index. */
const sizeOf = ({ imm5 }: { imm5: number }): number => 31 - Math.clz32(imm5 & -imm5);
const size = [4, (f: { imm5: number }) => sizeOf(f) & 3] as const;
const indexOf = ({ imm5 }: { imm5: number }): number => imm5 >> (sizeOf({ imm5 }) + 1);
const noSize = ({ imm5 }: { imm5: number }): boolean => (imm5 & 15) === 0;
const indexed = (f: { imm5: number; Rn: number }): number => element(f.Rn, sizeOf(f), indexOf(f));

/** Elements that do not fill the vector: 64 bits where it has no more. */
const tooWide = (f: { Q: number; imm5: number }): boolean => noSize(f) || (sizeOf(f) === 3 && f.Q === 0);

/** AdvSIMDExpandImm(), both halves of the result; inverted for MVNI and BIC. */
function expandImmediate(op: number, cmode: number, imm8: number): bigint {
  const byte = BigInt(imm8);
  const copies = (value: bigint, bits: bigint) => {
    let all = value;
    for (let width = bits; width < 64n; width *= 2n) all |= all << width;
    return all;
  };
  const invert = (value: bigint) => (op === 1 ? BigInt.asUintN(64, ~value) : value);
  if (cmode < 8) return invert(copies(byte << BigInt(8 * (cmode >> 1)), 32n));
  if (cmode < 12) return invert(copies(byte << BigInt(8 * ((cmode >> 1) & 1)), 16n));
  if (cmode === 12) return invert(copies((byte << 8n) | 0xffn, 32n));
  if (cmode === 13) return invert(copies((byte << 16n) | 0xffffn, 32n));
  if (cmode === 14) {
    if (op === 0) return copies(byte, 8n);
    return [0, 1, 2, 3, 4, 5, 6, 7].reduce((all, i) => all | ((imm8 >> i) & 1 ? 0xffn << BigInt(8 * i) : 0n), 0n);
  }
  // VFPExpandImm(): the sign, an exponent of which bit 6 tells most, and four bits of fraction.
  const sign = BigInt(imm8 >> 7);
  const fraction = BigInt(imm8 & 0x3f);
  const exponent = imm8 & 0x40;
  if (op === 0) return copies((sign << 31n) | ((exponent ? 0x1fn : 0x20n) << 25n) | (fraction << 19n), 32n);
  return (sign << 63n) | ((exponent ? 0xffn : 0x100n) << 54n) | (fraction << 48n);
}

const immediates = new Map<number, bigint>();

/** The same, made once. */
function modifiedImmediate(op: number, cmode: number, imm8: number): bigint {
  const key = (op << 12) | (cmode << 8) | imm8;
  let value = immediates.get(key);
  if (value === undefined) {
    value = expandImmediate(op, cmode, imm8);
    immediates.set(key, value);
  }
  return value;
}

export const simdCopy = [
  a64(
    'DUP (element)',
    '0 Q 001110000 imm5:5 000001 Rn:5 Rd:5',
    { shape: ['Q'], derived: { size }, unallocated: tooWide, vectors: { Rn: indexed, Rd: 'vector' } },
    (b, { Q, size, Rn, Rd }) => writeBytes(b, Q ? 16 : 8, Rd, splatElement(b, size as Size, Rn)),
  ),
  a64(
    'DUP (element, scalar)',
    '01011110000 imm5:5 000001 Rn:5 Rd:5',
    { derived: { size }, unallocated: noSize, vectors: { Rn: indexed, Rd: 'vector' } },
    (b, { size, Rn, Rd }) => b.writeScalar(size as Size, Rd, b.readElement(size as Size, Rn)),
  ),
  a64(
    'DUP (general)',
    '0 Q 001110000 imm5:5 000011 Rn:5 Rd:5',
    { shape: ['Q'], derived: { size }, unallocated: tooWide, registers: { Rn: 'source' }, vectors: { Rd: 'vector' } },
    (b, { Q, size, Rn, Rd }) => {
      const shape = (['i8x16', 'i16x8', 'i32x4', 'i64x2'] as const)[size];
      writeBytes(b, Q ? 16 : 8, Rd, b.vector(`${shape}.splat`, b.readX(size === 3 ? 64 : 32, Rn)));
    },
  ),
  a64(
    'SMOV',
    '0 Q 001110000 imm5:5 001011 Rn:5 Rd:5',
    {
      shape: ['Q'],
      derived: { size },
      // An element is narrower than the register.
      unallocated: (f) => noSize(f) || sizeOf(f) > 1 + f.Q,
      vectors: { Rn: indexed },
      registers: { Rd: 'target' },
    },
    (b, { Q, size, Rn, Rd }) => {
      if (size === 3) return;
      const value = b.signExtendFrom(32, ([8, 16, 32] as const)[size as 0 | 1 | 2], b.readElement(size as Size, Rn));
      if (Q) b.writeX(64, Rd, b.signExtend(value));
      else b.writeX(32, Rd, value);
    },
  ),
  a64(
    'UMOV',
    '0 Q 001110000 imm5:5 001111 Rn:5 Rd:5',
    {
      derived: { size },
      // The register is no wider than it must be.
      unallocated: (f) => noSize(f) || (sizeOf(f) === 3) !== (f.Q === 1),
      vectors: { Rn: indexed },
      registers: { Rd: 'target' },
    },
    (b, { size, Rn, Rd }) => b.writeX(size === 3 ? 64 : 32, Rd, b.readElement(size as Size, Rn)),
  ),
  a64(
    'INS (general)',
    '01001110000 imm5:5 000111 Rn:5 Rd:5',
    {
      derived: { size },
      unallocated: noSize,
      registers: { Rn: 'source' },
      vectors: { Rd: (f) => element(f.Rd, sizeOf(f), indexOf(f)) },
    },
    (b, { size, Rn, Rd }) => b.writeElement(size as Size, Rd, b.readX(size === 3 ? 64 : 32, Rn)),
  ),
  a64(
    'INS (element)',
    '01101110000 imm5:5 0 imm4:4 1 Rn:5 Rd:5',
    {
      derived: { size },
      unallocated: noSize,
      vectors: {
        // The low bits of imm4, as many as the size, are ignored.
        Rn: (f) => element(f.Rn, sizeOf(f), f.imm4 >> sizeOf(f)),
        Rd: (f) => element(f.Rd, sizeOf(f), indexOf(f)),
      },
    },
    (b, { size, Rn, Rd }) => b.writeElement(size as Size, Rd, b.readElement(size as Size, Rn)),
  ),

  a64(
    'MOVI, MVNI, ORR, BIC, FMOV (vector, immediate)',
    '0 Q op 0111100000 high:3 cmode:4 01 low:5 Rd:5',
    {
      shape: ['Q'],
      derived: {
        // 0: the immediate itself, 1: ORR, 2: BIC, whose immediate is inverted and stays where it has ones.
        operation: [3, (f) => (f.cmode < 12 && f.cmode & 1 ? 1 + f.op : 0)],
      },
      // The double-precision immediate needs a vector of two.
      unallocated: (f) => f.cmode === 15 && f.op === 1 && f.Q === 0,
      vectors: { Rd: 'vector' },
      immediates: { imm: (f) => modifiedImmediate(f.op, f.cmode, (f.high << 5) | f.low) },
    },
    (b, { Q, operation, Rd, imm }) => {
      const value = b.vector('i64x2.splat', b.immediate(64, imm));
      const operand = () => b.readV(Rd);
      const results = [
        () => value,
        () => b.vector('v128.or', operand(), value),
        () => b.vector('v128.and', operand(), value),
      ];
      writeBytes(b, Q ? 16 : 8, Rd, results[operation]());
    },
  ),

  a64(
    'FMOV (general, from single-precision and double-precision)',
    'sf 00111100 sz 1 00 110 000000 Rn:5 Rd:5',
    {
      shape: ['sf', 'sz'],
      possible: ({ sf, sz }) => sf === sz,
      vectors: { Rn: 'vector' },
      registers: { Rd: 'target' },
    },
    (b, { sf, Rn, Rd }) => (sf ? b.writeX(64, Rd, b.readElement(3, Rn)) : b.writeX(32, Rd, b.readElement(2, Rn))),
  ),
  a64(
    'FMOV (general, to single-precision and double-precision)',
    'sf 00111100 sz 1 00 111 000000 Rn:5 Rd:5',
    {
      shape: ['sf', 'sz'],
      possible: ({ sf, sz }) => sf === sz,
      registers: { Rn: 'source' },
      vectors: { Rd: 'vector' },
    },
    (b, { sf, Rn, Rd }) => (sf ? b.writeScalar(3, Rd, b.readX(64, Rn)) : b.writeScalar(2, Rd, b.readX(32, Rn))),
  ),
  a64(
    'FMOV (general, from the top half)',
    '1001111010101110000000 Rn:5 Rd:5',
    { vectors: { Rn: (f) => element(f.Rn, 3, 1) }, registers: { Rd: 'target' } },
    (b, { Rn, Rd }) => b.writeX(64, Rd, b.readElement(3, Rn)),
  ),
  a64(
    'FMOV (general, to the top half)',
    '1001111010101111000000 Rn:5 Rd:5',
    { registers: { Rn: 'source' }, vectors: { Rd: (f) => element(f.Rd, 3, 1) } },
    (b, { Rn, Rd }) => b.writeElement(3, Rd, b.readX(64, Rn)),
  ),
];
