/** The evaluated vector operators against WebAssembly's own, in a module made of each. */
import { describe, expect, test } from 'vitest';
import { evaluateVector } from '../../../src/arm/builder/lanes.ts';
import { Values } from '../../../src/arm/builder/values.ts';
import { encodeModule, type ValueType } from '../../../src/arm/builder/wasm.ts';
import { type VectorOperator, vectorOperations, vectorOperators } from '../../../src/arm/index.ts';
import { Random } from '../../lockstep/random.ts';

const memory = new WebAssembly.Memory({ initial: 1 });
const view = new DataView(memory.buffer);
const log2Bytes = { 32: 2, 64: 3, 128: 4 } as const;

/** A function that reads its inputs from places of 16 bytes and writes the result behind them. */
function compile(operator: VectorOperator): () => void {
  const { inputs, output } = vectorOperations[operator];
  const b = new Values(0);
  const values = inputs.map((width, i) => b.readAt(log2Bytes[width], 16 * i));
  b.writeAt(log2Bytes[output], 64, b.vector(operator, ...values));
  const module = encodeModule({
    types: [{ parameters: [], results: [] }],
    imports: [],
    functions: [{ type: 0, locals: b.locals as ValueType[], code: b.code.bytes }],
    table: [],
    exports: [{ name: 'run', index: 0 }],
    custom: [],
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { host: { memory } });
  return exports.run as () => void;
}

const put = (at: number, value: bigint) => {
  view.setBigUint64(at, BigInt.asUintN(64, value), true);
  view.setBigUint64(at + 8, value >> 64n, true);
};
const get = (bits: number) => BigInt.asUintN(bits, view.getBigUint64(64, true) | (view.getBigUint64(72, true) << 64n));

/** Lanes of some size, half of them near the ends of their range. */
function draw(random: Random): bigint {
  const bits = 8 << random.below(4);
  let value = 0n;
  for (let at = 0; at < 128; at += bits) {
    const whole = (BigInt(random.word()) << 32n) | BigInt(random.word());
    const near = (1n << BigInt(random.pick([0, bits - 1, bits]))) + BigInt(random.below(5) - 2);
    value |= BigInt.asUintN(bits, random.chance(2) ? whole : near) << BigInt(at);
  }
  return value;
}

describe('the evaluated operators do what those of WebAssembly do', () => {
  test.each(vectorOperators)('%s', (operator) => {
    const { inputs, output } = vectorOperations[operator];
    const run = compile(operator);
    const random = new Random(5);
    for (let round = 0; round < 200; round++) {
      const values = inputs.map((width) => BigInt.asUintN(width, draw(random)));
      for (const [i, value] of values.entries()) put(16 * i, value);
      run();
      const [a, b, c] = values;
      expect(evaluateVector(operator, a, b, c), values.map((value) => value.toString(16)).join(' ')).toBe(get(output));
    }
  });
});
