/**
 * What the handlers share: the host's functions that they call, and small functions of their own.
 */
import { Context, Layout, Record } from './layout.ts';
import { Code, type FunctionBody, type FunctionType, Op, ValueType } from './wasm.ts';

const { i32, i64 } = ValueType;

/** Why a handler returns. The first four are the engine's RunStatus. */
export const Status = {
  budget: 0,
  exception: 1,
  stopped: 2,
  breakpoint: 3,
  /** No decoded page is known for Layout.pc. */
  miss: 4,
  /** The record at Layout.undecoded must be decoded. */
  undecoded: 5,
} as const;

export const FlagsKind = { nzcv: 0, sub: 1, logic: 2, add: 3 } as const;

/** A slow access in one number: log2 of an element's bytes, whether there are two, and a place in `accessKinds`. */
export const accessDescription = (size: number, pair: boolean, kind: number): number =>
  size | (pair ? 4 : 0) | (kind << 3);
/** Kinds below this one may be unaligned; the others are aligned to the whole access, and a pair of these to its element. */
export const firstAlignedKind = 2;

export const TypeIndex = {
  /** record, limit, context: status */
  handler: 0,
  /** address low, high, description: place in memory, or 0 with an exception pending */
  access: 1,
  number: 2,
  twoNumbers: 3,
  nothing: 4,
  /** pc, remaining bytes of records, context: status */
  far: 5,
  /** address, record, limit, context, description: as access */
  slowAccess: 6,
  /** nothing: number */
  query: 7,
} as const;

export const types: readonly FunctionType[] = [
  { parameters: [i32, i32, i32], results: [i32] },
  { parameters: [i32, i32, i32], results: [i32] },
  { parameters: [i32], results: [i32] },
  { parameters: [i32, i32], results: [i32] },
  { parameters: [], results: [] },
  { parameters: [i64, i32, i32], results: [i32] },
  { parameters: [i64, i32, i32, i32, i32], results: [i32] },
  { parameters: [], results: [i32] },
];

/** The functions that the engine gives to the module. */
export const imports = [
  { name: 'load', type: TypeIndex.access },
  { name: 'store', type: TypeIndex.access },
  /** The instruction's word: status */
  { name: 'system', type: TypeIndex.number },
  /** A place in `raises`, the immediate: status */
  { name: 'raise', type: TypeIndex.twoNumbers },
  { name: 'spAlignmentFault', type: TypeIndex.nothing },
] as const;

/** Imports first, then `runtime` in its order, then the handlers. */
export const FunctionIndex = {
  hostLoad: 0,
  hostStore: 1,
  hostSystem: 2,
  hostRaise: 3,
  hostSpAlignmentFault: 4,
  nzcv: 5,
  slowLoad: 6,
  slowStore: 7,
  outOfBudget: 8,
  far: 9,
  resume: 10,
  start: 11,
  undecoded: 12,
  stop: 13,
  breakpoint: 14,
  nextPage: 15,
  handlers: 16,
} as const;

/** The first handlers of the table are those of no instruction. */
export const HandlerIndex = {
  undecoded: 0,
  stop: 1,
  breakpoint: 2,
  nextPage: 3,
  unallocated: 4,
  instructions: 5,
} as const;
export const specialHandlers = [
  FunctionIndex.undecoded,
  FunctionIndex.stop,
  FunctionIndex.breakpoint,
  FunctionIndex.nextPage,
];

const log2RecordBytes = 6;

/** Stores pc, for which `push` leaves the value. */
export const storePc = (code: Code, push: () => void): Code => {
  code.i32(0);
  push();
  return code.memory(Op.i64Store, Layout.pc);
};

/** Stores the budget, for which `push` leaves the remaining bytes of records. */
export const storeBudget = (code: Code, push: () => void): Code => {
  code.i32(0);
  push();
  return code.i32(log2RecordBytes).op(Op.i32ShrU).memory(Op.i32Store, Layout.budget);
};

/** The address of a TLB's entry for the address on the stack. */
export const entryOf = (code: Code, entries: number, pushContext: () => void): Code => {
  code.op(Op.i32WrapI64).i32(8).op(Op.i32ShrU);
  code.i32((entries - 1) << 4).op(Op.i32And);
  pushContext();
  return code.op(Op.i32Add);
};

/** Goes on at the record in local `target`, for which `rest` bytes of records remain, if that is enough. */
export function enter(code: Code, target: number, rest: number, context: number): void {
  code.get(rest).get(target).memory(Op.i32Load, Record.span).op(Op.i32LtS);
  code.if().get(target).get(rest).call(FunctionIndex.outOfBudget).op(Op.return, Op.end);
  code.get(target).get(rest).op(Op.i32Add);
  code.set(rest).get(target).get(rest).get(context);
  code.get(target).memory(Op.i32Load, Record.handler).indirect(Op.returnCallIndirect, TypeIndex.handler);
}

