/** Machines, and the join of the protocol and the architecture. */
export * from './vcpu.ts';
