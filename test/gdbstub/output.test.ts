import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hexText, Output } from '../../src/gdbstub/output.ts';
import { Input } from '../../src/gdbstub/wire.ts';
import { frameOf } from './conversation.ts';

const written = (write: (output: Output) => void): string => {
  const output = new Output();
  output.begin();
  write(output);
  output.end();
  return Buffer.from(output.take()).toString('latin1');
};

const value = (number: bigint, bytes: number, bigEndian?: boolean) => (output: Output) =>
  output.value(number, bytes, bigEndian);

test.each<[string, (output: Output) => void, string]>([
  ['text', (output) => output.text('OK'), 'OK'],
  ['text with bytes that mean something', (output) => output.text('a#$}*b'), 'a}\x03}\x04}]}\nb'],
  ['text that is not latin-1', (output) => output.text('é–'), '\xe9?'],
  ['digits', (output) => output.hex(Uint8Array.of(0, 1, 0xab, 0xff)), '0001abff'],
  ['a value, least significant byte first', value(0x1122334455667788n, 8), '8877665544332211'],
  ['a value, most significant byte first', value(0x1122334455667788n, 8, true), '1122334455667788'],
  ['a short value', value(0x1234n, 4), '34120000'],
  ['a short value, most significant first', value(0x1234n, 4, true), '00001234'],
  ['a long value', value((5n << 64n) | 0x1122n, 16), '22110000000000000500000000000000'],
  ['a long value, most significant first', value((5n << 64n) | 0x1122n, 16, true), '00000000000000050000000000001122'],
  ['a value that is not known', (output) => output.unavailable(4), 'xxxxxxxx'],
  ['bytes', (output) => void output.binary(Uint8Array.of(0, 0x23, 0x24, 0x2a, 0x7d)), '\0}\x03}\x04}\n}]'],
  ['short runs stay', (output) => output.text('0'.repeat(40)), '0'.repeat(40)],
])('%s', (_, write, payload) => {
  expect(written(write)).toBe(frameOf(payload));
});

test('binary stops where the limit would be passed, and never in the middle of an escape', () => {
  const output = new Output();
  output.begin();
  expect(output.binary(Uint8Array.of(1, 2, 0x23, 4), 4)).toBe(3);
  expect(output.binary(Uint8Array.of(1, 2, 0x23, 4), 3)).toBe(2);
});

test('runs of a long reply are written as run lengths', () => {
  // 97 more is the most; 6 and 7 would be # and $, 14 and 16 + and -.
  expect(written((output) => output.text('0'.repeat(300)))).toBe(frameOf('0*~0*~0*~0*"'));
  const runs = [4, 7, 8, 15, 17].map((count, index) => String.fromCharCode(97 + index).repeat(count));
  expect(written((output) => output.text('x'.repeat(490) + runs.join('')))).toBe(
    frameOf('x*~x*~x*~x*~x*~a* b*"bc*"ccd**de*,e'),
  );
});

test('any bytes can be read again by the receiving half, packed or not', () => {
  const runs = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 300 })), { maxLength: 12 })
    .map((pairs) => Uint8Array.from(pairs.flatMap(([byte, count]) => new Array<number>(count).fill(byte))));
  fc.assert(
    fc.property(fc.oneof(runs, fc.uint8Array({ maxLength: 700 })), (bytes) => {
      const frame = Buffer.from(
        written((output) => void output.binary(bytes)),
        'latin1',
      );
      const payload = frame.subarray(1, -3);
      expect(payload.includes(0x23) || payload.includes(0x24)).toBe(false);
      const input = new Input(10_000);
      input.push(frame);
      expect(input.next()).toBe('packet');
      expect([...input.bytes.subarray(input.start, input.end)]).toEqual([...bytes]);
    }),
    { numRuns: 500 },
  );
});

test('gdb expands runs before it undoes escapes: both orders give the same', () => {
  const bytes = Uint8Array.from({ length: 600 }, (_, index) => (index % 100 < 50 ? 0x7d : 0x5d));
  const payload = Buffer.from(
    written((output) => void output.binary(bytes)),
    'latin1',
  ).subarray(1, -3);
  const expanded: number[] = [];
  for (let at = 0; at < payload.length; at++) {
    if (payload[at] !== 0x2a) expanded.push(payload[at]);
    else expanded.push(...new Array<number>(payload[++at] - 29).fill(expanded.at(-1)!));
  }
  const plain: number[] = [];
  for (let at = 0; at < expanded.length; at++) plain.push(expanded[at] === 0x7d ? expanded[++at] ^ 0x20 : expanded[at]);
  expect(plain).toEqual([...bytes]);
});

test('text goes as its UTF-8 bytes where it goes as digits', () => {
  expect(hexText('a–')).toBe('61e28093');
});
