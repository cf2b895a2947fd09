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

/** A number of things, at least one; with QEMU's name before it or not. */
export function parseCount(text: string): number {
  const count = text.replace(/^cpus=/, '');
  if (/^[1-9]\d{0,3}$/.test(count)) return Number(count);
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

/** The words between the commas of one of QEMU's options: `a,b=c`. */
const words = (text: string): Map<string, string> =>
  new Map(
    text.split(',').map((word) => {
      const at = word.indexOf('=');
      return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );

/** A file as a disk. */
export interface Drive {
  readonly file: string;
  readonly readOnly: boolean;
  /** What the guest writes is forgotten. */
  readonly snapshot: boolean;
}

const switches: Readonly<Record<string, boolean>> = { on: true, off: false, '': true };

/** `FILE,readonly=on,snapshot=on`, or QEMU's `file=FILE,format=raw,if=virtio`. */
export function parseDrive(text: string): Drive {
  const [first, ...others] = text.split(',');
  const known = words(first.includes('=') ? text : [`file=${first}`, ...others].join(','));
  const file = known.get('file') ?? '';
  const flag = (...names: string[]): boolean =>
    names.some((name) => {
      const value = known.get(name);
      if (value === undefined) return false;
      if (!(value in switches)) throw new UserError(`--drive: ${name} is on or off, not ${value}`);
      return switches[value];
    });
  const expected = { format: ['raw'], if: ['virtio', 'none'] } as const;
  for (const [name, values] of Object.entries(expected)) {
    const value = known.get(name);
    if (value !== undefined && !values.some((one) => one === value))
      throw new UserError(`--drive: ${name}=${value} is not known; there is ${values.join(' and ')}`);
  }
  const names = ['file', 'readonly', 'snapshot', 'id', 'media', ...Object.keys(expected)];
  const strange = [...known.keys()].find((name) => !names.includes(name));
  if (strange !== undefined)
    throw new UserError(`--drive: ${strange} is not known; write FILE,readonly=on,snapshot=on`);
  if (file === '') throw new UserError('--drive names no file');
  return { file, readOnly: flag('readonly'), snapshot: flag('snapshot') };
}

export type NetworkTarget = { readonly kind: 'loopback' } | { readonly kind: 'unix'; readonly path: string };

export function parseNetwork(text: string): NetworkTarget {
  if (text === 'loopback') return { kind: 'loopback' };
  if (/^unix:./.test(text)) return { kind: 'unix', path: text.slice('unix:'.length) };
  throw new UserError(`${text} is no network: write loopback or unix:PATH`);
}

/** Seconds since 1970: a date, a number, or the host's time. QEMU's `base=` may stand before it. */
export function parseRtc(text: string): number | undefined {
  const base = text.replace(/^base=/, '').replace(/,clock=(vm|host|rt)$/, '');
  if (base === 'utc' || base === 'host') return undefined;
  if (/^\d{1,10}$/.test(base) && Number(base) < 2 ** 32) return Number(base);
  const date = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?$/.test(base) ? Date.parse(`${base}Z`) / 1000 : Number.NaN;
  if (date >= 0 && date < 2 ** 32) return date;
  throw new UserError(`${text} is no time: write 2026-01-31T12:00:00, seconds since 1970, or host`);
}

/** `virt`, and perhaps `gic-version=3` behind it. */
export function parseMachine(text: string): { readonly gicVersion?: string } {
  const { 'gic-version': gicVersion, ...others } = Object.fromEntries(words(text));
  const [name, strange] = Object.keys(others).filter((word) => word !== 'type' || others.type !== 'virt');
  if ((name !== undefined && name !== 'virt') || strange !== undefined)
    throw new UserError(`there is no machine ${text}: write virt or virt,gic-version=2`);
  return gicVersion === undefined ? {} : { gicVersion };
}

/**
 * Repeated uses of an option joined into its first one, by line feeds: yargs would keep the last of them, or make an array
 * of all options that are repeated.
 */
export function joinRepeated(args: readonly string[], name: string): string[] {
  const joined: string[] = [];
  let first = -1;
  for (let i = 0; i < args.length; i++) {
    const [, value] = new RegExp(`^--?${name}(?:=(.*))?$`, 's').exec(args[i]) ?? [undefined, null];
    if (value === null || (value === undefined && !/^[^-]/.test(args[i + 1] ?? ''))) {
      joined.push(args[i]);
      continue;
    }
    const text = value ?? args[++i];
    if (first < 0) first = joined.push(`--${name}=${text}`) - 1;
    else joined[first] += `\n${text}`;
  }
  return joined;
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

/** What stands behind `--` as positional words: there a word that begins with a dash is a file. */
export function endOptions(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  if (end < 0) return [...args];
  return [...args.slice(0, end), ...args.slice(end + 1).map((word) => word.replace(/^-/, './-'))];
}

/** yargs takes any value of an option that has none for `false`. */
export function checkFlags(args: readonly string[], options: Readonly<Record<string, object>>): void {
  for (const [name, option] of Object.entries(options)) {
    if (!('type' in option) || option.type !== 'boolean') continue;
    const wrong = args.find((word) => new RegExp(`^--?${name}=(?!(true|false)$)`).test(word));
    if (wrong !== undefined) throw new UserError(`${wrong}: --${name} and --no-${name} have no value`);
  }
}
