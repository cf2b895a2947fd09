/**
 * Agent expressions: conditions and commands of breakpoints, which gdb compiles to a bytecode for a stack machine of
 * 64-bit integers and the stub runs itself.
 *
 * GDB manual, The GDB Agent Expression Mechanism: General Bytecode Design, Bytecode Descriptions.
 */
import { conversions, parseFormat, printf, type ReadMemory } from './printf.ts';
import { type Outcome, type Result, TargetError } from './target.ts';

/** What an expression may ask of the stopped machine. */
export interface AgentContext {
  /** A register by its number in the description, unsigned; undefined if it cannot be read. */
  readRegister(register: number): bigint | undefined;
  readonly readMemory: ReadMemory;
  /** Default: memory is little-endian. */
  readonly bigEndian?: boolean;
  /** Takes what printf writes. Without it the text is dropped. */
  print?(text: string): void;
}

/** gdbserver's stack has 100 places too. */
const deepest = 100;
/** Far more than any condition needs; a loop ends here. */
const mostSteps = 10_000;

interface Frame {
  readonly stack: bigint[];
  readonly context: AgentContext;
  /** Byte offset of the next instruction. */
  pc: number;
}

/** Runs one instruction. The frame's pc is already the next one's. */
type Run = (frame: Frame) => Outcome;

interface Opcode {
  readonly name: string;
  /** Bytes of the operand, big-endian. */
  readonly operand: number;
  /** Values that the stack must hold. */
  readonly takes: number;
  /** undefined: a known opcode that is not for breakpoints. */
  readonly compile: ((operand: bigint) => Run) | undefined;
}

const utf8 = new TextDecoder();
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const i64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const truth = (condition: boolean): bigint => (condition ? 1n : 0n);

/** An instruction that does something other than compute. */
const opcode = (name: string, operand: number, takes: number, compile?: (operand: bigint) => Run): Opcode => ({
  name,
  operand,
  takes,
  compile,
});

const unary = (name: string, compute: (a: bigint) => bigint): Opcode =>
  opcode(name, 0, 1, () => ({ stack }) => {
    stack.push(u64(compute(stack.pop()!)));
  });

const binary = (name: string, compute: (a: bigint, b: bigint) => bigint): Opcode =>
  opcode(name, 0, 2, () => ({ stack }) => {
    const b = stack.pop()!;
    stack.push(u64(compute(stack.pop()!, b)));
  });

const division = (name: string, compute: (a: bigint, b: bigint) => bigint): Opcode =>
  opcode(name, 0, 2, () => ({ stack }) => {
    const b = stack.pop()!;
    if (b === 0n) return new TargetError('division by zero');
    stack.push(u64(compute(stack.pop()!, b)));
  });

/** BigInt would try to make a number of 2^64 bits. */
const shift = (name: string, compute: (a: bigint, count: bigint) => bigint): Opcode =>
  binary(name, (a, count) => compute(a, count < 64n ? count : 64n));

const extend = (name: string, compute: (bits: number, a: bigint) => bigint): Opcode =>
  opcode(name, 1, 1, (operand) => ({ stack }) => {
    stack.push(u64(compute(Number(operand), stack.pop()!)));
  });

const reference = (name: string, bytes: number): Opcode =>
  opcode(name, 0, 1, () => ({ stack, context }) => {
    const address = stack.pop()!;
    const data = context.readMemory(address, bytes);
    if (data === undefined) return new TargetError(`memory at 0x${address.toString(16)} cannot be read`);
    stack.push(integer(data.subarray(0, bytes), context.bigEndian ?? false));
  });

const constant = (name: string, bytes: number): Opcode =>
  opcode(name, bytes, 0, (operand) => ({ stack }) => {
    stack.push(operand);
  });

const integer = (bytes: Uint8Array, bigEndian: boolean): bigint =>
  (bigEndian ? bytes : bytes.toReversed()).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** By number. `printf` and `end` are told apart by number where the length or the flow needs it. */
