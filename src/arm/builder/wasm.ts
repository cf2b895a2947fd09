/**
 * WebAssembly's binary format, as far as the engine needs it: code, written instruction by instruction, and a module of
 * functions that share one memory and one table.
 *
 * WebAssembly Core Specification, 5 "Binary Format"; the tail call proposal for return_call.
 */

export const ValueType = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

/** Opcodes, by the specification's names; those of arithmetic are in values.ts. */
export const Op = {
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  i32Load: 0x28,
  i64Load: 0x29,
  i32Load8U: 0x2d,
  i32Load16U: 0x2f,
  i32Store: 0x36,
  i64Store: 0x37,
  i32Store8: 0x3a,
  i32Store16: 0x3b,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32Clz: 0x67,
  i64Clz: 0x79,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
  i32Extend8S: 0xc0,
  i32Extend16S: 0xc1,
  i64Extend8S: 0xc2,
  i64Extend16S: 0xc3,
  i64Extend32S: 0xc4,
} as const;

/** Opcodes behind the prefix of vector instructions; those of arithmetic are in vectors.ts. */
export const VectorOp = {
  load: 0,
  store: 11,
  const: 12,
  shuffle: 13,
  /** Zero-extended, by log2 of the lane's bytes. */
  extractLane: [22, 25, 27, 29],
  replaceLane: [23, 26, 28, 30],
  load64Zero: 93,
} as const;
const vectorPrefix = 0xfd;

/** The type of a block that leaves nothing. */
const emptyBlock = 0x40;

/** A run of bytes that grows. Every method returns the run itself. */
export class Code {
  #bytes = new Uint8Array(256);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): this {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  append(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** LEB128, up to 32 bits. */
  unsigned(value: number): this {
    let rest = value >>> 0;
    for (; rest > 127; rest >>>= 7) this.byte((rest & 127) | 128);
    return this.byte(rest);
  }

  /** LEB128 of the value's low 64 bits as a signed number. */
  signed(value: bigint): this {
    let rest = BigInt.asIntN(64, value);
    for (; rest < -64n || rest > 63n; rest >>= 7n) this.byte(Number(rest & 127n) | 128);
    return this.byte(Number(rest & 127n));
  }

  /** A vector: its length, then its elements. */
  vector<T>(elements: readonly T[], write: (element: T) => void): this {
    this.unsigned(elements.length);
    elements.forEach(write);
    return this;
  }

  name(text: string): this {
    return this.sized(new TextEncoder().encode(text));
  }

  /** Bytes behind their number. */
  sized(bytes: Uint8Array): this {
    return this.unsigned(bytes.length).append(bytes);
  }

  op(...opcodes: number[]): this {
    for (const opcode of opcodes) this.byte(opcode);
    return this;
  }

  /** The low 32 bits of the value. */
  i32(value: number): this {
    return this.byte(Op.i32Const).signed(BigInt(value | 0));
  }

  i64(value: bigint): this {
    return this.byte(Op.i64Const).signed(value);
  }

  get(local: number): this {
    return this.byte(Op.localGet).unsigned(local);
  }

  set(local: number): this {
    return this.byte(Op.localSet).unsigned(local);
  }

  /** A load or a store with the address (and the value) on the stack. No alignment is promised. */
  memory(opcode: number, offset: number): this {
    return this.byte(opcode).byte(0).unsigned(offset);
  }

  /** A vector instruction, with its immediate bytes. */
  simd(opcode: number, ...immediates: number[]): this {
    return this.byte(vectorPrefix)
      .unsigned(opcode)
      .op(...immediates);
  }

  simdMemory(opcode: number, offset: number): this {
    return this.simd(opcode, 0).unsigned(offset);
  }

  if(type?: ValueType): this {
    return this.byte(Op.if).byte(type ?? emptyBlock);
  }

  call(index: number): this {
    return this.byte(Op.call).unsigned(index);
  }

  returnCall(index: number): this {
    return this.byte(Op.returnCall).unsigned(index);
  }

  /** Through table 0, to a function of this type. */
  indirect(opcode: typeof Op.callIndirect | typeof Op.returnCallIndirect, type: number): this {
    return this.byte(opcode).unsigned(type).byte(0);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.bytes);
    this.#bytes = grown;
  }
}

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface FunctionBody {
  /** Index in the module's types. */
  readonly type: number;
  /** Beyond the parameters. */
  readonly locals: readonly ValueType[];
  /** Without the last `end`. */
  readonly code: Uint8Array;
}

export interface ModuleParts {
  readonly types: readonly FunctionType[];
  /** Imported from module `host`; they come first in the index of functions. */
  readonly imports: readonly { readonly name: string; readonly type: number }[];
  readonly functions: readonly FunctionBody[];
  /** Indices of functions, imports counted. */
  readonly table: readonly number[];
  readonly exports: readonly { readonly name: string; readonly index: number }[];
  /** Custom sections. */
  readonly custom: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

const functionKind = 0;
const memoryKind = 2;

/** The module's bytes. It imports its memory as `host.memory` and has a table of its own. */
export function encodeModule(parts: ModuleParts): Uint8Array {
  const { types, imports, functions, table } = parts;
  const out = new Code().append(new TextEncoder().encode('\0asm')).op(1, 0, 0, 0);
  const section = (id: number, write: (body: Code) => void) => {
    const body = new Code();
    write(body);
    out.byte(id).sized(body.bytes);
  };
  section(1, (body) =>
    body.vector(types, ({ parameters, results }) => {
      body.byte(0x60).vector(parameters, (type) => body.byte(type));
      body.vector(results, (type) => body.byte(type));
    }),
  );
  section(2, (body) => {
    body.unsigned(imports.length + 1);
    for (const { name, type } of imports) body.name('host').name(name).byte(functionKind).unsigned(type);
    // At least one page; no maximum.
    body.name('host').name('memory').byte(memoryKind).op(0, 1);
  });
  section(3, (body) => body.vector(functions, ({ type }) => body.unsigned(type)));
  // One table of functions, of a fixed size.
  section(4, (body) => body.op(1, 0x70, 1).unsigned(table.length).unsigned(table.length));
  section(7, (body) =>
    body.vector(parts.exports, ({ name, index }) => body.name(name).byte(functionKind).unsigned(index)),
  );
  section(9, (body) => {
    body.op(1, 0).i32(0).byte(Op.end);
    body.vector(table, (index) => body.unsigned(index));
  });
  section(10, (body) => body.vector(functions, (definition) => body.sized(encodeBody(definition))));
  for (const { name, bytes } of parts.custom) section(0, (body) => body.name(name).append(bytes));
  return out.bytes;
}

function encodeBody({ locals, code }: FunctionBody): Uint8Array {
  // Neighbours of one type are told together.
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  const body = new Code();
  body.vector(runs, ({ type, count }) => body.unsigned(count).byte(type));
  return body.append(code).byte(Op.end).bytes;
}
