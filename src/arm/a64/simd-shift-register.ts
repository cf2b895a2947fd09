/** The shifts by register of "Advanced SIMD three same". */
import type { Builder } from '../builder/builder.ts';
import {
  lanes,
  letV,
  roundedHalf,
  type Saturated,
  saturateLike,
  select,
  signs,
  splat,
  xor,
  zeros,
} from './simd-pseudocode.ts';

const bitsOf = (size: number): bigint => BigInt(8 << size);

/**
 * Shifts of each element by the signed low byte of another: to the left, or to the right where it is negative. WebAssembly
 * shifts all lanes by one amount, so each bit of the amounts shifts the lanes for which it is set. x is used more than once.
 */
export function shiftByRegister<V>(
  b: Builder<V>,
  size: number,
  unsigned: boolean,
  rounding: boolean,
  x: V,
  y: V,
): { result(): V; saturated(): Saturated<V> } {
  const suffix = unsigned ? 'u' : 's';
  const cut = b.constant(32, bitsOf(size) - 8n);
  const shift = letV(b, size === 0 ? y : lanes(b, size, 'shr_s', lanes(b, size, 'shl', y, cut), cut));
  const isRight = letV(b, signs(b, size, shift));
  // To the left the shift, to the right one less than it without its sign: the last bit is cut off below.
  const amount = letV(b, xor(b, shift, isRight));
  const isFar = letV(b, lanes(b, size, 'gt_s', amount, splat(b, size, bitsOf(size) - 1n)));
  const masks = Array.from({ length: size + 3 }, (_, bit) =>
    letV(b, signs(b, size, lanes(b, size, 'shl', amount, b.constant(32, bitsOf(size) - 1n - BigInt(bit))))),
  );
  const shifted = (operation: string, value: V): V =>
    masks.reduce((all, mask, bit) => {
      const before = letV(b, all);
      return select(b, mask, lanes(b, size, operation, before, b.constant(32, 1n << BigInt(bit))), before);
    }, value);

  const left = letV(b, b.vector('v128.andnot', shifted('shl', x), isFar));
  const beyond = unsigned ? zeros(b) : signs(b, size, x);
  const right = letV(b, select(b, isFar, beyond, shifted(`shr_${suffix}`, x)));
  const cutRight = rounding
    ? roundedHalf(b, size, suffix, right)
    : lanes(b, size, `shr_${suffix}`, right, b.constant(32, 1n));
  const result = () => select(b, isRight, cutRight, left);
  return {
    result,
    saturated: () => {
      const isLost = lanes(b, size, 'ne', shifted(`shr_${suffix}`, left), x);
      return saturateLike(b, size, unsigned, b.vector('v128.andnot', isLost, isRight), x, result());
    },
  };
}
