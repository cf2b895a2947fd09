/**
 * Floating-point operations for code that has no way of its own to do them: operands, result, FPCR and FPSR stand in
 * the memory that it shares with us, and an operation is told in one number.
 */
import { Layout } from '../builder/layout.ts';
import { carryOutElement, type ElementBits, type FpOperation, operandsOf, operationOf } from './operation.ts';

/** fbits stand above an operation's number. */
export const fbitsShift = 16;

/** By number; made when they are first needed. */
const operations: FpOperation[] = [];

/** Carries out what a description says. */
export function fpUnit(memory: DataView): (description: number) => void {
  const read = (bits: ElementBits, place: number): bigint =>
    bits === 64
      ? memory.getBigUint64(place, true)
      : BigInt(bits === 32 ? memory.getUint32(place, true) : memory.getUint16(place, true));
  const write = (bits: ElementBits, place: number, value: bigint): void => {
    if (bits === 64) memory.setBigUint64(place, value, true);
    else if (bits === 32) memory.setUint32(place, Number(value), true);
    else memory.setUint16(place, Number(value), true);
  };
  return (description) => {
    const number = description & ((1 << fbitsShift) - 1);
    operations[number] ??= operationOf(number);
    const operation = operations[number];
    const { from, to, elements } = operation;
    const operands = operandsOf(operation);
    const fp = { fpcr: memory.getUint32(Layout.fpcr, true), fpsr: memory.getUint32(Layout.fpsr, true) };
    const fbits = description >> fbitsShift;
    const element = (i: number) => {
      const operand = (n: number) => (n < operands ? read(from, Layout.fpOperands + 16 * n + (i * from) / 8) : 0n);
      return carryOutElement(operation, fp, fbits, operand(0), operand(1), operand(2));
    };
    const results: bigint[] = [];
    for (let i = 0; i < elements; i++) results.push(element(i));
    if (elements > 1 || to === 16) {
      memory.setBigUint64(Layout.fpOperands, 0n, true);
      memory.setBigUint64(Layout.fpOperands + 8, 0n, true);
    }
    for (let i = 0; i < elements; i++) write(to, Layout.fpOperands + (i * to) / 8, results[i]);
    memory.setUint32(Layout.fpsr, fp.fpsr, true);
  };
}
