/** What the identification registers have in common: four-bit fields that count upwards from "not implemented". */
import {
  type Encoding,
  type Field,
  field,
  type Meaning,
  res0,
  type SystemRegister,
  sysreg,
  type Values,
} from '../register.ts';

/** 0 is `not implemented`, 1 and up are the texts. */
export const absentOr = (...texts: readonly string[]): Values => ({ 0: 'not implemented', ...from1(texts) });
const from1 = (texts: readonly string[]): Values => Object.fromEntries(texts.map((text, n) => [n + 1, text]));
export const implemented = absentOr('implemented');

/** A field's name, or name and meaning; `null` is RES0. Without a meaning: implemented or not. */
export type Nibble = string | readonly [name: string, meaning: Meaning | null] | null;

/** 16 nibbles from 63 down, or 8 from 31 down with RES0 above. Neighbours that are RES0 become one field. */
export function nibbles(list: readonly Nibble[]): Field[] {
  if (list.length !== 16 && list.length !== 8) throw new Error(`${list.length} nibbles make no register`);
  const fields: Field[] = list.length === 8 ? [res0(63, 32)] : [];
  list.forEach((nibble, index) => {
    const high = 4 * (list.length - index) - 1;
    const last = fields.at(-1);
    if (nibble === null) {
      if (last?.kind === 'res0') fields[fields.length - 1] = res0(last.high, high - 3);
      else fields.push(res0(high, high - 3));
    } else if (typeof nibble === 'string') fields.push(field(nibble, high, high - 3, implemented));
    else fields.push(field(nibble[0], high, high - 3, nibble[1] ?? undefined));
  });
  return fields;
}

export const idRegister = (name: string, encoding: Encoding, title: string, fields: readonly Field[]): SystemRegister =>
  sysreg(name, encoding, title, fields, { group: 'id', access: 'RO', constant: true });
