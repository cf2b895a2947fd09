import { describe, expect, test } from 'vitest';
import { FaultStatus } from '../../../src/arm/exception.ts';
import {
  Access,
  type DescriptorReader,
  newTranslationResult,
  TRANSLATED,
  type TranslationRegisters,
  translate,
  translateForDebugger,
  translationRegime,
} from '../../../src/arm/memory/translate.ts';

/** Tables in a map; addresses from 1 TiB on answer nothing. */
class Tables implements DescriptorReader {
  low = 0;
  high = 0;
  private readonly words = new Map<number, bigint>();
  set(address: number, descriptor: bigint): void {
    this.words.set(address, descriptor);
  }
  readDescriptor(physical: number): boolean {
    if (physical >= 2 ** 40) return false;
    const descriptor = this.words.get(physical) ?? 0n;
    this.low = Number(descriptor & 0xffffffffn);
    this.high = Number(descriptor >> 32n);
    return true;
  }
}

const AF = 1n << 10n;
const page = 3n | AF;
const block = 1n | AF;
const table = 3n;
const UXN = 1n << 54n;
const PXN = 1n << 53n;
const RO = 1n << 7n;
const USER = 1n << 6n;
const IPS = 5n << 32n;
const TG0_16K = 2n << 14n;
const TG0_64K = 1n << 14n;
const TG1_4K = 2n << 30n;

const registers = (changes: Partial<TranslationRegisters>): TranslationRegisters => ({
  sctlr: 1n,
  tcr: 16n | (16n << 16n) | TG1_4K | IPS,
  ttbr0: 0x10000n,
  ttbr1: 0x20000n,
  mair: 0x44ff_0400n,
  // 44-bit addresses, all granules.
  mmfr0: 0x10_0004n,
  ...changes,
});

interface Question {
  registers?: Partial<TranslationRegisters>;
  tables?: readonly (readonly [address: number, descriptor: bigint])[];
  address?: bigint;
  access?: Access;
  privileged?: boolean;
  pan?: boolean;
}

function ask({
  registers: changes = {},
  tables = [],
  address = 0n,
  access = 0,
  privileged = true,
  pan = false,
}: Question) {
  const memory = new Tables();
  for (const [at, descriptor] of tables) memory.set(at, descriptor);
  const result = newTranslationResult();
  const regime = translationRegime(registers(changes));
  const [low, high] = [Number(address & 0xffffffffn), Number(address >> 32n)];
  const status = translate(regime, memory, low, high, access, privileged, pan, result);
  return { status, result, debuggers: translateForDebugger(regime, memory, address) };
}

const { read, write, execute } = Access;
const { translation, addressSize, accessFlag, permission, externalOnWalk } = FaultStatus;

