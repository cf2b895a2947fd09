/** The engine against the evaluating builder: random programs from every definition, with equal ends at every stop. */
import { describe, expect, test } from 'vitest';
import {
  type AccessKind,
  a64Instructions,
  commonPairs,
  decoderOf,
  type EvaluateState,
  executeWord,
  Layout,
  type StateSlot,
  SystemOffset,
  systemPlace,
} from '../../../../src/arm/index.ts';
import { Access, RunStatus } from '../../../../src/backend/simulator/engine/host.ts';
import { Random } from '../../../lockstep/random.ts';
import { FlatHost, ramBase } from './flat-host.ts';

const code = { start: ramBase + 0x10000, bytes: 0x2000 };
/** What data accesses may touch: the code only in programs that write on themselves. The last page is Device memory. */
const data = { start: code.start + code.bytes, bytes: 0x4000 };
const bytes = code.bytes + data.bytes;
const devicePage = data.start + data.bytes - 0x1000;
const stateSlots: readonly StateSlot[] = ['exclusiveAddress', 'exclusiveValue', 'exclusiveHigh', 'exclusiveSize'];
const HLT = 0xd4400000;
const programLength = 16;

const decoder = decoderOf(a64Instructions);

/** One system register in eight is plain storage. */
const systemSlot = (encoding: number): number =>
  encoding % 8 === 0 && 8 * encoding !== SystemOffset.fpcr ? 8 * encoding : -1;

interface Settings {
  readonly codeIsData: boolean;
  readonly alignCheck: boolean;
  readonly spCheck: boolean;
}

class Host extends FlatHost {
  codeIsData: Settings['codeIsData'] = false;
  override isMapped = (page: number, access: Access) => {
    const inCode = page >= code.start && page < data.start;
    if (access === Access.execute) return inCode;
    return (inCode && this.codeIsData) || (page >= data.start && page < data.start + data.bytes);
  };
  override isDevice = (page: number) => page === devicePage;
  override system(word: number): RunStatus {
    this.events.push(`system ${word >>> 0}`);
    return RunStatus.budget;
  }
  override systemSlot(encoding: number): number {
    return systemSlot(encoding);
  }
}

class Oracle implements EvaluateState {
  readonly el = 1;
  readonly simdTrapped = false;
  readonly x = new BigUint64Array(34);
  readonly v = new BigUint64Array(64);
  pc = 0n;
  nzcv = 0;
  readonly exclusive = { exclusiveAddress: 0n, exclusiveValue: 0n, exclusiveHigh: 0n, exclusiveSize: 0n };
  readonly memory = new Uint8Array(bytes);
  readonly words = new DataView(this.memory.buffer);
  settings: Settings = { codeIsData: false, alignCheck: false, spCheck: false };
  /** FlatHost's CNTFRQ_EL0 is there. */
  readonly system = new Map([[8 * 0xdf00, 62_500_000n]]);
  accesses = 0;
  /** Names of definitions of which an instruction has run to its end. */
  readonly done = new Set<string>();

  #place(address: bigint, size: number, elements: number, kind: AccessKind): number | undefined {
    const mustAlign = kind !== 'normal' && kind !== 'unprivileged';
    const aligned = address % BigInt(mustAlign ? size : size / elements) === 0n;
    if (!aligned && (mustAlign || this.settings.alignCheck)) return undefined;
    const place = Number(BigInt.asIntN(64, address - BigInt(code.start)));
    if (place < (this.settings.codeIsData ? 0 : code.bytes) || place + size > bytes) return undefined;
    if (!aligned && place + size > devicePage - code.start) return undefined;
    this.accesses++;
    return place;
  }
  load(address: bigint, size: number, elements: number, kind: AccessKind): bigint | undefined {
    const place = this.#place(address, size, elements, kind);
    if (place === undefined) return undefined;
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.memory[place + i]);
    return value;
  }
  store(address: bigint, size: number, elements: number, value: bigint, kind: AccessKind): boolean {
    const place = this.#place(address, size, elements, kind);
    if (place === undefined) return false;
    for (let i = 0; i < size; i++) this.memory[place + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    return true;
  }
  checkSpAlignment(): boolean {
    return !this.settings.spCheck || this.x[32] % 16n === 0n;
  }
  systemSlot(encoding: number): number {
    return systemSlot(encoding);
  }
  readSystem(offset: number): bigint {
    return this.system.get(offset) ?? 0n;
  }
  writeSystem(offset: number, value: bigint): void {
    this.system.set(offset, value);
  }

  wordAt(address: bigint): number | undefined {
    const place = Number(address - BigInt(code.start));
    return place % 4 === 0 && place >= 0 && place < code.bytes ? this.words.getUint32(place, true) : undefined;
  }

  /** Runs up to `count` instructions; those that ran, and how it ended. */
  run(count: number): { ran: number; status: RunStatus } {
    for (let ran = 0; ran < count; ran++) {
      const word = this.wordAt(this.pc);
      if (word === undefined) return { ran, status: RunStatus.exception };
      const outcome = executeWord(word, this);
      if (outcome.kind === 'fault') return { ran, status: RunStatus.exception };
      this.done.add(decoder.find(word)?.name ?? 'none');
      if (outcome.kind === 'raise') return { ran: ran + 1, status: RunStatus.stopped };
    }
    return { ran: count, status: RunStatus.budget };
  }
}

