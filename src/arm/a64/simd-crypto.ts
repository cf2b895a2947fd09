/**
 * Arm ARM DDI 0487, C4.1 "Cryptographic AES", "Cryptographic three-register SHA" and "... two-register SHA": FEAT_AES,
 * FEAT_SHA1 and FEAT_SHA256.
 */
import type { Builder } from '../builder/builder.ts';
import { a64 } from './definition.ts';
import { shift } from './pseudocode.ts';
import { and, lanes, letV, or, range, signs, splat, xor } from './simd-pseudocode.ts';

// AES: FIPS 197. The state is 16 bytes, column by column.

/** Multiplication by x in the field of AES, of bytes. */
const xtime = (byte: number): number => ((byte << 1) ^ (byte & 0x80 ? 0x11b : 0)) & 0xff;

/** FIPS 197, 5.1.1: the inverse in the field, then an affine map. */
function makeSbox(): number[] {
  // Powers of the generator x + 1: the inverse of the i-th is the (255 - i)-th.
  const powers = range(255).reduce<number[]>((all) => [...all, all[all.length - 1] ^ xtime(all[all.length - 1])], [1]);
  return range(256).map((byte) => {
    const inverse = byte === 0 ? 0 : powers[(255 - powers.indexOf(byte)) % 255];
    const rotated = range(5).map((n) => (inverse << n) | (inverse >> (8 - n)));
    return (rotated.reduce((a, c) => a ^ c) ^ 0x63) & 0xff;
  });
}

const sbox = makeSbox();
const inverseSbox = range(256).map((byte) => sbox.indexOf(byte));

/** Each byte replaced by the table's, 16 entries at a time: other indices give zero. */
function substitute<V>(b: Builder<V>, table: readonly number[], value: V): V {
  const index = letV(b, value);
  const parts = range(16).map((part) => {
    const entries = table.slice(16 * part, 16 * part + 16);
    const constant = entries.reduce((all, entry, i) => all | (BigInt(entry) << BigInt(8 * i)), 0n);
    const relative = part === 0 ? index : lanes(b, 0, 'sub', index, splat(b, 0, BigInt(16 * part)));
    return b.vector('i8x16.swizzle', b.vectorConstant(constant), relative);
  });
  return parts.reduce((all, part) => or(b, all, part));
}

/** ShiftRows(): row r moves by r columns; the inverse moves it back. */
const shiftedRows = (direction: 1 | -1): number[] => range(16).map((i) => (i + direction * 4 * (i % 4) + 16) % 16);

/** Bytes of each column, moved up by some rows. value is used twice. */
const rotateColumns = <V>(b: Builder<V>, rows: number, value: V): V =>
  b.shuffle(
    range(16).map((i) => (i & 12) | ((i + rows) & 3)),
    value,
    value,
  );

/** All bytes times x. value is used twice. */
function doubled<V>(b: Builder<V>, value: V): V {
  const reduced = and(b, signs(b, 0, value), splat(b, 0, 0x1bn));
  return xor(b, lanes(b, 0, 'shl', value, b.constant(32, 1n)), reduced);
}

/** MixColumns(): 2a + 3b + c + d, as 2 (a + b) + b + (c + d). value is used more than once. */
function mixColumns<V>(b: Builder<V>, value: V): V {
  const next = letV(b, rotateColumns(b, 1, value));
  const sums = letV(b, xor(b, value, next));
  return xor(b, xor(b, doubled(b, sums), next), rotateColumns(b, 2, sums));
}

/** Adding 4 (a + c) to each byte first makes the inverse of it. value is used more than once. */
function inverseMixColumns<V>(b: Builder<V>, value: V): V {
  const sums = letV(b, xor(b, value, rotateColumns(b, 2, value)));
  return mixColumns(b, letV(b, xor(b, value, doubled(b, letV(b, doubled(b, sums))))));
}

const aes = [
  a64(
    'AESE, AESD',
    '0100111000101000010 D 10 Rn:5 Rd:5',
    { feature: 'FEAT_AES', shape: ['D'], vectors: { Rn: 'vector', Rd: 'vector' } },
    (b, { D, Rn, Rd }) => {
      const state = letV(b, xor(b, b.readV(Rd), b.readV(Rn)));
      const moved = b.shuffle(shiftedRows(D ? -1 : 1), state, state);
      b.writeV(Rd, substitute(b, D ? inverseSbox : sbox, moved));
    },
  ),
  a64(
    'AESMC, AESIMC',
    '0100111000101000011 D 10 Rn:5 Rd:5',
    { feature: 'FEAT_AES', shape: ['D'], vectors: { Rn: 'vector', Rd: 'vector' } },
    (b, { D, Rn, Rd }) => {
      const state = letV(b, b.readV(Rn));
      b.writeV(Rd, D ? inverseMixColumns(b, state) : mixColumns(b, state));
    },
  ),
];

