/** Integer SIMD instructions at the edges of what they do, and cryptography against OpenSSL's by way of node:crypto. */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodingNumber, executeWord } from '../../../src/arm/index.ts';
import { SmallMachine } from '../builder/machine.ts';
import { assemble } from './assemble.ts';

const FPSR = 8 * encodingNumber([3, 3, 4, 4, 1]);
const QC = 1n << 27n;

const getV = ({ v }: SmallMachine, n: number): bigint => v[2 * n] | (v[2 * n + 1] << 64n);
function setV({ v }: SmallMachine, n: number, value: bigint): void {
  v[2 * n] = value;
  v[2 * n + 1] = value >> 64n;
}

/** Bytes, the lowest first, as a vector and back. */
const fromBytes = (bytes: Iterable<number>): bigint =>
  [...bytes].reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
const toBytes = (value: bigint): number[] =>
  Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const counting = (first: number): bigint => fromBytes(Array.from({ length: 16 }, (_, i) => (first + i) & 0xff));

/** V registers by number, `qc`, X0 and 64 bytes of memory at 0x2000. */
interface State {
  readonly [register: number]: bigint;
  readonly x0?: bigint;
  readonly x1?: bigint;
  readonly memory?: bigint;
  readonly qc?: boolean;
}
const memory = 0x2000n;
const ones = (1n << 128n) - 1n;

