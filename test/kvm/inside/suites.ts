/** The tests that run inside the lab, by suite. Importing them must do no harm outside. */
import os from 'node:os';
import { KvmMachine } from '../../../src/backend/index.ts';
import type { Case } from '../../backend/case.ts';
import { cpus } from '../../backend/conformance/cpus.ts';
import { snapshotsWithInterrupts } from '../../backend/conformance/snapshots.ts';
import { type Bench, caseOf } from '../../backend/conformance/subject.ts';
import { conformance } from '../../backend/conformance.ts';
import { linux } from './linux.ts';

const kvm: Bench = {
  name: 'kvm',
  kernel: os.release().startsWith('6.1.') ? '6.1' : '6.12',
  make: (options) => new KvmMachine(options),
};

export const suites: Readonly<Record<string, readonly Case[]>> = {
  linux,
  conformance: conformance(kvm),
  cpus: cpus.map((one) => caseOf(kvm, one)),
  snapshots: snapshotsWithInterrupts.map((one) => caseOf(kvm, one)),
};