/**
 * Goes on at the address in local `pc` of any page. Uses two more i32 locals.
 */
export function enterFar(
  code: Code,
  locals: { pc: number; rest: number; context: number; entry: number; target: number },
): void {
  const { pc, rest, context, entry, target } = locals;
  entryOf(code.get(pc), Context.codeEntries, () => code.get(context)).tee(entry);
  // A pc that is not a multiple of 4 equals no tag.
  code.memory(Op.i64Load, Context.code).get(pc).i64(~0xffcn).op(Op.i64And, Op.i64Eq).if();
  code.get(entry).memory(Op.i32Load, Context.code + Context.value);
  code.get(pc).op(Op.i32WrapI64).i32(0xffc).op(Op.i32And).i32(4).op(Op.i32Shl, Op.i32Add).set(target);
  enter(code, target, rest, context);
  code.op(Op.end);
  storePc(code, () => code.get(pc));
  storeBudget(code, () => code.get(rest)).i32(Status.miss);
}

function body(type: number, locals: readonly ValueType[], write: (code: Code) => void): FunctionBody {
  const code = new Code();
  write(code);
  return { type, locals, code: code.bytes };
}

/** The flags as bits 3..0. Operands of 32-bit instructions stand in the high halves, so that width does not matter. */
const nzcv = body(TypeIndex.query, [i64, i64, i64, i32], (code) => {
  const [a, b, result, kind] = [0, 1, 2, 3];
  const bit = (position: number) => code.i32(position).op(Op.i32Shl);
  const negative = () => code.get(result).i64(0n).op(Op.i64LtS);
  code.loadAt(Op.i64Load, Layout.flagsA).set(a).loadAt(Op.i64Load, Layout.flagsB).set(b);
  code.loadAt(Op.i32Load, Layout.flagsKind).tee(kind).op(Op.i32Eqz).if();
  code.get(a).op(Op.i32WrapI64, Op.return, Op.end);

  code.get(kind).i32(FlagsKind.add).op(Op.i32Eq).if();
  code.get(a).get(b).op(Op.i64Add).set(result);
  // C: the sum wrapped. V: both operands have another sign than the sum.
  code.get(result).get(a).op(0x54);
  bit(1);
  code.get(a).get(result).op(Op.i64Xor).get(b).get(result).op(Op.i64Xor, Op.i64And).i64(0n).op(Op.i64LtS, Op.i32Or);
  negative();
  bit(3);
  code.get(result).op(Op.i64Eqz);
  bit(2);
  code.op(Op.i32Or, Op.i32Or, Op.return, Op.end);

  // sub; logic is the same with a second operand of zero, but for C.
  code.get(a).get(b).op(Op.i64Sub).set(result);
  code.get(a).get(b).op(0x5a).get(kind).i32(FlagsKind.sub).op(Op.i32Eq, Op.i32And);
  bit(1);
  code.get(a).get(b).op(Op.i64Xor).get(a).get(result).op(Op.i64Xor, Op.i64And).i64(0n).op(Op.i64LtS, Op.i32Or);
  negative();
  bit(3);
  code.get(result).op(Op.i64Eqz);
  bit(2);
  code.op(Op.i32Or, Op.i32Or);
});

/**
 * What the fast path of an access leaves over: unaligned accesses inside a page that allows them, stores beside decoded
 * code, and then the host.
 */
