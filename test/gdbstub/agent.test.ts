import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AgentContext, AgentExpression } from '../../src/gdbstub/agent.ts';
import { TargetError } from '../../src/gdbstub/index.ts';

/** GDB manual, Bytecode Descriptions: number and bytes of the operand. */
const bytecodes: Readonly<Record<string, readonly [number, number]>> = {
  ...{
    float: [0x01, 0],
    add: [0x02, 0],
    sub: [0x03, 0],
    mul: [0x04, 0],
    div_signed: [0x05, 0],
    div_unsigned: [0x06, 0],
  },
  ...{ rem_signed: [0x07, 0], rem_unsigned: [0x08, 0], lsh: [0x09, 0], rsh_signed: [0x0a, 0], rsh_unsigned: [0x0b, 0] },
  ...{ trace: [0x0c, 0], trace_quick: [0x0d, 1], log_not: [0x0e, 0], bit_and: [0x0f, 0], bit_or: [0x10, 0] },
  ...{ bit_xor: [0x11, 0], bit_not: [0x12, 0], equal: [0x13, 0], less_signed: [0x14, 0], less_unsigned: [0x15, 0] },
  ...{ ext: [0x16, 1], ref8: [0x17, 0], ref16: [0x18, 0], ref32: [0x19, 0], ref64: [0x1a, 0], ref_float: [0x1b, 0] },
  ...{ ref_double: [0x1c, 0], ref_long_double: [0x1d, 0], l_to_d: [0x1e, 0], d_to_l: [0x1f, 0], if_goto: [0x20, 2] },
  ...{ goto: [0x21, 2], const8: [0x22, 1], const16: [0x23, 2], const32: [0x24, 4], const64: [0x25, 8], reg: [0x26, 2] },
  ...{ end: [0x27, 0], dup: [0x28, 0], pop: [0x29, 0], zero_ext: [0x2a, 1], swap: [0x2b, 0], getv: [0x2c, 2] },
  ...{ setv: [0x2d, 2], tracev: [0x2e, 2], tracenz: [0x2f, 0], trace16: [0x30, 2], pick: [0x32, 1], rot: [0x33, 0] },
};

/** `const8 5; ref32; end` as bytes; a line `"text", 2` is printf of two values. */
function assemble(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const line of text.split(';').map((part) => part.trim())) {
    const format = /^"(.*)", (\d+)$/.exec(line);
    if (format) {
      const characters = [...format[1]].map((character) => character.charCodeAt(0));
      bytes.push(0x34, Number(format[2]), 0, characters.length + 1, ...characters, 0);
      continue;
    }
    const [name, operand = '0'] = line.split(' ');
    const [number, length] = bytecodes[name];
    bytes.push(number);
    for (let byte = length - 1; byte >= 0; byte--) bytes.push(Number((BigInt(operand) >> BigInt(8 * byte)) & 0xffn));
  }
  return Uint8Array.from(bytes);
}

const memory = Uint8Array.from([0x11, 0x22, 0x33, 0x84, 0x55, 0x66, 0x77, 0x88, 0x68, 0x69, 0]);
const context = (more: Partial<AgentContext> = {}): AgentContext => ({
  readRegister: (register) => (register === 40 ? undefined : BigInt(register) << 56n),
  readMemory: (address, length) => {
    const at = Number(address - 0x1000n);
    return at >= 0 && at + length <= memory.length ? memory.subarray(at, at + length) : undefined;
  },
  ...more,
});

function evaluate(bytes: Uint8Array, more: Partial<AgentContext> = {}): bigint | string {
  const expression = AgentExpression.parse(bytes);
  const value = expression instanceof TargetError ? expression : expression.evaluate(context(more));
  return value instanceof TargetError ? value.message : value;
}

const minus = (value: bigint): bigint => 2n ** 64n - value;

