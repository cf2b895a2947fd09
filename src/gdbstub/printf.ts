/**
 * The printf of breakpoint commands: gdb sends the format, the values lie on the agent's stack. Texts are
 * bytes here, one a character.
 *
 * GDB manual, The GDB Agent Expression Mechanism, Bytecode Descriptions, printf.
 */
import { TargetError } from './target.ts';

/** Reads target memory; undefined if not all of it can be read. */
export type ReadMemory = (address: bigint, length: number) => Uint8Array | undefined;

interface Conversion {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  /** Of the value, from hh, h, l and ll. */
  readonly bits: number;
  readonly letter: string;
}

/** Texts to be copied and values to be converted. */
export type Format = readonly (string | Conversion)[];

const bitsOf: Readonly<Record<string, number>> = { hh: 8, h: 16, '': 32 };
const longestField = 1000;
const longestString = 1000;

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  '"': '"',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** gdb sends what stands between the quotes as it was typed: `\n` is still two characters. */
function unescaped(written: string): string | TargetError {
  let unknown: string | undefined;
  const text = written.replace(/\\(.?)/gs, (whole, letter: string) => {
    if (!Object.hasOwn(escapes, letter)) unknown ??= whole;
    return escapes[letter];
  });
  return unknown === undefined ? text : new TargetError(`the format has the unknown escape ${unknown}`);
}

export function parseFormat(written: string): Format | TargetError {
  const format = unescaped(written);
  if (format instanceof TargetError) return format;
  const pieces: (string | Conversion)[] = [];
  const pattern = /[^%]+|%%|%([-+ #0]*)(\d*)(?:\.(\d*))?(hh|h|ll|l|j|z|t|)([diouxXcsp])|%/y;
  for (let match = pattern.exec(format); match; match = pattern.exec(format)) {
    const [whole, flags, width, precision, size, letter] = match;
    if (whole === '%')
      return new TargetError(`the format ${JSON.stringify(format)} has a conversion that is not known here`);
    if (letter === undefined) pieces.push(whole === '%%' ? '%' : whole);
    else {
      const conversion = {
        flags,
        width: Number(width),
        precision: precision === undefined ? undefined : Number(precision),
        bits: letter === 'p' ? 64 : (bitsOf[size] ?? 64),
        letter,
      };
      if (conversion.width > longestField || (conversion.precision ?? 0) > longestField)
        return new TargetError(`a field of the format is longer than ${longestField} characters`);
      pieces.push(conversion);
    }
  }
  return pieces;
}

/** How many values a format takes. */
export const conversions = (format: Format): number => format.filter((piece) => typeof piece !== 'string').length;

/** The text for these values, first conversion first. */
export function printf(format: Format, values: readonly bigint[], readMemory: ReadMemory): string | TargetError {
  let text = '';
  let used = 0;
  for (const piece of format) {
    const part = typeof piece === 'string' ? piece : convert(piece, values[used++], readMemory);
    if (part instanceof TargetError) return part;
    text += part;
  }
  return text;
}

function convert(conversion: Conversion, value: bigint, readMemory: ReadMemory): string | TargetError {
  switch (conversion.letter) {
    case 's': {
      const text = readString(value, conversion.precision ?? longestString, readMemory);
      return text instanceof TargetError ? text : pad(conversion, '', text);
    }
    case 'c':
      return pad(conversion, '', String.fromCharCode(Number(value & 0xffn)));
    case 'p':
      return pad(conversion, '0x', value.toString(16));
    default:
      return integer(conversion, value);
  }
}

function integer(conversion: Conversion, value: bigint): string {
  const { letter, bits, flags, precision } = conversion;
  const isSigned = letter === 'd' || letter === 'i';
  const narrow = isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  const base = letter === 'o' ? 8 : letter === 'x' || letter === 'X' ? 16 : 10;
  const magnitude = (narrow < 0n ? -narrow : narrow).toString(base).padStart(precision ?? 1, '0');
  const sign = narrow < 0n ? '-' : !isSigned ? '' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const prefix = !flags.includes('#') || narrow === 0n ? '' : base === 16 ? '0x' : base === 8 ? '0' : '';
  const text = letter === 'X' ? (prefix + magnitude).toUpperCase() : prefix + magnitude;
  return pad(conversion, sign + text.slice(0, prefix.length), text.slice(prefix.length));
}

/** Zeros go between the sign or prefix and the digits. */
function pad({ flags, width, precision, letter }: Conversion, prefix: string, text: string): string {
  if (flags.includes('-')) return (prefix + text).padEnd(width);
  const zeros = flags.includes('0') && precision === undefined && letter !== 's' && letter !== 'c';
  return zeros ? prefix + text.padStart(width - prefix.length, '0') : (prefix + text).padStart(width);
}

/** Up to a NUL or `longest` bytes; one by one, as what follows the NUL need not be readable. */
function readString(address: bigint, longest: number, readMemory: ReadMemory): string | TargetError {
  let text = '';
  while (text.length < longest) {
    const byte = readMemory(BigInt.asUintN(64, address + BigInt(text.length)), 1);
    if (!byte) return new TargetError(`the string at 0x${address.toString(16)} cannot be read`);
    if (byte[0] === 0) break;
    text += String.fromCharCode(byte[0]);
  }
  return text;
}
