import { describe, expect, it } from 'vitest';
import { a64 } from '../../../src/arm/a64/definition.ts';
import { type A64Instruction, a64Instructions, decoderOf } from '../../../src/arm/index.ts';
import { disassemble } from './objdump.ts';

const decoder = decoderOf(a64Instructions);

/** A small generator with a seed: the same words in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
  };
}

/** Words of a diagram: free bits at random, but fields often all zeros or all ones, where the special cases are. */
function wordsOf(instruction: A64Instruction, count: number, next: () => number): number[] {
  return Array.from({ length: count }, () => {
    let word = ((next() & ~instruction.mask) | instruction.value) >>> 0;
    for (const { low, bits } of instruction.fields) {
      const ones = (2 ** bits - 1) * 2 ** low;
      const choice = next() % 8;
      if (choice === 0) word = (word & ~ones) >>> 0;
      if (choice === 1) word = (word | ones) >>> 0;
    }
    return word;
  });
}

/** Whether a name as `ADD, SUB (immediate)` tells objdump's mnemonic; atomics come there with A, L and a size. */
function isNamed(name: string, mnemonic: string): boolean {
  if (isHint.test(name)) return hints.test(mnemonic);
  if (name === 'MSR (immediate)') return /^(msr|cfinv|axflag|xaflag|smstart|smstop)$/.test(mnemonic);
  const plain = mnemonic.replace(/^b\..*/, 'b.cond');
  const names = name.replace(/ \(.*/, '').toLowerCase().split(', ');
  const isAtomic = /^(CAS|CASP|SWP|LDADD.*)$/.test(name);
  // A vector instruction for the upper halves ends in 2, a shift by zero has another name.
  const half = plain.replace(/2$/, '');
  return names.some((n) => plain === n || half === n || (isAtomic && new RegExp(`^${n}(a|al|l)?[bh]?$`).test(plain)));
}
const isHint = /^(NOP, hints|YIELD|WFE|WFI|SEV|SEVL)$/;
const hints = /^(hint|nop|yield|esb|psb|tsb|csdb|bti|dgh|(pac|aut)i[ab](z|sp|1716)|xpaclri|clearbhb|chkfeat|gcsb)$/;

/** What is allocated here although binutils does not say so. */
const beyondBinutils: readonly { why: string; is: (word: number, name: string) => boolean }[] = [
  {
    why: 'bits that should be one are ignored, as QEMU does; binutils wants them in LDAR, LDLAR and STLLR',
    is: (_, name) => /^(LDL?AR|STLLR),/.test(name),
  },
  {
    why: 'LDPSW that loads its base or one register twice is CONSTRAINED UNPREDICTABLE; binutils refuses no other LDP',
    is: (word, name) => {
      const [Rt, Rn, Rt2] = [0, 5, 10].map((low) => (word >>> low) & 31);
      return name.includes('LDPSW') && (Rn === Rt || Rn === Rt2 || Rt === Rt2);
    },
  },
];

/** What binutils knows although it is UNDEFINED on every CPU here: by encoding, or by mnemonic. */
const isSveOrSme = (word: number) => (word >>> 25) % 16 === 2 || ((word >>> 25) % 16 === 0 && word >>> 31 === 1);
const laterExtensions: readonly { feature: string; mnemonics: RegExp; text?: RegExp }[] = [
  {
    feature: 'FEAT_PAuth',
    mnemonics: /^((pac|aut)(i|d)z?[ab]|pacga|xpac[id]|b(l?r)a[ab]z?|reta[ab]|ereta[ab]|ldra[ab])$/,
  },
  { feature: 'FEAT_LRCPC2', mnemonics: /^(ldap|st)l?urs?[bhw]?$/ },
  { feature: 'FEAT_FlagM, FEAT_FlagM2', mnemonics: /^(cfinv|axflag|xaflag|rmif|setf8|setf16)$/ },
  { feature: 'FEAT_MTE', mnemonics: /^(addg|subg|irg|gmi|subps?|(ld|st|st2|stz|stz2)g|stgp|(ld|st|stz)gm)$/ },
  { feature: 'FEAT_SB', mnemonics: /^sb$/ },
  { feature: 'FEAT_TME', mnemonics: /^(tstart|ttest|tcommit|tcancel)$/ },
  { feature: 'FEAT_LS64', mnemonics: /^(ld64b|st64bv?0?)$/ },
  { feature: 'FEAT_HBC', mnemonics: /^bc\./ },
  { feature: 'FEAT_CSSC', mnemonics: /^(abs|cnt|ctz|[su](max|min))$/ },
  { feature: 'FEAT_MOPS', mnemonics: /^(cpy|set)/ },
  { feature: 'FEAT_WFxT', mnemonics: /^wf[ei]t$/ },
  { feature: 'FEAT_XS', mnemonics: /^dsb$/ },
  { feature: 'FEAT_BF16', mnemonics: /^bf/ },
  { feature: 'none: binutils ignores a bit of FMLAL that must be zero', mnemonics: /^fml[as]l2?$/ },
  { feature: 'FEAT_SHA512, FEAT_SHA3', mnemonics: /^(sha512|eor3|bcax|rax1|xar)/ },
  { feature: 'FEAT_SM3, FEAT_SM4', mnemonics: /^sm[34]/ },
  { feature: 'FEAT_LRCPC3', mnemonics: /^(ldap1|stl1)$/ },
  { feature: 'none: DCPS is UNDEFINED outside Debug state', mnemonics: /^dcps[123]$/ },
  { feature: 'none: op0 = 0 has no registers', mnemonics: /^(mrs|msr)$/ },
];

describe('the decoder', () => {
  function differences(words: readonly number[]): Record<string, string> {
    const lines = disassemble(words);
    expect(lines.length).toBe(words.length);
    const found = new Map<string, string>();
    words.forEach((word, i) => {
      const { mnemonic, text } = lines[i];
      const instruction = decoder.find(word);
      const name = instruction?.name;
      const agrees =
        name === undefined
          ? mnemonic === '.inst' ||
            isSveOrSme(word) ||
            laterExtensions.some((e) => e.mnemonics.test(mnemonic) && (e.text?.test(text) ?? true))
          : isNamed(name, mnemonic) || (mnemonic === '.inst' && beyondBinutils.some((b) => b.is(word, name)));
      if (!agrees) found.set(`${name}: ${mnemonic}`, `${word.toString(16)} ${text}`);
    });
    return Object.fromEntries(found);
  }

  it('finds the definitions that binutils names', () => {
    const next = random(1);
    const words = a64Instructions.flatMap((i) => wordsOf(i, 400, next));
    expect(differences(words)).toEqual({});
  });

  it('finds nothing next to them that binutils does not name', () => {
    const next = random(2);
    const words = a64Instructions.flatMap((i) => {
      const fixed = Array.from({ length: 32 }, (_, bit) => 2 ** bit).filter((bit) => (i.mask & bit) !== 0);
      return fixed.flatMap((bit) => wordsOf(i, 10, next).map((word) => (word ^ bit) >>> 0));
    });
    expect(differences(words)).toEqual({});
  });

  it('agrees with binutils on random words', () => {
    const next = random(3);
    expect(differences(Array.from({ length: 100_000 }, next))).toEqual({});
  });

  const define = (name: string, diagram: string) => a64(name, diagram, {}, () => undefined);

  it('takes the special case, whatever the order', () => {
    const general = define('general', '0000 a:4 xxxxxxxxxxxxxxxxxxxxxxxx');
    const special = define('special', '00000101 b:24');
    const words = [0x0500_0000, 0x0400_0000, 0x1500_0000];
    for (const table of [
      [general, special],
      [special, general],
    ])
      expect(words.map((word) => decoderOf(table).find(word)?.name)).toEqual(['special', 'general', undefined]);
  });

  it('refuses two diagrams that overlap otherwise', () => {
    const table = [define('one', '0 a 0 b:29'), define('other', '00 c 1 d:28')];
    expect(() => decoderOf(table)).toThrow('other and one overlap at 0x10000000');
    expect(() => decoderOf([table[0], table[0]])).toThrow('one and one overlap');
  });
});
