/** Arm ARM DDI 0487, C4.1 "Branches, Exception Generating and System instructions": the branches. */
import { signed } from '../bits.ts';
import { a64 } from './definition.ts';
import { datasize } from './pseudocode.ts';

/** X30, and the address after this instruction. */
const link = () => 30;
const next = () => 4;

export const branches = [
  a64('B', '000101 imm26:26', { labels: { to: (f) => signed(f.imm26, 26) * 4 } }, (b, { to }) => b.jump(to)),

  a64(
    'BL',
    '100101 imm26:26',
    { registers: { link }, labels: { to: (f) => signed(f.imm26, 26) * 4, next } },
    (b, { link, to, next }) => {
      b.writeX(64, link, b.label(next));
      b.call(to, next);
    },
  ),

  a64(
    'B.cond',
    '01010100 imm19:19 0 cond:4',
    { shape: ['cond'], labels: { to: (f) => signed(f.imm19, 19) * 4 } },
    (b, { cond, to }) => b.jumpIf(b.condition(cond), to),
  ),

  a64(
    'CBZ, CBNZ',
    'sf 011010 op imm19:19 Rt:5',
    { shape: ['sf', 'op'], registers: { Rt: 'source' }, labels: { to: (f) => signed(f.imm19, 19) * 4 } },
    (b, { sf, op, Rt, to }) => {
      const width = datasize(sf);
      b.jumpIf(b.compare(op ? 'ne' : 'eq', width, b.readX(width, Rt), b.constant(width, 0n)), to);
    },
  ),

  a64(
    'TBZ, TBNZ',
    'b5 011011 op b40:5 imm14:14 Rt:5',
    {
      shape: ['op'],
      registers: { Rt: 'source' },
      immediates: { bit: (f) => 2 ** ((f.b5 << 5) | f.b40) },
      labels: { to: (f) => signed(f.imm14, 14) * 4 },
    },
    (b, { op, Rt, bit, to }) => {
      const tested = b.binary('and', 64, b.readX(64, Rt), b.immediate(64, bit));
      b.jumpIf(b.compare(op ? 'ne' : 'eq', 64, tested, b.constant(64, 0n)), to);
    },
  ),

  a64('BR', '1101011000011111000000 Rn:5 00000', { registers: { Rn: 'source' } }, (b, { Rn }) =>
    b.jumpRegister(b.readX(64, Rn), 'br'),
  ),

  a64(
    'BLR',
    '1101011000111111000000 Rn:5 00000',
    { registers: { Rn: 'source', link }, labels: { next } },
    (b, { Rn, link, next }) => {
      const to = b.let(64, b.readX(64, Rn));
      b.writeX(64, link, b.label(next));
      b.jumpRegister(to, 'blr');
    },
  ),

  a64('RET', '1101011001011111000000 Rn:5 00000', { registers: { Rn: 'source' } }, (b, { Rn }) =>
    b.jumpRegister(b.readX(64, Rn), 'ret'),
  ),
];
