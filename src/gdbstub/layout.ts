/** A description looked at from the wire: numbers, sizes, and what is told with every stop. */
import type { Description, RegisterDescription } from './description.ts';
import type { Output } from './output.ts';
import { type Client, type Result, type Target, TargetError } from './target.ts';
import { generalRegisters, targetXml } from './target-xml.ts';

export interface LayoutRegister {
  readonly number: number;
  readonly name: string;
  readonly bytes: number;
  /** Its number and a colon, as a stop reply has it. */
  readonly prefix: string;
  readonly description: RegisterDescription;
}

const layoutRegister = (description: RegisterDescription): LayoutRegister => ({
  number: description.number,
  name: description.name,
  bytes: description.bits / 8,
  prefix: `${description.number.toString(16).padStart(2, '0')}:`,
  description,
});

export class Layout {
  readonly description: Description;
  /** The registers of g, in its order. */
  readonly general: readonly LayoutRegister[];
  readonly expedited: readonly LayoutRegister[];
  /** What gdb would save around a call of a function in the target. */
  readonly saved: readonly LayoutRegister[];
  readonly pc: LayoutRegister | undefined;
  readonly bigEndian: boolean;
  readonly #client: Client;
  readonly #byNumber: ReadonlyMap<number, LayoutRegister>;
  #xml: string | undefined;

  constructor(target: Target, client: Client) {
    this.description = target.describe(client);
    this.bigEndian = target.host?.endian === 'big';
    this.#client = client;
    const all = this.description.features.flatMap(({ registers }) => registers).map(layoutRegister);
    this.#byNumber = new Map(all.map((register) => [register.number, register]));
    this.general = generalRegisters(this.description).map(({ number }) => this.#byNumber.get(number)!);
    this.expedited = all.filter(({ description }) => description.expedited);
    this.saved = all.filter(({ description }) => description.saveRestore ?? description.general);
    this.pc = all.find(({ description }) => description.generic === 'pc');
  }

  get xml(): string {
    this.#xml ??= targetXml(this.description, this.#client);
    return this.#xml;
  }

  register(number: number): Result<LayoutRegister> {
    return this.#byNumber.get(number) ?? new TargetError(`there is no register with the number ${number}`, 2);
  }

  /** A register's value in the order of the target's memory, or `xx` for one that cannot be known. */
  write(output: Output, { bytes }: LayoutRegister, value: bigint | undefined): void {
    if (value === undefined) output.unavailable(bytes);
    else output.value(value, bytes, this.bigEndian);
  }

  /** The value that these bytes of the wire are. */
  value(bytes: Uint8Array): bigint {
    const { length } = bytes;
    if (length > 8) {
      const low = this.bigEndian ? length - 8 : 0;
      const rest = this.bigEndian ? bytes.subarray(0, low) : bytes.subarray(8);
      return (this.value(rest) << 64n) | this.value(bytes.subarray(low, low + 8));
    }
    eightAsValue.setBigUint64(0, 0n);
    eight.set(bytes, this.bigEndian ? 8 - length : 0);
    return eightAsValue.getBigUint64(0, !this.bigEndian);
  }
}

const eight = new Uint8Array(8);
const eightAsValue = new DataView(eight.buffer);
