/**
 * One suite for every machine behind the vCPU interface: the simulator is right when KVM answers the same. It runs
 * under vitest on the simulator, and in the lab on KVM.
 */
import type { Case } from './case.ts';
import { registers } from './conformance/registers.ts';
import { type Bench, caseOf } from './conformance/subject.ts';

export const conformance = (bench: Bench): readonly Case[] => [...registers].map((one) => caseOf(bench, one));
