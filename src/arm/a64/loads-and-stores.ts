/**
 * Arm ARM DDI 0487, C4.1 "Loads and Stores": all but exclusives, ordered and atomic ones.
 *
 * CONSTRAINED UNPREDICTABLE choices, each as QEMU does it:
 *   write-back with Rn = Rt or Rt2: a load keeps the written-back address, a store stores the base as it was;
 *   LDP with Rt = Rt2: the first element stays.
 */
import { signed } from '../bits.ts';
import type { AccessKind, Builder, RegisterOperand, Size } from '../builder/builder.ts';
import { a64, source, target } from './definition.ts';

/** Whether SP is the base: its alignment is then checked. */
export const sp = [2, (f: { Rn: number }) => (f.Rn === 31 ? 1 : 0)] as const;
/** Rt is what a store reads or what a load writes. */
const transfer = (f: { opc: number; Rt: number }) => (f.opc === 0 ? source(f.Rt) : target(f.Rt));
/** opc: 0 stores, 1 loads, 2 loads signed to 64 bits, 3 loads signed to 32 bits. */
const possible = ({ size, opc }: { size: number; opc: number }) => opc < [4, 4, 3, 2][size];

/** What the loads and stores of one register have in common. */
const single = {
  shape: ['size', 'opc'],
  derived: { sp },
  possible,
  registers: { Rn: 'stack', Rt: transfer },
} as const;

/** The address in Rn, SP checked. To be used once or through `let`. */
export function baseAddress<V>(b: Builder<V>, sp: number, Rn: RegisterOperand): V {
  if (sp) b.checkSpAlignment();
  return b.readX(64, Rn);
}

