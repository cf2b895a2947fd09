/** Arm ARM DDI 0487, C4.1 "Data Processing -- Immediate". */
import { signed } from '../bits.ts';
import type { Builder, ImmediateOperand, Width } from '../builder/builder.ts';
import { a64, source, stack, target } from './definition.ts';
import { datasize, decodeBitMasks, not, shift } from './pseudocode.ts';

const adrOffset = (f: { immhi: number; immlo: number }) => signed((f.immhi << 2) | f.immlo, 21);

/** Left, then right; a shift by zero is left out. */
function shiftTwice<V>(
  b: Builder<V>,
  width: Width,
  type: 'LSR' | 'ASR',
  value: V,
  { left, right }: { left?: ImmediateOperand; right?: ImmediateOperand },
): V {
  const shifted = left ? shift(b, width, 'LSL', value, b.immediate(width, left)) : value;
  return right ? shift(b, width, type, shifted, b.immediate(width, right)) : shifted;
}

export const dataProcessingImmediate = [
  a64(
    'ADR',
    '0 immlo:2 10000 immhi:19 Rd:5',
    { registers: { Rd: 'target' }, labels: { label: adrOffset } },
    (b, { Rd, label }) => b.writeX(64, Rd, b.label(label)),
  ),

  a64(
    'ADRP',
    '1 immlo:2 10000 immhi:19 Rd:5',
    { registers: { Rd: 'target' }, labels: { label: (f) => adrOffset(f) * 4096 }, page: true },
    (b, { Rd, label }) => b.writeX(64, Rd, b.label(label)),
  ),

  a64(
    'ADD, ADDS, SUB, SUBS (immediate)',
    'sf op S 100010 sh imm12:12 Rn:5 Rd:5',
    {
      shape: ['sf', 'op', 'S'],
      registers: { Rn: 'stack', Rd: (f) => (f.S ? target(f.Rd) : stack(f.Rd)) },
      immediates: { imm: (f) => f.imm12 << (12 * f.sh) },
    },
    (b, { sf, op, S, Rn, Rd, imm }) => {
      const width = datasize(sf);
      const operator = op ? 'sub' : 'add';
      const operand1 = b.let(width, b.readX(width, Rn));
      const operand2 = b.let(width, b.immediate(width, imm));
      if (S) b.flags(operator, width, operand1, operand2);
      b.writeX(width, Rd, b.binary(operator, width, operand1, operand2));
    },
  ),

  a64(
    'AND, ORR, EOR, ANDS (immediate)',
    'sf opc:2 100100 N immr:6 imms:6 Rn:5 Rd:5',
    {
      shape: ['sf', 'opc'],
      unallocated: (f) => f.N > f.sf || decodeBitMasks(f.N, f.imms, f.immr) === undefined,
      registers: { Rn: 'source', Rd: (f) => (f.opc === 3 ? target(f.Rd) : stack(f.Rd)) },
      immediates: { imm: (f) => decodeBitMasks(f.N, f.imms, f.immr) ?? 0 },
    },
    (b, { sf, opc, Rn, Rd, imm }) => {
      const width = datasize(sf);
      const operator = (['and', 'or', 'xor', 'and'] as const)[opc];
      const result = b.let(width, b.binary(operator, width, b.readX(width, Rn), b.immediate(width, imm)));
      if (opc === 3) b.flags('logic', width, result);
      b.writeX(width, Rd, result);
    },
  ),

  a64(
    'MOVN, MOVZ',
    'sf opc 0 100101 hw:2 imm16:16 Rd:5',
    {
      shape: ['sf', 'opc'],
      unallocated: (f) => f.hw > 1 && !f.sf,
      registers: { Rd: 'target' },
      immediates: { imm: (f) => f.imm16 * 2 ** (16 * f.hw) },
    },
    (b, { sf, opc, Rd, imm }) => {
      const width = datasize(sf);
      const value = b.immediate(width, imm);
      b.writeX(width, Rd, opc ? value : not(b, width, value));
    },
  ),

  a64(
    'MOVK',
    'sf 11 100101 hw:2 imm16:16 Rd:5',
    {
      shape: ['sf'],
      unallocated: (f) => f.hw > 1 && !f.sf,
      registers: { old: (f) => source(f.Rd), Rd: 'target' },
      immediates: { imm: (f) => f.imm16 * 2 ** (16 * f.hw), field: (f) => 0xffff * 2 ** (16 * f.hw) },
    },
    (b, { sf, old, Rd, imm, field }) => {
      const width = datasize(sf);
      const kept = b.binary('and', width, b.readX(width, old), not(b, width, b.immediate(width, field)));
      b.writeX(width, Rd, b.binary('or', width, kept, b.immediate(width, imm)));
    },
  ),

  // One pair of shifts says it all: left until bit imms is the top one, then right, by an amount modulo the width.
  a64(
    'SBFM, BFM, UBFM',
    'sf opc:2 100110 N immr:6 imms:6 Rn:5 Rd:5',
    {
      shape: ['sf', 'opc'],
      derived: {
        leftIsZero: [2, (f) => (f.imms === (f.sf ? 63 : 31) ? 1 : 0)],
        rightIsZero: [2, (f) => (((f.immr - f.imms - 1) & (f.sf ? 63 : 31)) === 0 ? 1 : 0)],
      },
      possible: ({ opc }) => opc !== 3,
      unallocated: (f) => f.N !== f.sf || (!f.sf && (f.immr > 31 || f.imms > 31)),
      registers: { Rn: 'source', old: (f) => source(f.Rd), Rd: 'target' },
      immediates: {
        left: (f) => (f.sf ? 63 : 31) - f.imms,
        right: (f) => (f.immr - f.imms - 1) & (f.sf ? 63 : 31),
      },
    },
    (b, { sf, opc, leftIsZero, rightIsZero, Rn, old, Rd, left, right }) => {
      const width = datasize(sf);
      const shifts = { left: leftIsZero ? undefined : left, right: rightIsZero ? undefined : right };
      const field = shiftTwice(b, width, opc === 0 ? 'ASR' : 'LSR', b.readX(width, Rn), shifts);
      if (opc !== 1) return b.writeX(width, Rd, field);
      const mask = shiftTwice(b, width, 'LSR', b.constant(width, -1n), shifts);
      const kept = b.binary('and', width, b.readX(width, old), not(b, width, mask));
      b.writeX(width, Rd, b.binary('or', width, kept, field));
    },
  ),

  a64(
    'EXTR',
    'sf 00 100111 N 0 Rm:5 imms:6 Rn:5 Rd:5',
    {
      shape: ['sf'],
      // ROR (immediate) is the common case; without a shift the upper register contributes nothing.
      derived: { same: [2, (f) => (f.Rn === f.Rm ? 1 : 0)], none: [2, (f) => (f.imms === 0 ? 1 : 0)] },
      unallocated: (f) => f.N !== f.sf || (!f.sf && f.imms > 31),
      registers: { Rm: 'source', Rn: 'source', Rd: 'target' },
      immediates: { lsb: (f) => f.imms, rest: (f) => (f.sf ? 64 : 32) - f.imms },
    },
    (b, { sf, same, none, Rm, Rn, Rd, lsb, rest }) => {
      const width = datasize(sf);
      const low = b.readX(width, Rm);
      if (none) return b.writeX(width, Rd, low);
      if (same) return b.writeX(width, Rd, shift(b, width, 'ROR', low, b.immediate(width, lsb)));
      const upper = shift(b, width, 'LSL', b.readX(width, Rn), b.immediate(width, rest));
      b.writeX(width, Rd, b.binary('or', width, upper, shift(b, width, 'LSR', low, b.immediate(width, lsb))));
    },
  ),
];
