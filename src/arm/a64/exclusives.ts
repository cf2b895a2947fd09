/**
 * Arm ARM DDI 0487, C4.1 "Load/store exclusive pair", "Load/store exclusive register", "Load/store ordered"; LDAPR of
 * FEAT_LRCPC, whose weaker order makes no difference here.
 *
 * The local monitor is kept as QEMU keeps it: the address marked and the value seen there. A store-exclusive succeeds
 * if the address is the same and the value still stands. CONSTRAINED UNPREDICTABLE and IMPLEMENTATION DEFINED choices:
 *   a store-exclusive of another size than the load's fails (QEMU compares values only);
 *   memory is not touched, and so no fault taken, when the monitor does not hold the address;
 *   Rs = Rt, Rs = Rn: what was there before is stored, then the status is written;
 *   LDXP with Rt = Rt2: the second element stays.
 * Ordering needs nothing: there is one observer at a time.
 */
import type { Builder, RegisterOperand, Size } from '../builder/builder.ts';
import { a64 } from './definition.ts';
import { baseAddress, sp } from './loads-and-stores.ts';
import { extendTo64 } from './pseudocode.ts';

/** In the slot exclusiveSize: log2 of an element's bytes, and whether there are two. */
const sizeMark = (size: number, pair: boolean): bigint => BigInt(size) + (pair ? 8n : 0n);

/** Whether the monitor holds this address for an access of this size. */
function isMarked<V>(b: Builder<V>, address: V, mark: bigint): V {
  const sameAddress = b.compare('eq', 64, address, b.readState('exclusiveAddress'));
  const sameSize = b.compare('eq', 64, b.readState('exclusiveSize'), b.constant(64, mark));
  return b.binary('and', 32, sameAddress, sameSize);
}

/** ClearExclusiveLocal(). */
export const clearExclusive = <V>(b: Builder<V>): void => b.writeState('exclusiveAddress', b.constant(64, -1n));

function setExclusive<V>(b: Builder<V>, address: V, mark: bigint, value: V, high?: V): void {
  b.writeState('exclusiveAddress', address);
  b.writeState('exclusiveSize', b.constant(64, mark));
  b.writeState('exclusiveValue', value);
  if (high !== undefined) b.writeState('exclusiveHigh', high);
}

/** The end of every store-exclusive: the monitor is open and the status, 0 for success, in Rs. */
function writeStatus<V>(b: Builder<V>, Rs: RegisterOperand, stored: V): void {
  clearExclusive(b);
  b.writeX(32, Rs, b.binary('xor', 32, stored, b.constant(32, 1n)));
}

interface OrderedOperands {
  readonly size: number;
  readonly sp: number;
  readonly Rn: RegisterOperand;
  readonly Rt: RegisterOperand;
}

const storeOrdered = <V>(b: Builder<V>, { size, sp, Rn, Rt }: OrderedOperands): void =>
  b.store(size as Size, baseAddress(b, sp, Rn), b.readX(size === 3 ? 64 : 32, Rt), 'ordered');

const loadOrdered = <V>(b: Builder<V>, { size, sp, Rn, Rt }: OrderedOperands): void =>
  b.writeX(size === 3 ? 64 : 32, Rt, b.load(size as Size, baseAddress(b, sp, Rn), 'ordered'));

const stored = { shape: ['size'], derived: { sp }, registers: { Rn: 'stack', Rt: 'source' } } as const;
const loaded = { shape: ['size'], derived: { sp }, registers: { Rn: 'stack', Rt: 'target' } } as const;