// SHA: FIPS 180-4, on words of 32 bits.

const add = <V>(b: Builder<V>, ...terms: V[]): V => terms.reduce((sum, term) => b.binary('add', 32, sum, term));
const xor32 = <V>(b: Builder<V>, ...terms: V[]): V => terms.reduce((sum, term) => b.binary('xor', 32, sum, term));
/** A word is used as often as there are amounts. */
const rotated = <V>(b: Builder<V>, word: V, ...amounts: number[]): V =>
  xor32(b, ...amounts.map((amount) => shift(b, 32, 'ROR', word, b.constant(32, BigInt(amount)))));
const words = <V>(b: Builder<V>, vector: V): V[] =>
  [0, 1, 2, 3].map((lane) => b.let(32, b.extractLane(2, lane, vector)));
const vectorOf = <V>(b: Builder<V>, [first, ...others]: readonly V[]): V =>
  others.reduce((all, word, i) => b.replaceLane(2, i + 1, all, word), b.vector('i32x4.splat', first));

/** SHAchoose(), SHAparity() and SHAmajority(); words are used more than once. */
const choose = <V>(b: Builder<V>, x: V, y: V, z: V): V => xor32(b, b.binary('and', 32, xor32(b, y, z), x), z);
const parity = <V>(b: Builder<V>, x: V, y: V, z: V): V => xor32(b, x, y, z);
const majority = <V>(b: Builder<V>, x: V, y: V, z: V): V =>
  b.binary('or', 32, b.binary('and', 32, x, y), b.binary('and', 32, b.binary('or', 32, x, y), z));
const sha1Functions = [choose, parity, majority] as const;

/** Four rounds of SHA-1 on the words x and y. */
function sha1Hash<V>(b: Builder<V>, opcode: number, x: V[], y: V, w: readonly V[]): V {
  let [x0, x1, x2, x3] = x;
  let e = y;
  for (const word of w) {
    const t = sha1Functions[opcode](b, x1, x2, x3);
    const first = b.let(32, add(b, e, rotated(b, x0, 32 - 5), t, word));
    [e, x3, x2, x1, x0] = [x3, x2, b.let(32, rotated(b, x1, 32 - 30)), x0, first];
  }
  return vectorOf(b, [x0, x1, x2, x3]);
}

/** SHA256hash(): four rounds on the words x and y; one of them comes back. */
function sha256Hash<V>(b: Builder<V>, x: V[], y: V[], w: readonly V[], part1: boolean): V {
  let [x0, x1, x2, x3] = x;
  let [y0, y1, y2, y3] = y;
  for (const word of w) {
    const t = b.let(32, add(b, y3, rotated(b, y0, 6, 11, 25), choose(b, y0, y1, y2), word));
    const last = b.let(32, add(b, t, x3));
    const first = b.let(32, add(b, t, rotated(b, x0, 2, 13, 22), majority(b, x0, x1, x2)));
    [x3, x2, x1, x0] = [x2, x1, x0, first];
    [y3, y2, y1, y0] = [y2, y1, y0, last];
  }
  return vectorOf(b, part1 ? [x0, x1, x2, x3] : [y0, y1, y2, y3]);
}

/** Words of two vectors, by number. */
const pickWords = <V>(b: Builder<V>, numbers: readonly number[], n: V, m: V): V =>
  b.shuffle(
    numbers.flatMap((word) => range(4).map((i) => 4 * word + i)),
    n,
    m,
  );
/** Each word rotated to the right. value is used twice. */
const rotateWords = <V>(b: Builder<V>, value: V, amount: number): V =>
  or(
    b,
    lanes(b, 2, 'shr_u', value, b.constant(32, BigInt(amount))),
    lanes(b, 2, 'shl', value, b.constant(32, BigInt(32 - amount))),
  );

