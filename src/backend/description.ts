/**
 * Two clients, two descriptions of the same registers. gdb gets each system register as a plain number under the
 * manual's name, and beside it, in lower case, a structure of its fields that can be assigned one by one: a register
 * of flags would refuse `set $SCTLR_EL1 = 5`. lldb gets one register with flags and enumerations, because it takes
 * any number for those and finds names without regard to case.
 */
import { commonRegisters, type Field, registersByGlob, type SystemRegister } from '../arm/index.ts';
import type {
  BitField,
  Client,
  Description,
  Feature,
  RegisterDescription,
  RegisterType,
  UnionType,
} from '../gdbstub/index.ts';
import { GdbNumber, type GuestRegister, type RegisterTable } from './register-table.ts';

/** `common`, `all`, `none` or patterns as `SCTLR_*,TTBR?_EL1`. */
export interface DescriptionOptions {
  readonly sysregs: string;
  readonly fields: string;
}

/** A view by fields has the register's number and this bit. */
export const FIELD_VIEW = 0x10000;

const bit = (name: string, position: number): BitField => ({ name, high: position, low: position });

/** PSTATE in the layout of SPSR_EL1. */
const cpsr: RegisterType = {
  kind: 'flags',
  id: 'cpsr_flags',
  bytes: 4,
  fields: [
    bit('SP', 0),
    { name: 'EL', high: 3, low: 2 },
    bit('nRW', 4),
    bit('F', 6),
    bit('I', 7),
    bit('A', 8),
    bit('D', 9),
    { name: 'BTYPE', high: 11, low: 10 },
    bit('SSBS', 12),
    bit('IL', 20),
    bit('SS', 21),
    bit('PAN', 22),
    bit('UAO', 23),
    bit('DIT', 24),
    bit('TCO', 25),
    bit('V', 28),
    bit('C', 29),
    bit('Z', 30),
    bit('N', 31),
  ],
};

const members = (elements: Readonly<Record<string, string>>, count: number, letter: string): UnionType['members'] =>
  Object.entries(elements).map(([name, element]) => ({
    name,
    type: { kind: 'vector', id: `v${count}${letter}_${name}`, element, count },
  }));

/** As gdb's own description of the vector registers has it, so that scripts find the same members. */
const vector: UnionType = {
  kind: 'union',
  id: 'aarch64v',
  members: (
    [
      ['d', 2, { f: 'ieee_double', u: 'uint64', s: 'int64' }],
      ['s', 4, { f: 'ieee_single', u: 'uint32', s: 'int32' }],
      ['h', 8, { u: 'uint16', s: 'int16' }],
      ['b', 16, { u: 'uint8', s: 'int8' }],
      ['q', 1, { u: 'uint128', s: 'int128' }],
    ] as const
  ).map(([name, count, elements]) => ({
    name,
    type: { kind: 'union', id: `vn${name}`, members: members(elements, count, name) },
  })),
};

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const argument = (n: number): RegisterDescription['generic'] =>
  n < 8 ? `arg${n + 1}` : n === 29 ? 'fp' : n === 30 ? 'ra' : undefined;

const coreFeature: Feature = {
  name: 'org.gnu.gdb.aarch64.core',
  registers: [
    ...numbers(31).map(
      (n): RegisterDescription => ({
        name: `x${n}`,
        number: GdbNumber.x + n,
        bits: 64,
        type: 'int',
        group: 'general',
        general: true,
        expedited: n >= 29,
        generic: argument(n),
        altName: n === 29 ? 'fp' : n === 30 ? 'lr' : undefined,
        dwarf: n,
      }),
    ),
    {
      name: 'sp',
      number: GdbNumber.sp,
      bits: 64,
      type: 'data_ptr',
      group: 'general',
      general: true,
      expedited: true,
      generic: 'sp',
      dwarf: 31,
    },
    {
      name: 'pc',
      number: GdbNumber.pc,
      bits: 64,
      type: 'code_ptr',
      group: 'general',
      general: true,
      expedited: true,
      generic: 'pc',
      dwarf: 32,
    },
    {
      name: 'cpsr',
      number: GdbNumber.cpsr,
      bits: 32,
      type: cpsr,
      group: 'general',
      general: true,
      expedited: true,
      generic: 'flags',
    },
  ],
};

