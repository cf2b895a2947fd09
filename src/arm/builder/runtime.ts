/** What the handlers share: ways from record to record, and functions that are called where a handler's own code ends. */
import { AccessShift, FlagsKind, FunctionIndex, firstAlignedKind, Status, TypeIndex } from './abi.ts';
import { Context, Layout, Record } from './layout.ts';
import { type Value, Values } from './values.ts';
import { type FunctionBody, Op } from './wasm.ts';

/** log2 of Record.bytes. */
const recordShift = 6;
const pageShift = 12;
/** log2 of the bytes of a line of Layout.codeLines. */
const lineShift = 6;
/** log2 of the bytes of a TLB entry. */
const entryShift = 4;

/** Bytes of records as instructions, and back. */
const instructionsIn = (b: Values, bytes: Value) => b.binary('shr_u', 32, bytes, b.number(recordShift));
const bytesOf = (b: Values, instructions: Value) => b.binary('shl', 32, instructions, b.number(recordShift));

/** Writes the state that the host may see: the address of the instruction, and what may still run. */
export function storeState(b: Values, pc: Value, rest: Value): void {
  b.writeAt(3, Layout.pc, pc);
  b.writeAt(2, Layout.budget, instructionsIn(b, rest));
}

export const pcOf = (b: Values, record: Value): Value => b.read(3, record, Record.pc);

/** The address of the TLB entry for a virtual address: Context.read and its like are offsets from it. */
export function tlbEntry(b: Values, entries: number, address: Value, context: Value): Value {
  const scaled = b.binary('shr_u', 32, b.truncate(address), b.number(pageShift - entryShift));
  const index = b.binary('and', 32, scaled, b.number((entries - 1) << entryShift));
  return b.binary('add', 32, index, context);
}

/** Goes on at a record, for which `rest` bytes of records remain, if that is enough for its straight run. */
export function enter(b: Values, target: Value, rest: Value, context: Value): void {
  b.if(b.compare('lt_s', 32, rest, b.read(2, target, Record.span)), () =>
    b.return(b.called(32, FunctionIndex.outOfBudget, target, rest)),
  );
  jumpTo(b, target, b.binary('add', 32, target, rest), context);
}

/** A tail call of a record's handler. */
export function jumpTo(b: Values, record: Value, limit: Value, context: Value): void {
  for (const value of [record, limit, context, b.read(1, record, Record.handler)]) value.push();
  b.code.indirect(Op.returnCallIndirect, TypeIndex.handler);
}

/** Goes on at an address of any page; leaves the status where its page is not known. */
export function enterFar(b: Values, pc: Value, rest: Value, context: Value): void {
  const entry = b.let(32, tlbEntry(b, Context.codeEntries, pc, context));
  // A pc that is not a multiple of 4 equals no tag.
  const page = b.binary('and', 64, pc, b.constant(64, ~0xffcn));
  b.if(b.compare('eq', 64, b.read(3, entry, Context.code), page), () => {
    const inPage = b.binary('and', 32, b.truncate(pc), b.number(0xffc));
    const offset = b.binary('shl', 32, inPage, b.number(recordShift - 2));
    enter(b, b.let(32, b.binary('add', 32, b.read(2, entry, Context.code + Context.value), offset)), rest, context);
  });
  storeState(b, pc, rest);
  b.number(Status.miss).push();
}

/** The same out of line. */
export function goFar(b: Values, pc: Value, rest: Value, context: Value): void {
  for (const value of [pc, rest, context]) value.push();
  b.code.returnCall(FunctionIndex.far);
}

function body(type: number, parameters: number, write: (b: Values) => void): FunctionBody {
  const b = new Values(parameters);
  write(b);
  return { type, locals: b.locals, code: b.code.bytes };
}

/** The flags as bits 3..0. Operands of 32-bit instructions stand in the high halves, so that width does not matter. */
const nzcv = body(TypeIndex.query, 0, (b) => {
  const kind = b.let(32, b.readAt(2, Layout.flagsKind));
  const x = b.let(64, b.readAt(3, Layout.flagsA));
  const y = b.let(64, b.readAt(3, Layout.flagsB));
  const zero = b.constant(64, 0n);
  const isNegative = (value: Value) => b.compare('lt_s', 64, value, zero);
  const differ = (p: Value, q: Value) => b.binary('xor', 64, p, q);
  const both = (p: Value, q: Value) => isNegative(b.binary('and', 64, p, q));
  const returnFlags = (result: Value, c: Value, v: Value) => {
    const flags = [isNegative(result), b.compare('eq', 64, result, zero), c, v];
    b.return(flags.reduce((packed, flag) => b.binary('or', 32, b.binary('shl', 32, packed, b.number(1)), flag)));
  };
  b.if(b.compare('eq', 32, kind, b.number(FlagsKind.nzcv)), () => b.return(b.truncate(x)));
  b.if(b.compare('eq', 32, kind, b.number(FlagsKind.add)), () => {
    const sum = b.let(64, b.binary('add', 64, x, y));
    // Both operands have another sign than the sum.
    returnFlags(sum, b.compare('lt_u', 64, sum, x), both(differ(x, sum), differ(y, sum)));
  });
  // A logical operation is a subtraction of zero in all but C.
  const difference = b.let(64, b.binary('sub', 64, x, y));
  const isSub = b.compare('eq', 32, kind, b.number(FlagsKind.sub));
  const carry = b.binary('and', 32, b.compare('ge_u', 64, x, y), isSub);
  returnFlags(difference, carry, both(differ(x, y), differ(x, difference)));
});

