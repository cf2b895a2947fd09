/** Memory at a CPU's virtual addresses, for those who act for its guest. Aborts nothing. */
import { Access, TRANSLATED } from '../../arm/index.ts';
import type { Core } from './core.ts';
import type { GuestBytes } from './semihosting.ts';

const PAGE = 4096;

export class CoreBytes implements GuestBytes {
  private readonly core: Core;
  private readonly all: Uint8Array;

  constructor(core: Core) {
    this.core = core;
    this.all = new Uint8Array(core.engine.memory.buffer);
  }

  read(address: bigint, length: number): Uint8Array | undefined {
    const bytes = new Uint8Array(length);
    const { engine } = this.core;
    const done = this.eachPage(address, length, Access.read, (physical, from, count) => {
      const place = engine.readableOffset(physical);
      if (place >= 0) bytes.set(this.all.subarray(place, place + count), from);
      return place >= 0;
    });
    return done ? bytes : undefined;
  }

  write(address: bigint, bytes: Uint8Array): boolean {
    const { engine } = this.core;
    return this.eachPage(address, bytes.length, Access.write, (physical, from, count) => {
      const place = engine.ramOffset(physical);
      if (place < 0) return false;
      engine.changed(physical, count);
      this.all.set(bytes.subarray(from, from + count), place);
      return true;
    });
  }

  private eachPage(
    address: bigint,
    length: number,
    access: Access,
    act: (physical: number, from: number, count: number) => boolean,
  ): boolean {
    const { core } = this;
    for (let from = 0; from < length; ) {
      const at = BigInt.asUintN(64, address + BigInt(from));
      const [low, high] = [Number(at & 0xffff_ffffn) | 0, Number(at >> 32n) | 0];
      const count = Math.min(length - from, PAGE - (low & (PAGE - 1)));
      if (core.translateAs(low, high, access) !== TRANSLATED) return false;
      if (!act(core.translation.physical, from, count)) return false;
      from += count;
    }
    return true;
  }
}
