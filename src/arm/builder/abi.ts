/** How the interpreter's functions are numbered, called and answered: agreed between all that make or run them. */
import type { AccessKind, Raise, StateSlot } from './builder.ts';
import { type FunctionType, ValueType } from './wasm.ts';

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

/** Lazy flags: the operation that made them. */
export const FlagsKind = { nzcv: 0, sub: 1, logic: 2, add: 3 } as const;

/** In the order that access descriptions number them. */
export const accessKinds: readonly AccessKind[] = ['normal', 'unprivileged', 'ordered', 'exclusive', 'atomic'];
/** From this one on accesses must be aligned to all their bytes; before it, if at all, to an element. */
export const firstAlignedKind = accessKinds.indexOf('ordered');
/** In the order in which the host is told them. */
export const raises: readonly Raise[] = ['undefined', 'svc', 'hvc', 'smc', 'brk', 'hlt', 'simdAccess'];
/** In the order of Layout.exclusive. */
export const stateSlots: readonly StateSlot[] = [
  'exclusiveAddress',
  'exclusiveValue',
  'exclusiveHigh',
  'exclusiveSize',
];

/** Where the parts of an access description begin: log2 of an element's bytes, log2 of their count, the kind. */
export const AccessShift = { count: 3, kind: 6 } as const;
/** An access in one number. */
export const accessDescription = (size: number, log2Count: number, kind: AccessKind): number =>
  size | (log2Count << AccessShift.count) | (accessKinds.indexOf(kind) << AccessShift.kind);

export const TypeIndex = {
  /** record, limit, context: status */
  handler: 0,
  /** address low, address high, description: place in memory, or 0 with an exception pending */
  access: 1,
  number: 2,
  twoNumbers: 3,
  nothing: 4,
  /** pc, remaining bytes of records, context: status */
  far: 5,
  /** address, record, limit, context, description: as access */
  slowAccess: 6,
  /** nothing: a number */
  query: 7,
  /** a number: nothing */
  told: 8,
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
  { parameters: [i32], results: [] },
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
  /** A description of a floating-point operation, whose operands stand in memory: see fp/unit.ts */
  { name: 'fp', type: TypeIndex.told },
] as const;

/** Imports first, then those of runtime.ts, then the handlers. */
export const FunctionIndex = {
  hostLoad: 0,
  hostStore: 1,
  hostSystem: 2,
  hostRaise: 3,
  hostSpAlignmentFault: 4,
  hostFp: 5,
  nzcv: 6,
  slowLoad: 7,
  slowStore: 8,
  outOfBudget: 9,
  far: 10,
  resume: 11,
  start: 12,
  undecoded: 13,
  stop: 14,
  breakpoint: 15,
  nextPage: 16,
  handlers: 17,
} as const;

/** The first handlers of the table are those of no instruction. */
export const HandlerIndex = {
  undecoded: 0,
  stop: 1,
  breakpoint: 2,
  nextPage: 3,
  unallocated: 4,
  /** SIMD and floating-point instructions where they are trapped. */
  simdAccess: 5,
  instructions: 6,
} as const;
export const specialHandlers: readonly number[] = [
  FunctionIndex.undecoded,
  FunctionIndex.stop,
  FunctionIndex.breakpoint,
  FunctionIndex.nextPage,
];
