import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // The servers and the workers that tests start need the rest of a small machine.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'pure', include: ['test/{archive,docs,items,messages}/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'stack',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{archive,docs,items,messages}/**'],
          globalSetup: ['test/support/stack.ts'],
        },
      },
    ],
  },
});
