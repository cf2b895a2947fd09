/**
 * Arm ARM DDI 0487, C4.1 "Data Processing -- Scalar Floating-Point and Advanced SIMD": floating-point data-processing,
 * compare, conditional compare, conditional select and immediate.
 */
import type { Builder, Width } from '../builder/builder.ts';
import type { FpFunction } from '../fp/operation.ts';
import { a64 } from './definition.ts';
import { bitsOf, formatOf, fpAbs, fpNeg, Rounding, readFp, scalar, sizeOf, vfpExpandImm } from './fp-operations.ts';

/** ftype is 0 for single and 1 for double precision; half precision is FEAT_FP16. */

/** FPCompare() says which of two numbers is greater or equal (bit 0) and which is less or equal (bit 1). */
function compare<V>(b: Builder<V>, sz: number, x: V, y: V, signalNaNs: number): V {
  return b.fp(scalar('FPCompare', bitsOf(sz), { to: 32, variant: signalNaNs === 1 }), [x, y]);
}

/** NZCV of such an order: 0110 equal, 1000 less, 0010 greater, 0011 unordered. */
function nzcvOf<V>(b: Builder<V>, order: V): V {
  const table = b.constant(32, 0x6823n);
  const row = b.binary('shr_u', 32, table, b.binary('shl', 32, order, b.constant(32, 2n)));
  return b.binary('and', 32, row, b.constant(32, 15n));
}

/** The same flags as those of a subtraction, which is how branches like them best. */
function compareFlags<V>(b: Builder<V>, result: V): void {
  const order = b.let(32, result);
  const one = b.constant(32, 1n);
  const unordered = b.let(32, b.compare('eq', 32, order, b.constant(32, 0n)));
  const bit = (shift: bigint) => b.binary('and', 32, b.binary('shr_u', 32, order, b.constant(32, shift)), one);
  // -2^63 - 1 leaves C and V.
  const least = b.binary('shl', 64, b.zeroExtend(unordered), b.constant(64, 63n));
  const first = b.binary('or', 64, b.zeroExtend(bit(0n)), least);
  b.flags('sub', 64, first, b.zeroExtend(b.binary('or', 32, bit(1n), unordered)));
}

const zero = <V>(b: Builder<V>, width: Width): V => b.constant(width, 0n);

const roundings = [Rounding.tieEven, Rounding.positive, Rounding.negative, Rounding.zero, Rounding.tieAway] as const;
const twoSource: readonly FpFunction[] = [
  'FPMul',
  'FPDiv',
  'FPAdd',
  'FPSub',
  'FPMax',
  'FPMin',
  'FPMaxNum',
  'FPMinNum',
  'FPMul',
];

