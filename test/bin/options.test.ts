import { describe, expect, test } from 'vitest';
import { UserError } from '../../bin/message.ts';
import {
  endOptions,
  joinRepeated,
  parseCount,
  parseDrive,
  parseListen,
  parseMachine,
  parseNetwork,
  parseRegister,
  parseRegisters,
  parseRtc,
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

test.each<[text: string, expected: object | string]>([
  ['a.img', { file: 'a.img', readOnly: false, snapshot: false }],
  ['a.img,readonly', { file: 'a.img', readOnly: true, snapshot: false }],
  ['a.img,readonly=off,snapshot=on', { file: 'a.img', readOnly: false, snapshot: true }],
  ['file=a=b,format=raw,if=virtio,id=x,media=disk', { file: 'a=b', readOnly: false, snapshot: false }],
  ['', '--drive names no file'],
  ['if=none', '--drive names no file'],
  ['a,readonly=maybe', '--drive: readonly is on or off, not maybe'],
  ['a,if=scsi', '--drive: if=scsi is not known; there is virtio and none'],
  ['a,cache=none', '--drive: cache is not known; write FILE,readonly=on,snapshot=on'],
])('parseDrive %j', (text, expected) => {
  expect(outcome(() => parseDrive(text))).toEqual(expected);
});

test.each<[text: string, expected: object | string]>([
  ['loopback', { kind: 'loopback' }],
  ['unix:/tmp/a', { kind: 'unix', path: '/tmp/a' }],
  ['unix:', 'unix: is no network: write loopback or unix:PATH'],
  ['tap', 'tap is no network: write loopback or unix:PATH'],
])('parseNetwork %j', (text, expected) => {
  expect(outcome(() => parseNetwork(text))).toEqual(expected);
});

test.each<[text: string, expected: number | undefined | string]>([
  ['host', undefined],
  ['base=utc', undefined],
  ['1000000000', 1_000_000_000],
  ['2001-09-09T01:46:40', 1_000_000_000],
  ['base=2001-09-09T01:46:40,clock=vm', 1_000_000_000],
  ['1970-01-02', 86400],
  ...['', '2001-13-01', '1969-12-31', '4294967296', '2200-01-01', 'now', '12:00'].map((text): [string, string] => [
    text,
    `${text} is no time: write 2026-01-31T12:00:00, seconds since 1970, or host`,
  ]),
])('parseRtc %j', (text, expected) => {
  expect(outcome(() => parseRtc(text))).toBe(expected);
});

test.each<[text: string, expected: object | string]>([
  ['virt', {}],
  ['virt,gic-version=2', { gicVersion: '2' }],
  ['type=virt', {}],
  ['virt,virtualization=on', 'there is no machine virt,virtualization=on: write virt or virt,gic-version=2'],
  ['', 'there is no machine : write virt or virt,gic-version=2'],
])('parseMachine %j', (text, expected) => {
  expect(outcome(() => parseMachine(text))).toEqual(expected);
});

test.each<[text: string, expected: number | string]>([
  ['4', 4],
  ['cpus=2', 2],
  ['0', '0 is no number of CPUs'],
  ['2,sockets=1', '2,sockets=1 is no number of CPUs'],
])('parseCount %j', (text, expected) => {
  expect(outcome(() => parseCount(text))).toBe(expected);
});

test.each<[args: string[], expected: string[]]>([
  [
    ['run', 'x'],
    ['run', 'x'],
  ],
  [
    ['--drive', 'a', 'x', '-drive', 'b', '--drive=c', '--drives', 'd'],
    ['--drive=a\nb\nc', 'x', '--drives', 'd'],
  ],
  [
    ['--drive', '--hold'],
    ['--drive', '--hold'],
  ],
  [
    ['x', '--drive'],
    ['x', '--drive'],
  ],
])('joinRepeated %j', (args, expected) => {
  expect(joinRepeated(args, 'drive')).toEqual(expected);
});

test.each<[args: string[], expected: string[]]>([
  [
    ['run', '-S', 'x'],
    ['run', '-S', 'x'],
  ],
  [
    ['run', '-S', '--', 'x', '-S'],
    ['run', '-S', 'x', './-S'],
  ],
  [['--'], []],
])('endOptions %j', (args, expected) => {
  expect(endOptions(args)).toEqual(expected);
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
