/** Machines, and the join of the protocol and the architecture. */

export { GuestBreakpoints } from './breakpoints.ts';
export { corePosition, coreRegisters } from './core-registers.ts';
export { watchSlots } from './debug-slots.ts';
export { FIELD_VIEW } from './description.ts';
export { Refusal, type RefusalCode, refusalCodes } from './errors.ts';
export { Guest, type GuestOptions } from './guest.ts';
export * from './image/image.ts';
export { parseImage } from './image/parse.ts';
export { type Edit, Journal } from './journal.ts';
export { inspectKvm, type KvmReport } from './kvm/doctor.ts';
export { KvmError } from './kvm/error.ts';
export { KvmMachine, type KvmOptions } from './kvm/machine.ts';
export * from './kvm-ids.ts';
export * from './kvm-lists.ts';
export * from './kvm-rules.ts';
export { commands as monitorCommands } from './monitor/monitor.ts';
export { Patches } from './patches.ts';
export { KernelRegisters } from './simulator/kernel-registers.ts';
export { RAM_BASE, SimulatorMachine, type SimulatorOptions } from './simulator/machine.ts';
export { type ByteSource, decodeSnapshot } from './snapshot/decode.ts';
export { encodeSnapshot } from './snapshot/encode.ts';
export { readSnapshot, writeSnapshot } from './snapshot/file.ts';
export { SnapshotError } from './snapshot/format.ts';
export { MachineState, type Restored, restoredNotes } from './snapshot/machine-state.ts';
export * from './snapshot/snapshot.ts';
export * from './sync.ts';
export * from './vcpu.ts';