const rows: readonly (readonly [asm: string, before: State, after: State])[] = [
  // Saturation, and the flag that tells of it.
  ['sqadd v0.16b, v1.16b, v2.16b', { 1: 0x7f_80_01n, 2: 0x01_ff_01n }, { 0: 0x7f_80_02n, qc: true }],
  ['sqadd b0, b1, b2', { 0: ones, 1: 0x7f01n, 2: 0x0101n }, { 0: 2n, qc: false }],
  ['sqadd b0, b1, b2', { 1: 0x017fn, 2: 0x0101n }, { 0: 0x7fn, qc: true }],
  ['uqsub v0.8b, v1.8b, v2.8b', { 1: 1n, 2: 2n | (1n << 64n) }, { 0: 0n, qc: true }],
  ['uqsub v0.8b, v1.8b, v2.8b', { 1: 3n, 2: 2n | (1n << 64n) }, { 0: 1n, qc: false }],
  ['sqabs v0.2d, v1.2d', { 1: 1n << 127n }, { 0: (1n << 127n) - (1n << 64n), qc: true }],
  ['suqadd h0, h1', { 0: 0x7fffn, 1: 1n }, { 0: 0x7fffn, qc: true }],
  ['usqadd s0, s1', { 0: 5n, 1: 0xffff_fffan }, { 0: 0n, qc: true }],
  ['sqdmull s0, h1, h2', { 1: 0x8000n, 2: 0x8000n }, { 0: 0x7fff_ffffn, qc: true }],
  ['sqdmlal v0.4s, v1.4h, v2.4h', { 0: 1n, 1: 0x8000n, 2: 0x8000n }, { 0: 0x7fff_ffffn, qc: true }],
  ['sqdmlsl s0, h1, h2', { 0: 0n, 1: 0x8000n, 2: 0x8000n }, { 0: 0x8000_0001n, qc: true }],
  ['sqrdmulh v0.8h, v1.8h, v2.h[7]', { 1: 0x8000n, 2: 0x8000n << 112n }, { 0: 0x7fffn, qc: true }],
  ['sqrdmlah h0, h1, h2', { 0: 0x7fffn, 1: 0x7fffn, 2: 0x7fffn }, { 0: 0x7fffn, qc: true }],
  ['sqxtun v0.2s, v1.2d', { 0: ones, 1: (1n << 96n) | (1n << 63n) }, { 0: 0xffff_ffff_0000_0000n, qc: true }],
  ['uqxtn2 v0.16b, v1.8h', { 0: 1n, 1: 0x100n }, { 0: (0xffn << 64n) | 1n, qc: true }],
  ['sqshlu v0.4s, v1.4s, #3', { 1: 0xffff_ffff_2000_0000n }, { 0: 0xffff_ffffn, qc: true }],
  ['uqrshrn b0, h1, #8', { 1: 0xff80n }, { 0: 0xffn, qc: true }],

  // Shifts beyond the element, by the signed lowest byte.
  ['ushl v0.8b, v1.8b, v2.8b', { 1: 0x80_80_80_80n, 2: 0xf8_f9_08_00n }, { 0: 0x00_01_00_80n }],
  ['sshl d0, d1, d2', { 1: 1n << 63n, 2: 0x1c0n }, { 0: BigInt.asUintN(64, -1n) }],
  ['srshl v0.4s, v1.4s, v2.4s', { 1: 0x8000_0000_8000_0000n, 2: 0xe0_0000_00e1n }, { 0: 0x0000_0000_ffff_ffffn }],
  [
    'sqshl v0.4h, v1.4h, v2.4h',
    { 1: 0xffff_0001_4000_0000n, 2: 0x0010_007f_0001_0040n },
    { 0: 0x8000_7fff_7fff_0000n, qc: true },
  ],
  ['urshr v0.2d, v1.2d, #64', { 1: ones }, { 0: (1n << 64n) | 1n }],
  ['sri v0.16b, v1.16b, #8', { 0: 5n, 1: ones }, { 0: 5n }],
  ['sli d0, d1, #63', { 0: 5n, 1: ones }, { 0: (1n << 63n) | 5n }],

  // Elements that change their places.
  [
    'tbl v0.16b, {v31.16b, v0.16b}, v1.16b',
    { 31: counting(0x40), 0: counting(0x80), 1: 0xff_20_1f_10_0fn },
    { 0: fromBytes([0x4f, 0x80, 0x8f, 0, 0, ...new Array<number>(11).fill(0x40)]) },
  ],
  ['tbx v0.8b, {v2.16b}, v1.8b', { 0: ones, 2: counting(0), 1: 0x10_0fn }, { 0: 0xff_0fn }],
  ['ext v0.8b, v1.8b, v2.8b, #7', { 1: counting(0), 2: counting(16) }, { 0: 0x16_15_14_13_12_11_10_07n }],
  [
    'zip2 v0.8h, v1.8h, v2.8h',
    { 1: counting(0), 2: counting(16) },
    { 0: fromBytes([8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31]) },
  ],
  ['uzp1 v0.4h, v1.4h, v2.4h', { 1: counting(0), 2: counting(16) }, { 0: fromBytes([0, 1, 4, 5, 16, 17, 20, 21]) }],
  ['rev64 v0.4h, v1.4h', { 1: counting(0) }, { 0: fromBytes([6, 7, 4, 5, 2, 3, 0, 1]) }],
  ['rbit v0.8b, v1.8b', { 1: 0x12_80n }, { 0: 0x48_01n }],
  ['ins v0.b[15], v1.b[0]', { 0: 0n, 1: 0x7fn }, { 0: 0x7fn << 120n }],
  ['smov x0, v1.h[7]', { 1: 0x8001n << 112n }, { x0: BigInt.asUintN(64, 0x8001n - 0x10000n) }],
  ['dup v0.2s, w0', { 0: ones, x0: 0x1_2345_6789n }, { 0: 0x2345_6789_2345_6789n }],
  ['fmov v0.d[1], x0', { 0: ones, x0: 5n }, { 0: (5n << 64n) | (ones >> 64n) }],
  ['movi v0.2d, #0xff00ff0000ff00ff', {}, { 0: 0xff00ff0000ff00ff_ff00ff0000ff00ffn }],
  ['bic v0.4h, #0x12, lsl #8', { 0: ones }, { 0: 0xedff_edff_edff_edffn }],
  ['fmov v0.2d, #-1.5', {}, { 0: 0xbff8_0000_0000_0000_bff8_0000_0000_0000n }],

  // Sums and products of other sizes.
  ['uaddlv h0, v1.16b', { 1: ones }, { 0: 255n * 16n }],
  ['saddlv d0, v1.4s', { 1: ones }, { 0: BigInt.asUintN(64, -4n) }],
  ['uminv b0, v1.8b', { 1: 0x0807_0605_0403_0209n | (1n << 64n) }, { 0: 2n }],
  ['addp d0, v1.2d', { 1: (1n << 127n) | 3n }, { 0: (1n << 63n) | 3n }],
  ['addhn2 v0.4s, v1.2d, v2.2d', { 0: 7n, 1: 1n << 63n, 2: 1n << 63n }, { 0: 7n }],
  ['raddhn v0.2s, v1.2d, v2.2d', { 1: 0x7fff_ffffn, 2: 1n }, { 0: 1n }],
  ['pmul v0.8b, v1.8b, v2.8b', { 1: 0xffn, 2: 0xffn }, { 0: 0x55n }],
  ['pmull2 v0.8h, v1.16b, v2.16b', { 1: 0xffn << 64n, 2: 0xffn << 64n }, { 0: 0x5555n }],
  ['clz v0.4h, v1.4h', { 1: 0x8000_0001_0100n }, { 0: 0x0010_0000_000f_0007n }],
  ['cls v0.2s, v1.2s', { 1: 0xffff_ffff_4000_0000n }, { 0: 0x1f_0000_0000n }],

  // Memory.
  [
    'ld3 {v30.4h, v31.4h, v0.4h}, [x0], #24',
    { x0: memory, memory: counting(0), 31: ones },
    {
      x0: memory + 24n,
      memory: counting(0),
      30: fromBytes([0, 1, 6, 7, 12, 13, 0, 0]),
      31: fromBytes([2, 3, 8, 9, 14, 15, 0, 0]),
      0: fromBytes([4, 5, 10, 11, 0, 0, 0, 0]),
    },
  ],
  [
    'st2 {v0.2d, v1.2d}, [x0], x1',
    { x0: memory, x1: 5n, 0: counting(0), 1: counting(16) },
    {
      x0: memory + 5n,
      memory:
        (counting(0) & (ones >> 64n)) |
        ((counting(16) & (ones >> 64n)) << 64n) |
        ((counting(0) >> 64n) << 128n) |
        ((counting(16) >> 64n) << 192n),
    },
  ],
  [
    'ld4 {v0.h, v1.h, v2.h, v3.h}[5], [x0]',
    { x0: memory, memory: counting(0), 1: ones },
    {
      0: 0x0100n << 80n,
      1: (ones & ~(0xffffn << 80n)) | (0x0302n << 80n),
      2: 0x0504n << 80n,
      3: 0x0706n << 80n,
      memory: counting(0),
    },
  ],
  [
    'ld2r {v0.8b, v1.8b}, [x0]',
    { x0: memory, memory: 0x0201n, 0: ones },
    { 0: 0x0101_0101_0101_0101n, 1: 0x0202_0202_0202_0202n, memory: 0x0201n },
  ],
  ['ldr b0, [x0, #1]', { x0: memory, memory: 0x0201n, 0: ones }, { 0: 2n, memory: 0x0201n }],
];

