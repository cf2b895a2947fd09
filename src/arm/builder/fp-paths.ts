/** Floating-point operations as code: see fp-path.ts. */
import type { FpOperation } from '../fp/operation.ts';
import { fpWidths } from '../fp/operation.ts';
import { ScalarPaths } from './fp-scalar-paths.ts';
import { VectorPaths } from './fp-vector-paths.ts';
import type { Value, Values } from './values.ts';

/** The result, on a quick way where there is one. `slow` computes the same from the same operands. */
export function fpPath(
  b: Values,
  operation: FpOperation,
  inputs: readonly Value[],
  fbits: Value | undefined,
  slow: () => Value,
): Value {
  if (operation.from === 16 || operation.to === 16) return slow();
  const Paths = operation.elements === 1 ? ScalarPaths : VectorPaths;
  const { output } = fpWidths(operation);
  const take = ([first, ...others]: (() => { holds: Value; result: () => Value })[]): Value => {
    if (first === undefined) return slow();
    const { holds, result } = first();
    return b.choose(output, holds, result, () => take(others));
  };
  return take(new Paths(b, operation, inputs, fbits).paths());
}
