import { defineConfig } from 'vitest/config';
import { Summary } from './test/summary.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ['default', new Summary()],
    coverage: { include: ['src/**/*.ts', 'bin/**/*.ts'] },
  },
});
