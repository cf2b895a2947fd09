/** The tests that run inside the lab, by suite. Importing them must do no harm outside. */
import os from 'node:os';
import { KvmMachine } from '../../../src/backend/index.ts';
import type { Case } from '../../backend/case.ts';
import { conformance } from '../../backend/conformance.ts';
import { linux } from './linux.ts';

export const suites: Readonly<Record<string, readonly Case[]>> = {
  linux,
  conformance: conformance({
    name: 'kvm',
    kernel: os.release().startsWith('6.1.') ? '6.1' : '6.12',
    make: (options) => new KvmMachine(options),
  }),
};
