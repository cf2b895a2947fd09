/** Runs cases on the evaluating builder, on a model of the harness's memory: the third opinion of the lock-step runs. */
import { type EvaluateState, executeWord } from '../../src/arm/index.ts';
import type { Batch } from './cases.ts';
import { isLoadAcquirePc } from './compare.ts';
import { caseWords, data, firstInstruction, stubs, stubWords, windows } from './layout.ts';
import { pristineBytes, vectorPool } from './machines.ts';

const pageSize = 0x1000;
const pages = 4;
const open = 0xffff_ffff_ffff_ffffn;
const inWindow = (address: number, bytes: number) =>
  windows.some((w) => address >= w.start && address + bytes <= w.start + w.bytes);
/** More than any case can run: branches only go forward. */
const mostSteps = 8;

const isBrk = (word: number) => (word & 0xffe0001f) >>> 0 === 0xd4200000;
const step = (hash: bigint, word: bigint): bigint => word ^ (hash >> 7n) ^ BigInt.asUintN(64, hash << 57n);

/** `misaligned`: what QEMU 7.2 does not check, SP or the address of LDAPR. */
export type Ending =
  /** Ended by an exception: at `elr`, by a fault or by an instruction that raises one. */
  | { readonly kind: 'exception'; readonly elr: bigint; readonly misaligned: boolean }
  /** The CPU around the engine would have to say how it goes on, or memory that is not modelled was touched. */
  | { readonly kind: 'unknown'; readonly misaligned: boolean }
  /** It goes round in a circle, as RET does behind the BL that called it. */
  | { readonly kind: 'endless' };

export class EvaluatorMachine implements EvaluateState {
  readonly x = new BigUint64Array(34);
  readonly v = new BigUint64Array(64);
  simdTrapped: boolean = false;
  pc = 0n;
  nzcv = 0;
  el = 0;
  /** Instructions that the last case executed. */
  steps = 0;
  readonly exclusive = { exclusiveAddress: open, exclusiveValue: 0n, exclusiveHigh: 0n, exclusiveSize: 0n };
  /** Set: an access ends the instruction as if it had faulted, and is noted. */
  #probing: boolean = false;
  #misaligned: boolean = false;
  #word = 0;
  #probed: bigint | undefined;
  #pan: boolean = false;
  #outside: boolean = false;
  #dirty: boolean = true;
  readonly #memory = new Uint8Array(pages * pageSize);
  readonly #words = new DataView(this.#memory.buffer);
  readonly #pristine = pristineBytes();
  readonly #pristineHash: bigint;
  readonly #vectors = vectorPool();

  constructor() {
    this.#restore();
    this.#pristineHash = this.#memoryHash();
  }

