/**
 * Flattened device trees.
 *
 * Devicetree Specification, "Flattened Devicetree (DTB) Format", version 17.
 */

/** A list of 32-bit cells, strings, bytes, or nothing: the property is only there. */
export type Property = readonly number[] | readonly string[] | string | Uint8Array | true;

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
const Token = { BEGIN_NODE: 1, END_NODE: 2, PROP: 3, NOP: 4, END: 9 } as const;

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

  bytes(data: Iterable<number>): void {
    for (const byte of data) this.#bytes.push(byte);
    while (this.#bytes.length % 4 !== 0) this.#bytes.push(0);
  }

  all(): readonly number[] {
    return this.#bytes;
  }
}

const text = (value: string): number[] => [...new TextEncoder().encode(value), 0];

function propertyBytes(value: Property): ArrayLike<number> & Iterable<number> {
  if (value === true) return [];
  if (value instanceof Uint8Array) return value;
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

/** More is no device tree of a machine like this. */
const LARGEST = 1 << 20;
const DEEPEST = 32;

/** Reads the structure block. Reads behind the end of the blob throw a RangeError. */
class Reader {
  readonly #blob: Uint8Array;
  readonly #view: DataView;
  readonly #strings: number;
  #at: number;

  constructor(blob: Uint8Array, structure: number, strings: number) {
    this.#blob = blob;
    this.#view = new DataView(blob.buffer, blob.byteOffset, blob.length);
    this.#at = structure;
    this.#strings = strings;
  }

  token(): number {
    for (;;) {
      const token = this.#word();
      if (token !== Token.NOP) return token;
    }
  }

  name(): string {
    const name = this.#text(this.#at);
    this.#skip(name.length + 1);
    return name;
  }

  property(): [name: string, value: Uint8Array] {
    const length = this.#word();
    const name = this.#text(this.#strings + this.#word());
    if (this.#at + length > this.#blob.length) throw new RangeError('a property ends behind the end');
    const value = this.#blob.slice(this.#at, this.#at + length);
    this.#skip(length);
    return [name, value];
  }

  #word(): number {
    const word = this.#view.getUint32(this.#at);
    this.#at += 4;
    return word;
  }

  #text(at: number): string {
    const end = this.#blob.indexOf(0, at);
    if (end < 0) throw new RangeError('a name has no end');
    return String.fromCharCode(...this.#blob.subarray(at, end).subarray(0, 1000));
  }

  #skip(length: number): void {
    this.#at += (length + 3) & ~3;
  }
}

/** A tree out of its bytes, whoever wrote them. A string: why they are none, as a clause. */
export function parseTree(blob: Uint8Array): Node | string {
  if (blob.length < HEADER || blob.length > LARGEST) return `it is no device tree: ${blob.length} bytes`;
  const header = new DataView(blob.buffer, blob.byteOffset, HEADER);
  if (header.getUint32(0) !== MAGIC) return 'it is no flattened device tree (.dtb)';
  const compatible = header.getUint32(24);
  if (compatible > VERSION) return `its format is of version ${compatible}`;
  const reader = new Reader(blob, header.getUint32(8), header.getUint32(12));
  try {
    if (reader.token() !== Token.BEGIN_NODE) return 'it does not begin with a node';
    reader.name();
    return parseNode(reader, 0) ?? 'its nodes are not well nested';
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return 'it is cut short';
  }
}

/** Behind the name of the node, up to its end. */
function parseNode(reader: Reader, depth: number): Node | undefined {
  const properties: Record<string, Property> = {};
  const children: Record<string, Node> = {};
  if (depth > DEEPEST) return undefined;
  for (;;) {
    switch (reader.token()) {
      case Token.PROP: {
        const [name, value] = reader.property();
        properties[name] = value;
        break;
      }
      case Token.BEGIN_NODE: {
        const name = reader.name();
        const child = parseNode(reader, depth + 1);
        if (!child) return undefined;
        children[name] = child;
        break;
      }
      case Token.END_NODE:
        return { properties, children };
      default:
        return undefined;
    }
  }
}
