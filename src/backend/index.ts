/** Machines, and the join of the protocol and the architecture. */

export * from './kvm-ids.ts';
export * from './vcpu.ts';