export const fpScalar = [
  a64(
    'FMOV, FABS, FNEG, FSQRT (register, scalar)',
    '000111100 sz 10000 opc:2 10000 Rn:5 Rd:5',
    { shape: ['sz', 'opc'], vectors: { Rn: 'vector', Rd: 'vector' } },
    (b, { sz, opc, Rn, Rd }) => {
      const bits = bitsOf(sz);
      const operand = readFp(b, sz, Rn);
      const meanings = [
        () => operand,
        () => fpAbs(b, bits, operand),
        () => fpNeg(b, bits, operand),
        () => b.fp(scalar('FPSqrt', bits), [operand]),
      ];
      b.writeScalar(sizeOf(sz), Rd, meanings[opc]());
    },
  ),

  a64(
    'FCVT',
    '00011110 ftype:2 10001 opc:2 10000 Rn:5 Rd:5',
    {
      shape: ['ftype', 'opc'],
      possible: ({ ftype, opc }) => ftype !== 2 && opc !== 2 && ftype !== opc,
      vectors: { Rn: 'vector', Rd: 'vector' },
    },
    (b, { ftype, opc, Rn, Rd }) => {
      const [from, to] = [formatOf(ftype), formatOf(opc)];
      const size = (bits: number) => (bits === 64 ? 3 : bits === 32 ? 2 : 1);
      const operand = b.readElement(size(from), Rn);
      b.writeScalar(size(to), Rd, b.fp(scalar('FPConvert', from, { to }), [operand]));
    },
  ),

  a64(
    'FRINTN, FRINTP, FRINTM, FRINTZ, FRINTA, FRINTX, FRINTI (scalar)',
    '000111100 sz 1001 rmode:3 10000 Rn:5 Rd:5',
    {
      shape: ['sz', 'rmode'],
      possible: ({ rmode }) => rmode !== 5,
      vectors: { Rn: 'vector', Rd: 'vector' },
    },
    (b, { sz, rmode, Rn, Rd }) => {
      const rounding = roundings[rmode];
      const operation = scalar('FPRoundInt', bitsOf(sz), { rounding, variant: rmode === 6 });
      b.writeScalar(sizeOf(sz), Rd, b.fp(operation, [readFp(b, sz, Rn)]));
    },
  ),

  a64(
    'FCMP, FCMPE',
    '000111100 sz 1 Rm:5 001000 Rn:5 op zero 000',
    { shape: ['sz', 'op', 'zero'], vectors: { Rn: 'vector', Rm: 'vector' } },
    (b, { sz, op, zero: withZero, Rn, Rm }) => {
      const operand2 = withZero ? zero(b, bitsOf(sz)) : readFp(b, sz, Rm);
      compareFlags(b, compare(b, sz, readFp(b, sz, Rn), operand2, op));
    },
  ),

  a64(
    'FCCMP, FCCMPE',
    '000111100 sz 1 Rm:5 cond:4 01 Rn:5 op nzcv:4',
    {
      shape: ['sz', 'op', 'cond'],
      vectors: { Rn: 'vector', Rm: 'vector' },
      immediates: { flags: (f) => f.nzcv },
    },
    (b, { sz, op, cond, Rn, Rm, flags }) => {
      const holds = b.let(32, b.condition(cond));
      const order = b.when(holds, () => compare(b, sz, readFp(b, sz, Rn), readFp(b, sz, Rm), op));
      b.setNzcv(b.select(32, holds, nzcvOf(b, order), b.immediate(32, flags)));
    },
  ),

  a64(
    'FCSEL',
    '000111100 sz 1 Rm:5 cond:4 11 Rn:5 Rd:5',
    { shape: ['sz', 'cond'], vectors: { Rn: 'vector', Rm: 'vector', Rd: 'vector' } },
    (b, { sz, cond, Rn, Rm, Rd }) =>
      b.writeScalar(sizeOf(sz), Rd, b.select(bitsOf(sz), b.condition(cond), readFp(b, sz, Rn), readFp(b, sz, Rm))),
  ),

  a64(
    'FMOV (scalar, immediate)',
    '000111100 sz 1 imm8:8 10000000 Rd:5',
    {
      shape: ['sz'],
      vectors: { Rd: 'vector' },
      immediates: { imm: ({ sz, imm8 }) => expanded[sz][imm8] },
    },
    (b, { sz, Rd, imm }) => b.writeScalar(sizeOf(sz), Rd, b.immediate(bitsOf(sz), imm)),
  ),

  a64(
    'FMUL, FDIV, FADD, FSUB, FMAX, FMIN, FMAXNM, FMINNM, FNMUL (scalar)',
    '000111100 sz 1 Rm:5 opcode:4 10 Rn:5 Rd:5',
    {
      shape: ['sz', 'opcode'],
      possible: ({ opcode }) => opcode < twoSource.length,
      vectors: { Rn: 'vector', Rm: 'vector', Rd: 'vector' },
    },
    (b, { sz, opcode, Rn, Rm, Rd }) => {
      const bits = bitsOf(sz);
      const result = b.fp(scalar(twoSource[opcode], bits), [readFp(b, sz, Rn), readFp(b, sz, Rm)]);
      b.writeScalar(sizeOf(sz), Rd, opcode === 8 ? fpNeg(b, bits, result) : result);
    },
  ),

  a64(
    'FMADD, FMSUB, FNMADD, FNMSUB',
    '000111110 sz o1 Rm:5 o0 Ra:5 Rn:5 Rd:5',
    { shape: ['sz', 'o1', 'o0'], vectors: { Rn: 'vector', Rm: 'vector', Ra: 'vector', Rd: 'vector' } },
    (b, { sz, o1, o0, Rn, Rm, Ra, Rd }) => {
      const bits = bitsOf(sz);
      const addend = readFp(b, sz, Ra);
      const operand1 = readFp(b, sz, Rn);
      b.writeScalar(
        sizeOf(sz),
        Rd,
        b.fp(scalar('FPMulAdd', bits), [
          o1 ? fpNeg(b, bits, addend) : addend,
          o0 !== o1 ? fpNeg(b, bits, operand1) : operand1,
          readFp(b, sz, Rm),
        ]),
      );
    },
  ),
];

/** By sz and imm8. */
const expanded = ([32, 64] as const).map((bits) => Array.from({ length: 256 }, (_, imm8) => vfpExpandImm(bits, imm8)));
