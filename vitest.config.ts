import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Packages are tested from their sources; only end-to-end tests spawn what `npm run build` made.
const conditions = ['@circuit/source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    // Most tests wait for processes and sockets: on a small machine one worker would leave half of it idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', './tools/closing-line.mjs'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
