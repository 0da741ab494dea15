import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WORKER_NODE_FLAGS } from '../../src/worker/node-flags.ts';

const ROOT = new URL('../../', import.meta.url);

test('a worker has the same flags however it is started', () => {
  const [shebang] = readFileSync(new URL('src/cli/main.ts', ROOT), 'utf8').split('\n');
  expect(shebang).toBe(`#!/usr/bin/env -S node ${WORKER_NODE_FLAGS.join(' ')}`);
  const [, entrypoint = ''] =
    /^ENTRYPOINT (.*)$/m.exec(readFileSync(new URL('Dockerfile', ROOT), 'utf8')) ?? [];
  expect(JSON.parse(entrypoint)).toEqual(['node', ...WORKER_NODE_FLAGS, 'dist/cli/main.js']);
});
