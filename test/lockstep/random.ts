/** Pseudo-random numbers from a seed: xorshift128 (Marsaglia). Not for secrets. */
export class Random {
  #x: number;
  #y = 362436069;
  #z = 521288629;
  #w = 88675123;
  constructor(seed: number) {
    this.#x = seed | 1;
    for (let i = 0; i < 20; i++) this.word();
  }
  /** Unsigned 32-bit. */
  word(): number {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w = this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8);
    return this.#w >>> 0;
  }
  /** 0..count-1. */
  below(count: number): number {
    return this.word() % count;
  }
  chance(oneIn: number): boolean {
    return this.word() % oneIn === 0;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.word() % items.length];
  }
}