describe('addresses', () => {
  // A chain of tables at 0x10000 (lower half) and 0x20000 (upper half), each in the next 64 KiB.
  const deep: Question['tables'] = [
    [0x10000, 0x30000n | table],
    [0x30000, 0x40000n | table],
    [0x40000, 0x50000n | table],
  ];
  test.each<[string, Question, number]>([
    ['4 KiB page', { tables: [...deep, [0x50008, 0x4000_1000n | page]], address: 0x1abcn }, 0x4000_1abc],
    [
      '4 KiB, 2 MiB block',
      {
        tables: [
          [0x10000, 0x30000n | table],
          [0x30000, 0x40000n | table],
          [0x40008, 0x4020_0000n | block],
        ],
        address: 0x2f_edcbn,
      },
      0x402f_edcb,
    ],
    [
      '4 KiB, 1 GiB block',
      {
        tables: [
          [0x10000, 0x30000n | table],
          [0x30010, 0xff_c000_0000n | block],
        ],
        address: 0xbfff_fff0n,
      },
      0xff_ffff_fff0,
    ],
    [
      '4 KiB, four levels',
      {
        tables: [
          [0x10ff8, 0x30000n | table],
          [0x30ff8, 0x40000n | table],
          [0x40ff8, 0x50000n | table],
          [0x50ff8, 0xfff_ffff_f000n | page],
        ],
        address: 0xffff_ffff_ffffn,
      },
      0xfff_ffff_ffff,
    ],
    [
      '4 KiB, T0SZ 25 starts at level 1',
      { registers: { tcr: 25n | IPS }, tables: [[0x10008, 0x8000_0000n | block]], address: 0x4000_0001n },
      0x8000_0001,
    ],
    [
      '4 KiB, T0SZ 39 starts at level 2',
      {
        registers: { tcr: 39n | IPS, ttbr0: 0x1_0080n },
        tables: [[0x10088, 0x8000_0000n | block]],
        address: 0x20_0001n,
      },
      0x8000_0001,
    ],
    [
      'table aligned to its size',
      {
        registers: { tcr: 39n | IPS, ttbr0: 0x1_00ffn },
        tables: [[0x10088, 0x8000_0000n | block]],
        address: 0x20_0001n,
      },
      0x8000_0001,
    ],
    [
      '16 KiB page',
      {
        registers: { tcr: 17n | TG0_16K | IPS },
        tables: [
          [0x10000, 0x30000n | table],
          [0x30000, 0x40000n | table],
          [0x40008, 0x4000_4000n | page],
        ],
        address: 0x7fffn,
      },
      0x4000_7fff,
    ],
    [
      '16 KiB, level 0 has two entries',
      {
        registers: { tcr: 16n | TG0_16K | IPS },
        tables: [
          [0x10008, 0x30000n | table],
          [0x30000, 0x40000n | table],
          [0x40000, 0x6000_0000n | block],
        ],
        address: 0x8000_0000_1234n,
      },
      0x6000_1234,
    ],
    [
      '16 KiB, 32 MiB block',
      { registers: { tcr: 28n | TG0_16K | IPS }, tables: [[0x10008, 0x4200_0000n | block]], address: 0x3ff_ffffn },
      0x43ff_ffff,
    ],
    [
      '16 KiB where there is none: 4 KiB',
      {
        registers: { tcr: 16n | TG0_16K | IPS, mmfr0: 4n },
        tables: [...deep, [0x50008, 0x4000_1000n | page]],
        address: 0x1abcn,
      },
      0x4000_1abc,
    ],
    [
      '64 KiB where there is none: 4 KiB',
      {
        registers: { tcr: 16n | TG0_64K | IPS, mmfr0: 0xf00_0004n },
        tables: [...deep, [0x50008, 0x4000_1000n | page]],
        address: 0x1abcn,
      },
      0x4000_1abc,
    ],
    [
      '64 KiB page',
      {
        registers: { tcr: 22n | TG0_64K | IPS },
        tables: [
          [0x10008, 0x30000n | table],
          [0x30010, 0x4003_0000n | page],
        ],
        address: 0x2002_abcdn,
      },
      0x4003_abcd,
    ],
    [
      '64 KiB, 512 MiB block',
      { registers: { tcr: 22n | TG0_64K | IPS }, tables: [[0x10008, 0x4000_0000n | block]], address: 0x3fff_ffffn },
      0x5fff_ffff,
    ],
    [
      '64 KiB, three levels',
      {
        registers: { tcr: 16n | TG0_64K | IPS },
        tables: [
          [0x10008, 0x30000n | table],
          [0x30000, 0x40000n | table],
          [0x40000, 0x4000_0000n | page],
        ],
        address: 0x400_0000_0004n,
      },
      0x4000_0004,
    ],
    [
      'upper half',
      {
        tables: [
          [0x20ff8, 0x30000n | table],
          [0x30ff8, 0xc000_0000n | block],
        ],
        address: 0xffff_ffff_ffff_fff8n,
      },
      0xffff_fff8,
    ],
    [
      'upper half, 64 KiB',
      {
        registers: { tcr: (22n << 16n) | (3n << 30n) | IPS },
        tables: [[0x20000, 0x4000_0000n | block]],
        address: 0xffff_fc00_0000_0008n,
      },
      0x4000_0008,
    ],
    [
      'upper half, 16 KiB',
      {
        registers: { tcr: (28n << 16n) | (1n << 30n) | IPS },
        tables: [[0x20000, 0x4000_0000n | block]],
        address: 0xffff_fff0_0000_0008n,
      },
      0x4000_0008,
    ],
    [
      'TBI0',
      {
        registers: { tcr: 25n | IPS | (1n << 37n) },
        tables: [[0x10000, 0x4000_0000n | block]],
        address: 0xab00_0000_0000_0010n,
      },
      0x4000_0010,
    ],
    [
      'TBI1',
      {
        registers: { tcr: (25n << 16n) | TG1_4K | IPS | (1n << 38n) },
        tables: [[0x20ff8, 0x4000_0000n | block]],
        address: 0xabff_ffff_ffff_ffffn,
      },
      0x7fff_ffff,
    ],
    [
      'contiguous and ignored bits',
      {
        registers: { tcr: 25n | IPS },
        tables: [[0x10000, 0x4000_0000n | block | (1n << 52n) | (0xfn << 55n) | (1n << 11n)]],
        address: 4n,
      },
      0x4000_0004,
    ],
    ['MMU off', { registers: { sctlr: 0n }, address: 0xfff_1234_5678n }, 0xfff_1234_5678],
    ['MMU off, TBI0', { registers: { sctlr: 0n, tcr: 1n << 37n }, address: 0xff00_0000_4000_0000n }, 0x4000_0000],
  ])('%s', (_, question, physical) => {
    const { status, result, debuggers } = ask(question);
    expect(status).toBe(TRANSLATED);
    expect(result.physical).toBe(physical);
    expect(debuggers).toBe(physical);
  });
});

