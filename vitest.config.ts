import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Each test file is a process of its own, and so are the workers that tests start: what they load, Temporal's
// and AWS's clients above all, is compiled once.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
  new URL('node_modules/.cache/compiled/', import.meta.url),
);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // One more than a small machine has cores: many tests wait for a heartbeat to be missed.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: ['test/{archive,docs,items,messages,routing,runs}/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'stack',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{archive,docs,items,messages,routing,runs}/**'],
          globalSetup: ['test/support/stack.ts'],
        },
      },
    ],
  },
});