/** A word of the definition, branches bent forward and inside the program. */
function drawWord(random: Random, definition: (typeof a64Instructions)[number], rest: number): number {
  for (;;) {
    let word = ((random.word() & ~definition.mask) | definition.value) >>> 0;
    const skip = 1 + random.below(rest);
    if ((word & 0x7c000000) === 0x14000000) word = ((word & 0xfc000000) | skip) >>> 0;
    else if ((word & 0x7e000000) === 0x36000000) word = ((word & 0xfff8001f) | (skip << 5)) >>> 0;
    else if ((word & 0xfe000000) >>> 0 === 0x54000000 || (word & 0x7e000000) === 0x34000000)
      word = ((word & 0xff00001f) | (skip << 5)) >>> 0;
    // Loads of literals reach into the data.
    else if ((word & 0x3b000000) === 0x18000000)
      word = ((word & 0xff00001f) | (random.below((code.bytes + data.bytes) / 4) << 5)) >>> 0;
    if (decoder.find(word) === definition) return word;
  }
}

/** Mostly something that makes an address in or near the data. */
function drawValue(random: Random): bigint {
  const offset = random.below(data.bytes);
  switch (random.below(10)) {
    case 0:
      return BigInt(random.word());
    case 1:
      return (BigInt(random.word()) << 32n) | BigInt(random.word());
    case 2:
      return BigInt.asUintN(64, BigInt(random.below(64) - 32));
    case 3:
      return 1n << BigInt(random.below(64));
    case 4:
      return BigInt(data.start + (random.below(4) << 12) + 0xff0 + random.below(24));
    case 5:
      return BigInt(data.start + offset);
    case 6:
      return BigInt(code.start + (offset & (code.bytes - 4)));
    default:
      return BigInt(data.start + (offset & -16));
  }
}

/** Half a vector: values near the ends of their ranges in elements of some size. */
function drawElements(random: Random): bigint {
  const bits = 8 << random.below(4);
  let value = 0n;
  for (let at = 0; at < 64; at += bits) {
    const whole = (BigInt(random.word()) << 32n) | BigInt(random.word());
    const element = random.chance(2) ? whole : BigInt(random.pick([0, 1, -1, 2, -2]) + random.below(3));
    const end = random.pick([
      0n,
      1n << BigInt(bits - 1),
      (1n << BigInt(bits - 1)) - 1n,
      1n << BigInt(random.below(bits)),
    ]);
    value |= BigInt.asUintN(bits, random.chance(3) ? element : end) << BigInt(at);
  }
  return value;
}

class Pair {
  readonly host = new Host(1 << 20);
  readonly oracle = new Oracle();
  readonly #random: Random;
  definitions = 0;
  instructions = 0;
  faults = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  begin(): void {
    const random = this.#random;
    // Near the end of the page, now and then, so that programs run on into the next one.
    const first = random.chance(3) ? 0x1000 - 4 * random.below(programLength) : 4 * random.below(0x700);
    const words = Array.from({ length: programLength }, (_, i) => {
      const definition = a64Instructions[this.definitions++ % a64Instructions.length];
      return drawWord(random, definition, programLength - i);
    });
    words.push(HLT);
    const codeIsData = random.chance(4);
    this.load(first, words);
    this.setRegisters(codeIsData, first);
  }

