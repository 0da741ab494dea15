import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { choosePorts } from '../../src/local/ports.ts';
import { tempFolder } from '../support/temp-folder.ts';

const SOURCE = new URL('../../src/local/ports.ts', import.meta.url).href;

test('stacks that start at once in one process get ports of their own', async () => {
  const dirs = await Promise.all([1, 2, 3].map(() => tempFolder()));
  const stacks = await Promise.all(dirs.map((dir) => choosePorts(dir, {}, 0)));
  const ports = stacks.flatMap((stack) => Object.values(stack));
  expect(new Set(ports).size).toBe(ports.length);
});

test('a port that another process has chosen, and no server listens on yet, is left to it', async () => {
  const [mine, other] = await Promise.all([tempFolder(), tempFolder()]);
  const chosen = await choosePorts(mine, {}, 0);
  // The other one would like the same ports, as it had them the last time.
  await copyFile(join(mine, 'ports.json'), join(other, 'ports.json'));
  await execa(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { choosePorts } from ${JSON.stringify(SOURCE)}; await choosePorts(${JSON.stringify(other)}, {}, 0);`,
  ]);
  const theirs = JSON.parse(await readFile(join(other, 'ports.json'), 'utf8'));
  const taken = new Set(Object.values(chosen));
  expect(Object.values<number>(theirs).filter((port) => taken.has(port))).toEqual([]);
});

test('a stack that starts again in the same process has its ports back', async () => {
  const dir = await tempFolder();
  const first = await choosePorts(dir, {}, 0);
  expect(await choosePorts(dir, {}, 0)).toEqual(first);
});
