/** Random operands for floating point: every exponent, and often what is special. */
import type { Format } from '../../../src/arm/fp/format.ts';

/** Numbers from a seed: Marsaglia's xorshift of 32 bits. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed * 2654435761 + 1;
  }
  word(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }
  below(limit: number): number {
    return this.word() % limit;
  }
  bits(count: number): bigint {
    return BigInt.asUintN(count, (BigInt(this.word()) << 32n) | BigInt(this.word()));
  }
}

/** Exponents near each other, near the ends and anywhere; fractions long, short, of zeros, of ones. */
export function drawNumber(random: Random, f: Format): bigint {
  const sign = random.below(2) ? f.signBit : 0n;
  return sign | (BigInt(drawExponent(random, f)) << BigInt(f.fractionBits)) | drawFraction(random, f);
}

function drawExponent(random: Random, f: Format): number {
  const middle = f.maximumExponent >> 1;
  switch (random.below(11)) {
    case 0:
      return 0;
    case 1:
      return f.maximumExponent;
    case 2:
      return f.maximumExponent - 1 - random.below(3);
    case 3:
      return 1 + random.below(3);
    case 4:
      // Products of two such are near the smallest numbers.
      return (middle >> 1) - 3 + random.below(6);
    case 10:
      // Where integers end.
      return Math.min(middle + [15, 16, 31, 32, 63, 64][random.below(6)] - random.below(2), f.maximumExponent);
    case 5:
    case 6:
      return random.below(f.maximumExponent);
    default:
      return middle - 8 + random.below(16);
  }
}

function drawFraction(random: Random, f: Format): bigint {
  const any = random.bits(f.fractionBits);
  switch (random.below(6)) {
    case 0:
      return 0n;
    case 1:
      return f.fractionMask ^ (any & random.bits(f.fractionBits) & 3n);
    case 2:
      return any & 3n;
    case 3:
      return (any << BigInt(random.below(f.fractionBits))) & f.fractionMask;
    default:
      return any;
  }
}
