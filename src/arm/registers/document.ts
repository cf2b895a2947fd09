/** Writes docs/REGISTERS.md from the catalogue. */
import { namedRegisters } from './index.ts';
import type { Field, RegisterGroup, SystemRegister } from './register.ts';

const headings: Readonly<Record<RegisterGroup, string>> = {
  control: 'Control',
  mmu: 'Translation',
  exception: 'Exceptions',
  special: 'Special-purpose',
  thread: 'Threads',
  id: 'Identification',
  cache: 'Caches',
  debug: 'Debug',
  timer: 'Generic Timer',
  pmu: 'Performance Monitors',
  gic: 'GIC CPU interface',
  ras: 'Error records',
  pauth: 'Pointer authentication',
  mte: 'Memory tagging',
  sve: 'Scalable vectors',
  trace: 'Trace',
  spe: 'Statistical profiling',
  amu: 'Activity monitors',
  mpam: 'Memory partitioning',
  other: 'Other',
  el2: 'EL2 and the names that EL2 has for registers of EL1',
  el3: 'EL3',
};

const introduction = `# System registers

Every AArch64 system register that the program knows. This file is made from \`src/arm/registers\`; the command
\`arm-gdbstub registers [GLOB]\` prints the same with the meaning of values.

- Encoding: op0, op1, CRn, CRm, op2 of MRS and MSR.
- Access: RW, RO or WO, and the lowest exception level that may read and write it.
- Fields: name and bits; bits that are not listed are reserved or implementation defined.
`;

const fieldText = ({ name, high, low }: Field): string => `${name} ${high === low ? high : `${high}:${low}`}`;

const fieldsText = (register: SystemRegister): string => {
  const variants = (register.variants ?? []).map(({ when, fields }) => ` · ${when}: ${listed(fields)}`);
  return listed(register.fields) + variants.join('');
};
const listed = (fields: readonly Field[]): string =>
  fields
    .filter(({ kind }) => kind === 'field')
    .map(fieldText)
    .join(', ');

const accessText = ({ access, readEl, writeEl }: SystemRegister): string => {
  if (access === 'RO') return `RO EL${readEl}`;
  if (access === 'WO') return `WO EL${writeEl}`;
  return readEl === writeEl ? `RW EL${readEl}` : `RW EL${readEl}, write EL${writeEl}`;
};

/** `DBGBVR3_EL1` -> `DBGBVR<n>_EL1`; names without a number in the middle stay as they are. */
const familyOf = (name: string): string => name.replace(/(?<=[A-Z])\d+(?=_EL\d+$)/, '<n>');

function row(members: readonly SystemRegister[]): string {
  const [first] = members;
  const name = members.length === 1 ? first.name : `${first.name} to ${members.at(-1)?.name}`;
  const encoding = first.encoding.map((part, n) =>
    members.every((member) => member.encoding[n] === part) ? part : '*',
  );
  const title = members.length === 1 ? first.title : first.title.replace(/\b\d+\b/, 'n');
  const notes = [first.feature, first.aliasOf && members.length === 1 && `view of ${first.aliasOf}`].filter(Boolean);
  const cells = [name, encoding.join(' '), accessText(first), title, notes.join(', '), fieldsText(first)];
  return `| ${cells.join(' | ')} |`;
}

/** Members of a family stand in one row when they differ in nothing but their number. */
function rows(registers: readonly SystemRegister[]): string[] {
  const families = new Map<string, SystemRegister[]>();
  for (const register of registers) {
    const key = `${familyOf(register.name)} ${accessText(register)} ${fieldsText(register)} ${register.feature}`;
    families.set(key, [...(families.get(key) ?? []), register]);
  }
  return [...families.values()].flatMap((members) =>
    members.length > 2 ? [row(members)] : members.map((register) => row([register])),
  );
}

/** The whole file, ending in a newline. */
export function renderRegisters(): string {
  const sections = Object.entries(headings).flatMap(([group, heading]) => {
    const registers = namedRegisters.filter((register) => register.group === group);
    if (registers.length === 0) return [];
    const head = ['| Register | Encoding | Access | | Needs | Fields |', '| --- | --- | --- | --- | --- | --- |'];
    return [`\n## ${heading}\n\n${[...head, ...rows(registers)].join('\n')}\n`];
  });
  return introduction + sections.join('');
}
