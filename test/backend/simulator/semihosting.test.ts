import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type GuestBytes, Semihosting } from '../../../src/backend/simulator/semihosting.ts';

/** 4 KiB at address 0x1000. */
const memoryOf = (bytes: Uint8Array): GuestBytes => {
  const offset = (address: bigint, length: number) =>
    address >= 0x1000n && address + BigInt(length) <= 0x2000n ? Number(address) - 0x1000 : undefined;
  return {
    read: (address, length) => {
      const at = offset(address, length);
      return at === undefined ? undefined : bytes.slice(at, at + length);
    },
    write: (address, data) => {
      const at = offset(address, data.length);
      if (at !== undefined) bytes.set(data, at);
      return at !== undefined;
    },
  };
};

const host = () => {
  const printed: number[] = [];
  const keys = [...Buffer.from('keys')];
  const semihosting = new Semihosting({
    print: (bytes) => printed.push(...bytes),
    take: () => keys.shift(),
    commandLine: 'a b',
    tick: () => 125_000_000,
    start: 1000,
  });
  return { semihosting, printed };
};

test('input comes byte by byte, and is waited for', () => {
  const { semihosting } = host();
  const memory = memoryOf(new Uint8Array(4096));
  const answers = Array.from({ length: 5 }, () => semihosting.call(0x07, 0n, memory));
  expect(answers).toEqual([0x6bn, 0x65n, 0x79n, 0x73n, 'wait']);
});

test('time is that of the guest', () => {
  const { semihosting } = host();
  const memory = memoryOf(new Uint8Array(4096));
  expect([semihosting.call(0x10, 0n, memory), semihosting.call(0x11, 0n, memory)]).toEqual([200n, 1002n]);
});

test('calls of nonsense end, whatever they ask', () => {
  const word = fc.oneof(fc.bigInt({ min: 0n, max: 0x2010n }), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));
  fc.assert(
    fc.property(fc.nat(0x40), word, fc.array(word, { minLength: 4, maxLength: 4 }), (operation, parameter, block) => {
      const bytes = new Uint8Array(4096).fill(operation);
      new BigUint64Array(bytes.buffer).set(block);
      const { semihosting, printed } = host();
      const answer = semihosting.call(operation, fc.sample(fc.constantFrom(0x1000n, parameter), 1)[0], memoryOf(bytes));
      expect(['bigint', 'string', 'object']).toContain(typeof answer);
      expect(printed.length).toBeLessThanOrEqual(4096);
    }),
    { numRuns: 500 },
  );
});