describe('faults', () => {
  test.each<[string, Question, number]>([
    ['invalid at level 0', {}, translation],
    ['invalid at level 1', { tables: [[0x10000, 0x30000n | table]] }, translation + 1],
    ['invalid at level 2', { registers: { tcr: 39n | IPS } }, translation + 2],
    [
      'block at level 3',
      {
        registers: { tcr: 39n | IPS },
        tables: [
          [0x10000, 0x30000n | table],
          [0x30000, block],
        ],
      },
      translation + 3,
    ],
    ['block at level 0', { tables: [[0x10000, block]] }, translation],
    [
      'block at level 1, 16 KiB',
      { registers: { tcr: 17n | TG0_16K | IPS }, tables: [[0x10000, block]] },
      translation + 1,
    ],
    [
      'block at level 1, 64 KiB',
      { registers: { tcr: 16n | TG0_64K | IPS }, tables: [[0x10000, block]] },
      translation + 1,
    ],
    ['above the lower half', { registers: { tcr: 25n | IPS }, address: 0x80_0000_0000n }, translation],
    [
      'below the upper half',
      { registers: { tcr: (25n << 16n) | TG1_4K | IPS }, address: 0xffff_ff7f_ffff_ffffn },
      translation,
    ],
    [
      'tag without TBI',
      { registers: { tcr: 25n | IPS }, tables: [[0x10000, block]], address: 0x0100_0000_0000_0000n },
      translation,
    ],
    [
      'TBI of the other half',
      { registers: { tcr: 25n | IPS | (1n << 38n) }, tables: [[0x10000, block]], address: 0x0100_0000_0000_0000n },
      translation,
    ],
    ['EPD0', { registers: { tcr: 25n | (1n << 7n) | IPS }, tables: [[0x10000, block]] }, translation],
    [
      'EPD1',
      {
        registers: { tcr: (25n << 16n) | (1n << 23n) | TG1_4K | IPS },
        tables: [[0x20ff8, block]],
        address: -1n & 0xffff_ffff_ffff_ffffn,
      },
      translation,
    ],
    ['T0SZ too small', { registers: { tcr: 15n | IPS }, tables: [[0x10000, 0x30000n | table]] }, translation],
    ['T0SZ too large', { registers: { tcr: 40n | IPS }, tables: [[0x10000, block]] }, translation],
    [
      'table base beyond IPS',
      { registers: { tcr: 25n, ttbr0: 0x1_0000_0000n }, tables: [[0x100000000, block]] },
      addressSize,
    ],
    [
      'next table beyond IPS',
      { registers: { tcr: 25n }, tables: [[0x10000, 0x1_0000_0000n | table]] },
      addressSize + 1,
    ],
    [
      'block beyond IPS',
      { registers: { tcr: 25n | (1n << 32n) }, tables: [[0x10000, 0x10_0000_0000n | block]] },
      addressSize + 1,
    ],
    [
      'page beyond IPS, no access flag',
      {
        registers: { tcr: 39n },
        tables: [
          [0x10000, 0x30000n | table],
          [0x30000, 0x1_0000_0003n],
        ],
      },
      addressSize + 3,
    ],
    [
      'beyond the physical size',
      { registers: { tcr: 25n | IPS }, tables: [[0x10000, 0x1000_0000_0000n | block]] },
      addressSize + 1,
    ],
    [
      'beyond the physical size of 40 bits',
      { registers: { tcr: 25n | IPS, mmfr0: 2n }, tables: [[0x10000, 0x100_0000_0000n | block]] },
      addressSize + 1,
    ],
    [
      'MMU off, address too large for 40 bits',
      { registers: { sctlr: 0n, mmfr0: 2n }, address: 0x100_0000_0000n },
      addressSize,
    ],
    ['table outside memory', { registers: { ttbr0: 0x100_0000_0000n } }, externalOnWalk],
    ['next table outside memory', { tables: [[0x10000, 0x100_0000_0000n | table]] }, externalOnWalk + 1],
    ['MMU off, address too large', { registers: { sctlr: 0n }, address: 0x1000_0000_0000n }, addressSize],
    ['MMU off, tag', { registers: { sctlr: 0n }, address: 0x0100_0000_0000_0000n }, addressSize],
  ])('%s', (_, question, fault) => {
    const { status, debuggers } = ask(question);
    expect(status).toBe(fault);
    expect(debuggers).toBeUndefined();
  });

  test('the access flag: level 1 to 3, and a debugger does not mind', () => {
    const level1 = ask({ registers: { tcr: 25n | IPS }, tables: [[0x10000, 0x4000_0001n]] });
    expect([level1.status, level1.debuggers]).toEqual([accessFlag + 1, 0x4000_0000]);
    const level3 = ask({
      registers: { tcr: 39n | IPS },
      tables: [
        [0x10000, 0x30000n | table],
        [0x30000, 0x5003n],
      ],
    });
    expect([level3.status, level3.debuggers]).toEqual([accessFlag + 3, 0x5000]);
  });
});

