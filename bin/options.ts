/** Values of options as people write them. Each function throws UserError for what it does not understand. */
import {
  commonRegisters,
  findRegister,
  registersByGlob,
  type SystemRegister,
  systemRegisters,
} from '../src/arm/index.ts';
import { UserError } from './message.ts';

const units: Readonly<Record<string, bigint>> = { K: 1n << 10n, M: 1n << 20n, G: 1n << 30n };

/** `256M`, `1G`, `4096K`, or as with QEMU a number of mebibytes. In bytes. */
export function parseSize(text: string): bigint {
  const match = /^(\d{1,12})([KMG])?(?:i?B)?$/i.exec(text);
  if (!match) throw new UserError(`${text} is no size of memory: write 256M or 1G`);
  return BigInt(match[1]) * units[(match[2] ?? 'M').toUpperCase()];
}

export type GdbAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'stdio' };

/** `tcp:PORT`, `tcp:HOST:PORT`, `tcp::PORT`, `tcp:[::1]:PORT`, `unix:PATH`, `stdio`; a number alone is a TCP port. */
export function parseGdbAddress(text: string): GdbAddress {
  if (text === 'stdio') return { kind: 'stdio' };
  if (/^unix:./.test(text)) return { kind: 'unix', path: text.slice('unix:'.length) };
  const match = /^(?:tcp:(?:(?:\[([0-9a-f:.]+)\]|([^:[\]]*)):)?)?(\d{1,5})(?:,.*)?$/i.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535)
    throw new UserError(`${text} is no address for a debugger: write tcp:PORT, tcp:HOST:PORT, unix:PATH or stdio`);
  return { kind: 'tcp', host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

export type SerialTarget = { readonly kind: 'stdio' | 'null' } | { readonly kind: 'file'; readonly path: string };

export function parseSerial(text: string): SerialTarget {
  if (text === 'stdio' || text === 'null') return { kind: text };
  if (/^file:./.test(text)) return { kind: 'file', path: text.slice('file:'.length) };
  throw new UserError(`${text} is no place for the guest's console: write stdio, null or file:PATH`);
}

/** `common`, `all`, `none` or patterns; those must match a register. */
export function parseRegisters(option: string, text: string): readonly SystemRegister[] {
  switch (text) {
    case 'common':
      return commonRegisters;
    case 'all':
      return systemRegisters;
    case 'none':
      return [];
    default: {
      const registers = registersByGlob(text);
      if (registers.length === 0)
        throw new UserError(
          `--${option} ${text} names no register: write common, all, none, or a pattern as 'TTBR*_EL1'`,
        );
      return registers;
    }
  }
}

/** A system register by name; a near miss is suggested. */
export function parseRegister(name: string): SystemRegister {
  const found = findRegister(name);
  if ('number' in found) return found;
  throw new UserError(
    `there is no system register ${name}${found.suggestion ? `; did you mean ${found.suggestion}?` : ''}`,
  );
}

/** `42`, `0x2a`, `0b101010`, with `_` between digits; unsigned, 64 bits. */
export function parseValue(text: string): bigint {
  const plain = text.replaceAll('_', '');
  const value = /^(\d{1,20}|0x[0-9a-f]{1,32}|0b[01]{1,128})$/i.test(plain) ? BigInt(plain) : undefined;
  if (value === undefined) throw new UserError(`${text} is no number: write 42, 0x2a or 0b101010`);
  if (value >= 1n << 64n) throw new UserError(`${text} does not fit into 64 bits`);
  return value;
}