describe('evaluate', () => {
  test.each<[program: string, expected: bigint | string]>([
    ['const8 7; const8 3; add; end', 10n],
    ['const8 3; const8 7; sub; end', minus(4n)],
    ['const64 0xffffffffffffffff; dup; mul; end', 1n],
    ['const8 249; ext 8; const8 2; div_signed; end', minus(3n)],
    ['const64 0x8000000000000000; const8 255; ext 8; div_signed; end', 0x8000000000000000n],
    ['const8 249; ext 8; const8 2; div_unsigned; end', 0x7ffffffffffffffcn],
    ['const8 249; ext 8; const8 2; rem_signed; end', minus(1n)],
    ['const8 249; const8 2; rem_unsigned; end', 1n],
    ...['div_signed', 'div_unsigned', 'rem_signed', 'rem_unsigned'].map((name): [string, string] => [
      `const8 1; const8 0; ${name}; end`,
      'division by zero',
    ]),
    ['const8 1; const8 63; lsh; end', 1n << 63n],
    ['const8 1; const64 0xffffffffffffffff; lsh; end', 0n],
    ['const64 0x8000000000000000; const8 63; rsh_signed; end', minus(1n)],
    ['const64 0x8000000000000000; const32 0x7fffffff; rsh_signed; end', minus(1n)],
    ['const64 0x8000000000000000; const8 63; rsh_unsigned; end', 1n],
    ['const8 0; log_not; end', 1n],
    ['const8 9; log_not; end', 0n],
    ['const8 12; const8 10; bit_and; end', 8n],
    ['const8 12; const8 10; bit_or; end', 14n],
    ['const8 12; const8 10; bit_xor; end', 6n],
    ['const8 0; bit_not; end', minus(1n)],
    ['const8 5; const8 5; equal; end', 1n],
    ['const8 255; ext 8; const8 1; less_signed; end', 1n],
    ['const8 255; ext 8; const8 1; less_unsigned; end', 0n],
    ['const8 0x84; ext 64; ext 200; end', 0x84n],
    ['const64 0xffffffffffffffff; zero_ext 5; end', 31n],
    ['const16 0x1003; ref8; end', 0x84n],
    ['const16 0x1000; ref16; end', 0x2211n],
    ['const16 0x1000; ref32; end', 0x84332211n],
    ['const16 0x1000; ref64; end', 0x8877665584332211n],
    ['const16 0x1009; ref64; end', 'memory at 0x1009 cannot be read'],
    ['const8 1; if_goto 8; const8 5; end; const8 6; end', 6n],
    ['const8 0; if_goto 8; const8 5; end; const8 6; end', 5n],
    ['goto 5; const8 5; const8 6; end', 6n],
    ['reg 0x80; end', 0x8000000000000000n],
    ['reg 40; end', 'register 40 cannot be read'],
    ['const8 1; const8 2; pop; end', 1n],
    ['const8 1; const8 2; swap; sub; end', 1n],
    ['const8 1; const8 2; const8 3; pick 2; end', 1n],
    ['const8 1; pick 0; add; end', 2n],
    // a b c becomes c a b.
    ['const8 1; const8 2; const8 3; rot; end', 2n],
    ['const8 1; const8 2; const8 3; rot; pop; end', 1n],
    ['const8 1; const8 2; const8 3; rot; pop; pop; end', 3n],
    // What is wrong with it is said, and nothing else happens.
    ['end', 'the expression leaves no value'],
    ['add; end', 'the stack of the expression is empty'],
    ['const8 1; pick 1; end', 'the stack of the expression is empty'],
    ['const8 1; dup; goto 2', 'the stack of the expression is full'],
    ['goto 0', 'the expression has not ended after 10000 steps'],
    ['const8 1', 'the expression does not end with end'],
    ['const8 1; if_goto 0', 'the expression does not end with end'],
    ['goto 2; end', 'the expression jumps to 2, where no instruction is'],
    ['goto 100; end', 'the expression jumps to 100, where no instruction is'],
    ['const8 1; ext 0; end', 'ext from no bits'],
    ...['float', 'ref_float', 'ref_double', 'ref_long_double', 'l_to_d', 'd_to_l', 'getv 1', 'setv 1'].map(
      (line): [string, string] => [
        `${line}; end`,
        `the bytecode ${line.split(' ')[0]} is not supported in breakpoints`,
      ],
    ),
    ...['trace', 'trace_quick 1', 'trace16 1', 'tracev 1', 'tracenz'].map((line): [string, string] => [
      `${line}; end`,
      `the bytecode ${line.split(' ')[0]} is not supported in breakpoints`,
    ]),
  ])('%s', (program, expected) => {
    expect(evaluate(assemble(program))).toBe(expected);
  });

  test.each<[bytes: number[], message: string]>([
    [[], 'the expression does not end with end'],
    [[0x00], '0x0 is no bytecode of an agent expression'],
    [[0x31], '0x31 is no bytecode of an agent expression'],
    [[0x35], '0x35 is no bytecode of an agent expression'],
    [[0x25, 1, 2, 3], 'the expression is cut short in const64'],
    [[0x34, 0, 0], 'the expression is cut short in printf'],
    [[0x34, 0, 0, 0, 0x27], 'the expression has a format without an end'],
    [[0x34, 0, 0xff, 0xff, 0x27], 'the expression has a format without an end'],
    [[0x34, 0, 0, 1, 0x41, 0x27], 'the expression has a format without an end'],
  ])('bytes %j are refused', (bytes, message) => {
    expect(evaluate(Uint8Array.from(bytes))).toBe(message);
  });

  test('big-endian memory', () => {
    expect(evaluate(assemble('const16 0x1000; ref32; end'), { bigEndian: true })).toBe(0x11223384n);
  });

  test('any bytes give a value or an error', () => {
    const code = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .array(fc.oneof(fc.integer({ min: 0, max: 0x35 }), fc.constant(0x22)), { maxLength: 40 })
        .map((bytes) => Uint8Array.from([...bytes, 0x27])),
    );
    fc.assert(
      fc.property(code, (bytes) => {
        const value = evaluate(bytes);
        expect(typeof value === 'string' || (value >= 0n && value < 2n ** 64n)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('printf', () => {
  test.each<[format: string, values: bigint[], expected: string]>([
    ['plain 100%%', [], 'plain 100%'],
    [String.raw`a\n\t\\n\"%d\e`, [1n], 'a\n\t\\n"1\x1b'],
    ['%d %u %x', [minus(1n), minus(1n), 255n], '-1 4294967295 ff'],
    ['%ld %llu %lX', [minus(1n), minus(1n), 0xabcn], '-1 18446744073709551615 ABC'],
    ['%hhd %hu', [0x180n, 0x12345n], '-128 9029'],
    ['[%5d] [%-5d] [%05d] [%+d] [% d]', [minus(42n), 42n, minus(42n), 42n, 42n], '[  -42] [42   ] [-0042] [+42] [ 42]'],
    ['%#x %#o %#X %#x %08x %#010x', [255n, 8n, 255n, 0n, 255n, 255n], '0xff 010 0XFF 0 000000ff 0x000000ff'],
    ['%.4d %6.3d', [7n, minus(7n)], '0007   -007'],
    ['\xc3\xa9', [], 'é'],
    ['%c%c', [0x41n, 0x142n], 'AB'],
    ['%p', [0xffff0000n], '0xffff0000'],
    ['<%s> <%4s> <%-4s> <%.1s>', [0x1008n, 0x1008n, 0x1008n, 0x1008n], '<hi> <  hi> <hi  > <h>'],
  ])('%s', (format, values, expected) => {
    const pushes = values.toReversed().map((value) => `const64 ${value}; `);
    const program = assemble(`${pushes.join('')}const8 0; const8 0; "${format}", ${values.length}; end`);
    const expression = AgentExpression.parse(program);
    if (expression instanceof TargetError) throw new Error(expression.message);
    let text = '';
    const print = (part: string): void => {
      text += part;
    };
    expect(expression.execute(context({ print }))).toBeUndefined();
    expect(text).toBe(expected);
  });

  test.each<[program: string, message: string]>([
    ['const8 0; const8 0; "%d", 1; end', 'the stack of the expression is empty'],
    ['const8 0; const8 0; const8 0; "%d %d", 1; end', 'the format takes 2 values and is given 1'],
    ['const8 0; const8 0; "%f", 0; end', 'the format "%f" has a conversion that is not known here'],
    [String.raw`const8 0; const8 0; "\q", 0; end`, String.raw`the format has the unknown escape \q`],
    [String.raw`const8 0; const8 0; "\", 0; end`, 'the format has the unknown escape \\'],
    ['const8 0; const8 0; const8 0; "%999999d", 1; end', 'a field of the format is longer than 1000 characters'],
    ['const16 0x1003; const8 0; const8 0; "%s", 1; end', 'the string at 0x1003 cannot be read'],
  ])('%s is refused', (program, message) => {
    const broken = { readMemory: (): undefined => undefined };
    expect(evaluate(assemble(program), broken)).toBe(message);
  });
});

describe('as gdb compiles it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'agent-'));
  const expressions = [
    ...['i / (c + 5) > us && l != 5', 'bits.a', 'bits.b == 17 || zero', 'array[c + 4]', '*(p + 1)', 'zero ? uc : -s'],
    ...['!zero && u > i', 'ul >> 60', 'l >> 3', 'l % 7', 'ul % 7', 'l << 2', '~uc', 'us ^ s | u & 0xff00', 'i * i'],
    ...['u * u', '(char) u', '(short) ul', '(unsigned char) s', 'ul / 3', 'ul > l', 'p[3] == 108', '-l', '&array[2]'],
  ];
  let compiled: string[] = [];
  let data = new Uint8Array();
  let start = 0;

  beforeAll(() => {
    const source = `signed char c = -3; unsigned char uc = 200; short s = -300; unsigned short us = 50000; int i = -70000;
      unsigned u = 4000000000u; long l = -5000000000L; unsigned long ul = 0x8000000000000001ul; int zero = 0; char text[] = "hallo";
      char *p = text; struct { int a : 3; unsigned b : 5; } bits = { -2, 17 }; int array[4] = { 1, 2, 3, 4 };
      int main(void) { return c; }`;
    writeFileSync(join(directory, 'v.c'), source);
    const flags = ['-g', '-nostdlib', '-static', '-Wl,-e,main', '-fno-zero-initialized-in-bss', '-o', 'v', 'v.c'];
    execFileSync('aarch64-linux-gnu-gcc', flags, { cwd: directory });
    execFileSync('aarch64-linux-gnu-objcopy', ['-O', 'binary', '-j', '.data', 'v', 'data'], { cwd: directory });
    const commands = expressions.flatMap((expression) => [
      'echo \\n@@\\n',
      `maint agent-eval -at main, ${expression}`,
      `output/x (unsigned long) (${expression})`,
    ]);
    const arguments_ = [
      '-nx',
      '-batch',
      ...commands.flatMap((command) => ['-ex', command]),
      '-ex',
      'echo \\n@@\\n',
      '-ex',
      'info files',
      'v',
    ];
    const text = execFileSync('gdb-multiarch', arguments_, { cwd: directory, encoding: 'utf8', timeout: 60_000 });
    start = Number(/(0x[0-9a-f]+) - 0x[0-9a-f]+ is \.data/.exec(text)![1]);
    data = readFileSync(join(directory, 'data'));
    compiled = text.split('\n@@\n').slice(1);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each(expressions.map((expression, index) => [expression, index] as const))('%s', (_expression, index) => {
    const lines = [...compiled[index].matchAll(/^ +\d+ {2}(.*)$/gm)].map((match) => match[1]);
    expect(lines.at(-1)).toBe('end');
    const expected = BigInt(/^0x[0-9a-f]+$/m.exec(compiled[index])![0]);
    const readMemory = (address: bigint, length: number): Uint8Array => {
      const at = Number(address) - start;
      expect(at).toBeGreaterThanOrEqual(0);
      expect(at + length).toBeLessThanOrEqual(data.length);
      return data.subarray(at, at + length);
    };
    const value = evaluate(assemble(lines.join(';')), { readMemory });
    expect(value).toBe(expected);
  });
});