/**
 * What the fast path of an access leaves over: unaligned accesses inside a page that allows them, stores beside decoded
 * code, and then the host.
 */
function slowAccess(write: boolean): FunctionBody {
  const table = write ? Context.write : Context.read;
  return body(TypeIndex.slowAccess, 5, (b) => {
    const address = b.local(64, 0);
    const [record, limit, context, description] = [1, 2, 3, 4].map((index) => b.local(32, index));
    const and = (x: Value, y: Value) => b.binary('and', 32, x, y);
    const or = (x: Value, y: Value) => b.binary('or', 32, x, y);
    const field = (shift: number, mask: number) =>
      and(b.binary('shr_u', 32, description, b.number(shift)), b.number(mask));
    const element = b.let(32, b.binary('shl', 32, b.number(1), field(0, 7)));
    const bytes = b.let(32, b.binary('shl', 32, element, field(AccessShift.count, 7)));
    const mustAlign = b.compare('ge_u', 32, field(AccessShift.kind, 7), b.number(firstAlignedKind));
    const last = b.let(64, b.binary('add', 64, address, b.zeroExtend(b.binary('sub', 32, bytes, b.number(1)))));

    const entry = b.let(32, tlbEntry(b, Context.entries, address, context));
    const tag = b.let(64, b.read(3, entry, table));
    const page = b.binary('and', 64, tag, b.constant(64, ~BigInt(Context.holdsCode)));
    const lastPage = b.binary('and', 64, last, b.constant(64, -4096n));
    b.if(b.compare('eq', 64, page, lastPage), () => {
      let allowed = and(b.not(mustAlign), b.not(b.read(2, entry, table + Context.aligned)));
      if (write) {
        // Aligned loads are here only for want of permission to write; aligned stores beside code.
        const unit = b.select(32, mustAlign, bytes, element);
        const offset = and(b.truncate(address), b.binary('sub', 32, unit, b.number(1)));
        allowed = or(allowed, b.not(offset));
      }
      b.if(allowed, () => {
        const addend = b.read(2, entry, table + Context.value);
        const place = b.let(32, b.binary('add', 32, b.truncate(address), addend));
        if (!write) {
          b.return(place);
          return;
        }
        const holdsCode = and(b.truncate(tag), b.number(Context.holdsCode));
        b.if(b.not(holdsCode), () => b.return(place));
        const lines = b.let(64, codeLines(b, place));
        const shifted = (at: Value) =>
          b.binary('shr_u', 64, lines, b.binary('shr_u', 64, at, b.constant(64, BigInt(lineShift))));
        // Shifts are modulo 64, which is the number of lines in a page.
        const touched = b.truncate(b.binary('or', 64, shifted(address), shifted(last)));
        b.if(b.not(and(touched, b.number(1))), () => b.return(place));
      });
    });
    storeState(b, pcOf(b, record), b.binary('sub', 32, limit, record));
    const high = b.truncate(b.binary('shr_u', 64, address, b.constant(64, 32n)));
    b.called(
      32,
      write ? FunctionIndex.hostStore : FunctionIndex.hostLoad,
      b.truncate(address),
      high,
      description,
    ).push();
  });
}

/** The lines of a page of RAM that hold decoded code. */
function codeLines(b: Values, place: Value): Value {
  const ramPage = b.binary('shr_u', 32, b.binary('sub', 32, place, b.number(Layout.ram)), b.number(pageShift));
  return b.read(3, b.binary('shl', 32, ramPage, b.number(3)), Layout.codeLines);
}

/** record, remaining bytes: the straight run of records there is longer than what may run. */
const outOfBudget = body(TypeIndex.twoNumbers, 2, (b) => {
  storeState(b, pcOf(b, b.local(32, 0)), b.local(32, 1));
  b.number(Status.budget).push();
});

const far = body(TypeIndex.far, 3, (b) => enterFar(b, b.local(64, 0), b.local(32, 1), b.local(32, 2)));

/** Goes on where the host left pc, budget and context. */
const resume = body(TypeIndex.query, 0, (b) =>
  goFar(b, b.readAt(3, Layout.pc), bytesOf(b, b.readAt(2, Layout.budget)), b.readAt(2, Layout.context)),
);

/** A handler of no instruction: nothing of what may run is used up. */
const special = (write: (b: Values, record: Value, rest: Value, context: Value) => void): FunctionBody =>
  body(TypeIndex.handler, 3, (b) => {
    const [record, limit, context] = [0, 1, 2].map((index) => b.local(32, index));
    write(b, record, b.binary('sub', 32, limit, record), context);
  });

const start = body(TypeIndex.handler, 3, (b) => jumpTo(b, b.local(32, 0), b.local(32, 1), b.local(32, 2)));

/** Its record has no pc yet. */
const undecoded = special((b, record, rest) => {
  b.writeAt(2, Layout.undecoded, record);
  b.writeAt(2, Layout.budget, instructionsIn(b, rest));
  b.number(Status.undecoded).push();
});

const leave = (status: number) =>
  special((b, record, rest) => {
    storeState(b, pcOf(b, record), rest);
    b.number(status).push();
  });

const nextPage = special((b, record, rest, context) => goFar(b, pcOf(b, record), rest, context));

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
