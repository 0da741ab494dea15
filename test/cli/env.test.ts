import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '../../src/local/stack.ts';
import { afterwards } from '../support/afterwards.ts';
import { tempFolder } from '../support/temp-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

let stack: Stack;
let dataDir: string;
/** A folder with an `npx` that runs the sources: `sheaf` itself is there only after a build. */
let bin: string;

beforeAll(async () => {
  dataDir = await tempFolder();
  bin = await tempFolder();
  await writeFile(join(bin, 'npx'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" env\n`);
  await chmod(join(bin, 'npx'), 0o755);
  stack = await startStack({ dataDir });
  afterwards(() => stack.kill());
});

/** What a script sets, in a bash that has nothing set but where the stack's data is. */
async function settingsAfter(script: string, dir: string): Promise<Record<string, string>> {
  const env = { PATH: `${bin}:${process.env.PATH}`, SHEAF_DATA_DIR: dir, AWS_PROFILE: 'mine' };
  const { stdout } = await run('bash', ['-euc', `${script}\nenv -0`], { cwd: ROOT, env });
  const lines = stdout
    .split('\0')
    .filter((line) => /^(AWS|TEMPORAL|S3|SQS|SPLIT|ITEMS|ROUTE)_/.test(line));
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)));
}

test('a shell that evaluates its output has the settings of the running stack', async () => {
  expect(await settingsAfter('unset AWS_PROFILE; eval "$(npx sheaf env)"', dataDir)).toEqual({
    ...stack.env,
    AWS_DEFAULT_REGION: stack.endpoints.s3.region,
  });
});

test('.envrc.dist takes the settings of the running stack', async () => {
  expect(await settingsAfter('. ./.envrc.dist', dataDir)).toEqual({
    ...stack.env,
    AWS_DEFAULT_REGION: stack.endpoints.s3.region,
  });
});

test('.envrc.dist without a stack sets the same, for the ports of docker-compose.yml', async () => {
  const settings = await settingsAfter('. ./.envrc.dist', await tempFolder());

  expect(Object.keys(settings).sort()).toEqual(
    [...Object.keys(stack.env), 'AWS_DEFAULT_REGION'].sort(),
  );
  const compose = await readFile(join(ROOT, 'docker-compose.yml'), 'utf8');
  const published = compose.matchAll(/"127\.0\.0\.1:(\d+):\1"/g);
  const ports = Object.values(settings).flatMap((value) => value.match(/:(\d+)/)?.[1] ?? []);
  expect([...published].map(([, port]) => port)).toEqual(
    expect.arrayContaining([...new Set(ports)]),
  );
});

test('without a stack it is an error that says where none is', async () => {
  const dir = await tempFolder();
  const env = { PATH: process.env.PATH, SHEAF_DATA_DIR: dir };
  await expect(run(process.execPath, [MAIN, 'env'], { env })).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`no stack is up on ${dir}: start one with npx sheaf up`),
  });
});
