import { defineConfig } from 'vitest/config';
import { Summary } from './test/summary.ts';

export default defineConfig({
  test: {
    reporters: ['default', new Summary()],
    coverage: { include: ['src/**/*.ts', 'bin/**/*.ts'] },
    projects: [
      {
        test: {
          name: 'here',
          include: ['test/**/*.test.ts'],
          exclude: ['test/kvm/**', 'test/linux/**'],
          // Of two slow processors that others use, too.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'linux',
          include: ['test/linux/**/*.test.ts'],
          testTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'kvm',
          include: ['test/kvm/**/*.test.ts'],
          testTimeout: 180_000,
          // One machine at a time, and nothing beside it.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
