/**
 * A machine's registers as the protocol sees them. target.xml, the layout of `g`, expedited registers and lldb's
 * answers are derived from it.
 *
 * GDB manual, Target Descriptions, Target Description Format.
 */

export interface Description {
  /** GDB's name, as `aarch64`. */
  readonly architecture: string;
  readonly osabi?: string;
  readonly features: readonly Feature[];
}

export interface Feature {
  /** As `org.gnu.gdb.aarch64.core`. */
  readonly name: string;
  readonly registers: readonly RegisterDescription[];
}

export interface RegisterDescription {
  readonly name: string;
  /** The number on the wire: sparse, unique within the description. */
  readonly number: number;
  readonly bits: number;
  readonly type: RegisterType;
  /** GDB's and lldb's heading: `general`, `float`, `vector`, `system` or any other word. */
  readonly group?: string;
  /** Has a place in `g` and `G`; those that have come first and in order of their numbers. */
  readonly general?: boolean;
  /** Is told with every stop. */
  readonly expedited?: boolean;
  /** GDB saves it around calls of functions in the target. Default: only if general. */
  readonly saveRestore?: boolean;
  /** lldb: what the register is for. */
  readonly generic?: 'pc' | 'sp' | 'fp' | 'ra' | 'flags' | `arg${number}`;
  /** lldb: another name, as `x29` for `fp`. */
  readonly altName?: string;
  /** lldb: number in DWARF and in eh_frame. */
  readonly dwarf?: number;
}

/** A builtin of GDB (`uint64`, `data_ptr`, `code_ptr`, `int`, `ieee_double` ...) or a type told in full. */
export type RegisterType = string | StructType | FlagsType | EnumType | UnionType | VectorType;

export interface BitField {
  readonly name: string;
  /** Bit numbers, high >= low. */
  readonly high: number;
  readonly low: number;
  /** Names of values; a field with them is an enumeration. */
  readonly values?: Readonly<Record<number, string>>;
}

/** Bitfields that GDB can assign one by one. */
export interface StructType {
  readonly kind: 'struct';
  readonly id: string;
  readonly bytes: number;
  readonly fields: readonly BitField[];
}

/** GDB shows set flags by name; lldb shows all fields, those with values by name. */
export interface FlagsType {
  readonly kind: 'flags';
  readonly id: string;
  readonly bytes: number;
  readonly fields: readonly BitField[];
}

export interface EnumType {
  readonly kind: 'enum';
  readonly id: string;
  readonly bytes: number;
  readonly values: Readonly<Record<number, string>>;
}

export interface UnionType {
  readonly kind: 'union';
  readonly id: string;
  readonly members: readonly { readonly name: string; readonly type: RegisterType }[];
}

export interface VectorType {
  readonly kind: 'vector';
  readonly id: string;
  readonly element: RegisterType;
  readonly count: number;
}
