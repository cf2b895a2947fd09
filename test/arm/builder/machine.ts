/** A small machine for single instructions: registers, flags and bytes of memory that are there or fault. */
import type { AccessKind, EvaluateState } from '../../../src/arm/index.ts';

/** Z and C in upper case are set: `nZCv`. */
export const flagsOf = (text: string): number =>
  [...text].reduce((flags, letter) => flags * 2 + (letter === letter.toUpperCase() ? 1 : 0), 0);
export const flagsText = (nzcv: number): string =>
  [...'nzcv'].map((letter, i) => (nzcv & (8 >> i) ? letter.toUpperCase() : letter)).join('');

export class SmallMachine implements EvaluateState {
  readonly el = 1;
  readonly simdTrapped = false;
  readonly x = new BigUint64Array(34);
  readonly v = new BigUint64Array(64);
  pc = 0x1000n;
  nzcv = 0;
  readonly exclusive = { exclusiveAddress: ~0n, exclusiveValue: 0n, exclusiveHigh: 0n, exclusiveSize: 0n };
  /** Bytes that are there; others fault. */
  readonly memory = new Map<bigint, number>();
  readonly accesses: string[] = [];
  readonly system = new Map<number, bigint>();

  /** Makes bytes be there: little-endian, `bytes` of them. */
  poke(address: bigint, bytes: number, value: bigint): void {
    for (let i = 0; i < bytes; i++) this.memory.set(address + BigInt(i), Number((value >> BigInt(8 * i)) & 0xffn));
  }
  peek(address: bigint, bytes: number): bigint {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.memory.get(address + BigInt(i)) ?? 0);
    return value;
  }

  load(address: bigint, bytes: number, elements: number, kind: AccessKind): bigint | undefined {
    this.accesses.push(`load ${elements} ${bytes} ${kind}`);
    return this.#isThere(address, bytes) ? this.peek(address, bytes) : undefined;
  }
  store(address: bigint, bytes: number, elements: number, value: bigint, kind: AccessKind): boolean {
    this.accesses.push(`store ${elements} ${bytes} ${kind}`);
    if (!this.#isThere(address, bytes)) return false;
    this.poke(address, bytes, value);
    return true;
  }
  #isThere(address: bigint, bytes: number): boolean {
    return Array.from({ length: bytes }, (_, i) => BigInt(i)).every((i) => this.memory.has(address + i));
  }
  checkSpAlignment(): boolean {
    return this.x[32] % 16n === 0n;
  }
  /** VBAR_EL1 is plain, for reading and writing; CTR_EL0 for reading. */
  systemSlot(encoding: number, write: boolean): number {
    return encoding === 0xc600 ? 8 : encoding === 0xd801 && !write ? 16 : -1;
  }
  readSystem(offset: number): bigint {
    return this.system.get(offset) ?? 0n;
  }
  writeSystem(offset: number, value: bigint): void {
    this.system.set(offset, value);
  }
}
