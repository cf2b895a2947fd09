import { describe, expect, it } from 'vitest';
import { a64 } from '../../../src/arm/a64/definition.ts';
import { analyseShape, analyseWord } from '../../../src/arm/builder/analyse.ts';
import { a64Instructions, decoderOf, shapesOf } from '../../../src/arm/index.ts';

const decoder = decoderOf(a64Instructions);
const context = { el: 1, simdTrapped: false, systemSlot: () => -1 };
const analyse = (word: number) => analyseWord(decoder.find(word)!, word, context);

const nothing = {
  reads: [],
  writes: [],
  readsVectors: [],
  writesVectors: [],
  readsFpcr: false,
  accumulatesFpsr: false,
  readsFlags: false,
  writesFlags: undefined,
  accesses: [],
  readsState: [],
  writesState: [],
  branch: undefined,
  raise: undefined,
  plainSystem: undefined,
  system: false,
};

describe('the analysis of a word', () => {
  it.each([
    ['nop', 0xd503201f, {}],
    ['add x0, x1, x2', 0x8b020020, { reads: [1, 2], writes: [0] }],
    ['cmp w1, #4', 0x7100103f, { reads: [1], writesFlags: 'sub' }],
    ['add sp, sp, #16', 0x910043ff, { reads: [32], writes: [32] }],
    ['mov x0, xzr', 0xaa1f03e0, { writes: [0] }],
    ['adcs x0, x1, x2', 0xba020020, { reads: [1, 2], writes: [0], readsFlags: true, writesFlags: 'nzcv' }],
    ['tst x1, #1', 0xf240003f, { reads: [1], writesFlags: 'logic' }],
    ['b.eq .', 0x54000000, { readsFlags: true, branch: 'jumpIf' }],
    ['b.al .', 0x5400000e, { branch: 'jumpIf' }],
    ['bl .', 0x94000000, { writes: [30], branch: 'call' }],
    ['ret', 0xd65f03c0, { reads: [30], branch: 'ret' }],
    ['movk x3, #1', 0xf2800023, { reads: [3], writes: [3] }],
    [
      'ldp x29, x30, [sp], #16',
      0xa8c17bfd,
      { reads: [32], writes: [29, 30, 32], accesses: [{ access: 'load', bytes: 16, kind: 'normal' }] },
    ],
    ['strb w1, [x2]', 0x39000041, { reads: [1, 2], accesses: [{ access: 'store', bytes: 1, kind: 'normal' }] }],
    ['sttr x1, [x2]', 0xf8000841, { reads: [1, 2], accesses: [{ access: 'store', bytes: 8, kind: 'unprivileged' }] }],
    [
      'ldxr w1, [x2]',
      0x885f7c41,
      {
        reads: [2],
        writes: [1],
        accesses: [{ access: 'load', bytes: 4, kind: 'exclusive' }],
        writesState: ['exclusiveAddress', 'exclusiveSize', 'exclusiveValue'],
      },
    ],
    [
      'swpal x0, x1, [x2]',
      0xf8e08041,
      {
        reads: [0, 2],
        writes: [1],
        accesses: [
          { access: 'load', bytes: 8, kind: 'atomic' },
          { access: 'store', bytes: 8, kind: 'atomic' },
        ],
      },
    ],
    ['svc #1', 0xd4000021, { raise: 'svc' }],
    ['eret', 0xd69f03e0, { system: true }],
    ['mrs x0, nzcv', 0xd53b4200, { writes: [0], readsFlags: true }],
    ['msr nzcv, x0', 0xd51b4200, { reads: [0], writesFlags: 'nzcv' }],
    [
      'ldr q1, [x2]',
      0x3dc00041,
      { reads: [2], writesVectors: [1], accesses: [{ access: 'load', bytes: 16, kind: 'normal' }] },
    ],
    [
      'stp s3, s1, [sp]',
      0x2d0007e3,
      { reads: [32], readsVectors: [1, 3], accesses: [{ access: 'store', bytes: 8, kind: 'normal' }] },
    ],
  ])('%s', (_text, word, expected) => {
    expect(analyse(word)).toEqual({ ...nothing, ...expected });
  });

  it('tells plain system registers from others', () => {
    const plain = { el: 1, simdTrapped: false, systemSlot: (_encoding: number, write: boolean) => (write ? 8 : -1) };
    const msr = analyseWord(decoder.find(0xd518c000)!, 0xd518c000, plain); // msr vbar_el1, x0
    expect(msr).toEqual({ ...nothing, reads: [0], plainSystem: 'write' });
    const mrs = analyseWord(decoder.find(0xd538c000)!, 0xd538c000, plain); // mrs x0, vbar_el1
    expect(mrs).toEqual({ ...nothing, system: true });
  });
});

describe('the rules of the language', () => {
  it('are kept by every shape of every definition', () => {
    for (const instruction of a64Instructions)
      for (const shape of shapesOf(instruction)) expect(() => analyseShape(instruction, shape)).not.toThrow();
  });

  it.each([
    ['a 32-bit value stands where 64 bits are due', 'width'],
    ['a value is used twice without let', 'twice'],
    ['memory is accessed after a state slot was written', 'order'],
    ['there are two branches', 'branches'],
  ])('%s', (message, rule) => {
    const instruction = a64(
      'X',
      '0000 to:18 Rn:5 Rd:5',
      { registers: { Rn: 'source', Rd: 'target' }, labels: { label: (f) => f.to } },
      (b, { Rn, Rd, label }) => {
        const value = b.readX(64, Rn);
        if (rule === 'width') b.writeX(64, Rd, b.readX(32, Rn));
        if (rule === 'twice') b.writeX(64, Rd, b.binary('add', 64, value, value));
        if (rule === 'order') {
          b.writeState('exclusiveAddress', value);
          b.store(3, b.readX(64, Rn), b.constant(64, 0n), 'normal');
        }
        if (rule === 'branches') {
          b.jump(label);
          b.jump(label);
        }
      },
    );
    expect(() => analyseShape(instruction, {})).toThrow(`X {}: ${message}`);
  });
});
