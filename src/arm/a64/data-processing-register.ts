/** Arm ARM DDI 0487, C4.1 "Data Processing -- Register". */
import type { Builder, RegisterOperand, Width } from '../builder/builder.ts';
import { a64, stack, target } from './definition.ts';
import {
  addWithCarry,
  bitReverse,
  countLeadingSignBits,
  crc32,
  datasize,
  extendReg,
  not,
  reverseBytes,
  shift,
  shiftTypes,
  signedDivide,
  signedMultiplyHigh,
  unsignedDivide,
  unsignedMultiplyHigh,
} from './pseudocode.ts';

/** A shift by zero has a shape of its own, the commonest. */
const shifted = [2, (f: { imm6: number }) => (f.imm6 === 0 ? 0 : 1)] as const;
const tooFar = (f: { sf: number; imm6: number }) => !f.sf && f.imm6 > 31;

const addSubtract = <V>(b: Builder<V>, op: number, S: number, width: Width, Rd: RegisterOperand, x: V, y: V) => {
  const operator = op ? 'sub' : 'add';
  const operand1 = b.let(width, x);
  const operand2 = b.let(width, y);
  if (S) b.flags(operator, width, operand1, operand2);
  b.writeX(width, Rd, b.binary(operator, width, operand1, operand2));
};

/** PSTATE.C as 0 or 1: ConditionHolds(CS). */
const carryFlag = <V>(b: Builder<V>): V => b.let(32, b.condition(2));