function slowAccess(write: boolean): FunctionBody {
  const [va, record, limit, context, description] = [0, 1, 2, 3, 4];
  const [entry, bytes, tag, place] = [5, 6, 7, 8];
  const table = write ? Context.write : Context.read;
  return body(TypeIndex.slowAccess, [i32, i32, i64, i32], (code) => {
    entryOf(code.get(va), Context.entries, () => code.get(context)).tee(entry);
    code.memory(Op.i64Load, table).set(tag);
    // 1 << size << pair
    code.i32(1).get(description).i32(3).op(Op.i32And, Op.i32Shl);
    code.get(description).i32(2).op(Op.i32ShrU).i32(1).op(Op.i32And, Op.i32Shl).set(bytes);
    code.get(va).get(bytes).op(Op.i64ExtendI32U, Op.i64Add).i64(1n).op(Op.i64Sub).i64(-4096n).op(Op.i64And);
    code.get(tag).i64(~BigInt(Context.holdsCode)).op(Op.i64And, Op.i64Eq).if();
    // Of a kind and in a page that may be unaligned, ...
    code.get(description).i32(3).op(Op.i32ShrU).i32(firstAlignedKind).op(Op.i32LtU);
    code
      .get(entry)
      .memory(Op.i32Load, table + Context.aligned)
      .loadAt(Op.i32Load, Layout.alignCheck);
    code.op(Op.i32Or, Op.i32Eqz, Op.i32And);
    if (write) {
      // ... or aligned.
      code.get(va).op(Op.i32WrapI64).get(bytes).get(description).i32(2).op(Op.i32ShrU).i32(1).op(Op.i32And);
      code.get(description).i32(3).op(Op.i32ShrU).i32(firstAlignedKind).op(Op.i32LtU, Op.i32And);
      code.op(Op.i32ShrU).i32(1).op(Op.i32Sub, Op.i32And, Op.i32Eqz, Op.i32Or);
    }
    code.if();
    code
      .get(va)
      .op(Op.i32WrapI64)
      .get(entry)
      .memory(Op.i32Load, table + Context.value)
      .op(Op.i32Add)
      .set(place);
    if (write) {
      const line = () => code.op(Op.i32WrapI64).i32(6).op(Op.i32ShrU).i32(63).op(Op.i32And, Op.i64ExtendI32U);
      code.get(tag).op(Op.i32WrapI64).i32(Context.holdsCode).op(Op.i32And, Op.i32Eqz).if();
      code.get(place).op(Op.return, Op.end);
      // tag := the page's lines.
      code.get(place).i32(Layout.ram).op(Op.i32Sub).i32(12).op(Op.i32ShrU).i32(3).op(Op.i32Shl);
      code.memory(Op.i64Load, Layout.codeLines).set(tag);
      code.get(tag).get(va);
      line().op(Op.i64ShrU);
      code.get(tag).get(va).get(bytes).op(Op.i64ExtendI32U, Op.i64Add).i64(1n).op(Op.i64Sub);
      line().op(Op.i64ShrU, Op.i64Or).i64(1n).op(Op.i64And, Op.i64Eqz).if();
      code.get(place).op(Op.return, Op.end);
    } else {
      code.get(place).op(Op.return);
    }
    code.op(Op.end);
    code.op(Op.end);
    storePc(code, () => code.get(record).memory(Op.i64Load, Record.pc));
    storeBudget(code, () => code.get(limit).get(record).op(Op.i32Sub));
    code.get(va).op(Op.i32WrapI64).get(va).i64(32n).op(Op.i64ShrU, Op.i32WrapI64).get(description);
    code.call(write ? FunctionIndex.hostStore : FunctionIndex.hostLoad);
  });
}

/** target, rest: the straight run of records at target is longer than what may run. */
const outOfBudget = body(TypeIndex.twoNumbers, [], (code) => {
  storePc(code, () => code.get(0).memory(Op.i64Load, Record.pc));
  storeBudget(code, () => code.get(1)).i32(Status.budget);
});

const far = body(TypeIndex.far, [i32, i32], (code) =>
  enterFar(code, { pc: 0, rest: 1, context: 2, entry: 3, target: 4 }),
);

/** Goes on where the host left pc, budget and context. */
const resume = body(TypeIndex.query, [], (code) => {
  code.loadAt(Op.i64Load, Layout.pc);
  code.loadAt(Op.i32Load, Layout.budget).i32(log2RecordBytes).op(Op.i32Shl);
  code.loadAt(Op.i32Load, Layout.context).returnCall(FunctionIndex.far);
});

const start = body(TypeIndex.handler, [], (code) => {
  code.get(0).get(1).get(2).get(0).memory(Op.i32Load, Record.handler);
  code.indirect(Op.returnCallIndirect, TypeIndex.handler);
});

const undecoded = body(TypeIndex.handler, [], (code) => {
  code.i32(0).get(0).memory(Op.i32Store, Layout.undecoded);
  storeBudget(code, () => code.get(1).get(0).op(Op.i32Sub)).i32(Status.undecoded);
});

const leave = (status: number) =>
  body(TypeIndex.handler, [], (code) => {
    storePc(code, () => code.get(0).memory(Op.i64Load, Record.pc));
    storeBudget(code, () => code.get(1).get(0).op(Op.i32Sub)).i32(status);
  });

const nextPage = body(TypeIndex.handler, [], (code) => {
  code.get(0).memory(Op.i64Load, Record.pc).get(1).get(0).op(Op.i32Sub).get(2).returnCall(FunctionIndex.far);
});

/** In the order of FunctionIndex. */
export const runtime: readonly FunctionBody[] = [
  nzcv,
  slowAccess(false),
  slowAccess(true),
  outOfBudget,
  far,
  resume,
  start,
  undecoded,
  leave(Status.budget),
  leave(Status.breakpoint),
  nextPage,
];