describe('permissions', () => {
  const rwx = (attributes: bigint, tableAttributes: bigint, privileged: boolean, changes: Question = {}): string => {
    const question: Question = {
      ...changes,
      registers: { tcr: 39n | IPS, ...changes.registers },
      tables: [
        [0x10000, 0x30000n | table | tableAttributes],
        [0x30000, 0x5000n | page | attributes],
      ],
      privileged,
    };
    const allowed = [read, write, execute].map((access) => {
      const { status } = ask({ ...question, access });
      expect([TRANSLATED, permission + 3]).toContain(status);
      return status === TRANSLATED;
    });
    return allowed.map((ok, i) => (ok ? 'rwx'[i] : '-')).join('');
  };
  const WXN = { registers: { sctlr: 1n | (1n << 19n) } };
  const PAN = { pan: true };
  test.each<[string, bigint, bigint, Question, string, string]>([
    // name, leaf, table, context, at EL1, at EL0
    ['kernel data', 0n, 0n, {}, 'rwx', '--x'],
    ['kernel data, never executed', UXN | PXN, 0n, {}, 'rw-', '---'],
    ['kernel text', RO | UXN, 0n, {}, 'r-x', '---'],
    ['user data: EL1 never executes what EL0 writes', USER, 0n, {}, 'rw-', 'rwx'],
    ['user text', USER | RO, 0n, {}, 'r-x', 'r-x'],
    ['user text, PXN', USER | RO | PXN, 0n, {}, 'r--', 'r-x'],
    ['user data, UXN', USER | UXN, 0n, {}, 'rw-', 'rw-'],
    ['APTable[0]: no EL0', USER, 1n << 61n, {}, 'rwx', '--x'],
    ['APTable[1]: read-only', USER, 1n << 62n, {}, 'r-x', 'r-x'],
    ['UXNTable', USER | RO, 1n << 60n, {}, 'r-x', 'r--'],
    ['PXNTable', USER | RO, 1n << 59n, {}, 'r--', 'r-x'],
    ['WXN, writable at EL1', 0n, 0n, WXN, 'rw-', '--x'],
    ['WXN, writable at EL0', USER, 0n, WXN, 'rw-', 'rw-'],
    ['WXN, read-only', USER | RO, 0n, WXN, 'r-x', 'r-x'],
    ['PAN, user data', USER, 0n, PAN, '---', 'rwx'],
    ['PAN, user text: may be fetched', USER | RO, 0n, PAN, '--x', 'r-x'],
    ['PAN, kernel data', 0n, 0n, PAN, 'rwx', '--x'],
  ])('%s', (_, attributes, tableAttributes, context, el1, el0) => {
    expect(rwx(attributes, tableAttributes, true, context)).toBe(el1);
    expect(rwx(attributes, tableAttributes, false, context)).toBe(el0);
  });

  test('one translation tells all that the context may do with the page', () => {
    const { result } = ask({
      registers: { tcr: 25n | IPS },
      tables: [[0x10000, block | USER | RO]],
      privileged: false,
    });
    expect(result).toMatchObject({ readable: true, writable: false, executable: true });
  });

  test('the levels of permission faults', () => {
    expect(ask({ registers: { tcr: 25n | IPS }, tables: [[0x10000, block | RO]], access: write }).status).toBe(
      permission + 1,
    );
    expect(ask({ registers: { tcr: 39n | IPS }, tables: [[0x10000, block | RO]], access: write }).status).toBe(
      permission + 2,
    );
  });
});

describe('memory types', () => {
  const ofIndex = (index: bigint) =>
    ask({ registers: { tcr: 25n | IPS }, tables: [[0x10000, block | (index << 2n) | (3n << 8n)]] }).result;
  test.each<[bigint, number, boolean]>([
    [0n, 0x00, true],
    [1n, 0x04, true],
    [2n, 0xff, false],
    [3n, 0x44, false],
  ])('attribute %i', (index, attribute, device) => {
    expect(ofIndex(index)).toMatchObject({ attribute, device, shareability: 3 });
  });

  test('without the MMU data is Device and instructions are not', () => {
    expect(ask({ registers: { sctlr: 0n } }).result.device).toBe(true);
    expect(ask({ registers: { sctlr: 0n }, access: execute }).result.device).toBe(false);
  });
});
