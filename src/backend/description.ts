/**
 * Two clients, two descriptions of the same registers. gdb gets each system register as a plain number under the
 * manual's name, and beside it, in lower case, a structure of its fields that can be assigned one by one: a register
 * of flags would refuse `set $SCTLR_EL1 = 5`. lldb gets one register with flags and enumerations, because it takes
 * any number for those and finds names without regard to case.
 */
import {
  commonRegisters,
  type Field,
  type GeneralRegister,
  generalRegisters,
  registersByGlob,
  type SystemRegister,
  simdRegisters,
} from '../arm/index.ts';
import type {
  BitField,
  Client,
  Description,
  Feature,
  RegisterDescription,
  RegisterType,
  UnionType,
} from '../gdbstub/index.ts';
import { expedited, type GuestRegister, type RegisterTable } from './register-table.ts';

/** `common`, `all`, `none` or patterns as `SCTLR_*,TTBR?_EL1`. */
export interface DescriptionOptions {
  readonly sysregs: string;
  readonly fields: string;
}

/** A view by fields has the register's number and this bit. */
export const FIELD_VIEW = 0x10000;

const bit = (name: string, position: number): BitField => ({ name, high: position, low: position });

/** As gdb's own description has it. */
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

const typeOf: Readonly<Record<string, string>> = { SP: 'data_ptr', PC: 'code_ptr' };
const altNames: Readonly<Record<string, string>> = { X29: 'fp', X30: 'lr' };

function typeOfGeneral({ name, bits, fields }: GeneralRegister, client: Client): RegisterType {
  if (bits === 128) return vector;
  if (fields.length === 0) return typeOf[name] ?? 'int';
  if (client === 'gdb') return name === 'CPSR' ? cpsr : 'uint32';
  return { kind: 'flags', id: `${name.toLowerCase()}_flags`, bytes: bits / 8, fields: legalFields(fields) };
}

const general = (register: GeneralRegister, client: Client): RegisterDescription => ({
  name: register.name.toLowerCase(),
  number: register.number,
  bits: register.bits,
  type: typeOfGeneral(register, client),
  group: register.group,
  general: register.group === 'general',
  expedited: expedited.has(register.name),
  saveRestore: true,
  generic: register.role,
  altName: altNames[register.name],
  dwarf: register.dwarf,
});

const feature = (
  name: string,
  registers: readonly GeneralRegister[],
  table: RegisterTable,
  client: Client,
): Feature => ({
  name: `org.gnu.gdb.aarch64.${name}`,
  registers: registers.filter(({ number }) => table.general.has(number)).map((register) => general(register, client)),
});

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
  const features = [
    feature('core', generalRegisters, table, client),
    feature('fpu', simdRegisters, table, client),
    ...more,
  ];
  return { architecture: 'aarch64', features: features.filter(({ registers }) => registers.length > 0) };
}