const opcodes = new Map<number, Opcode>([
  [0x01, opcode('float', 0, 0)],
  [0x02, binary('add', (a, b) => a + b)],
  [0x03, binary('sub', (a, b) => a - b)],
  [0x04, binary('mul', (a, b) => a * b)],
  [0x05, division('div_signed', (a, b) => i64(a) / i64(b))],
  [0x06, division('div_unsigned', (a, b) => a / b)],
  [0x07, division('rem_signed', (a, b) => i64(a) % i64(b))],
  [0x08, division('rem_unsigned', (a, b) => a % b)],
  [0x09, shift('lsh', (a, count) => a << count)],
  [0x0a, shift('rsh_signed', (a, count) => i64(a) >> count)],
  [0x0b, shift('rsh_unsigned', (a, count) => a >> count)],
  [0x0c, opcode('trace', 0, 2)],
  [0x0d, opcode('trace_quick', 1, 1)],
  [0x0e, unary('log_not', (a) => truth(a === 0n))],
  [0x0f, binary('bit_and', (a, b) => a & b)],
  [0x10, binary('bit_or', (a, b) => a | b)],
  [0x11, binary('bit_xor', (a, b) => a ^ b)],
  [0x12, unary('bit_not', (a) => ~a)],
  [0x13, binary('equal', (a, b) => truth(a === b))],
  [0x14, binary('less_signed', (a, b) => truth(i64(a) < i64(b)))],
  [0x15, binary('less_unsigned', (a, b) => truth(a < b))],
  [0x16, extend('ext', (bits, a) => BigInt.asIntN(bits, a))],
  [0x17, reference('ref8', 1)],
  [0x18, reference('ref16', 2)],
  [0x19, reference('ref32', 4)],
  [0x1a, reference('ref64', 8)],
  [0x1b, opcode('ref_float', 0, 1)],
  [0x1c, opcode('ref_double', 0, 1)],
  [0x1d, opcode('ref_long_double', 0, 1)],
  [0x1e, opcode('l_to_d', 0, 1)],
  [0x1f, opcode('d_to_l', 0, 1)],
  [
    0x20,
    opcode('if_goto', 2, 1, (target) => (frame) => {
      if (frame.stack.pop() !== 0n) frame.pc = Number(target);
    }),
  ],
  [
    0x21,
    opcode('goto', 2, 0, (target) => (frame) => {
      frame.pc = Number(target);
    }),
  ],
  [0x22, constant('const8', 1)],
  [0x23, constant('const16', 2)],
  [0x24, constant('const32', 4)],
  [0x25, constant('const64', 8)],
  [
    0x26,
    opcode('reg', 2, 0, (register) => ({ stack, context }) => {
      const value = context.readRegister(Number(register));
      if (value === undefined) return new TargetError(`register ${register} cannot be read`);
      stack.push(u64(value));
    }),
  ],
  [0x27, opcode('end', 0, 0, () => () => undefined)],
  [
    0x28,
    opcode(
      'dup',
      0,
      1,
      () =>
        ({ stack }) =>
          void stack.push(stack.at(-1)!),
    ),
  ],
  [
    0x29,
    opcode(
      'pop',
      0,
      1,
      () =>
        ({ stack }) =>
          void stack.pop(),
    ),
  ],
  [0x2a, extend('zero_ext', (bits, a) => BigInt.asUintN(bits, a))],
  [
    0x2b,
    opcode(
      'swap',
      0,
      2,
      () =>
        ({ stack }) =>
          void stack.push(...stack.splice(-2).reverse()),
    ),
  ],
  [0x2c, opcode('getv', 2, 0)],
  [0x2d, opcode('setv', 2, 1)],
  [0x2e, opcode('tracev', 2, 0)],
  [0x2f, opcode('tracenz', 0, 2)],
  [0x30, opcode('trace16', 2, 1)],
  [
    0x32,
    opcode('pick', 1, 1, (depth) => ({ stack }) => {
      const value = stack.at(-1 - Number(depth));
      if (value === undefined) return new TargetError('the stack of the expression is empty');
      stack.push(value);
    }),
  ],
  // a b c becomes c a b.
  [
    0x33,
    opcode(
      'rot',
      0,
      3,
      () =>
        ({ stack }) =>
          void stack.splice(-2, 0, stack.pop()!),
    ),
  ],
  [0x34, opcode('printf', 3, 2)],
]);
const End = 0x27;
const Goto = 0x21;
const IfGoto = 0x20;
const Printf = 0x34;