const fpuFeature: Feature = {
  name: 'org.gnu.gdb.aarch64.fpu',
  registers: [
    ...numbers(32).map(
      (n): RegisterDescription => ({
        name: `v${n}`,
        number: GdbNumber.v + n,
        bits: 128,
        type: vector,
        group: 'vector',
        saveRestore: true,
        dwarf: 64 + n,
      }),
    ),
    ...(['fpsr', 'fpcr'] as const).map(
      (name): RegisterDescription => ({
        name,
        number: GdbNumber[name],
        bits: 32,
        type: 'uint32',
        group: 'float',
        saveRestore: true,
      }),
    ),
  ],
};

/** The registers of a choice that the CPU has, ascending by number. FPSR and FPCR are told with the vectors. */
function chosen(table: RegisterTable, choice: string): [number, SystemRegister][] {
  const wanted =
    choice === 'none'
      ? []
      : choice === 'common'
        ? commonRegisters
        : choice === 'all'
          ? undefined
          : registersByGlob(choice);
  const names = wanted && new Set(wanted.map(({ name }) => name));
  return [...table.system].flatMap(([number, { definition }]: [number, GuestRegister]) =>
    definition && !/^FP[SC]R$/.test(definition.name) && (!names || names.has(definition.name))
      ? [[number, definition] as [number, SystemRegister]]
      : [],
  );
}

/** Names that gdb can parse behind a dot, each once. Bits without a name are left out. */
export function legalFields(fields: readonly Field[]): BitField[] {
  const seen = new Set<string>();
  return fields
    .filter(({ kind }) => kind === 'field')
    .map(({ name, high, low, values }) => {
      const legal = name.replace(/\W/g, '_').replace(/^(?=\d)/, '_');
      const unique = seen.has(legal) ? `${legal}_${high}_${low}` : legal;
      seen.add(unique);
      return { name: unique, high, low, values };
    });
}

/** gdb assigns a number to a field only where the field is one, so values have no names here. */
const structOf = ({ name, fields }: SystemRegister): RegisterType => ({
  kind: 'struct',
  id: `${name}_fields`,
  bytes: 8,
  fields: legalFields(fields).map(({ values: _values, ...field }) => field),
});

function flagsOf({ name, fields }: SystemRegister): RegisterType {
  const named = legalFields(fields);
  return named.length === 0 ? 'uint64' : { kind: 'flags', id: `${name}_flags`, bytes: 8, fields: named };
}

const system = (name: string, number: number, type: RegisterType, group: string): RegisterDescription => ({
  name,
  number,
  bits: 64,
  type,
  group,
  saveRestore: false,
});

function gdbFeatures(table: RegisterTable, { sysregs, fields }: DescriptionOptions): Feature[] {
  return [
    {
      name: 'org.arm-gdbstub.aarch64.system',
      registers: chosen(table, sysregs).map(([number, { name }]) => system(name, number, 'uint64', 'system')),
    },
    {
      name: 'org.arm-gdbstub.aarch64.fields',
      registers: chosen(table, fields)
        .filter(([, definition]) => legalFields(definition.fields).length > 0)
        .map(([number, definition]) =>
          system(definition.name.toLowerCase(), FIELD_VIEW | number, structOf(definition), 'fields'),
        ),
    },
  ];
}

const lldbFeatures = (table: RegisterTable, { sysregs }: DescriptionOptions): Feature[] => [
  {
    name: 'org.arm-gdbstub.aarch64.system',
    registers: chosen(table, sysregs).map(([number, definition]) =>
      system(definition.name, number, flagsOf(definition), definition.group),
    ),
  },
];

/** What the CPU has, as this client can use it best. */
export function describe(table: RegisterTable, client: Client, options: DescriptionOptions): Description {
  const more = client === 'gdb' ? gdbFeatures(table, options) : lldbFeatures(table, options);
  const floating = table.general.has(GdbNumber.v) ? [fpuFeature] : [];
  return {
    architecture: 'aarch64',
    features: [coreFeature, ...floating, ...more.filter(({ registers }) => registers.length > 0)],
  };
}
