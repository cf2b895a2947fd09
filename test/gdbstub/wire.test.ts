import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Input } from '../../src/gdbstub/wire.ts';
import { frameOf, latin1 } from './conversation.ts';

/** All events of a stream, packets with their payloads, cut into chunks of this size. */
function events(raw: string, { chunk = Number.POSITIVE_INFINITY, longest = 64, verify = true } = {}): string[] {
  const input = new Input(longest);
  input.verify = verify;
  const seen: string[] = [];
  const bytes = latin1(raw);
  for (let at = 0; at < bytes.length; at += chunk) {
    input.push(bytes.subarray(at, at + chunk));
    for (let event = input.next(); event !== undefined; event = input.next()) {
      const payload = Buffer.from(input.bytes.subarray(input.start, input.end)).toString('latin1');
      seen.push(event === 'packet' ? `packet ${payload}` : event);
    }
  }
  return seen;
}

const rows: readonly [name: string, raw: string, expected: readonly string[]][] = [
  ['nothing', '', []],
  ['one packet', '$g#67', ['packet g']],
  ['the empty packet', '$#00', ['packet ']],
  ['capital digits', '$OK#9A', ['packet OK']],
  ['several packets', '$g#67$?#3f', ['packet g', 'packet ?']],
  ['acknowledgements', '++-$g#67+', ['ack', 'ack', 'nak', 'packet g', 'ack']],
  ['an interrupt between packets', '\x03$g#67\x03', ['interrupt', 'packet g', 'interrupt']],
  ['an interrupt within a packet is data', '$g\x03#6a', ['packet g\x03']],
  ['garbage', 'g#67}*\0$g#67x', ['packet g']],
  ['a wrong checksum', '$g#68$g#67', ['corrupt', 'packet g']],
  ['digits that are none', '$g#6g$g#x7$g#67', ['corrupt', 'corrupt', 'packet g']],
  ['a dollar within a packet is data', '$a$b#e7', ['packet a$b']],
  ['an escape', frameOf('X}\x03}]'), ['packet X#}']],
  ['a run', frameOf('0* '), ['packet 0000']],
  [
    'the longest run',
    frameOf('0*:1'),
    ['packet 0000000000000000000000000000001'.replace('0000000000000000000000000000001', `${'0'.repeat(30)}1`)],
  ],
  ['a run of an escaped byte', frameOf('}\x03* '), ['packet ####']],
  ['an escape at the end', frameOf('X}'), ['malformed']],
  ['a run of nothing', frameOf('* '), ['malformed']],
  ['a run without a count', frameOf('0*'), ['malformed']],
  ['a run with a count that is none', `${frameOf('0*\x1f')}${frameOf('0*\x7f')}`, ['malformed', 'malformed']],
  ['a packet of the greatest length', frameOf('x'.repeat(64)), [`packet ${'x'.repeat(64)}`]],
  ['a longer packet', `${frameOf('x'.repeat(65))}$g#67`, ['overlong', 'packet g']],
  ['a run that makes it longer', frameOf('x*~'), ['overlong']],
  ['a packet without an end', `$${'x'.repeat(1000)}`, []],
];

describe.each([Number.POSITIVE_INFINITY, 1, 2, 3, 7])('in chunks of %s bytes', (chunk) => {
  test.each(rows)('%s', (_, raw, expected) => {
    expect(events(raw, { chunk })).toEqual(expected);
  });
});

test('without acknowledgements the checksum is not looked at', () => {
  expect(events('$g#00$g#zz', { verify: false })).toEqual(['packet g', 'packet g']);
});

test('the digits of a checksum are waited for', () => {
  expect(events('$g#')).toEqual([]);
  expect(events('$g#6')).toEqual([]);
});

test('a payload of any bytes arrives as it is, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 500 }),
      fc.boolean(),
      (payloads, chunk, verify) => {
        const texts = payloads.map((bytes) => Buffer.from(bytes).toString('latin1'));
        const escaped = texts.map((text) =>
          text.replace(/[#$*}]/g, (byte) => `}${String.fromCharCode(byte.charCodeAt(0) ^ 0x20)}`),
        );
        const raw = escaped.map((text) => `+${frameOf(text)}`).join('');
        const seen = events(raw, { chunk, longest: 1000, verify }).filter((event) => event !== 'ack');
        expect(seen).toEqual(texts.map((text) => `packet ${text}`));
      },
    ),
    { numRuns: 300 },
  );
});

test('a flood without an end takes no more memory than the longest packet', () => {
  const input = new Input(0x20000);
  const chunk = new Uint8Array(65_536).fill(0x61);
  input.push(latin1('$'));
  expect(input.next()).toBeUndefined();
  const before = process.memoryUsage().arrayBuffers;
  for (let count = 0; count < 1000; count++) {
    input.push(chunk);
    expect(input.next()).toBeUndefined();
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
  input.push(latin1('#00'));
  expect(input.next()).toBe('overlong');
});