  /** Runs case `index`; the registers are then its result. */
  run(batch: Batch, index: number): Ending {
    const state = batch.cases.subarray(index * caseWords, (index + 1) * caseWords);
    const spsr = Number(state[32]);
    for (let r = 0; r < 31; r++) this.x[r] = state[r];
    this.x[31] = 0n;
    this.x[32] = state[31];
    const firstVector = Number(state[33]) / 8;
    this.v.set(this.#vectors.subarray(firstVector, firstVector + 64));
    this.nzcv = spsr >>> 28;
    this.el = (spsr >>> 2) & 3;
    const FPEN = (Number(state[34]) >> 20) & 3;
    this.simdTrapped = FPEN === 1 ? this.el === 0 : FPEN !== 3;
    this.#pan = (spsr & (1 << 22)) !== 0;
    this.#outside = false;
    this.exclusive.exclusiveAddress = open;
    this.steps = 0;
    this.#misaligned = false;
    if (this.#dirty) this.#restore();
    const first = stubs + index * stubWords * 4;
    this.pc = BigInt(first + firstInstruction * 4);
    if ((spsr & (1 << 20)) !== 0) return { kind: 'exception', elr: this.pc, misaligned: false };
    let unknown = false;
    for (this.steps = 0; this.steps < mostSteps; this.steps++) {
      const place = Number(this.pc - BigInt(first));
      if (place < 0 || place >= stubWords * 4 || place % 4 !== 0) {
        // Other cases' instructions are not followed.
        const other = batch.stubs[Number(this.pc - BigInt(stubs)) / 4];
        const isKnown = !unknown && (other === undefined || isBrk(other));
        return isKnown
          ? { kind: 'exception', elr: this.pc, misaligned: false }
          : { kind: 'unknown', misaligned: false };
      }
      const elr = this.pc;
      this.#word = batch.stubs[index * stubWords + place / 4];
      const outcome = executeWord(this.#word, this);
      if (outcome.kind === 'system' || this.#outside) unknown = true;
      if (unknown && outcome.kind !== 'done' && outcome.kind !== 'system')
        return { kind: 'unknown', misaligned: this.#misaligned };
      if (outcome.kind === 'fault') return { kind: 'exception', elr, misaligned: this.#misaligned };
      if (outcome.kind === 'raise')
        return { kind: 'exception', misaligned: false, elr: outcome.raise === 'svc' ? elr + 4n : elr };
    }
    return { kind: 'endless' };
  }

  /** The first address that an instruction would access with these registers (X0..X30, SP), if any. */
  firstAccess(word: number, registers: BigUint64Array, pc: number): bigint | undefined {
    for (let r = 0; r < 31; r++) this.x[r] = registers[r];
    this.x[32] = registers[31];
    this.pc = BigInt(pc);
    this.#probed = undefined;
    this.#probing = true;
    this.simdTrapped = false;
    executeWord(word, this);
    this.#probing = false;
    return this.#probed;
  }

  /** The hash that the harness computes of the windows and of V0..V31. */
  get hash(): bigint {
    return this.v.reduce(step, this.#dirty ? this.#memoryHash() : this.#pristineHash);
  }

  load(address: bigint, bytes: number, elements: number, kind: 'normal' | 'unprivileged' | string): bigint | undefined {
    const place = this.#place(address, bytes, elements, kind, false);
    if (place === undefined) return undefined;
    if (kind === 'atomic' && this.#place(address, bytes, elements, kind, true) === undefined) return undefined;
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#memory[place + i]);
    return value;
  }

  store(address: bigint, bytes: number, elements: number, value: bigint, kind: string): boolean {
    const place = this.#place(address, bytes, elements, kind, true);
    if (place === undefined) return false;
    for (let i = 0; i < bytes; i++) this.#memory[place + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    this.#dirty = true;
    return true;
  }

  checkSpAlignment(): boolean {
    this.#misaligned = !this.#probing && (this.x[32] & 15n) !== 0n;
    return !this.#misaligned;
  }
  systemSlot(): number {
    return -1;
  }
  readSystem(): bigint {
    throw new Error('no register is plain storage here');
  }
  writeSystem(): void {
    throw new Error('no register is plain storage here');
  }

  /** Offset in `data`, or undefined for a fault. */
  #place(address: bigint, bytes: number, elements: number, kind: string, write: boolean): number | undefined {
    this.#probed ??= address;
    if (this.#probing) return undefined;
    const whole = elements === 2 && kind !== 'exclusive' && kind !== 'atomic' ? bytes / 2 : bytes;
    if (kind !== 'normal' && kind !== 'unprivileged' && address % BigInt(whole) !== 0n) {
      this.#misaligned ||= isLoadAcquirePc(this.#word);
      return undefined;
    }
    const place = Number(BigInt.asIntN(64, address - BigInt(data)));
    if (place < 0 || place + bytes > (pages + 1) * pageSize) {
      this.#outside = true;
      return undefined;
    }
    for (const at of [place, place + bytes - 1])
      if (!this.#allowed(Math.floor(at / pageSize), kind === 'unprivileged' ? 0 : this.el, write)) return undefined;
    // What lies beside the windows may hold what another case left there.
    if (place < 2 * pageSize || place >= 3 * pageSize) this.#outside ||= !inWindow(data + place, bytes);
    return place;
  }

  #allowed(page: number, el: number, write: boolean): boolean {
    if (page >= pages) return false;
    if (page === 3) return el === 1;
    // PAN: EL1 may not touch what EL0 may read.
    if (el === 1 && this.#pan) return false;
    return page < 2 || !write;
  }

  #restore(): void {
    let from = 0;
    for (const { start, bytes } of windows) {
      this.#memory.set(this.#pristine.subarray(from, from + bytes), start - data);
      from += bytes;
    }
    this.#dirty = false;
  }

  #memoryHash(): bigint {
    let hash = 0n;
    for (const { start, bytes } of windows)
      for (let at = start - data; at < start - data + bytes; at += 8)
        hash = step(hash, this.#words.getBigUint64(at, true));
    return hash;
  }
}
