/** One recorded instruction: a line of a64.jsonl. Numbers are hexadecimal text where they may need 64 bits. */
export interface Vector {
  /** The instruction word. */
  readonly i: string;
  readonly pc: string;
  /** N is bit 31. */
  readonly nzcv: number;
  readonly fpcr: number;
  /** X0 to X30, then SP. */
  readonly x: readonly string[];
  /** V0 to V31, 16 bytes each, little-endian. */
  readonly v: string;
  /** Accesses in order: bytes in the order of memory. */
  readonly m: readonly (readonly ['r' | 'w', address: string, bytes: string])[];
  /** Afterwards: registers that changed, by number. */
  readonly o: {
    readonly pc: string;
    readonly nzcv: number;
    readonly x: Readonly<Record<string, string>>;
    readonly v: Readonly<Record<string, string>>;
  };
}

/**
 * Something that carries a vector out. It answers with nothing when the outcome is as recorded, with what is wrong with
 * it, or with why this runner cannot tell.
 */
export type Runner = (vector: Vector) => undefined | string | { readonly leftOut: string };

export const numberOf = (text: string): bigint => BigInt(`0x${text}`);

/** Addresses are recorded with their tag or without: they are compared without. */
export const withoutTag = (address: bigint): bigint => BigInt.asUintN(56, address);

/** Memory before, as far as the instruction read it, and what it wrote: bytes by address. */
export function memoryOf(vector: Vector): { before: Map<bigint, number>; written: Map<bigint, number> } {
  const before = new Map<bigint, number>();
  const written = new Map<bigint, number>();
  for (const [kind, address, bytes] of vector.m)
    Buffer.from(bytes, 'hex').forEach((byte, i) => {
      const at = withoutTag(numberOf(address)) + BigInt(i);
      if (kind === 'w') written.set(at, byte);
      else if (!written.has(at)) before.set(at, byte);
    });
  return { before, written };
}

/** V0 to V31 in two halves each. */
export const vectorsOf = ({ v }: Vector): BigUint64Array =>
  new BigUint64Array(Uint8Array.from(Buffer.from(v, 'hex')).buffer);

/** The first difference between what should be afterwards and what was found. */
export function compare(
  vector: Vector,
  found: {
    pc: bigint;
    nzcv: number;
    x: (n: number) => bigint;
    v: BigUint64Array;
    written: ReadonlyMap<bigint, number>;
  },
): string | undefined {
  const difference = (what: string, wanted: bigint, got: bigint) =>
    wanted === got ? undefined : `${what} is ${got.toString(16)}, not ${wanted.toString(16)}`;
  const registers = vector.x.map((before, n) =>
    difference(n === 31 ? 'sp' : `x${n}`, numberOf(vector.o.x[n] ?? before), found.x(n)),
  );
  const v = vectorsOf(vector);
  for (const [n, text] of Object.entries(vector.o.v)) v.set(vectorsOf({ ...vector, v: text }), 2 * Number(n));
  const vectors = [...v].map((half, i) => difference(`v${i >> 1}.d[${i & 1}]`, half, found.v[i]));
  const { written } = memoryOf(vector);
  const addresses = new Set([...written.keys(), ...found.written.keys()]);
  const bytes = [...addresses].map((at) =>
    difference(`[${at.toString(16)}]`, BigInt(written.get(at) ?? -1), BigInt(found.written.get(at) ?? -1)),
  );
  return [
    difference('pc', numberOf(vector.o.pc), found.pc),
    difference('nzcv', BigInt(vector.o.nzcv >>> 28), BigInt(found.nzcv)),
    ...registers,
    ...vectors,
    ...bytes,
  ].find((text) => text !== undefined);
}