  /** Puts the program at an offset into the code, where all else is zeros, and pc to it. */
  load(first: number, words: readonly number[]): void {
    const [host, oracle] = [this.host, this.oracle];
    host.program(code.start, new Array(code.bytes / 4).fill(0));
    host.program(code.start + first, words);
    oracle.memory.fill(0, 0, code.bytes);
    for (const [i, word] of words.entries()) oracle.words.setUint32(first + 4 * i, word, true);
    oracle.pc = host.pc = BigInt(code.start + first);
  }

  /** Registers, flags and checks at random. */
  setRegisters(codeIsData: boolean, first: number): void {
    const [random, host, oracle] = [this.#random, this.host, this.oracle];
    if (codeIsData !== host.codeIsData) host.engine.flushTlb();
    host.codeIsData = codeIsData;
    for (let i = 0; i <= 32; i++) {
      if (i === 31) continue;
      const value = drawValue(random);
      this.#setX(i, i === 32 && !random.chance(8) ? value & ~15n : value);
      if (codeIsData && random.chance(4)) this.#setX(i, BigInt(code.start + first + random.below(4 * programLength)));
    }
    for (let i = 0; i < 64; i++) {
      oracle.v[i] = drawElements(random);
      host.view.setBigUint64(Layout.v + 8 * i, oracle.v[i], true);
    }
    oracle.nzcv = random.below(16);
    host.engine.setNzcv(oracle.nzcv);
    const [alignCheck, spCheck] = [random.chance(4), !random.chance(4)];
    oracle.settings = { codeIsData, alignCheck, spCheck };
    if (alignCheck !== (host.view.getInt32(Layout.alignCheck, true) !== 0)) host.engine.flushTlb();
    host.view.setInt32(Layout.alignCheck, alignCheck ? 1 : 0, true);
    host.view.setInt32(Layout.spCheck, spCheck ? 1 : 0, true);
  }

  /** Runs to the end of the program in runs of some instructions; the differences found. */
  run(): string[] {
    const [random, { engine }, oracle] = [this.#random, this.host, this.oracle];
    const most = random.pick([1, 3, 10, 1000]);
    let faultedAt = 0n;
    for (let total = 0; total < 50; total++) {
      const count = 1 + random.below(most);
      const before = engine.retired;
      const status = engine.run(count);
      const expected = oracle.run(count);
      const differences = this.compare();
      if (status !== expected.status) differences.push(`status ${status} for ${expected.status}`);
      if (engine.retired - before !== expected.ran)
        differences.push(`${engine.retired - before} instructions for ${expected.ran}`);
      if (differences.length > 0) return differences;
      this.instructions += expected.ran;
      const word = oracle.wordAt(oracle.pc);
      if (word === undefined || word === HLT) break;
      if (status === RunStatus.exception && oracle.pc !== faultedAt) {
        // Once more, with a better base register.
        this.faults++;
        faultedAt = oracle.pc;
        const base = (word >>> 5) & 31;
        this.#setX(base === 31 ? 32 : base, BigInt(data.start + (random.below(data.bytes) & -16)));
      } else if (status !== RunStatus.budget) {
        oracle.pc += 4n;
        this.host.pc = oracle.pc;
      }
    }
    return [];
  }

  #setX(register: number, value: bigint): void {
    this.oracle.x[register] = value;
    this.host.setX(register, value);
  }

  compare(): string[] {
    const [host, oracle] = [this.host, this.oracle];
    const differences: string[] = [];
    const check = (name: string, engine: bigint | number, evaluator: bigint | number) => {
      if (engine !== evaluator) differences.push(`${name} is ${engine.toString(16)} for ${evaluator.toString(16)}`);
    };
    for (let i = 0; i < 33; i++) check(i === 32 ? 'SP' : `X${i}`, host.getX(i), oracle.x[i]);
    for (let i = 0; i < 64; i++)
      check(`V${i >> 1}.D[${i & 1}]`, host.view.getBigUint64(Layout.v + 8 * i, true), oracle.v[i]);
    check('PC', host.pc, oracle.pc);
    check('NZCV', host.engine.getNzcv(), oracle.nzcv);
    stateSlots.forEach((slot, i) => {
      check(slot, host.view.getBigUint64(Layout.exclusive + 8 * i, true), oracle.exclusive[slot]);
    });
    for (const [offset, value] of oracle.system)
      check(`system ${offset / 8}`, host.view.getBigUint64(systemPlace(offset), true), value);
    const memory = new Uint8Array(host.engine.memory.buffer, host.engine.ramOffset(code.start), bytes);
    if (Buffer.compare(memory, oracle.memory) !== 0) {
      const at = memory.findIndex((byte, i) => byte !== oracle.memory[i]);
      check(`memory at ${at.toString(16)}`, memory[at], oracle.memory[at]);
    }
    return differences;
  }
}

describe('the engine does what the evaluating builder does', () => {
  test.each([1, 3, 5, 7])('programs of seed %i', (seed) => {
    const pair = new Pair(seed);
    for (let program = 0; program < 2000; program++) {
      pair.begin();
      const differences = pair.run();
      if (differences.length > 0) {
        const { pc } = pair.oracle;
        const words = [-8n, -4n, 0n].map((offset) => pair.oracle.wordAt(pc + offset)?.toString(16));
        expect.fail(
          `program ${program}, at or behind ${pc.toString(16)} (${words.join(' ')}): ${differences.join('; ')}`,
        );
      }
    }
    // The programs did something.
    expect(pair.instructions).toBeGreaterThan(5000);
    expect(pair.oracle.accesses).toBeGreaterThan(1000);
    expect(pair.faults).toBeGreaterThan(500);
    expect(a64Instructions.map(({ name }) => name).filter((name) => !pair.oracle.done.has(name))).toEqual([]);
  });
});

test('pairs that have a handler of their own', () => {
  const pair = new Pair(9);
  const wrong: string[] = [];
  for (const words of commonPairs) {
    for (let round = 0; round < 10; round++) {
      pair.load(0x800, [...words, HLT]);
      pair.setRegisters(false, 0x800);
      pair.host.engine.run(2);
      const { ran } = pair.oracle.run(2);
      pair.instructions += ran;
      const differences = pair.compare();
      if (differences.length > 0) wrong.push(`${words.map((word) => word.toString(16))}: ${differences}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(pair.instructions).toBeGreaterThan(1.5 * 10 * commonPairs.length);
});

describe('conditions', () => {
  // The engine keeps flags as the operation that made them; the evaluator as bits.
  const operands = [
    0n,
    1n,
    2n,
    0x7fff_ffffn,
    0x8000_0000n,
    0xffff_ffffn,
    1n << 63n,
    (1n << 63n) - 1n,
    (1n << 64n) - 1n,
  ];
  const CSET = 0x9a9f07e0;
  const csets = Array.from({ length: 16 }, (_, cond) => (CSET | ((cond ^ 1) << 12) | (cond + 2)) >>> 0);

  test.each([
    ['subs x', 0xeb01001f],
    ['subs w', 0x6b01001f],
    ['adds x', 0xab01001f],
    ['adds w', 0x2b01001f],
    ['ands x', 0xea01001f],
    ['ands w', 0x6a01001f],
    ['adcs x', 0xba01001f],
  ])('after %s', (_, word) => {
    const { host, oracle } = new Pair(1);
    const words = [word, ...csets, HLT];
    host.program(code.start, words);
    for (const [i, w] of words.entries()) oracle.words.setUint32(4 * i, w, true);
    const wrong: string[] = [];
    for (const a of operands) {
      for (const b of operands) {
        oracle.x.set([a, b]);
        host.setX(0, a);
        host.setX(1, b);
        oracle.pc = host.pc = BigInt(code.start);
        host.engine.run(words.length - 1);
        oracle.run(words.length - 1);
        for (let cond = 0; cond < 16; cond++)
          if (host.getX(cond + 2) !== oracle.x[cond + 2]) wrong.push(`condition ${cond} of ${a} and ${b}`);
        if (host.engine.getNzcv() !== oracle.nzcv) wrong.push(`flags of ${a} and ${b}`);
      }
    }
    expect(host.engine.retired).toBe(17 * operands.length ** 2);
    expect(wrong).toEqual([]);
  });
});
