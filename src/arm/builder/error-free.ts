/** Sums and products with what rounding to nearest takes from them, in arithmetic that has no wider format. */

/** Numbers of one format: scalars, or vectors of them. */
export interface Numbers<T> {
  readonly bits: 32 | 64;
  let(value: T): T;
  binary(operator: 'add' | 'sub' | 'mul', x: T, y: T): T;
  constant(value: number): T;
}

/** x + y = sum + rest, whatever their order, unless the sum overflows: Knuth's TwoSum. x and y are evaluated. */
export function twoSum<T>(n: Numbers<T>, x: T, y: T): [sum: T, rest: T] {
  const sum = n.let(n.binary('add', x, y));
  const z = n.let(n.binary('sub', sum, x));
  const restOfX = n.binary('sub', x, n.binary('sub', sum, z));
  return [sum, n.let(n.binary('add', restOfX, n.binary('sub', y, z)))];
}

/** x = high + low, of half the precision each, unless x is very large: Veltkamp. */
function split<T>(n: Numbers<T>, x: T): [high: T, low: T] {
  const scaled = n.let(n.binary('mul', x, n.constant(n.bits === 64 ? 2 ** 27 + 1 : 2 ** 12 + 1)));
  const high = n.let(n.binary('sub', scaled, n.binary('sub', scaled, x)));
  return [high, n.let(n.binary('sub', x, high))];
}

/**
 * x * y = product + rest: Dekker. What is too large leaves a rest that is no number; a product below `leastProduct`
 * may leave a wrong one. x and y are evaluated.
 */
export function twoProduct<T>(n: Numbers<T>, x: T, y: T): [product: T, rest: T] {
  const product = n.let(n.binary('mul', x, y));
  const [xh, xl] = split(n, x);
  const [yh, yl] = split(n, y);
  const minus = (p: T, q: T) => n.binary('sub', p, q);
  const times = (p: T, q: T) => n.binary('mul', p, q);
  return [
    product,
    n.let(minus(times(xl, yl), minus(minus(minus(product, times(xh, yh)), times(xl, yh)), times(xh, yl)))),
  ];
}

/** Above it the last bit of a product's rest is above the smallest number. */
export const leastProduct = { 32: 2 ** -100, 64: 2 ** -960 } as const;
