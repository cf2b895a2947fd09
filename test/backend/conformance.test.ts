import { test } from 'vitest';
import { SimulatorMachine } from '../../src/backend/index.ts';
import { assemble } from './assembled.ts';
import { conformance } from './conformance.ts';

const cases = conformance({ name: 'simulator', kernel: '6.12', make: (options) => new SimulatorMachine(options) });

test.each(cases)('$name', ({ source, run }) =>
  run({
    report: (line) => process.stdout.write(`${line}\n`),
    program: source === undefined ? undefined : assemble(source),
  }),
);
