/**
 * Arm ARM DDI 0487, C4.1 "Data Processing -- Scalar Floating-Point and Advanced SIMD": floating-point data-processing,
 * compare, conditional compare, conditional select and immediate.
 */
import type { Builder } from '../builder/builder.ts';
import { Rounding } from '../fp/format.ts';
import type { FpFunction } from '../fp/operation.ts';
import { a64 } from './definition.ts';
import { bitsOf, type FpSize, forPrecisions, fpAbs, fpNeg, scalar, vfpExpandImm, widthOf } from './fp-operations.ts';

/** FPCompare() says whether one number is greater or equal (bit 0) and whether it is less or equal (bit 1). */
function compare<V>(b: Builder<V>, size: FpSize, x: V, y: V, signalNaNs: number): V {
  return b.fp(scalar('FPCompare', size, { to: 32, variant: signalNaNs === 1 }), [x, y]);
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

const roundings = [Rounding.tieEven, Rounding.positive, Rounding.negative, Rounding.zero, Rounding.tieAway] as const;
const twoSource = ['FPMul', 'FPDiv', 'FPAdd', 'FPSub', 'FPMax', 'FPMin', 'FPMaxNum', 'FPMinNum', 'FPMul'] as const;

/** By log2 of the bytes and imm8. */
const expanded = ([1, 2, 3] as const).map((size) =>
  Array.from({ length: 256 }, (_, imm8) => vfpExpandImm(bitsOf(size), imm8)),
);

/** FCVT: by ftype. */
const formats = [2, 3, undefined, 1] as const;

/** ftype is 0 for single, 1 for double and 3 for half precision. */
export const fpScalar = [
  a64(
    'FCVT',
    '00011110 ftype:2 10001 opc:2 10000 Rn:5 Rd:5',
    {
      shape: ['ftype', 'opc'],
      possible: ({ ftype, opc }) => ftype !== 2 && opc !== 2 && ftype !== opc,
      vectors: { Rn: 'vector', Rd: 'vector' },
    },
    (b, { ftype, opc, Rn, Rd }) => {
      const [from, to] = [formats[ftype]!, formats[opc]!];
      b.writeScalar(to, Rd, b.fp(scalar('FPConvert', from, { to: bitsOf(to) }), [b.readElement(from, Rn)]));
    },
  ),

  ...forPrecisions(({ half, feature, shape, sizeOf, name }) => {
    const type = (half ? '11' : '0 sz') as '0 sz';
    return [
      a64(
        name('FMOV, FABS, FNEG, FSQRT (register, scalar)'),
        `00011110 ${type} 10000 opc:2 10000 Rn:5 Rd:5`,
        { feature, shape: [...shape, 'opc'], vectors: { Rn: 'vector', Rd: 'vector' } },
        (b, { sz, opc, Rn, Rd }) => {
          const size = sizeOf(sz);
          const operand = b.readElement(size, Rn);
          const meanings = [
            () => operand,
            () => fpAbs(b, size, operand),
            () => fpNeg(b, size, operand),
            () => b.fp(scalar('FPSqrt', size), [operand]),
          ];
          b.writeScalar(size, Rd, meanings[opc]());
        },
      ),

      a64(
        name('FRINTN, FRINTP, FRINTM, FRINTZ, FRINTA, FRINTX, FRINTI (scalar)'),
        `00011110 ${type} 1001 rmode:3 10000 Rn:5 Rd:5`,
        {
          feature,
          shape: [...shape, 'rmode'],
          possible: ({ rmode }) => rmode !== 5,
          vectors: { Rn: 'vector', Rd: 'vector' },
        },
        (b, { sz, rmode, Rn, Rd }) => {
          const size = sizeOf(sz);
          const operation = scalar('FPRoundInt', size, { rounding: roundings[rmode], variant: rmode === 6 });
          b.writeScalar(size, Rd, b.fp(operation, [b.readElement(size, Rn)]));
        },
      ),

      a64(
        name('FCMP, FCMPE'),
        `00011110 ${type} 1 Rm:5 001000 Rn:5 op zero 000`,
        { feature, shape: [...shape, 'op', 'zero'], vectors: { Rn: 'vector', Rm: 'vector' } },
        (b, { sz, op, zero, Rn, Rm }) => {
          const size = sizeOf(sz);
          const operand2 = zero ? b.constant(widthOf(size), 0n) : b.readElement(size, Rm);
          compareFlags(b, compare(b, size, b.readElement(size, Rn), operand2, op));
        },
      ),

      a64(
        name('FCCMP, FCCMPE'),
        `00011110 ${type} 1 Rm:5 cond:4 01 Rn:5 op nzcv:4`,
        {
          feature,
          shape: [...shape, 'op', 'cond'],
          vectors: { Rn: 'vector', Rm: 'vector' },
          immediates: { flags: (f) => f.nzcv },
        },
        (b, { sz, op, cond, Rn, Rm, flags }) => {
          const size = sizeOf(sz);
          const holds = b.let(32, b.condition(cond));
          const order = b.when(holds, () => compare(b, size, b.readElement(size, Rn), b.readElement(size, Rm), op));
          b.setNzcv(b.select(32, holds, nzcvOf(b, order), b.immediate(32, flags)));
        },
      ),

      a64(
        name('FCSEL'),
        `00011110 ${type} 1 Rm:5 cond:4 11 Rn:5 Rd:5`,
        { feature, shape: [...shape, 'cond'], vectors: { Rn: 'vector', Rm: 'vector', Rd: 'vector' } },
        (b, { sz, cond, Rn, Rm, Rd }) => {
          const size = sizeOf(sz);
          const [x, y] = [b.readElement(size, Rn), b.readElement(size, Rm)];
          b.writeScalar(size, Rd, b.select(widthOf(size), b.condition(cond), x, y));
        },
      ),

      a64(
        name('FMOV (scalar, immediate)'),
        `00011110 ${type} 1 imm8:8 10000000 Rd:5`,
        {
          feature,
          shape,
          vectors: { Rd: 'vector' },
          immediates: { imm: ({ sz, imm8 }) => expanded[sizeOf(sz) - 1][imm8] },
        },
        (b, { sz, Rd, imm }) => b.writeScalar(sizeOf(sz), Rd, b.immediate(widthOf(sizeOf(sz)), imm)),
      ),

      a64(
        name('FMUL, FDIV, FADD, FSUB, FMAX, FMIN, FMAXNM, FMINNM, FNMUL (scalar)'),
        `00011110 ${type} 1 Rm:5 opcode:4 10 Rn:5 Rd:5`,
        {
          feature,
          shape: [...shape, 'opcode'],
          possible: ({ opcode }) => opcode < twoSource.length,
          vectors: { Rn: 'vector', Rm: 'vector', Rd: 'vector' },
        },
        (b, { sz, opcode, Rn, Rm, Rd }) => {
          const size = sizeOf(sz);
          const operation = scalar(twoSource[opcode] as FpFunction, size);
          const result = b.fp(operation, [b.readElement(size, Rn), b.readElement(size, Rm)]);
          b.writeScalar(size, Rd, opcode === 8 ? fpNeg(b, size, result) : result);
        },
      ),

      a64(
        name('FMADD, FMSUB, FNMADD, FNMSUB'),
        `00011111 ${type} o1 Rm:5 o0 Ra:5 Rn:5 Rd:5`,
        {
          feature,
          shape: [...shape, 'o1', 'o0'],
          vectors: { Rn: 'vector', Rm: 'vector', Ra: 'vector', Rd: 'vector' },
        },
        (b, { sz, o1, o0, Rn, Rm, Ra, Rd }) => {
          const size = sizeOf(sz);
          const addend = b.readElement(size, Ra);
          const operand1 = b.readElement(size, Rn);
          const operands = [
            o1 ? fpNeg(b, size, addend) : addend,
            o0 !== o1 ? fpNeg(b, size, operand1) : operand1,
            b.readElement(size, Rm),
          ];
          b.writeScalar(size, Rd, b.fp(scalar('FPMulAdd', size), operands));
        },
      ),
    ];
  }),
];
