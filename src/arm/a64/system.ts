/**
 * Arm ARM DDI 0487, C4.1 "Branches, Exception Generating and System instructions": all but the branches, and C4.1
 * "Reserved". What needs the CPU around the engine goes to it as a word.
 */
import type { Builder, ImmediateOperand } from '../builder/builder.ts';
import { a64 } from './definition.ts';
import { clearExclusive } from './exclusives.ts';
import type { DecodeContext } from './instruction.ts';

/** The whole word, unsigned. */
const word = (_fields: object, _context: DecodeContext, word: number) => word >>> 0;
const carriedOut = <V>(b: Builder<V>, { word }: { word: ImmediateOperand }): void => b.system(word);
const systemInstruction = { immediates: { word } };

/** op0:op1:CRn:CRm:op2, as encodingNumber() of the register table. Bit 20, op0's upper one, is fixed. */
const encoding = (f: { o0: number; op1: number; CRn: number; CRm: number; op2: number }) =>
  ((2 | f.o0) << 14) | (f.op1 << 11) | (f.CRn << 7) | (f.CRm << 3) | f.op2;

export const system = [
  a64('UDF', '0000000000000000 imm16:16', { immediates: { imm: (f) => f.imm16 } }, (b, { imm }) =>
    b.raise('undefined', imm),
  ),
  a64('SVC', '11010100000 imm16:16 00001', { immediates: { imm: (f) => f.imm16 } }, (b, { imm }) =>
    b.raise('svc', imm),
  ),
  a64('HVC', '11010100000 imm16:16 00010', { immediates: { imm: (f) => f.imm16 } }, (b, { imm }) =>
    b.raise('hvc', imm),
  ),
  a64('SMC', '11010100000 imm16:16 00011', { immediates: { imm: (f) => f.imm16 } }, (b, { imm }) =>
    b.raise('smc', imm),
  ),
  a64('BRK', '11010100001 imm16:16 00000', { immediates: { imm: (f) => f.imm16 } }, (b, { imm }) =>
    b.raise('brk', imm),
  ),
  a64('HLT', '11010100010 imm16:16 00000', { immediates: { imm: (f) => f.imm16 } }, (b, { imm }) =>
    b.raise('hlt', imm),
  ),

  // DCPS1, DCPS2 and DCPS3 are UNDEFINED outside Debug state, and so have no definition here.

  a64('ERET', '11010110100111110000001111100000', systemInstruction, carriedOut),
  a64('DRPS', '11010110101111110000001111100000', systemInstruction, carriedOut),

  // Hints that are not known are NOPs; so are those of extensions that are not here (PAC, BTI, ESB, PSB, CSDB ...).
  a64('NOP, hints', '11010101000000110010 CRm:4 op2:3 11111', {}, () => undefined),
  a64('YIELD', '11010101000000110010000000111111', systemInstruction, carriedOut),
  a64('WFE', '11010101000000110010000001011111', systemInstruction, carriedOut),
  a64('WFI', '11010101000000110010000001111111', systemInstruction, carriedOut),
  a64('SEV', '11010101000000110010000010011111', systemInstruction, carriedOut),
  a64('SEVL', '11010101000000110010000010111111', systemInstruction, carriedOut),

  a64('CLREX', '11010101000000110011 CRm:4 01011111', {}, (b) => clearExclusive(b)),
  // Memory is accessed in program order and at once, and stores into code are noticed: barriers have nothing to do.
  a64('DSB', '11010101000000110011 CRm:4 10011111', {}, () => undefined),
  a64('DMB', '11010101000000110011 CRm:4 10111111', {}, () => undefined),
  a64('ISB', '11010101000000110011 CRm:4 11011111', {}, () => undefined),

  a64('MSR (immediate)', '1101010100000 op1:3 0100 CRm:4 op2:3 11111', systemInstruction, carriedOut),
  a64('SYS', '1101010100001 op1:3 CRn:4 CRm:4 op2:3 Rt:5', systemInstruction, carriedOut),
  a64('SYSL', '1101010100101 op1:3 CRn:4 CRm:4 op2:3 Rt:5', systemInstruction, carriedOut),

  // NZCV is the one system register that instructions share with the flags: kept here, it costs no round trip.
  a64('MSR (NZCV)', '110101010001101101000010000 Rt:5', { registers: { Rt: 'source' } }, (b, { Rt }) =>
    b.setNzcv(b.binary('shr_u', 32, b.readX(32, Rt), b.constant(32, 28n))),
  ),
  a64('MRS (NZCV)', '110101010011101101000010000 Rt:5', { registers: { Rt: 'target' } }, (b, { Rt }) =>
    b.writeX(32, Rt, b.binary('shl', 32, b.nzcv(), b.constant(32, 28n))),
  ),

  a64(
    'MSR (register)',
    '11010101000 1 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    {
      derived: { plain: [2, (f, context) => (context.systemSlot(encoding(f), true) >= 0 ? 1 : 0)] },
      registers: { Rt: 'source' },
      immediates: { offset: (f, context) => context.systemSlot(encoding(f), true), word },
    },
    (b, { plain, Rt, offset, word }) => (plain ? b.writeSystem(offset, b.readX(64, Rt)) : carriedOut(b, { word })),
  ),

  a64(
    'MRS',
    '11010101001 1 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    {
      derived: { plain: [2, (f, context) => (context.systemSlot(encoding(f), false) >= 0 ? 1 : 0)] },
      registers: { Rt: 'target' },
      immediates: { offset: (f, context) => context.systemSlot(encoding(f), false), word },
    },
    (b, { plain, Rt, offset, word }) => (plain ? b.writeX(64, Rt, b.readSystem(offset)) : carriedOut(b, { word })),
  ),
];