export const dataProcessingRegister = [
  a64(
    'AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS (shifted register)',
    'sf opc:2 01010 shift:2 N Rm:5 imm6:6 Rn:5 Rd:5',
    {
      shape: ['sf', 'opc', 'shift', 'N'],
      derived: { shifted },
      unallocated: tooFar,
      registers: { Rm: 'source', Rn: 'source', Rd: 'target' },
      immediates: { amount: (f) => f.imm6 },
    },
    (b, { sf, opc, shift: type, N, shifted, Rm, Rn, Rd, amount }) => {
      const width = datasize(sf);
      const operator = (['and', 'or', 'xor', 'and'] as const)[opc];
      let operand2 = b.readX(width, Rm);
      if (shifted) operand2 = shift(b, width, shiftTypes[type], operand2, b.immediate(width, amount));
      if (N) operand2 = not(b, width, operand2);
      const result = b.let(width, b.binary(operator, width, b.readX(width, Rn), operand2));
      if (opc === 3) b.flags('logic', width, result);
      b.writeX(width, Rd, result);
    },
  ),

  a64(
    'ADD, ADDS, SUB, SUBS (shifted register)',
    'sf op S 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    {
      shape: ['sf', 'op', 'S', 'shift'],
      derived: { shifted },
      possible: (f) => f.shift !== 3,
      unallocated: tooFar,
      registers: { Rm: 'source', Rn: 'source', Rd: 'target' },
      immediates: { amount: (f) => f.imm6 },
    },
    (b, { sf, op, S, shift: type, shifted, Rm, Rn, Rd, amount }) => {
      const width = datasize(sf);
      let operand2 = b.readX(width, Rm);
      if (shifted) operand2 = shift(b, width, shiftTypes[type], operand2, b.immediate(width, amount));
      addSubtract(b, op, S, width, Rd, b.readX(width, Rn), operand2);
    },
  ),

  a64(
    'ADD, ADDS, SUB, SUBS (extended register)',
    'sf op S 01011001 Rm:5 option:3 imm3:3 Rn:5 Rd:5',
    {
      shape: ['sf', 'op', 'S', 'option'],
      unallocated: (f) => f.imm3 > 4,
      registers: { Rm: 'source', Rn: 'stack', Rd: (f) => (f.S ? target(f.Rd) : stack(f.Rd)) },
      immediates: { amount: (f) => f.imm3 },
    },
    (b, { sf, op, S, option, Rm, Rn, Rd, amount }) => {
      const width = datasize(sf);
      addSubtract(b, op, S, width, Rd, b.readX(width, Rn), extendReg(b, width, option, Rm, amount));
    },
  ),

  a64(
    'ADC, ADCS, SBC, SBCS',
    'sf op S 11010000 Rm:5 000000 Rn:5 Rd:5',
    { shape: ['sf', 'op', 'S'], registers: { Rm: 'source', Rn: 'source', Rd: 'target' } },
    (b, { sf, op, S, Rm, Rn, Rd }) => {
      const width = datasize(sf);
      const operand1 = b.let(width, b.readX(width, Rn));
      const operand2 = b.let(width, op ? not(b, width, b.readX(width, Rm)) : b.readX(width, Rm));
      const { result, nzcv } = addWithCarry(b, width, operand1, operand2, carryFlag(b));
      if (S) b.setNzcv(nzcv());
      b.writeX(width, Rd, result);
    },
  ),

  a64(
    'CCMN, CCMP (register)',
    'sf op 111010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4',
    {
      shape: ['sf', 'op', 'cond'],
      registers: { Rm: 'source', Rn: 'source' },
      immediates: { flags: (f) => f.nzcv },
    },
    (b, { sf, op, cond, Rm, Rn, flags }) => {
      const width = datasize(sf);
      conditionalCompare(b, width, op, cond, b.readX(width, Rn), b.readX(width, Rm), b.immediate(32, flags));
    },
  ),

  a64(
    'CCMN, CCMP (immediate)',
    'sf op 111010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4',
    {
      shape: ['sf', 'op', 'cond'],
      registers: { Rn: 'source' },
      immediates: { imm: (f) => f.imm5, flags: (f) => f.nzcv },
    },
    (b, { sf, op, cond, Rn, imm, flags }) => {
      const width = datasize(sf);
      conditionalCompare(b, width, op, cond, b.readX(width, Rn), b.immediate(width, imm), b.immediate(32, flags));
    },
  ),

  a64(
    'CSEL, CSINC, CSINV, CSNEG',
    'sf op 011010100 Rm:5 cond:4 0 o2 Rn:5 Rd:5',
    { shape: ['sf', 'op', 'cond', 'o2'], registers: { Rm: 'source', Rn: 'source', Rd: 'target' } },
    (b, { sf, op, cond, o2, Rm, Rn, Rd }) => {
      const width = datasize(sf);
      let otherwise = b.readX(width, Rm);
      if (op) otherwise = not(b, width, otherwise);
      if (o2) otherwise = b.binary('add', width, otherwise, b.constant(width, 1n));
      b.writeX(width, Rd, b.select(width, b.condition(cond), b.readX(width, Rn), otherwise));
    },
  ),

  a64(
    'MADD, MSUB',
    'sf 0011011000 Rm:5 o0 Ra:5 Rn:5 Rd:5',
    { shape: ['sf', 'o0'], registers: { Rm: 'source', Ra: 'source', Rn: 'source', Rd: 'target' } },
    (b, { sf, o0, Rm, Ra, Rn, Rd }) => {
      const width = datasize(sf);
      const product = b.binary('mul', width, b.readX(width, Rn), b.readX(width, Rm));
      b.writeX(width, Rd, b.binary(o0 ? 'sub' : 'add', width, b.readX(width, Ra), product));
    },
  ),

  a64(
    'SMADDL, SMSUBL, UMADDL, UMSUBL',
    '10011011 U 01 Rm:5 o0 Ra:5 Rn:5 Rd:5',
    { shape: ['U', 'o0'], registers: { Rm: 'source', Ra: 'source', Rn: 'source', Rd: 'target' } },
    (b, { U, o0, Rm, Ra, Rn, Rd }) => {
      const operand = (register: RegisterOperand) => {
        const word = b.readX(32, register);
        return U ? b.zeroExtend(word) : b.signExtend(word);
      };
      const product = b.binary('mul', 64, operand(Rn), operand(Rm));
      b.writeX(64, Rd, b.binary(o0 ? 'sub' : 'add', 64, b.readX(64, Ra), product));
    },
  ),

  a64(
    'SMULH, UMULH',
    '10011011 U 10 Rm:5 0 xxxxx Rn:5 Rd:5',
    { shape: ['U'], registers: { Rm: 'source', Rn: 'source', Rd: 'target' } },
    (b, { U, Rm, Rn, Rd }) => {
      const x = b.let(64, b.readX(64, Rn));
      const y = b.let(64, b.readX(64, Rm));
      b.writeX(64, Rd, U ? unsignedMultiplyHigh(b, x, y) : signedMultiplyHigh(b, x, y));
    },
  ),

  a64(
    'UDIV, SDIV',
    'sf 0011010110 Rm:5 00001 o1 Rn:5 Rd:5',
    { shape: ['sf', 'o1'], registers: { Rm: 'source', Rn: 'source', Rd: 'target' } },
    (b, { sf, o1, Rm, Rn, Rd }) => {
      const width = datasize(sf);
      const divide = o1 ? signedDivide : unsignedDivide;
      b.writeX(width, Rd, divide(b, width, b.readX(width, Rn), b.readX(width, Rm)));
    },
  ),

  a64(
    'LSLV, LSRV, ASRV, RORV',
    'sf 0011010110 Rm:5 0010 op2:2 Rn:5 Rd:5',
    { shape: ['sf', 'op2'], registers: { Rm: 'source', Rn: 'source', Rd: 'target' } },
    (b, { sf, op2, Rm, Rn, Rd }) => {
      const width = datasize(sf);
      b.writeX(width, Rd, shift(b, width, shiftTypes[op2], b.readX(width, Rn), b.readX(width, Rm)));
    },
  ),

  a64(
    'CRC32B, CRC32H, CRC32W, CRC32X, CRC32CB, CRC32CH, CRC32CW, CRC32CX',
    'sf 0011010110 Rm:5 010 C sz:2 Rn:5 Rd:5',
    {
      feature: 'FEAT_CRC32',
      shape: ['sf', 'C', 'sz'],
      possible: ({ sf, sz }) => (sz === 3) === (sf === 1),
      registers: { Rm: 'source', Rn: 'source', Rd: 'target' },
    },
    (b, { C, sz, Rm, Rn, Rd }) => {
      const polynomial = C ? 0x82f6_3b78n : 0xedb8_8320n;
      const accumulator = b.readX(32, Rn);
      if (sz < 3)
        return b.writeX(
          32,
          Rd,
          crc32(b, polynomial, accumulator, b.readX(32, Rm), ([8, 16, 32] as const)[sz as 0 | 1 | 2]),
        );
      const low = crc32(b, polynomial, accumulator, b.readX(32, Rm), 32);
      const high = b.truncate(b.binary('shr_u', 64, b.readX(64, Rm), b.constant(64, 32n)));
      b.writeX(32, Rd, crc32(b, polynomial, low, high, 32));
    },
  ),

  a64(
    'RBIT, REV16, REV32, REV, CLZ, CLS',
    'sf 1011010110 00000000 opcode:3 Rn:5 Rd:5',
    {
      shape: ['sf', 'opcode'],
      possible: ({ sf, opcode }) => opcode < 6 && (sf === 1 || opcode !== 3),
      registers: { Rn: 'source', Rd: 'target' },
    },
    (b, { sf, opcode, Rn, Rd }) => {
      const width = datasize(sf);
      const operand = b.readX(width, Rn);
      const meanings = [
        () => bitReverse(b, width, operand),
        () => reverseBytes(b, width, operand, 1),
        () => reverseBytes(b, width, operand, 2),
        () => reverseBytes(b, width, operand, 3),
        () => b.countLeadingZeros(width, operand),
        () => countLeadingSignBits(b, width, operand),
      ];
      b.writeX(width, Rd, meanings[opcode]());
    },
  ),
];

/** The flags of x + y or x - y where the condition holds, the immediate ones otherwise. */
function conditionalCompare<V>(b: Builder<V>, width: Width, op: number, cond: number, x: V, y: V, otherwise: V): void {
  const operand1 = b.let(width, x);
  const operand2 = b.let(width, op ? not(b, width, y) : y);
  const { nzcv } = addWithCarry(b, width, operand1, operand2, b.constant(32, op ? 1n : 0n));
  b.setNzcv(b.select(32, b.condition(cond), nzcv(), otherwise));
}
