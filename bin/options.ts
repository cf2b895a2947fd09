/** Values of options as people write them. Each function throws UserError for what it does not understand. */
import { findRegister, registersByGlob, type SystemRegister } from '../src/arm/index.ts';
import { type Address, parseAddress } from '../src/gdbstub/index.ts';
import { UserError } from './message.ts';

/** Options whose value must be there: yargs would take none for the empty text, or for the default. */
export const optionsWithValue = (options: Readonly<Record<string, object>>): string[] =>
  Object.entries(options).flatMap(([name, option]) => ('type' in option && option.type === 'string' ? [name] : []));

const units: Readonly<Record<string, bigint>> = { K: 1n << 10n, M: 1n << 20n, G: 1n << 30n };

/** `256M`, `1G`, `4096K`, or as with QEMU a number of mebibytes. In bytes. */
export function parseSize(text: string): bigint {
  const match = /^(\d{1,12})([KMG])?(?:i?B)?$/i.exec(text);
  if (!match) throw new UserError(`${text} is no size of memory: write 256M or 1G`);
  return BigInt(match[1]) * units[(match[2] ?? 'M').toUpperCase()];
}

/** A number of things, at least one. */
export function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new UserError(`${text} is no number of CPUs`);
}

/** As parseAddress reads it. */
export function parseListen(text: string): Address {
  const address = parseAddress(text);
  if (address) return address;
  throw new UserError(`${text} is no address for a debugger: write tcp:PORT, tcp:HOST:PORT, unix:PATH or stdio`);
}

export type SerialTarget =
  | { readonly kind: 'stdio' }
  | { readonly kind: 'null' }
  | { readonly kind: 'file'; readonly path: string };

export function parseSerial(text: string): SerialTarget {
  if (text === 'stdio') return { kind: 'stdio' };
  if (text === 'null') return { kind: 'null' };
  if (/^file:./.test(text)) return { kind: 'file', path: text.slice('file:'.length) };
  throw new UserError(`${text} is no place for the guest's console: write stdio, null or file:PATH`);
}

/** `common`, `all`, `none` or patterns, which must match a register; what the option was given, if it is right. */
export function parseRegisters(option: string, text: string): string {
  if (['common', 'all', 'none'].includes(text) || registersByGlob(text).length > 0) return text;
  throw new UserError(`--${option} ${text} names no register: write common, all, none, or a pattern as 'TTBR*_EL1'`);
}

/** A system register by name; a near miss is suggested. */
export function parseRegister(name: string): SystemRegister {
  const found = findRegister(name);
  if ('number' in found) return found;
  throw new UserError(
    `there is no system register ${name}${found.suggestion ? `; did you mean ${found.suggestion}?` : ''}`,
  );
}

/** A number of seconds above 0, fractions too. */
export function parseSeconds(text: string): number {
  const seconds = /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds < 2 ** 31 / 1000) return seconds;
  throw new UserError(`${text} is no number of seconds`);
}

/** `42`, `0x2a`, `0b101010`, with `_` between digits; unsigned, 64 bits. */
export function parseValue(text: string): bigint {
  const plain = text.replaceAll('_', '');
  const value = /^(\d{1,20}|0x[0-9a-f]{1,32}|0b[01]{1,128})$/i.test(plain) ? BigInt(plain) : undefined;
  if (value === undefined) throw new UserError(`${text} is no number: write 42, 0x2a or 0b101010`);
  if (value >= 1n << 64n) throw new UserError(`${text} does not fit into 64 bits`);
  return value;
}
