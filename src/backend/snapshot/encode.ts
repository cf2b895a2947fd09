/** A snapshot as the bytes of a file. */
import { createHash } from 'node:crypto';
import { idWords } from '../kvm-ids.ts';
import { DIGEST, MAGIC, NO_MP_STATE, START, VERSION } from './format.ts';
import type { CpuVmstate, Snapshot } from './snapshot.ts';

class Writer {
  readonly chunks: Uint8Array[] = [];
  length = 0;
  #words: bigint[] = [];

  word(...values: (bigint | number)[]): void {
    for (const value of values) this.#words.push(BigInt(value));
  }

  /** Padded to a multiple of 8 bytes. The bytes stay as they are until the chunks are written. */
  bytes(data: Uint8Array): void {
    this.flush();
    this.#add(data);
    if (data.length % 8 !== 0) this.#add(new Uint8Array(8 - (data.length % 8)));
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.word(bytes.length);
    this.bytes(bytes);
  }

  flush(): void {
    if (this.#words.length > 0) this.#add(new Uint8Array(BigUint64Array.from(this.#words).buffer));
    this.#words = [];
  }

  #add(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
  }
}

/** The file in pieces. RAM is not copied. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array[] {
  const writer = new Writer();
  writer.word(snapshot.time);
  writer.text(snapshot.machine);
  writer.word(snapshot.cpus.length);
  for (const cpu of snapshot.cpus) writeCpu(writer, cpu);
  writer.word(snapshot.devices.length);
  for (const { name, mayBeLost, words } of snapshot.devices) {
    writer.text(name);
    writer.word(Number(mayBeLost), words.length);
    writer.bytes(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  }
  writer.word(snapshot.ram.length);
  for (const { start, length, pieces } of snapshot.ram) {
    writer.word(start, length, pieces.length);
    for (const { offset, data } of pieces) {
      writer.word(offset, data.length);
      writer.bytes(data);
    }
  }
  writer.flush();
  const start = new Uint8Array(START);
  start.set(MAGIC);
  start.set(new Uint8Array(BigUint64Array.of(VERSION, BigInt(START + writer.length + DIGEST)).buffer), MAGIC.length);
  const chunks = [start, ...writer.chunks];
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return [...chunks, hash.digest()];
}

function writeCpu(writer: Writer, { registers, events, mpState }: CpuVmstate): void {
  writer.word(registers.size, ...registers.keys());
  for (const [id, value] of registers)
    for (let i = 0; i < idWords(id); i++) writer.word(BigInt.asUintN(64, value >> BigInt(64 * i)));
  const { serrorPending, serrorHasEsr, serrorEsr, extDabtPending } = events;
  writer.word(Number(serrorPending), Number(serrorHasEsr), serrorEsr, Number(extDabtPending), mpState ?? NO_MP_STATE);
}
