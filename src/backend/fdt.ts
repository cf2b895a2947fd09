/**
 * Flattened device trees.
 *
 * Devicetree Specification, "Flattened Devicetree (DTB) Format", version 17.
 */

/** A list of 32-bit cells, strings, or nothing: the property is only there. */
export type Property = readonly number[] | readonly string[] | string | true;

export interface Node {
  readonly properties: Readonly<Record<string, Property>>;
  readonly children?: Readonly<Record<string, Node>>;
}

const MAGIC = 0xd00dfeed;
const VERSION = 17;
const COMPATIBLE = 16;
const HEADER = 40;
/** An empty list of reserved memory: one entry of zeros. */
const RESERVED = 16;
const Token = { BEGIN_NODE: 1, END_NODE: 2, PROP: 3, END: 9 } as const;

/** A 64-bit number as two cells. */
export const cells64 = (value: bigint): [number, number] => [Number(value >> 32n), Number(value & 0xffff_ffffn)];

class Writer {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  word(value: number): void {
    this.#bytes.push(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  }

  bytes(data: readonly number[]): void {
    this.#bytes.push(...data);
    while (this.#bytes.length % 4 !== 0) this.#bytes.push(0);
  }

  all(): readonly number[] {
    return this.#bytes;
  }
}

const text = (value: string): number[] => [...new TextEncoder().encode(value), 0];

function propertyBytes(value: Property): number[] {
  if (value === true) return [];
  if (typeof value === 'string') return text(value);
  return value.flatMap((one: number | string) =>
    typeof one === 'string' ? text(one) : [one >>> 24, (one >>> 16) & 255, (one >>> 8) & 255, one & 255],
  );
}

/** The tree as a guest is given it, in as few bytes as it needs. */
export function flatten(root: Node): Uint8Array {
  const structure = new Writer();
  const strings: number[] = [];
  const offsets = new Map<string, number>();
  const offsetOf = (name: string): number => {
    const known = offsets.get(name);
    if (known !== undefined) return known;
    offsets.set(name, strings.length);
    strings.push(...text(name));
    return offsets.get(name)!;
  };
  const put = (name: string, { properties, children = {} }: Node): void => {
    structure.word(Token.BEGIN_NODE);
    structure.bytes(text(name));
    for (const [property, value] of Object.entries(properties)) {
      const data = propertyBytes(value);
      structure.word(Token.PROP);
      structure.word(data.length);
      structure.word(offsetOf(property));
      structure.bytes(data);
    }
    for (const [child, node] of Object.entries(children)) put(child, node);
    structure.word(Token.END_NODE);
  };
  put('', root);
  structure.word(Token.END);

  const structureAt = HEADER + RESERVED;
  const stringsAt = structureAt + structure.length;
  const header = new Writer();
  for (const word of [
    ...[MAGIC, stringsAt + strings.length, structureAt, stringsAt, HEADER, VERSION, COMPATIBLE, 0],
    ...[strings.length, structure.length],
  ])
    header.word(word);
  return Uint8Array.from([...header.all(), ...new Array<number>(RESERVED).fill(0), ...structure.all(), ...strings]);
}
