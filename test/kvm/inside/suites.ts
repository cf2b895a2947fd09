/** The tests that run inside the lab, by suite. Importing them must do no harm outside. */
import type { Case } from '../../backend/case.ts';
import { linux } from './linux.ts';

export const suites: Readonly<Record<string, readonly Case[]>> = { linux };
