/** Machines, and the join of the protocol and the architecture. */

export { corePosition, coreRegisters } from './core-registers.ts';
export * from './image/image.ts';
export { parseImage } from './image/parse.ts';
export * from './kvm-ids.ts';
export * from './kvm-lists.ts';
export * from './kvm-rules.ts';
export * from './sync.ts';
export * from './vcpu.ts';
