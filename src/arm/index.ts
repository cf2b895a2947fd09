/** The architecture: registers, instructions, translation, exceptions. Knows no debugger, no KVM, no I/O. */
export { renderInstructions } from './a64/document.ts';
export { a64Groups, a64Instructions } from './a64/index.ts';
export * from './a64/instruction.ts';
export { shapeIndex, shapesOf } from './a64/shapes.ts';
export * from './bits.ts';
export {
  AccessShift,
  accessDescription,
  accessKinds,
  firstAlignedKind,
  HandlerIndex,
  raises,
  Status,
} from './builder/abi.ts';
export { type Analysis, analyseShape, analyseWord } from './builder/analyse.ts';
export * from './builder/builder.ts';
export { type EvaluateState, executeWord, type Outcome } from './builder/evaluate.ts';
export { emitHandlers, endsSection } from './builder/handlers.ts';
export { Context, cpuArea, Layout, MAXIMUM_CPUS, Record, SystemOffset, systemPlace } from './builder/layout.ts';
export { Numbering } from './builder/numbering.ts';
export { commonPairs, type Pair } from './builder/pairs.ts';
export * from './builder/vectors.ts';
export * from './cpreg-list.ts';
export * from './cpu-state.ts';
export { type Decoder, decoderOf } from './decode/decoder.ts';
export * from './exception.ts';
export { fpUnit } from './fp/unit.ts';
export * from './memory/translate.ts';
export * from './pstate.ts';
export { globMatcher, nearestName } from './registers/catalogue.ts';
export * from './registers/catalogue-json.ts';
export * from './registers/core.ts';
export { renderRegisters } from './registers/document.ts';
export * from './registers/explain.ts';
export { faultStatus } from './registers/fault-status.ts';
export { type FeatureField, featureFields, featuresOf } from './registers/features.ts';
export * from './registers/index.ts';
export * from './registers/register.ts';
export * from './registers/simd.ts';
export * from './registers/syndrome.ts';
export * from './registers/system-instructions.ts';
