/**
 * The kit for A64 definitions: a diagram from the Arm ARM, what decoding picks from it, and a meaning.
 *
 * Arm ARM DDI 0487, C4 "A64 Instruction Set Encoding" and C6 "A64 Base Instruction Descriptions".
 */
import type { Builder, ImmediateOperand, LabelOperand, RegisterOperand, VectorOperand } from '../builder/builder.ts';

/** The diagram's named fields, unsigned. One object is used over and over by the decoder. */
export type Fields = Readonly<Record<string, number>>;

/** What decoding may ask of the CPU: decoded code belongs to one exception level and one answer of `simdTrapped`. */
export interface DecodeContext {
  readonly el: number;
  /** Whether CPACR_EL1.FPEN traps SIMD and floating-point instructions. */
  readonly simdTrapped: boolean;
  /** Byte offset in Layout.system of a system register that is plain storage at this EL, or -1. */
  systemSlot(encoding: number, write: boolean): number;
}

export interface ShapeItem {
  readonly name: string;
  /** Values 0..count-1. */
  readonly count: number;
  readonly of: (fields: Fields, context: DecodeContext) => number;
}

/** Shape values by name: plain numbers that may steer a meaning. */
export type Shape = Readonly<Record<string, number>>;

export interface Operands {
  readonly registers: Readonly<Record<string, RegisterOperand>>;
  readonly vectors: Readonly<Record<string, VectorOperand>>;
  readonly immediates: Readonly<Record<string, ImmediateOperand>>;
  readonly labels: Readonly<Record<string, LabelOperand>>;
}

export interface A64Instruction {
  /** The Arm ARM's heading, as `ADD (immediate)`; several share one definition where the diagram is one. */
  readonly name: string;
  readonly diagram: string;
  /** word & mask === value, both unsigned 32-bit. */
  readonly mask: number;
  readonly value: number;
  /** Where the CPU has not all these features, FEAT_FP16 for one, the instruction's words are UNDEFINED. */
  readonly features: readonly string[];
  /** One that CPACR_EL1 may trap: CheckFPAdvSIMDEnabled64(). */
  readonly simd: boolean;
  readonly fields: readonly { readonly name: string; readonly low: number; readonly bits: number }[];
  /** The named fields of a word, read when they are asked for. Valid until the next call: one object is used over and over. */
  readonly fieldsOf: (word: number) => Fields;
  /** Together they pick the handler: its index is the mixed-radix number of their values, first item most significant. */
  readonly shape: readonly ShapeItem[];
  /** True for words of this diagram that are unallocated: they are UNDEFINED. */
  readonly unallocated?: (fields: Fields) => boolean;
  /** Register operands in order: slot numbers (see Slot). At most 6 with the vectors. */
  readonly registers: readonly { readonly name: string; readonly slot: (fields: Fields) => number }[];
  /** SIMD&FP operands in order: where the register or the element begins in the bytes of V0..V31. */
  readonly vectors: readonly { readonly name: string; readonly place: (fields: Fields) => number }[];
  /**
   * Immediate operands in order: integers modulo 2^64 (exact in a double, from -2^63 to 2^64) or bigint taken from a
   * table, never made anew. At most 4 with the labels.
   */
  readonly immediates: readonly {
    readonly name: string;
    readonly value: (fields: Fields, context: DecodeContext, word: number) => number | bigint;
  }[];
  /** Labels in order: byte offset from the pc, or from the pc's 4 KiB page. */
  readonly labels: readonly {
    readonly name: string;
    readonly page: boolean;
    readonly offset: (fields: Fields) => number;
  }[];
  /** Whether a shape is possible: decoding yields only these and handlers are made only for these. */
  readonly possible?: (shape: Shape) => boolean;
  readonly execute: <V>(b: Builder<V>, shape: Shape, operands: Operands) => void;
}
