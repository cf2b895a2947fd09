import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32, Search } from '../../src/gdbstub/scan.ts';
import { latin1 } from './conversation.ts';

test("GDB's CRC is the one without reflection and inversion", () => {
  // The check value of CRC-32/MPEG-2 in the catalogues of CRCs.
  expect(crc32(0xffffffff, latin1('123456789'))).toBe(0x0376e6e7);
  expect(crc32(crc32(0xffffffff, latin1('1234')), latin1('56789'))).toBe(0x0376e6e7);
});

test('a pattern is found where it first is, however the bytes are cut', () => {
  // Few different bytes: patterns that nearly match are the hard ones.
  const bytes = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 60 });
  const pattern = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(bytes, pattern, fc.integer({ min: 1, max: 9 }), (data, wanted, block) => {
      const search = new Search(Uint8Array.from(wanted));
      let found: number | undefined;
      for (let at = 0; at < data.length && found === undefined; at += block)
        found = search.next(Uint8Array.from(data.slice(at, at + block)));
      expect(found ?? -1).toBe(Buffer.from(data).indexOf(Buffer.from(wanted)));
    }),
    { numRuns: 500 },
  );
});
