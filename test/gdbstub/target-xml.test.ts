import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Description, FlagsType, RegisterDescription, RegisterType } from '../../src/gdbstub/index.ts';
import { generalRegisters, targetXml } from '../../src/gdbstub/target-xml.ts';

const description = (...registers: RegisterDescription[]): Description => ({
  architecture: 'aarch64',
  features: [{ name: 'org.example.sys', registers }],
});
const register = (name: string, number: number, type: RegisterType = 'uint64', more = {}): RegisterDescription => ({
  name,
  number,
  bits: 64,
  type,
  ...more,
});
const fields = [
  { name: 'M', high: 0, low: 0 },
  { name: 'TG0', high: 15, low: 14, values: { 0: '4 KiB', 1: '<64 & "KiB">' } },
];
const flags: FlagsType = { kind: 'flags', id: 'sctlr', bytes: 8, fields };

/** The elements in their order, one a string. */
const elements = (xml: string): string[] => xml.match(/<[^>]*>/g) ?? [];

describe('targetXml', () => {
  test.each<[what: string, client: 'gdb' | 'lldb', RegisterDescription, expected: string[]]>([
    [
      'a general register is saved by gdb',
      'gdb',
      register('x0', 0, 'uint64', { general: true, group: 'general', generic: 'arg1', dwarf: 0 }),
      ['<reg name="x0" bitsize="64" regnum="0" type="uint64" group="general"/>'],
    ],
    [
      'any other is not',
      'gdb',
      register('VBAR_EL1', 0xc600, 'uint64', { group: 'system' }),
      ['<reg name="VBAR_EL1" bitsize="64" regnum="50688" type="uint64" group="system" save-restore="no"/>'],
    ],
    [
      'saveRestore says otherwise',
      'gdb',
      register('x0', 0, 'uint64', { general: true, saveRestore: false }),
      ['<reg name="x0" bitsize="64" regnum="0" type="uint64" save-restore="no"/>'],
    ],
    [
      'lldb is told the form, other names and numbers',
      'lldb',
      register('x29', 29, 'uint64', { general: true, generic: 'fp', altName: 'fp', dwarf: 29 }),
      [
        '<reg name="x29" bitsize="64" regnum="29" type="uint64" encoding="uint" format="hex" altname="fp" generic="fp" dwarf_regnum="29" ehframe_regnum="29"/>',
      ],
    ],
    [
      'enumerations come before the fields that use them, text is escaped',
      'lldb',
      register('SCTLR_EL1', 0xc080, flags),
      [
        '<enum id="sctlr_TG0" size="8">',
        '<evalue name="4 KiB" value="0"/>',
        '<evalue name="&lt;64 &amp; &quot;KiB&quot;&gt;" value="1"/>',
        '</enum>',
        '<flags id="sctlr" size="8">',
        '<field name="M" start="0" end="0"/>',
        '<field name="TG0" start="14" end="15" type="sctlr_TG0"/>',
        '</flags>',
        '<reg name="SCTLR_EL1" bitsize="64" regnum="49280" type="sctlr" encoding="uint" format="hex"/>',
      ],
    ],
    [
      'a union of vectors, innermost first',
      'lldb',
      register('v0', 34, {
        kind: 'union',
        id: 'v',
        members: [{ name: 'd', type: { kind: 'vector', id: 'v2d', element: 'ieee_double', count: 2 } }],
      }),
      [
        '<vector id="v2d" type="ieee_double" count="2"/>',
        '<union id="v">',
        '<field name="d" type="v2d"/>',
        '</union>',
        '<reg name="v0" bitsize="64" regnum="34" type="v" encoding="vector" format="vector-uint8"/>',
      ],
    ],
  ])('%s', (_what, client, one, expected) => {
    const all = elements(targetXml(description(one), client));
    expect(all.slice(all.indexOf('<feature name="org.example.sys">') + 1, -2)).toEqual(expected);
  });

  test('a type that two registers share is told once', () => {
    const xml = targetXml(description(register('A', 1, flags), register('B', 2, flags)), 'lldb');
    expect(xml.match(/<flags /g)).toHaveLength(1);
  });

  test.each<[what: string, message: string, Description]>([
    ['a name twice', 'register A comes twice', description(register('A', 1), register('A', 2))],
    ['a number twice', 'registers A and B have the number 1', description(register('A', 1), register('B', 1))],
    ['a negative number', 'register A has the number -1', description(register('A', -1))],
    ['half a byte', 'register A has 4 bits', description(register('A', 1, 'int', { bits: 4 }))],
    [
      'a type with two meanings',
      'type sctlr_TG0 has two meanings',
      description(register('A', 1, flags), register('B', 2, { ...flags, bytes: 4 })),
    ],
  ])('%s is refused', (_what, message, wrong) => {
    expect(() => targetXml(wrong, 'gdb')).toThrow(message);
  });

  test('gdb takes over every register and type', () => {
    const directory = mkdtempSync(join(tmpdir(), 'target-xml-'));
    try {
      const file = join(directory, 'target.xml');
      const general = Array.from({ length: 31 }, (_, n) => register(`x${n}`, n, 'uint64', { general: true }));
      const core = [
        ...general,
        register('sp', 31, 'data_ptr', { general: true }),
        register('pc', 32, 'code_ptr', { general: true }),
        register('cpsr', 33, { ...flags, id: 'cpsr', bytes: 4 }, { bits: 32, general: true }),
      ];
      const system = [
        register('SCTLR_EL1', 0xc080),
        register('sctlr_el1', 0x1c080, { ...flags, kind: 'struct', id: 'fields' }, { group: 'fields' }),
      ];
      const features = [
        { name: 'org.gnu.gdb.aarch64.core', registers: core },
        { name: 'org.example.sys', registers: system },
      ];
      writeFileSync(file, targetXml({ architecture: 'aarch64', features }, 'gdb'));
      const commands = [`set tdesc filename ${file}`, 'maint print register-groups', 'ptype $sctlr_el1'];
      const arguments_ = ['-nx', '-batch', ...commands.flatMap((command) => ['-ex', command])];
      const text = execFileSync('gdb-multiarch', arguments_, { encoding: 'utf8', timeout: 30_000 });
      for (const { name } of [...core, ...system]) expect(text).toMatch(new RegExp(`^ ${name} `, 'm'));
      expect(text).toMatch(/^ sctlr_el1 +\d+ +\d+ +\d+ +8 +fields +general,all,fields$/m);
      expect(text).toMatch(/M : 1;/);
      expect(text).toMatch(/enum fields_TG0 TG0 : 2;/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('generalRegisters', () => {
  test('those with a place in g, by number', () => {
    const all = description(
      register('b', 1, 'int', { general: true }),
      register('c', 9),
      register('a', 0, 'int', { general: true }),
    );
    expect(generalRegisters(all).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('one behind a register that g does not hold is refused', () => {
    expect(() => generalRegisters(description(register('a', 1), register('b', 2, 'int', { general: true })))).toThrow(
      'register b of g comes after one that g does not hold',
    );
  });
});
