import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// What tests and the workers that they start load, Temporal's and AWS's clients above all, is compiled once.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
  new URL('node_modules/.cache/compiled/', import.meta.url),
);

/** What needs no servers. */
const PURE = 'test/{archive,docs,items,messages,routing,runs}/**/*.test.ts';

/** What measures the memory of its process. */
const ALONE = ['test/archive/{gunzip,zip-verify}.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // One more than a small machine has cores: many tests wait for a heartbeat to be missed.
    maxWorkers: 3,
    // To start a process and load the clients takes longer than most files' tests.
    isolate: false,
    projects: [
      { extends: true, test: { name: 'pure', include: [PURE], exclude: ALONE } },
      { extends: true, test: { name: 'alone', include: ALONE, isolate: true } },
      {
        extends: true,
        test: {
          name: 'stack',
          include: ['test/**/*.test.ts'],
          exclude: [PURE],
          globalSetup: ['test/support/stack.ts'],
          setupFiles: ['test/support/end-of-file.ts'],
        },
      },
    ],
  },
});
