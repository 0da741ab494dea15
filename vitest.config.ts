import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// What tests and the workers that they start load, Temporal's and AWS's clients above all, is compiled once.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
  new URL('node_modules/.cache/compiled/', import.meta.url),
);

/** What needs no servers. */
const PURE = 'test/{archive,deploy,docs,items,messages,monitoring,routing,runs}/**/*.test.ts';

/** What measures the memory of its process: a new one, whose garbage is collected as ever. */
const ALONE = ['test/archive/{gunzip,zip-verify}.test.ts'];

// By default V8 marks all that is alive for every 64 MB of buffers that are made, which for archives is
// all the time: a sixth of all processor time. Not each version of Node knows the flag.
const BUFFERS_COUNT_AS_HEAP = '--external-memory-accounted-in-global-limit';
const isKnown = spawnSync(process.execPath, [BUFFERS_COUNT_AS_HEAP, '-e', '']).status === 0;
const execArgv = isKnown ? [BUFFERS_COUNT_AS_HEAP] : [];

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
      { extends: true, test: { name: 'pure', include: [PURE], exclude: ALONE, execArgv } },
      { extends: true, test: { name: 'alone', include: ALONE, isolate: true } },
      {
        extends: true,
        test: {
          name: 'stack',
          execArgv,
          include: ['test/**/*.test.ts'],
          exclude: [PURE],
          globalSetup: ['test/support/stack.ts'],
          setupFiles: ['test/support/end-of-file.ts'],
        },
      },
    ],
  },
});
