import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ManagedProcess } from '../../src/local/managed-process.ts';
import { afterwards } from '../support/afterwards.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** Ends at its first start with these last words; at its second start it makes a file and stays. */
async function endsOnce(lastWords: string, passes?: string) {
  const dir = await tempFolder();
  const script = `if [ -e begun ]; then touch ready; exec sleep 60; fi; touch begun; echo '${lastWords}'; for n in $(seq 20); do echo line $n; done; exit 2`;
  const managed = new ManagedProcess({
    name: 'The server',
    command: 'sh',
    args: ['-c', script],
    env: { PATH: process.env.PATH },
    cwd: dir,
    output: { file: join(dir, 'log') },
    ready: async () => {
      if (!existsSync(join(dir, 'ready'))) throw new Error('no file');
    },
    readyTimeoutMs: 20_000,
    stopGraceMs: 1_000,
    ...(passes && { passes }),
  });
  afterwards(() => managed.kill());
  return managed;
}

test('a server that ends for a reason that passes is started once more', async () => {
  const server = await endsOnce('panic: no port for a part', 'no port');
  await server.start();
  expect(server.isReady).toBe(true);
});

test('a server that ends for another reason is not, and the error has the reason and the last lines', async () => {
  const server = await endsOnce('panic: something else', 'no port');
  await expect(server.start()).rejects.toThrow(/exit code 2.*panic: something else.*line 20/s);
});