const three = { Rn: 'vector', Rm: 'vector', Rd: 'vector' } as const;
const two = { Rn: 'vector', Rd: 'vector' } as const;
const sha1Three = { feature: 'FEAT_SHA1', vectors: three } as const;
const sha1Two = { feature: 'FEAT_SHA1', vectors: two } as const;
const sha256Three = { feature: 'FEAT_SHA256', vectors: three } as const;
const sha256Two = { feature: 'FEAT_SHA256', vectors: two } as const;

const sha1 = [
  a64(
    'SHA1C, SHA1P, SHA1M',
    '01011110000 Rm:5 0 opcode:3 00 Rn:5 Rd:5',
    { shape: ['opcode'], possible: ({ opcode }) => opcode < 3, ...sha1Three },
    (b, { opcode, Rn, Rm, Rd }) => {
      const [x, w] = [b.readV(Rd), b.readV(Rm)].map((vector) => words(b, letV(b, vector)));
      b.writeV(Rd, sha1Hash(b, opcode, x, b.let(32, b.readElement(2, Rn)), w));
    },
  ),
  a64('SHA1SU0', '01011110000 Rm:5 001100 Rn:5 Rd:5', sha1Three, (b, { Rn, Rm, Rd }) => {
    const d = letV(b, b.readV(Rd));
    b.writeV(Rd, xor(b, xor(b, pickWords(b, [2, 3, 4, 5], d, b.readV(Rn)), d), b.readV(Rm)));
  }),
  a64('SHA1H', '0101111000101000000010 Rn:5 Rd:5', sha1Two, (b, { Rn, Rd }) => {
    b.writeScalar(2, Rd, rotated(b, b.readElement(2, Rn), 32 - 30));
  }),
  a64('SHA1SU1', '0101111000101000000110 Rn:5 Rd:5', sha1Two, (b, { Rn, Rd }) => {
    const moved = pickWords(b, [1, 2, 3, 4], b.readV(Rn), b.vectorConstant(0n));
    const t = letV(b, xor(b, b.readV(Rd), moved));
    const first = pickWords(b, [4, 4, 4, 0], letV(b, rotateWords(b, t, 32 - 2)), b.vectorConstant(0n));
    b.writeV(Rd, xor(b, rotateWords(b, t, 32 - 1), first));
  }),
];

/** What is added to a word for each of those before: ROR r1 + ROR r2 + LSR. value is used more than once. */
const schedule = <V>(b: Builder<V>, value: V, r1: number, r2: number, s: number): V =>
  xor(
    b,
    xor(b, rotateWords(b, value, r1), rotateWords(b, value, r2)),
    lanes(b, 2, 'shr_u', value, b.constant(32, BigInt(s))),
  );

const sha256 = [
  a64(
    'SHA256H, SHA256H2',
    '01011110000 Rm:5 010 P 00 Rn:5 Rd:5',
    { shape: ['P'], ...sha256Three },
    (b, { P, Rn, Rm, Rd }) => {
      const [d, n, w] = [b.readV(Rd), b.readV(Rn), b.readV(Rm)].map((vector) => words(b, letV(b, vector)));
      b.writeV(Rd, P ? sha256Hash(b, n, d, w, false) : sha256Hash(b, d, n, w, true));
    },
  ),
  a64('SHA256SU0', '0101111000101000001010 Rn:5 Rd:5', sha256Two, (b, { Rn, Rd }) => {
    const d = letV(b, b.readV(Rd));
    const t = letV(b, pickWords(b, [1, 2, 3, 4], d, b.readV(Rn)));
    b.writeV(Rd, lanes(b, 2, 'add', schedule(b, t, 7, 18, 3), d));
  }),
  a64('SHA256SU1', '01011110000 Rm:5 011000 Rn:5 Rd:5', sha256Three, (b, { Rn, Rm, Rd }) => {
    const m = letV(b, b.readV(Rm));
    const before = pickWords(b, [1, 2, 3, 4], b.readV(Rn), m);
    const sum = letV(b, lanes(b, 2, 'add', b.readV(Rd), before));
    // The upper words follow from the lower ones of the result.
    const late = (t: typeof m) => lanes(b, 2, 'add', sum, schedule(b, t, 17, 19, 10));
    const low = letV(b, late(letV(b, pickWords(b, [2, 3, 2, 3], m, m))));
    const high = letV(b, late(letV(b, pickWords(b, [0, 1, 0, 1], low, low))));
    b.writeV(Rd, pickWords(b, [0, 1, 6, 7], low, high));
  }),
];

export const simdCrypto = [...aes, ...sha1, ...sha256];
