/**
 * One suite for every machine behind the vCPU interface: the simulator is right when KVM answers the same. It runs
 * under vitest on the simulator, and in the lab on KVM.
 */
import type { Case } from './case.ts';
import { cpus } from './conformance/cpus.ts';
import { debug } from './conformance/debug.ts';
import { guest } from './conformance/guest.ts';
import { injected } from './conformance/inject.ts';
import { masked } from './conformance/masked.ts';
import { promise } from './conformance/promise.ts';
import { registers } from './conformance/registers.ts';
import { running } from './conformance/running.ts';
import { snapshots, snapshotsWithInterrupts } from './conformance/snapshots.ts';
import { type Bench, caseOf } from './conformance/subject.ts';

export const conformance = (bench: Bench): readonly Case[] =>
  [
    ...registers,
    ...promise,
    ...running,
    ...debug,
    ...guest,
    ...masked,
    ...injected,
    ...snapshots,
    ...cpus,
    ...snapshotsWithInterrupts,
  ].map((one) => caseOf(bench, one));