describe('an instruction', () => {
  let words: number[];
  beforeAll(() => {
    words = assemble(rows.map(([asm]) => asm));
  });

  /** X0 and X1 keep their values where nothing is said. */
  function machineOf(state: State, { x0 = state.x0, x1 = state.x1 }: State): SmallMachine {
    const machine = new SmallMachine();
    for (let n = 0; n < 32; n++) setV(machine, n, state[n] ?? 0n);
    machine.x.set([x0 ?? 0n, x1 ?? 0n]);
    machine.poke(memory, 64, state.memory ?? 0n);
    machine.system.set(FPSR, state.qc ? QC : 0n);
    return machine;
  }
  const seen = (machine: SmallMachine) => ({
    v: Array.from({ length: 32 }, (_, n) => getV(machine, n).toString(16)),
    x: [...machine.x],
    qc: (machine.system.get(FPSR) ?? 0n) === QC,
    memory: machine.peek(memory, 64).toString(16),
  });

  it.each(rows.map(([asm, before, after], index) => ({ asm, before, after, index })))(
    '$asm',
    ({ before, after, index }) => {
      const machine = machineOf(before, before);
      expect(executeWord(words[index], machine)).toEqual({ kind: 'done' });
      const wanted = machineOf({ ...before, ...after }, { x0: after.x0 ?? before.x0, x1: before.x1 });
      expect(seen(machine)).toEqual(seen(wanted));
    },
  );
});