export const exclusives = [
  a64(
    'STXR, STXRB, STXRH, STLXR, STLXRB, STLXRH',
    'size:2 001000000 Rs:5 o0 xxxxx Rn:5 Rt:5',
    { shape: ['size'], derived: { sp }, registers: { Rs: 'target', Rn: 'stack', Rt: 'source' } },
    (b, { size, sp, Rs, Rn, Rt }) => {
      const width = size === 3 ? 64 : 32;
      const address = b.let(64, baseAddress(b, sp, Rn));
      const marked = isMarked(b, address, sizeMark(size, false));
      const stored = b.let(
        32,
        b.when(marked, () => {
          const seen = extendTo64(b, width, b.load(size as Size, address, 'atomic'));
          const unchanged = b.let(32, b.compare('eq', 64, seen, b.readState('exclusiveValue')));
          b.when(unchanged, () => b.store(size as Size, address, b.readX(width, Rt), 'exclusive'));
          return unchanged;
        }),
      );
      writeStatus(b, Rs, stored);
    },
  ),

  a64(
    'LDXR, LDXRB, LDXRH, LDAXR, LDAXRB, LDAXRH',
    'size:2 001000010 xxxxx o0 xxxxx Rn:5 Rt:5',
    { shape: ['size'], derived: { sp }, registers: { Rn: 'stack', Rt: 'target' } },
    (b, { size, sp, Rn, Rt }) => {
      const width = size === 3 ? 64 : 32;
      const address = b.let(64, baseAddress(b, sp, Rn));
      const value = b.let(64, extendTo64(b, width, b.load(size as Size, address, 'exclusive')));
      setExclusive(b, address, sizeMark(size, false), value);
      b.writeX(64, Rt, value);
    },
  ),

  a64(
    'STXP, STLXP',
    '1 sz 001000001 Rs:5 o0 Rt2:5 Rn:5 Rt:5',
    { shape: ['sz'], derived: { sp }, registers: { Rs: 'target', Rn: 'stack', Rt: 'source', Rt2: 'source' } },
    (b, { sz, sp, Rs, Rn, Rt, Rt2 }) => {
      const [size, width] = sz ? ([3, 64] as const) : ([2, 32] as const);
      const address = b.let(64, baseAddress(b, sp, Rn));
      const stored = b.let(
        32,
        b.when(isMarked(b, address, sizeMark(size, true)), () => {
          const [first, second] = b.loadPair(size, address, 'atomic').map((value) => extendTo64(b, width, value));
          const unchanged = b.let(
            32,
            b.binary(
              'and',
              32,
              b.compare('eq', 64, first, b.readState('exclusiveValue')),
              b.compare('eq', 64, second, b.readState('exclusiveHigh')),
            ),
          );
          b.when(unchanged, () => {
            b.storePair(size, address, b.readX(width, Rt), b.readX(width, Rt2), 'exclusive');
          });
          return unchanged;
        }),
      );
      writeStatus(b, Rs, stored);
    },
  ),

  a64(
    'LDXP, LDAXP',
    '1 sz 001000011 xxxxx o0 Rt2:5 Rn:5 Rt:5',
    { shape: ['sz'], derived: { sp }, registers: { Rn: 'stack', Rt: 'target', Rt2: 'target' } },
    (b, { sz, sp, Rn, Rt, Rt2 }) => {
      const [size, width] = sz ? ([3, 64] as const) : ([2, 32] as const);
      const address = b.let(64, baseAddress(b, sp, Rn));
      const [first, second] = b
        .loadPair(size, address, 'exclusive')
        .map((value) => b.let(64, extendTo64(b, width, value)));
      setExclusive(b, address, sizeMark(size, true), first, second);
      b.writeX(64, Rt, first);
      b.writeX(64, Rt2, second);
    },
  ),

  a64('STLR, STLRB, STLRH', 'size:2 001000100 xxxxx 1 xxxxx Rn:5 Rt:5', stored, storeOrdered),
  a64(
    'STLLR, STLLRB, STLLRH',
    'size:2 001000100 xxxxx 0 xxxxx Rn:5 Rt:5',
    { ...stored, feature: 'FEAT_LOR' },
    storeOrdered,
  ),
  a64('LDAR, LDARB, LDARH', 'size:2 001000110 xxxxx 1 xxxxx Rn:5 Rt:5', loaded, loadOrdered),
  a64(
    'LDLAR, LDLARB, LDLARH',
    'size:2 001000110 xxxxx 0 xxxxx Rn:5 Rt:5',
    { ...loaded, feature: 'FEAT_LOR' },
    loadOrdered,
  ),
  a64(
    'LDAPR, LDAPRB, LDAPRH',
    'size:2 11100010111111 110000 Rn:5 Rt:5',
    { ...loaded, feature: 'FEAT_LRCPC' },
    loadOrdered,
  ),
];
