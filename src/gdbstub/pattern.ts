/**
 * A packet's notation: literal text, fields as `{name:type}`, and parts that may be missing in `[...]`. The fields' names
 * and types come out of the string for the compiler and for the parser alike.
 *
 *     P{register:int}={value:hex}[;thread:{thread:thread};]
 */
import { digitValue } from './wire.ts';

export interface FieldTypes {
  /** Hexadecimal, at most 2^52: numbers of registers, lengths, offsets. */
  int: number;
  /** Hexadecimal, unsigned 64-bit. */
  address: bigint;
  /** Two digits a byte. */
  hex: Uint8Array;
  /** Bytes as they are. Valid while the packet is handled. */
  binary: Uint8Array;
  /** Characters, one a byte. */
  text: string;
  /** A thread-id: 0 is any thread, -1 all of them. A process of `pPID.TID` is not looked at. */
  thread: number;
}

type FieldOf<Name extends string, Type extends string> = Type extends keyof FieldTypes
  ? { readonly [K in Name]: FieldTypes[Type] }
  : never;

type PlainFields<Text extends string> = Text extends `${string}{${infer Name}:${infer Type}}${infer Rest}`
  ? FieldOf<Name, Type> & PlainFields<Rest>
  : unknown;

/** The fields of a notation. */
export type Fields<Text extends string> = Text extends `${infer Before}[${infer Inner}]${infer Rest}`
  ? PlainFields<Before> & Partial<PlainFields<Inner>> & Fields<Rest>
  : PlainFields<Text>;

/** Reads bytes[start..end), undefined if they are not of this type. */
type FieldParser = (bytes: Uint8Array, start: number, end: number) => unknown;

const word = new DataView(new ArrayBuffer(8));

function parseInteger(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (start === end) return undefined;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = digitValue[bytes[at]];
    if (digit < 0) return undefined;
    value = value * 16 + digit;
    if (value > 2 ** 52) return undefined;
  }
  return value;
}

function parseAddress(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  if (start === end) return undefined;
  let high = 0;
  let low = 0;
  for (let at = start; at < end; at++) {
    const digit = digitValue[bytes[at]];
    if (digit < 0 || high >= 2 ** 28) return undefined;
    high = high * 16 + (low >>> 28);
    low = ((low << 4) | digit) >>> 0;
  }
  word.setUint32(0, high);
  word.setUint32(4, low);
  return word.getBigUint64(0);
}

function parseHex(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const length = (end - start) >> 1;
  if (end - start !== 2 * length) return undefined;
  const result = new Uint8Array(length);
  let wrong = 0;
  for (let index = 0, at = start; index < length; index++, at += 2) {
    const value = (digitValue[bytes[at]] << 4) | digitValue[bytes[at + 1]];
    wrong |= value;
    result[index] = value;
  }
  return wrong < 0 ? undefined : result;
}

function parseText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 4096)
    text += String.fromCharCode(...bytes.subarray(at, Math.min(at + 4096, end)));
  return text;
}

const letterP = 0x70;
const dot = 0x2e;
const minus = 0x2d;
const digitOne = 0x31;

function parseThread(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (bytes[start] === letterP && start < end) {
    const separator = bytes.indexOf(dot, start);
    if (separator < 0 || separator >= end) return parseThread(bytes, start + 1, end) === undefined ? undefined : -1;
    if (parseThread(bytes, start + 1, separator) === undefined) return undefined;
    return parseThread(bytes, separator + 1, end);
  }
  if (end - start === 2 && bytes[start] === minus && bytes[start + 1] === digitOne) return -1;
  return parseInteger(bytes, start, end);
}

const parsers: { readonly [Type in keyof FieldTypes]: FieldParser } = {
  int: parseInteger,
  address: parseAddress,
  hex: parseHex,
  binary: (bytes, start, end) => bytes.subarray(start, end),
  text: parseText,
  thread: parseThread,
};

interface FieldPart {
  readonly name: string;
  readonly type: keyof FieldTypes;
  readonly parse: FieldParser;
  /** The byte that ends it, or -1: the end of the packet. */
  readonly until: number;
}