export const loadsAndStores = [
  a64(
    'LDR, LDRSW (literal)',
    'opc:2 011000 imm19:19 Rt:5',
    {
      shape: ['opc'],
      possible: ({ opc }) => opc !== 3,
      registers: { Rt: 'target' },
      labels: { label: (f) => signed(f.imm19, 19) * 4 },
    },
    (b, { opc, Rt, label }) => loadOrStore(b, opc === 1 ? 3 : 2, opc === 2 ? 2 : 1, Rt, b.label(label), 'normal'),
  ),
  // Prefetches are hints, SP is not checked for them, and every prefetch operation is allowed.
  a64('PRFM (literal)', '11011000 imm19:19 prfop:5', {}, () => undefined),
  a64('PRFM (immediate)', '1111100110 imm12:12 Rn:5 prfop:5', {}, () => undefined),
  a64('PRFUM', '11111000100 imm9:9 00 Rn:5 prfop:5', {}, () => undefined),
  a64(
    'PRFM (register)',
    '11111000101 Rm:5 option:3 S 10 Rn:5 prfop:5',
    { unallocated: (f) => (f.option & 2) === 0 },
    () => undefined,
  ),

  a64(
    'LDR, LDRB, LDRH, LDRSB, LDRSH, LDRSW, STR, STRB, STRH (unsigned offset)',
    'size:2 111001 opc:2 imm12:12 Rn:5 Rt:5',
    { ...single, immediates: { offset: (f) => f.imm12 << f.size } },
    (b, { size, opc, sp, Rn, Rt, offset }) => {
      const address = b.binary('add', 64, baseAddress(b, sp, Rn), b.immediate(64, offset));
      loadOrStore(b, size as Size, opc, Rt, address, 'normal');
    },
  ),

  a64(
    'LDUR, LDURB, LDURH, LDURSB, LDURSH, LDURSW, STUR, STURB, STURH',
    'size:2 111000 opc:2 0 imm9:9 00 Rn:5 Rt:5',
    { ...single, immediates: { offset: (f) => signed(f.imm9, 9) } },
    (b, { size, opc, sp, Rn, Rt, offset }) => {
      const address = b.binary('add', 64, baseAddress(b, sp, Rn), b.immediate(64, offset));
      loadOrStore(b, size as Size, opc, Rt, address, 'normal');
    },
  ),

  a64(
    'LDTR, LDTRB, LDTRH, LDTRSB, LDTRSH, LDTRSW, STTR, STTRB, STTRH',
    'size:2 111000 opc:2 0 imm9:9 10 Rn:5 Rt:5',
    { ...single, immediates: { offset: (f) => signed(f.imm9, 9) } },
    (b, { size, opc, sp, Rn, Rt, offset }) => {
      const address = b.binary('add', 64, baseAddress(b, sp, Rn), b.immediate(64, offset));
      loadOrStore(b, size as Size, opc, Rt, address, 'unprivileged');
    },
  ),

  a64(
    'LDR, LDRB, LDRH, LDRSB, LDRSH, LDRSW, STR, STRB, STRH (post-index, pre-index)',
    'size:2 111000 opc:2 0 imm9:9 pre 1 Rn:5 Rt:5',
    {
      ...single,
      shape: ['size', 'opc', 'pre'],
      immediates: { offset: (f) => signed(f.imm9, 9) },
    },
    (b, { size, opc, pre, sp, Rn, Rt, offset }) => {
      const base = b.let(64, baseAddress(b, sp, Rn));
      const moved = b.let(64, b.binary('add', 64, base, b.immediate(64, offset)));
      loadOrStore(b, size as Size, opc, Rt, pre ? moved : base, 'normal');
      b.writeX(64, Rn, moved);
    },
  ),

  a64(
    'LDR, LDRB, LDRH, LDRSB, LDRSH, LDRSW, STR, STRB, STRH (register)',
    'size:2 111000 opc:2 1 Rm:5 option:3 S 10 Rn:5 Rt:5',
    {
      ...single,
      // 0: X register as it is (LSL, SXTX), 1: UXTW, 2: SXTW.
      derived: { sp, extension: [3, (f) => (f.option & 1 ? 0 : f.option & 4 ? 2 : 1)] },
      unallocated: (f) => (f.option & 2) === 0,
      registers: { Rn: 'stack', Rm: 'source', Rt: transfer },
      immediates: { amount: (f) => (f.S ? f.size : 0) },
    },
    (b, { size, opc, sp, extension, Rn, Rm, Rt, amount }) => {
      const offsets = [() => b.readX(64, Rm), () => b.zeroExtend(b.readX(32, Rm)), () => b.signExtend(b.readX(32, Rm))];
      const offset = b.binary('shl', 64, offsets[extension](), b.immediate(64, amount));
      const address = b.binary('add', 64, baseAddress(b, sp, Rn), offset);
      loadOrStore(b, size as Size, opc, Rt, address, 'normal');
    },
  ),

  a64(
    'LDP, LDPSW, STP, LDNP, STNP',
    'opc:2 10100 mode:2 L imm7:7 Rt2:5 Rn:5 Rt:5',
    {
      shape: ['opc', 'L'],
      // 0 and 2: offset (0 tells that the data will not be used again soon), 1: post-index, 3: pre-index.
      derived: { sp, index: [3, (f) => [0, 1, 0, 2][f.mode]] },
      possible: ({ opc, L }) => opc !== 3 && (opc !== 1 || L === 1),
      unallocated: (f) => f.opc === 1 && f.mode === 0,
      registers: {
        Rn: 'stack',
        Rt: (f) => (f.L ? target(f.Rt) : source(f.Rt)),
        Rt2: (f) => (f.L ? target(f.Rt2) : source(f.Rt2)),
      },
      immediates: { offset: (f) => signed(f.imm7, 7) * (f.opc === 2 ? 8 : 4) },
    },
    (b, { opc, L, sp, index, Rn, Rt, Rt2, offset }) => {
      const [size, width] = opc === 2 ? ([3, 64] as const) : ([2, 32] as const);
      const base = b.let(64, baseAddress(b, sp, Rn));
      const moved = b.let(64, b.binary('add', 64, base, b.immediate(64, offset)));
      const address = index === 1 ? base : moved;
      if (L) {
        const [first, second] = b.loadPair(size, address, 'normal');
        const write = (register: RegisterOperand, value: typeof first) =>
          opc === 1 ? b.writeX(64, register, b.signExtend(value)) : b.writeX(width, register, value);
        write(Rt2, second);
        write(Rt, first);
      } else b.storePair(size, address, b.readX(width, Rt), b.readX(width, Rt2), 'normal');
      if (index !== 0) b.writeX(64, Rn, moved);
    },
  ),
];

/** One register to or from memory. */
function loadOrStore<V>(
  b: Builder<V>,
  size: Size,
  opc: number,
  Rt: RegisterOperand,
  address: V,
  kind: AccessKind,
): void {
  const width = size === 3 ? 64 : 32;
  if (opc === 0) {
    b.store(size, address, b.readX(width, Rt), kind);
    return;
  }
  const value = b.load(size, address, kind);
  const extended = opc >= 2 && size < 2 ? b.signExtendFrom(32, size === 0 ? 8 : 16, value) : value;
  if (opc === 2) b.writeX(64, Rt, b.signExtend(extended));
  else b.writeX(width, Rt, extended);
}
