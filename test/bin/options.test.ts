import { describe, expect, test } from 'vitest';
import { UserError } from '../../bin/message.ts';
import {
  parseListen,
  parseRegister,
  parseRegisters,
  parseSeconds,
  parseSerial,
  parseSize,
  parseValue,
} from '../../bin/options.ts';

/** What the text means, or the message of the UserError. */
function outcome<T>(parse: () => T): T | string {
  try {
    return parse();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

test.each<[text: string, expected: bigint | string]>([
  ['256M', 256n << 20n],
  ['1G', 1n << 30n],
  ['1g', 1n << 30n],
  ['4096K', 4n << 20n],
  ['64MiB', 64n << 20n],
  ['64MB', 64n << 20n],
  ['128', 128n << 20n],
  ['0', 0n],
  ['999999999999G', 999999999999n << 30n],
  ['', ' is no size of memory: write 256M or 1G'],
  ['-1M', '-1M is no size of memory: write 256M or 1G'],
  ['1T', '1T is no size of memory: write 256M or 1G'],
  ['0x100', '0x100 is no size of memory: write 256M or 1G'],
  ['1.5G', '1.5G is no size of memory: write 256M or 1G'],
  ['9999999999999', '9999999999999 is no size of memory: write 256M or 1G'],
])('parseSize %j', (text, expected) => {
  expect(outcome(() => parseSize(text))).toBe(expected);
});

test.each<[text: string, expected: object | string]>([
  ['stdio', { kind: 'stdio' }],
  ['unix:/tmp/gdb', { kind: 'unix', path: '/tmp/gdb' }],
  ['tcp::1234', { kind: 'tcp', host: '127.0.0.1', port: 1234 }],
  ...['', 'tcp:', 'tcp:65536', 'unix:', 'udp'].map((text): [string, string] => [
    text,
    `${text} is no address for a debugger: write tcp:PORT, tcp:HOST:PORT, unix:PATH or stdio`,
  ]),
])('parseListen %j', (text, expected) => {
  expect(outcome(() => parseListen(text))).toEqual(expected);
});

test.each<[text: string, expected: number | string]>([
  ['1', 1],
  ['0.25', 0.25],
  ['86400', 86400],
  ...['0', '', '-1', 'x', '1e3', '9999999', '1.'].map((text): [string, string] => [
    text,
    `${text} is no number of seconds`,
  ]),
])('parseSeconds %j', (text, expected) => {
  expect(outcome(() => parseSeconds(text))).toBe(expected);
});

test.each<[text: string, expected: object | string]>([
  ['stdio', { kind: 'stdio' }],
  ['null', { kind: 'null' }],
  ['file:/tmp/a:b', { kind: 'file', path: '/tmp/a:b' }],
  ['file:', "file: is no place for the guest's console: write stdio, null or file:PATH"],
  ['pty', "pty is no place for the guest's console: write stdio, null or file:PATH"],
])('parseSerial %j', (text, expected) => {
  expect(outcome(() => parseSerial(text))).toEqual(expected);
});

test.each<[text: string, expected: bigint | string]>([
  ['0', 0n],
  ['42', 42n],
  ['0x2A', 42n],
  ['0b101010', 42n],
  ['0xffff_ffff_ffff_ffff', 2n ** 64n - 1n],
  ['18446744073709551616', '18446744073709551616 does not fit into 64 bits'],
  ['0x1_0000_0000_0000_0000', '0x1_0000_0000_0000_0000 does not fit into 64 bits'],
  ...['', '-1', '0x', 'x', '1e3', '1 2', '0b2', '_'].map((text): [string, string] => [
    text,
    `${text} is no number: write 42, 0x2a or 0b101010`,
  ]),
])('parseValue %j', (text, expected) => {
  expect(outcome(() => parseValue(text))).toBe(expected);
});

describe('registers', () => {
  test.each<[name: string, expected: string]>([
    ['SCTLR_EL1', 'SCTLR_EL1'],
    ['s3_0_c1_c0_0', 'SCTLR_EL1'],
    ['vbar_el1', 'VBAR_EL1'],
    ['VBAR', 'there is no system register VBAR; did you mean VBAR_EL1?'],
    ['qqqqqqqqq', 'there is no system register qqqqqqqqq'],
  ])('parseRegister %s', (name, expected) => {
    const found = outcome(() => parseRegister(name));
    expect(typeof found === 'string' ? found : found.name).toBe(expected);
  });

  test.each<[text: string, expected: string]>([
    ...['common', 'all', 'none', 'TTBR?_EL1', 'ttbr0_el1,VBAR_EL1'].map((text): [string, string] => [text, text]),
    ['NO*', "--sysregs NO* names no register: write common, all, none, or a pattern as 'TTBR*_EL1'"],
    ['', "--sysregs  names no register: write common, all, none, or a pattern as 'TTBR*_EL1'"],
  ])('parseRegisters %s', (text, expected) => {
    expect(outcome(() => parseRegisters('sysregs', text))).toBe(expected);
  });
});