/** Carries out single instructions on vectors given by name. */
class Calculator {
  readonly #words = new Map<string, number>();

  constructor(lines: readonly string[]) {
    for (const [i, word] of assemble(lines).entries()) this.#words.set(lines[i], word);
  }

  /** V0, from V0, V1 and V2. */
  run(line: string, ...operands: readonly bigint[]): bigint {
    const machine = new SmallMachine();
    for (const [n, operand] of operands.entries()) setV(machine, n, operand);
    expect(executeWord(this.#words.get(line)!, machine).kind).toBe('done');
    return getV(machine, 0);
  }
}

describe('cryptography', () => {
  const [aese, aesd] = ['aese v0.16b, v1.16b', 'aesd v0.16b, v1.16b'];
  const [aesmc, aesimc] = ['aesmc v0.16b, v0.16b', 'aesimc v0.16b, v0.16b'];
  const sha1 = ['sha1c q0, s1, v2.4s', 'sha1p q0, s1, v2.4s', 'sha1m q0, s1, v2.4s'];
  const [sha1h, sha1su0, sha1su1] = ['sha1h s0, s0', 'sha1su0 v0.4s, v1.4s, v2.4s', 'sha1su1 v0.4s, v1.4s'];
  const [sha256h, sha256h2] = ['sha256h q0, q1, v2.4s', 'sha256h2 q0, q1, v2.4s'];
  const [sha256su0, sha256su1] = ['sha256su0 v0.4s, v1.4s', 'sha256su1 v0.4s, v1.4s, v2.4s'];
  const add = 'add v0.4s, v0.4s, v1.4s';
  let cpu: Calculator;
  beforeAll(() => {
    const all = [aese, aesd, aesmc, aesimc, ...sha1, sha1h, sha1su0, sha1su1, sha256h, sha256h2, sha256su0, sha256su1];
    cpu = new Calculator([...all, add]);
  });

  /** FIPS 197, 5.2, with the S-box of AESE: ShiftRows() does nothing to equal bytes. */
  function roundKeys(key: readonly number[]): bigint[] {
    const subByte = (byte: number) => Number(cpu.run(aese, fromBytes(new Array<number>(16).fill(byte)), 0n) & 0xffn);
    const bytes = [...key];
    let constant = 1;
    for (let at = 16; at < 176; at += 4) {
      let word = bytes.slice(at - 4, at);
      if (at % 16 === 0) {
        word = [word[1], word[2], word[3], word[0]].map(subByte);
        word[0] ^= constant;
        constant = (constant << 1) ^ (constant & 0x80 ? 0x11b : 0);
      }
      bytes.push(...word.map((byte, i) => byte ^ bytes[at - 16 + i]));
    }
    return Array.from({ length: 11 }, (_, round) => fromBytes(bytes.slice(16 * round, 16 * round + 16)));
  }

  const key = Array.from({ length: 16 }, (_, i) => (37 * i + 11) & 0xff);
  const text = Array.from({ length: 16 }, (_, i) => (91 * i + 200) & 0xff);

  it('AES encrypts', () => {
    const keys = roundKeys(key);
    let state = fromBytes(text);
    for (let round = 0; round < 9; round++) state = cpu.run(aesmc, cpu.run(aese, state, keys[round]));
    state = cpu.run(aese, state, keys[9]) ^ keys[10];
    const cipher = createCipheriv('aes-128-ecb', Buffer.from(key), null);
    expect(toBytes(state)).toEqual([...cipher.update(Buffer.from(text))]);
  });

  it('AES decrypts', () => {
    const keys = roundKeys(key);
    let state = cpu.run(aesimc, cpu.run(aesd, fromBytes(text), keys[10]));
    for (let round = 9; round > 1; round--) state = cpu.run(aesimc, cpu.run(aesd, state, cpu.run(aesimc, keys[round])));
    state = cpu.run(aesd, state, cpu.run(aesimc, keys[1])) ^ keys[0];
    const decipher = createDecipheriv('aes-128-ecb', Buffer.from(key), null).setAutoPadding(false);
    expect(toBytes(state)).toEqual([...decipher.update(Buffer.from(text))]);
  });

  const words = (numbers: readonly number[]): bigint =>
    numbers.reduceRight((value, word) => (value << 32n) | BigInt(word >>> 0), 0n);
  /** One block: a text of less than 56 bytes, its end marked, its length in bits. */
  function blockOf(message: string): bigint[] {
    const block = Buffer.alloc(64);
    block.write(message);
    block[message.length] = 0x80;
    block.writeUInt32BE(8 * message.length, 60);
    return [0, 16, 32, 48].map((at) => words([0, 4, 8, 12].map((i) => block.readUInt32BE(at + i))));
  }
  const digestOf = (...parts: readonly bigint[]): string =>
    parts
      .map((part) =>
        [0n, 32n, 64n, 96n].map((shift) => ((part >> shift) & 0xffff_ffffn).toString(16).padStart(8, '0')).join(''),
      )
      .join('');
  const message = 'The quick brown fox jumps over the lazy dog';
  /** 32 bits of the fraction of a root of a prime, FIPS 180-4, 4.2.2 and 5.3.3. */
  const fraction = (root: number): number => Math.floor((root - Math.floor(root)) * 2 ** 32);
  const primes = Array.from({ length: 310 }, (_, i) => i + 2).filter((n) =>
    Array.from({ length: n - 2 }, (_, i) => i + 2).every((d) => n % d !== 0),
  );

  it('SHA-256', () => {
    const constants = primes.slice(0, 64).map((prime) => fraction(Math.cbrt(prime)));
    const initial = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
    const [abcd, efgh] = [words(initial.slice(0, 4)), words(initial.slice(4))];
    let [x, y] = [abcd, efgh];
    const schedule = blockOf(message);
    for (let group = 0; group < 16; group++) {
      const w = cpu.run(add, schedule[group], words(constants.slice(4 * group, 4 * group + 4)));
      [x, y] = [cpu.run(sha256h, x, y, w), cpu.run(sha256h2, y, x, w)];
      const next = cpu.run(sha256su0, schedule[group], schedule[group + 1] ?? 0n);
      schedule[group + 4] ??= cpu.run(sha256su1, next, schedule[group + 2] ?? 0n, schedule[group + 3] ?? 0n);
    }
    const digest = digestOf(cpu.run(add, x, abcd), cpu.run(add, y, efgh));
    expect(digest).toBe(createHash('sha256').update(message).digest('hex'));
  });

  it('SHA-1', () => {
    const abcd = words([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
    let [x, e] = [abcd, 0xc3d2e1f0n];
    const schedule = blockOf(message);
    for (let group = 0; group < 20; group++) {
      const constant = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6][Math.floor(group / 5)];
      const w = cpu.run(add, schedule[group], words(new Array<number>(4).fill(constant)));
      const next = cpu.run(sha1h, x & 0xffff_ffffn);
      x = cpu.run(sha1[[0, 1, 2, 1][Math.floor(group / 5)]], x, e, w);
      e = next;
      if (group < 16)
        schedule[group + 4] = cpu.run(
          sha1su1,
          cpu.run(sha1su0, schedule[group], schedule[group + 1], schedule[group + 2]),
          schedule[group + 3],
        );
    }
    const digest = digestOf(cpu.run(add, x, abcd), cpu.run(add, e, 0xc3d2e1f0n)).slice(0, 40);
    expect(digest).toBe(createHash('sha1').update(message).digest('hex'));
  });
});
