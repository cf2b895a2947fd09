/**
 * Arm ARM DDI 0487, C4.1 "Compare and swap", "Compare and swap pair", "Atomic memory operations": FEAT_LSE. Ordering
 * (the bits A and R, L and o0; in the names A, L and AL) needs nothing: there is one observer at a time. The names leave
 * it out, and the sizes B and H.
 */
import type { Builder, Comparison, Size, Width } from '../builder/builder.ts';
import { a64, source, target } from './definition.ts';
import { baseAddress, sp } from './loads-and-stores.ts';
import { not } from './pseudocode.ts';

/** The low bits of a value that an access of this size sees. */
function narrow<V>(b: Builder<V>, size: number, width: Width, value: V): V {
  return size >= 2 ? value : b.binary('and', width, value, b.constant(width, size === 0 ? 0xffn : 0xffffn));
}

const feature = 'FEAT_LSE';

const isOdd = (register: number) => (register & 1) === 1;

export const atomics = [
  a64(
    'CAS',
    'size:2 0010001 L 1 Rs:5 o0 11111 Rn:5 Rt:5',
    {
      feature,
      shape: ['size'],
      derived: { sp },
      registers: { Rs: 'source', old: (f) => target(f.Rs), Rn: 'stack', Rt: 'source' },
    },
    (b, { size, sp, Rs, old, Rn, Rt }) => {
      const width = size === 3 ? 64 : 32;
      const address = b.let(64, baseAddress(b, sp, Rn));
      const value = b.let(width, b.load(size as Size, address, 'atomic'));
      const equal = b.compare('eq', width, value, narrow(b, size, width, b.readX(width, Rs)));
      b.when(equal, () => b.store(size as Size, address, b.readX(width, Rt), 'atomic'));
      b.writeX(width, old, value);
    },
  ),

  a64(
    'CASP',
    '0 sz 0010000 L 1 Rs:5 o0 11111 Rn:5 Rt:5',
    {
      feature,
      shape: ['sz'],
      derived: { sp },
      unallocated: (f) => isOdd(f.Rs) || isOdd(f.Rt),
      registers: {
        Rs: 'source',
        Rs2: (f) => source(f.Rs + 1),
        old2: (f) => target(f.Rs + 1),
        Rn: 'stack',
        Rt: 'source',
        Rt2: (f) => source(f.Rt + 1),
      },
    },
    (b, { sz, sp, Rs, Rs2, old2, Rn, Rt, Rt2 }) => {
      const [size, width] = sz ? ([3, 64] as const) : ([2, 32] as const);
      const address = b.let(64, baseAddress(b, sp, Rn));
      const [first, second] = b.loadPair(size, address, 'atomic').map((value) => b.let(width, value));
      const equal = b.binary(
        'and',
        32,
        b.compare('eq', width, first, b.readX(width, Rs)),
        b.compare('eq', width, second, b.readX(width, Rs2)),
      );
      b.when(equal, () => {
        b.storePair(size, address, b.readX(width, Rt), b.readX(width, Rt2), 'atomic');
      });
      // Rs is even and so never 31: one operand does for both directions.
      b.writeX(width, Rs, first);
      b.writeX(width, old2, second);
    },
  ),

  a64(
    'LDADD, LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN',
    'size:2 111000 A R 1 Rs:5 0 opc:3 00 Rn:5 Rt:5',
    {
      feature,
      shape: ['size', 'opc'],
      derived: { sp },
      registers: { Rs: 'source', Rn: 'stack', Rt: 'target' },
    },
    (b, { size, opc, sp, Rs, Rn, Rt }) => {
      const width = size === 3 ? 64 : 32;
      const address = b.let(64, baseAddress(b, sp, Rn));
      const value = b.let(width, b.load(size as Size, address, 'atomic'));
      const operand = b.let(width, b.readX(width, Rs));
      b.store(size as Size, address, combine(b, opc, size, width, value, operand), 'atomic');
      b.writeX(width, Rt, value);
    },
  ),

  a64(
    'SWP',
    'size:2 111000 A R 1 Rs:5 100000 Rn:5 Rt:5',
    { feature, shape: ['size'], derived: { sp }, registers: { Rs: 'source', Rn: 'stack', Rt: 'target' } },
    (b, { size, sp, Rs, Rn, Rt }) => {
      const width = size === 3 ? 64 : 32;
      const address = b.let(64, baseAddress(b, sp, Rn));
      const value = b.let(width, b.load(size as Size, address, 'atomic'));
      b.store(size as Size, address, b.readX(width, Rs), 'atomic');
      b.writeX(width, Rt, value);
    },
  ),
];

/** What is stored: the low bits of this. Both values must be evaluated once. */
function combine<V>(b: Builder<V>, opc: number, size: number, width: Width, value: V, operand: V): V {
  const keepIf = (comparison: Comparison, extend: (v: V) => V) =>
    b.select(width, b.compare(comparison, width, extend(value), extend(operand)), value, operand);
  const signed = (v: V) => (size >= 2 ? v : b.signExtendFrom(width, size === 0 ? 8 : 16, v));
  const unsigned = (v: V) => narrow(b, size, width, v);
  const operations = [
    () => b.binary('add', width, value, operand),
    () => b.binary('and', width, value, not(b, width, operand)),
    () => b.binary('xor', width, value, operand),
    () => b.binary('or', width, value, operand),
    () => keepIf('gt_s', signed),
    () => keepIf('lt_s', signed),
    () => keepIf('gt_u', unsigned),
    () => keepIf('lt_u', unsigned),
  ];
  return operations[opc]();
}
