import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBitMasks } from '../../../src/arm/a64/pseudocode.ts';
import { executeWord } from '../../../src/arm/index.ts';
import { SmallMachine } from '../builder/machine.ts';
import { disassemble } from '../decode/objdump.ts';
import { assemble } from './assemble.ts';

describe('DecodeBitMasks()', () => {
  // AND (immediate) of every N, immr and imms; binutils prints the mask, or does not know the word.
  const all = Array.from({ length: 1 << 13 }, (_, index) => index);
  it.each([
    ['64 bits', 0x92000000, all],
    ['32 bits', 0x12000000, all.slice(0, 1 << 12)],
  ] as const)('of %s is as binutils says', (bits, opcode, indices) => {
    const lines = disassemble(indices.map((index) => (opcode | (index << 10)) >>> 0));
    const width = Number.parseInt(bits, 10);
    indices.forEach((index, i) => {
      const text = /#0x([0-9a-f]+)/.exec(lines[i].mnemonic === 'and' ? lines[i].text : '')?.[1];
      const mask = decodeBitMasks(index >> 12, index & 63, (index >> 6) & 63);
      expect(mask === undefined ? undefined : BigInt.asUintN(width, mask).toString(16)).toBe(text);
    });
  });
});

/** Runs a word with X0, X1 and X2 set, and returns the machine. */
function run(word: number, x0: bigint, x1: bigint, x2: bigint, nzcv = 0): SmallMachine {
  const machine = new SmallMachine();
  machine.x.set([x0, x1, x2]);
  machine.nzcv = nzcv;
  expect(executeWord(word, machine).kind).toBe('done');
  return machine;
}

describe('SBFM, BFM and UBFM', () => {
  // The manual's words: bits of the source go one by one to their places, the rest is sign, old value or zero.
  function expected(opc: number, width: number, immr: number, imms: number, old: bigint, source: bigint): bigint {
    const [from, to, length] = imms >= immr ? [immr, 0, imms - immr + 1] : [0, width - immr, imms + 1];
    const bit = (value: bigint, n: number) => (value >> BigInt(n)) & 1n;
    let result = 0n;
    for (let n = width - 1; n >= 0; n--) {
      const isField = n >= to && n < to + length;
      const isSign = opc === 0 && n >= to + length;
      const outside = isSign ? bit(source, from + length - 1) : opc === 1 ? bit(old, n) : 0n;
      result = result * 2n + (isField ? bit(source, from + n - to) : outside);
    }
    return result;
  }

  it.each([
    ['SBFM', 0, 64],
    ['BFM', 1, 64],
    ['UBFM', 2, 64],
    ['SBFM', 0, 32],
    ['BFM', 1, 32],
    ['UBFM', 2, 32],
  ])('%s (opc %d, %d bits) with every immr and imms', (_name, opc, width) => {
    const sf = width === 64 ? 1 : 0;
    let [old, source] = [0x0123_4567_89ab_cdefn, 0x9e37_79b9_7f4a_7c15n];
    for (let immr = 0; immr < width; immr++)
      for (let imms = 0; imms < width; imms++) {
        [old, source] = [source, BigInt.asUintN(64, source * 6364136223846793005n + old)];
        const word =
          ((sf << 31) | (opc << 29) | (0x26 << 23) | (sf << 22) | (immr << 16) | (imms << 10) | (1 << 5)) >>> 0;
        const wanted = expected(opc, width, immr, imms, old, source);
        if (run(word, old, source, 0n).x[0] !== wanted)
          expect.fail(
            `immr ${immr}, imms ${imms}: ${run(word, old, source, 0n).x[0].toString(16)}, not ${wanted.toString(16)}`,
          );
      }
  });
});

describe('arithmetic on random operands', () => {
  const s64 = (value: bigint) => BigInt.asIntN(64, value);
  const u64 = (value: bigint) => BigInt.asUintN(64, value);
  /** Any number, but often one near a power of two. */
  const operand = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    fc.tuple(fc.nat(63), fc.integer({ min: -2, max: 2 })).map(([n, d]) => u64((1n << BigInt(n)) + BigInt(d))),
  );
  const reverse = (value: bigint, group: number, width: number) =>
    [...value.toString(2).padStart(width, '0')].reduce<string[]>((groups, bit, i) => {
      if (i % group === 0) groups.unshift('');
      groups[0] += bit;
      return groups;
    }, []);

  const oracles: Readonly<Record<string, (x1: bigint, x2: bigint) => bigint>> = {
    'umulh x0, x1, x2': (a, b) => (a * b) >> 64n,
    'smulh x0, x1, x2': (a, b) => u64((s64(a) * s64(b)) >> 64n),
    'udiv x0, x1, x2': (a, b) => (b === 0n ? 0n : a / b),
    'sdiv x0, x1, x2': (a, b) => (b === 0n ? 0n : u64(s64(a) / s64(b))),
    'rbit x0, x1': (a) => BigInt(`0b${reverse(a, 1, 64).join('')}`),
    'rev x0, x1': (a) => BigInt(`0b${reverse(a, 8, 64).join('')}`),
    'rbit w0, w1': (a) => BigInt(`0b${reverse(BigInt.asUintN(32, a), 1, 32).join('')}`),
    'clz x0, x1': (a) => BigInt(64 - (a === 0n ? 0 : a.toString(2).length)),
    'cls x0, x1': (a) => BigInt(/^(0+|1+)/.exec(a.toString(2).padStart(64, '0'))![0].length - 1),
    'extr x0, x1, x2, #13': (a, b) => u64(((a << 64n) | b) >> 13n),
    'smaddl x0, w1, w2, xzr': (a, b) => u64(BigInt.asIntN(32, a) * BigInt.asIntN(32, b)),
  };
  const words = assemble(Object.keys(oracles));

  it.each(Object.entries(oracles).map(([asm, oracle], i) => ({ asm, oracle, word: words[i] })))(
    '$asm',
    ({ oracle, word }) => {
      fc.assert(
        fc.property(operand, operand, (a, b) => {
          expect(run(word, 0n, a, b).x[0]).toBe(oracle(a, b));
        }),
        { numRuns: 200 },
      );
    },
  );

  it.each([
    ['adcs x0, x1, x2', 64, false],
    ['sbcs x0, x1, x2', 64, true],
    ['adcs w0, w1, w2', 32, false],
    ['sbcs w0, w1, w2', 32, true],
  ] as const)('%s', (asm, width, inverts) => {
    const [word] = assemble([asm]);
    fc.assert(
      fc.property(operand, operand, fc.nat(15), (a, b, nzcv) => {
        const x = BigInt.asUintN(width, a);
        const y = BigInt.asUintN(width, inverts ? ~b : b);
        const sum = x + y + BigInt((nzcv >> 1) & 1);
        const signedSum = BigInt.asIntN(width, x) + BigInt.asIntN(width, y) + BigInt((nzcv >> 1) & 1);
        const result = BigInt.asUintN(width, sum);
        const flags = [
          BigInt.asIntN(width, result) < 0n,
          result === 0n,
          sum !== result,
          signedSum !== BigInt.asIntN(width, result),
        ];
        const machine = run(word, 0n, a, b, nzcv);
        expect(machine.x[0]).toBe(result);
        expect(machine.nzcv).toBe(flags.reduce((bits, flag) => bits * 2 + Number(flag), 0));
      }),
      { numRuns: 300 },
    );
  });
});