/** Bytes that must stand there, or a field. */
export type Part = Uint8Array | FieldPart;

interface Group {
  readonly optional: boolean;
  readonly parts: readonly Part[];
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

export class Pattern {
  /** The notation. */
  readonly text: string;
  /** For people, without types and braces: `m<address>,<length>`. */
  readonly form: string;
  /** The literal text at its start. */
  readonly head: string;
  readonly groups: readonly Group[];

  /** Throws an Error where the notation is wrong: a mistake of the table, not of a client. */
  constructor(text: string) {
    this.text = text;
    this.form = text.replace(/\{(\w+):\w+\}/g, '<$1>');
    this.head = /^[^{[]*/.exec(text)![0];
    if (this.head === '') throw new Error(`${text} has no head`);
    this.groups = parseGroups(text);
  }

  /** The fields if the whole packet is of this form. */
  match(bytes: Uint8Array, start: number, end: number): Record<string, unknown> | undefined {
    const fields: Record<string, unknown> = {};
    let at = start;
    for (const { optional, parts } of this.groups) {
      if (optional && !present(parts[0], bytes, at, end)) continue;
      for (const part of parts) {
        if (part instanceof Uint8Array) {
          if (!startsWith(part, bytes, at, end)) return undefined;
          at += part.length;
          continue;
        }
        const stop = part.until < 0 ? end : find(bytes, part.until, at, end);
        const value = part.parse(bytes, at, stop);
        if (value === undefined) return undefined;
        fields[part.name] = value;
        at = stop;
      }
    }
    return at === end ? fields : undefined;
  }
}

function startsWith(literal: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < literal.length) return false;
  for (let index = 0; index < literal.length; index++) if (bytes[start + index] !== literal[index]) return false;
  return true;
}

const present = (part: Part, bytes: Uint8Array, at: number, end: number): boolean =>
  part instanceof Uint8Array ? startsWith(part, bytes, at, end) : at < end;

/** A loop: fields are short, but for those that have no end. */
function find(bytes: Uint8Array, wanted: number, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== wanted) at++;
  return at;
}

function parseGroups(text: string): readonly Group[] {
  const pieces = text.split(/(\[[^[\]]*\])/).filter((piece) => piece !== '');
  if (/[[\]]/.test(text.replace(/\[[^[\]]*\]/g, ''))) throw new Error(`${text}: brackets do not match`);
  if (pieces.slice(pieces.findIndex((piece) => piece.startsWith('['))).some((piece) => !piece.startsWith('[')))
    if (text.includes('[')) throw new Error(`${text}: what may be missing comes last`);
  const tokens = pieces.map((piece) => ({ optional: piece.startsWith('['), tokens: tokenize(piece, text) }));
  const names = tokens
    .flatMap((group) => group.tokens)
    .flatMap((token) => (token.name === undefined ? [] : token.name));
  if (new Set(names).size !== names.length) throw new Error(`${text}: a field has two meanings`);
  return tokens.map((group, index) => ({
    optional: group.optional,
    parts: group.tokens.map((token, place) => {
      if (token.name === undefined) return latin1(token.literal);
      const next = group.tokens[place + 1] ?? tokens[index + 1]?.tokens[0];
      if (next?.name !== undefined) throw new Error(`${text}: nothing ends ${token.name}`);
      const until = next?.literal.charCodeAt(0) ?? -1;
      return { name: token.name, type: token.type, parse: parsers[token.type], until };
    }),
  }));
}

type Token =
  | { readonly name?: undefined; readonly literal: string }
  | { readonly name: string; readonly type: keyof FieldTypes; readonly literal: '' };

function tokenize(piece: string, text: string): Token[] {
  const inner = piece.startsWith('[') ? piece.slice(1, -1) : piece;
  return inner
    .split(/(\{[^{}]*\})/)
    .filter((token) => token !== '')
    .map((token) => {
      if (!/[{}]/.test(token)) return { literal: token };
      const [, name, type] = /^\{(\w+):(\w+)\}$/.exec(token) ?? [];
      if (type === undefined || !(type in parsers)) throw new Error(`${text}: ${token} is no field`);
      return { name, type: type as keyof FieldTypes, literal: '' };
    });
}