interface Instruction {
  readonly takes: number;
  readonly run: Run;
  /** Byte offset behind it. */
  readonly next: number;
  readonly end: boolean;
}

export class AgentExpression {
  /** By byte offset, with holes. */
  readonly #instructions: readonly (Instruction | undefined)[];

  private constructor(instructions: readonly (Instruction | undefined)[]) {
    this.#instructions = instructions;
  }

  /** Refuses what is unknown, cut short, jumps anywhere but to an instruction, or could run off its end. */
  static parse(bytes: Uint8Array): Result<AgentExpression> {
    const instructions: (Instruction | undefined)[] = new Array(bytes.length);
    const targets: number[] = [];
    let last = -1;
    for (let at = 0; at < bytes.length; at = instructions[at]!.next) {
      const instruction = parseInstruction(bytes, at);
      if (instruction instanceof TargetError) return instruction;
      instructions[at] = instruction;
      last = bytes[at];
      if (last === Goto || last === IfGoto) targets.push((bytes[at + 1] << 8) | bytes[at + 2]);
    }
    if (last !== End && last !== Goto) return new TargetError('the expression does not end with end');
    const wrong = targets.find((target) => instructions[target] === undefined);
    if (wrong !== undefined) return new TargetError(`the expression jumps to ${wrong}, where no instruction is`);
    return new AgentExpression(instructions);
  }

  /** The value on top of the stack at the end: a condition. */
  evaluate(context: AgentContext): Result<bigint> {
    const stack: bigint[] = [];
    return this.#run(context, stack) ?? stack.at(-1) ?? new TargetError('the expression leaves no value');
  }

  /** Runs it for what it prints: a command. */
  execute(context: AgentContext): Outcome {
    return this.#run(context, []);
  }

  #run(context: AgentContext, stack: bigint[]): Outcome {
    const frame: Frame = { stack, context, pc: 0 };
    for (let steps = 0; steps < mostSteps; steps++) {
      const { takes, run, next, end } = this.#instructions[frame.pc]!;
      if (end) return undefined;
      if (stack.length < takes) return new TargetError('the stack of the expression is empty');
      frame.pc = next;
      const error = run(frame);
      if (error) return error;
      if (stack.length > deepest) return new TargetError('the stack of the expression is full');
    }
    return new TargetError(`the expression has not ended after ${mostSteps} steps`);
  }
}

function parseInstruction(bytes: Uint8Array, at: number): Result<Instruction> {
  const number = bytes[at];
  const found = opcodes.get(number);
  if (!found) return new TargetError(`0x${number.toString(16)} is no bytecode of an agent expression`);
  const { name, operand: length } = found;
  const next = at + 1 + length;
  if (next > bytes.length) return new TargetError(`the expression is cut short in ${name}`);
  const operand = bytes.subarray(at + 1, next);
  if (number === Printf) return parsePrintf(operand, bytes, next);
  if (!found.compile) return new TargetError(`the bytecode ${name} is not supported in breakpoints`);
  if (name.endsWith('ext') && operand[0] === 0) return new TargetError(`${name} from no bits`);
  return { takes: found.takes, run: found.compile(integer(operand, true)), next, end: number === End };
}

/** Number of arguments, length of the format with its NUL, the format; on the stack: arguments, channel, function. */
function parsePrintf([count, high, low]: Uint8Array, bytes: Uint8Array, at: number): Result<Instruction> {
  const next = at + ((high << 8) | low);
  if (next > bytes.length || next === at || bytes[next - 1] !== 0)
    return new TargetError('the expression has a format without an end');
  const format = parseFormat(String.fromCharCode(...bytes.subarray(at, next - 1)));
  if (format instanceof TargetError) return format;
  if (conversions(format) !== count)
    return new TargetError(`the format takes ${conversions(format)} values and is given ${count}`);
  const run: Run = ({ stack, context }) => {
    const values = stack
      .splice(-2 - count)
      .slice(0, count)
      .reverse();
    const text = printf(format, values, context.readMemory);
    if (text instanceof TargetError) return text;
    context.print?.(utf8.decode(Uint8Array.from(text, (character) => character.charCodeAt(0))));
  };
  return { takes: 2 + count, run, next, end: false };
}
