/**
 * The target description as a document. gdb and lldb read the same elements; what only one of them knows is told to that
 * one alone, because each complains about what it does not know.
 *
 * GDB manual, Target Descriptions, Target Description Format; LLDB, ProcessGDBRemote, target.xml.
 */
import type { BitField, Description, RegisterDescription, RegisterType, UnionType } from './description.ts';
import type { Client } from './target.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]);

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** One element; attributes that are undefined are left out. */
function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const told = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`)
    .join('');
  return children.length === 0 ? `<${name}${told}/>` : `<${name}${told}>${children.join('')}</${name}>`;
}

const typeName = (type: RegisterType): string => (typeof type === 'string' ? type : type.id);

const enumElement = (id: string, size: number, values: Readonly<Record<number, string>>): string =>
  element(
    'enum',
    { id, size },
    Object.entries(values).map(([value, name]) => element('evalue', { name, value })),
  );

const memberElement = ({ name, type }: UnionType['members'][number]): string =>
  element('field', { name, type: typeName(type) });

/** The types of one feature, each told before the first that uses it. */
class Types {
  readonly elements: string[] = [];
  readonly #told = new Map<string, string>();

  add(type: RegisterType): void {
    if (typeof type !== 'string') this.#tell(type.id, this.#elementOf(type));
  }

  #elementOf(type: Exclude<RegisterType, string>): string {
    switch (type.kind) {
      case 'struct':
      case 'flags':
        return element(type.kind, { id: type.id, size: type.bytes }, this.#bitFields(type));
      case 'enum':
        return enumElement(type.id, type.bytes, type.values);
      case 'union':
        for (const member of type.members) this.add(member.type);
        return element('union', { id: type.id }, type.members.map(memberElement));
      case 'vector':
        this.add(type.element);
        return element('vector', { id: type.id, type: typeName(type.element), count: type.count });
    }
  }

  /** A field whose values have names gets an enumeration of its own. */
  #bitFields(type: { id: string; bytes: number; fields: readonly BitField[] }): string[] {
    return type.fields.map(({ name, high, low, values }) => {
      const enumeration = values && `${type.id}_${name}`;
      if (enumeration) this.#tell(enumeration, enumElement(enumeration, type.bytes, values));
      return element('field', { name, start: low, end: high, type: enumeration });
    });
  }

  #tell(id: string, text: string): void {
    const before = this.#told.get(id);
    if (before !== undefined && before !== text) throw new Error(`type ${id} has two meanings`);
    if (before === undefined) this.elements.push(text);
    this.#told.set(id, text);
  }
}

/** What lldb is told of a value's form; it knows gdb's types only in part. */
function lldbForm(type: RegisterType): { encoding: string; format: string } {
  if (typeof type === 'string')
    return /^(ieee_|float|bfloat)/.test(type)
      ? { encoding: 'ieee754', format: 'float' }
      : { encoding: 'uint', format: 'hex' };
  return type.kind === 'vector' || type.kind === 'union'
    ? { encoding: 'vector', format: 'vector-uint8' }
    : { encoding: 'uint', format: 'hex' };
}

function registerElement(register: RegisterDescription, client: Client): string {
  const { name, number, bits, type, group } = register;
  const common = { name, bitsize: bits, regnum: number, type: typeName(type), group };
  if (client === 'gdb') {
    const saved = register.saveRestore ?? register.general ?? false;
    return element('reg', { ...common, 'save-restore': saved ? undefined : 'no' });
  }
  return element('reg', {
    ...common,
    ...lldbForm(type),
    altname: register.altName,
    generic: register.generic,
    dwarf_regnum: register.dwarf,
    ehframe_regnum: register.dwarf,
  });
}

/** Throws where a description contradicts itself: a mistake of the program, not of the user. */
function checkDescription(description: Description): void {
  const names = new Set<string>();
  const numbers = new Map<number, string>();
  for (const { name, number, bits } of registersOf(description)) {
    if (names.has(name)) throw new Error(`register ${name} comes twice`);
    const other = numbers.get(number);
    if (other !== undefined) throw new Error(`registers ${other} and ${name} have the number ${number}`);
    if (!Number.isInteger(number) || number < 0) throw new Error(`register ${name} has the number ${number}`);
    if (bits <= 0 || bits % 8 !== 0) throw new Error(`register ${name} has ${bits} bits, which is no number of bytes`);
    names.add(name);
    numbers.set(number, name);
  }
}

const registersOf = (description: Description): RegisterDescription[] =>
  description.features.flatMap((feature) => feature.registers);

/** The document that qXfer:features:read:target.xml reads. Throws if the description contradicts itself. */
export function targetXml(description: Description, client: Client): string {
  checkDescription(description);
  const features = description.features.map(({ name, registers }) => {
    const types = new Types();
    for (const register of registers) types.add(register.type);
    return element('feature', { name }, [
      ...types.elements,
      ...registers.map((register) => registerElement(register, client)),
    ]);
  });
  const osabi = description.osabi ? [`<osabi>${escapeXml(description.osabi)}</osabi>`] : [];
  const children = [`<architecture>${escapeXml(description.architecture)}</architecture>`, ...osabi, ...features];
  return `<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">${element('target', { version: '1.0' }, children)}`;
}

/**
 * The registers of `g` and `G` in their order there. Throws if the description contradicts itself, or if a register
 * without a place in `g` has a lower number than one with: gdb takes `g` for a prefix of the list by numbers.
 */
export function generalRegisters(description: Description): readonly RegisterDescription[] {
  checkDescription(description);
  const ordered = registersOf(description).sort((a, b) => a.number - b.number);
  const general = ordered.filter((register) => register.general);
  const stray = general.find((register, index) => ordered[index] !== register);
  if (stray) throw new Error(`register ${stray.name} of g comes after one that g does not hold`);
  return general;
}
