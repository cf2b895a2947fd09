/** Reads an exception syndrome down to the fields of its class. Arm ARM DDI 0487, ESR_EL1. */
import { bits } from '../bits.ts';
import { type ExceptionClass, exceptionClasses } from './exception-class.ts';
import { registerName } from './index.ts';
import { encodingNumber, type Field, fieldMeaning } from './register.ts';

/** A field with its value at one moment. */
export interface ExplainedField {
  readonly name: string;
  readonly kind: Field['kind'];
  readonly high: number;
  readonly low: number;
  readonly value: bigint;
  readonly meaning?: string;
}

export interface Syndrome {
  /** ESR_ELx.EC. */
  readonly code: number;
  /** Undefined when the class is reserved. */
  readonly name?: string;
  /** The fields of ISS, 24 down to 0. */
  readonly fields: readonly ExplainedField[];
  /** The instruction that was trapped, as far as the syndrome tells it: `MRS X0, MDSCR_EL1`. */
  readonly instruction?: string;
}

export const explainFields = (fields: readonly Field[], value: bigint): ExplainedField[] =>
  fields.map((definition) => {
    const { name, kind, high, low } = definition;
    const content = bits(value, high, low);
    return { name, kind, high, low, value: content, meaning: fieldMeaning(definition, content) };
  });

const classes = new Map(exceptionClasses.map((definition) => [definition.code, definition]));
const reserved: Pick<ExceptionClass, 'fields'> = { fields: [{ name: 'ISS', kind: 'field', high: 24, low: 0 }] };

export function explainSyndrome(esr: bigint): Syndrome {
  const code = Number(bits(esr, 31, 26));
  const iss = bits(esr, 24, 0);
  const found = classes.get(code);
  const { fields, variant } = found ?? { ...reserved, variant: undefined };
  return {
    code,
    name: found?.name,
    fields: explainFields(variant?.matches(iss) ? variant.fields : fields, iss),
    instruction: trappedInstruction(code, Number(iss)),
  };
}

function trappedInstruction(code: number, iss: number): string | undefined {
  switch (code) {
    case 0x03:
    case 0x05:
      return coprocessorMove(code === 0x03 ? 15 : 14, iss);
    case 0x04:
    case 0x0c:
      return coprocessorPairMove(code === 0x04 ? 15 : 14, iss);
    case 0x18:
      return systemMove(iss);
  }
}

const part = (iss: number, high: number, low: number): number => (iss >> low) & ((1 << (high - low + 1)) - 1);

function systemMove(iss: number): string {
  const [op0, op1, CRn] = [part(iss, 21, 20), part(iss, 16, 14), part(iss, 13, 10)];
  const [CRm, op2, Rt] = [part(iss, 4, 1), part(iss, 19, 17), part(iss, 9, 5)];
  const X = Rt === 31 ? 'XZR' : `X${Rt}`;
  const read = (iss & 1) === 1;
  if (op0 < 2)
    return read ? `SYSL ${X}, #${op1}, C${CRn}, C${CRm}, #${op2}` : `SYS #${op1}, C${CRn}, C${CRm}, #${op2}, ${X}`;
  const name = registerName(encodingNumber([op0, op1, CRn, CRm, op2]));
  return read ? `MRS ${X}, ${name}` : `MSR ${name}, ${X}`;
}

function coprocessorMove(coprocessor: number, iss: number): string {
  const operands = `#${part(iss, 16, 14)}, R${part(iss, 9, 5)}, c${part(iss, 13, 10)}, c${part(iss, 4, 1)}`;
  return `${iss & 1 ? 'MRC' : 'MCR'} p${coprocessor}, ${operands}, #${part(iss, 19, 17)}`;
}

function coprocessorPairMove(coprocessor: number, iss: number): string {
  const operands = `#${part(iss, 19, 16)}, R${part(iss, 9, 5)}, R${part(iss, 14, 10)}, c${part(iss, 4, 1)}`;
  return `${iss & 1 ? 'MRRC' : 'MCRR'} p${coprocessor}, ${operands}`;
}
