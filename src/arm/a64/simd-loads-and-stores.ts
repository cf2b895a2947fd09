/**
 * Arm ARM DDI 0487, C4.1 "Loads and Stores": one SIMD&FP register, and pairs of them.
 *
 * LDP with Rt = Rt2, which is CONSTRAINED UNPREDICTABLE: the second element stays, as on QEMU.
 */
import { signed } from '../bits.ts';
import type { Builder, Size, VectorOperand } from '../builder/builder.ts';
import { a64 } from './definition.ts';
import { baseAddress, sp } from './loads-and-stores.ts';

/** opc is Q and L: with Q the access is of 16 bytes. */
const log2Bytes = ({ size, Q }: { size: number; Q: number }) => (Q ? 4 : size);

/** What the loads and stores of one register have in common. */
const single = {
  shape: ['size', 'Q', 'L'],
  derived: { sp },
  possible: ({ size, Q }: { size: number; Q: number }) => !Q || size === 0,
  registers: { Rn: 'stack' },
  vectors: { Rt: 'vector' },
} as const;

export const simdLoadsAndStores = [
  a64(
    'LDR (literal, SIMD&FP)',
    'opc:2 011100 imm19:19 Rt:5',
    {
      shape: ['opc'],
      possible: ({ opc }) => opc !== 3,
      vectors: { Rt: 'vector' },
      labels: { label: (f) => signed(f.imm19, 19) * 4 },
    },
    (b, { opc, Rt, label }) => load(b, opc + 2, Rt, b.label(label)),
  ),

  a64(
    'LDR, STR (immediate, SIMD&FP, unsigned offset)',
    'size:2 111101 Q L imm12:12 Rn:5 Rt:5',
    { ...single, immediates: { offset: (f) => f.imm12 << log2Bytes(f) } },
    (b, { size, Q, L, sp, Rn, Rt, offset }) => {
      const address = b.binary('add', 64, baseAddress(b, sp, Rn), b.immediate(64, offset));
      loadOrStore(b, L, log2Bytes({ size, Q }), Rt, address);
    },
  ),

  a64(
    'LDUR, STUR (SIMD&FP)',
    'size:2 111100 Q L 0 imm9:9 00 Rn:5 Rt:5',
    { ...single, immediates: { offset: (f) => signed(f.imm9, 9) } },
    (b, { size, Q, L, sp, Rn, Rt, offset }) => {
      const address = b.binary('add', 64, baseAddress(b, sp, Rn), b.immediate(64, offset));
      loadOrStore(b, L, log2Bytes({ size, Q }), Rt, address);
    },
  ),

  a64(
    'LDR, STR (immediate, SIMD&FP, post-index, pre-index)',
    'size:2 111100 Q L 0 imm9:9 pre 1 Rn:5 Rt:5',
    { ...single, shape: ['size', 'Q', 'L', 'pre'], immediates: { offset: (f) => signed(f.imm9, 9) } },
    (b, { size, Q, L, pre, sp, Rn, Rt, offset }) => {
      const base = b.let(64, baseAddress(b, sp, Rn));
      const moved = b.let(64, b.binary('add', 64, base, b.immediate(64, offset)));
      loadOrStore(b, L, log2Bytes({ size, Q }), Rt, pre ? moved : base);
      b.writeX(64, Rn, moved);
    },
  ),

  a64(
    'LDR, STR (register, SIMD&FP)',
    'size:2 111100 Q L 1 Rm:5 option:3 S 10 Rn:5 Rt:5',
    {
      ...single,
      // 0: X register as it is (LSL, SXTX), 1: UXTW, 2: SXTW.
      derived: { sp, extension: [3, (f) => (f.option & 1 ? 0 : f.option & 4 ? 2 : 1)] },
      unallocated: (f) => (f.option & 2) === 0,
      registers: { Rn: 'stack', Rm: 'source' },
      immediates: { amount: (f) => (f.S ? log2Bytes(f) : 0) },
    },
    (b, { size, Q, L, sp, extension, Rn, Rm, Rt, amount }) => {
      const offsets = [() => b.readX(64, Rm), () => b.zeroExtend(b.readX(32, Rm)), () => b.signExtend(b.readX(32, Rm))];
      const offset = b.binary('shl', 64, offsets[extension](), b.immediate(64, amount));
      const address = b.binary('add', 64, baseAddress(b, sp, Rn), offset);
      loadOrStore(b, L, log2Bytes({ size, Q }), Rt, address);
    },
  ),

  a64(
    'LDP, STP, LDNP, STNP (SIMD&FP)',
    'opc:2 10110 mode:2 L imm7:7 Rt2:5 Rn:5 Rt:5',
    {
      shape: ['opc', 'L'],
      // 0 and 2: offset (0 tells that the data will not be used again soon), 1: post-index, 3: pre-index.
      derived: { sp, index: [3, (f) => [0, 1, 0, 2][f.mode]] },
      possible: ({ opc }) => opc !== 3,
      registers: { Rn: 'stack' },
      vectors: { Rt: 'vector', Rt2: 'vector' },
      immediates: { offset: (f) => signed(f.imm7, 7) * 2 ** (f.opc + 2) },
    },
    (b, { opc, L, sp, index, Rn, Rt, Rt2, offset }) => {
      const size = (opc + 2) as 2 | 3 | 4;
      const base = b.let(64, baseAddress(b, sp, Rn));
      const moved = b.let(64, b.binary('add', 64, base, b.immediate(64, offset)));
      const address = index === 1 ? base : moved;
      if (L) {
        const [first, second] = b.loadPair(size, address, 'normal');
        const write = (register: VectorOperand, value: typeof first) =>
          size === 4 ? b.writeV(register, value) : b.writeScalar(size, register, value);
        write(Rt, first);
        write(Rt2, second);
      } else {
        const read = (register: VectorOperand) => (size === 4 ? b.readV(register) : b.readElement(size, register));
        b.storePair(size, address, read(Rt), read(Rt2), 'normal');
      }
      if (index !== 0) b.writeX(64, Rn, moved);
    },
  ),
];

function loadOrStore<V>(b: Builder<V>, L: number, size: number, Rt: VectorOperand, address: V): void {
  if (L) load(b, size, Rt, address);
  else if (size === 4) b.store(4, address, b.readV(Rt), 'normal');
  else b.store(size as Size, address, b.readElement(size as Size, Rt), 'normal');
}

/** What is narrower than the register leaves zeros above it. */
function load<V>(b: Builder<V>, size: number, Rt: VectorOperand, address: V): void {
  if (size === 4) b.writeV(Rt, b.load(4, address, 'normal'));
  else if (size === 3) b.writeV(Rt, b.loadElements(3, 8, address));
  else b.writeScalar(size as Size, Rt, b.load(size as Size, address, 'normal'));
}
