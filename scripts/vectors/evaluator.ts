/** Carries vectors out with the evaluating builder: instructions alone, without a CPU around them. */
import { type EvaluateState, encodingNumber, executeWord, SystemOffset } from '../../src/arm/index.ts';
import { compare, memoryOf, numberOf, type Runner, vectorsOf, withoutTag } from './vector.ts';

/** What EL0 reads of this register says where DC ZVA works: the recording machine's value. */
const DCZID_EL0 = encodingNumber([3, 3, 0, 0, 7]);

export const evaluator: Runner = (vector) => {
  const { before } = memoryOf(vector);
  const written = new Map<bigint, number>();
  const x = new BigUint64Array(34);
  vector.x.forEach((value, n) => {
    x[n === 31 ? 32 : n] = numberOf(value);
  });
  const system = new Map([
    [0, 4n],
    [SystemOffset.fpcr, BigInt(vector.fpcr)],
  ]);
  const state: EvaluateState = {
    el: 0,
    simdTrapped: false,
    x,
    v: vectorsOf(vector),
    pc: numberOf(vector.pc),
    nzcv: vector.nzcv >>> 28,
    exclusive: { exclusiveAddress: ~0n, exclusiveValue: 0n, exclusiveHigh: 0n, exclusiveSize: 0n },
    load(address, bytes) {
      let value = 0n;
      for (let i = bytes - 1; i >= 0; i--) {
        const byte = before.get(withoutTag(address) + BigInt(i));
        if (byte === undefined) return undefined;
        value = (value << 8n) | BigInt(byte);
      }
      return value;
    },
    store(address, bytes, _elements, value) {
      for (let i = 0; i < bytes; i++)
        written.set(withoutTag(address) + BigInt(i), Number((value >> BigInt(8 * i)) & 0xffn));
      return true;
    },
    checkSpAlignment: () => true,
    systemSlot: (encoding) => (encoding === DCZID_EL0 ? 0 : -1),
    readSystem: (offset) => system.get(offset) ?? 0n,
    writeSystem: (offset, value) => system.set(offset, value),
  };
  const outcome = executeWord(Number.parseInt(vector.i, 16), state);
  if (outcome.kind === 'system') return { leftOut: 'the CPU around the engine carries it out' };
  if (outcome.kind !== 'done') return outcome.kind;
  return compare(vector, { pc: state.pc, nzcv: state.nzcv, x: (n) => x[n === 31 ? 32 : n], v: state.v, written });
};
