import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config.ts';
import { findItemProcessor, loadProcessors } from '../../src/processors/load.ts';
import { testS3, testSqs } from '../support/harness.ts';
import { tempFolder } from '../support/temp-folder.ts';

const MINE = 'export default () => ({ name: "mine", process: ({ value }) => value + 1 });';

describe('the processors of a worker', () => {
  test('are those that are built in', async () => {
    expect([...(await load()).keys()]).toEqual(['sleep', 's3-checksum']);
  });

  test.each([
    ['an absolute path', (file: string) => file],
    ['a path from the working directory on', (file: string) => `./${relative('.', file)}`],
    ['a path above it', (file: string) => relative('.', file)],
  ])('are also those of files, by %s', async (_, name) => {
    const processors = await load(name(await module('mine.mjs', MINE)));

    expect([...processors.keys()]).toEqual(['sleep', 's3-checksum', 'mine']);
    const context = { signal: AbortSignal.abort(), timeScale: 1, batchId: 'a' };
    const item = { id: 'a', value: 41, fields: {} };
    expect(findItemProcessor(processors, 'mine').process(item, context)).toBe(42);
  });

  test('may be written in TypeScript', async () => {
    const file = await module(
      'mine.mts',
      'type Name = string; export default () => ({ name: "mine" as Name, process() {} });',
    );
    expect([...(await load(file)).keys()]).toContain('mine');
  });

  test('are made once, with clients of S3 and SQS', async () => {
    const file = await module(
      'tools.mjs',
      'export default (tools) => ({ name: "mine", process: () => tools });',
    );
    const context = { signal: AbortSignal.abort(), timeScale: 1, batchId: 'a' };

    const mine = findItemProcessor(await load(file), 'mine');

    const tools = mine.process({ id: 'a', value: 1, fields: {} }, context);
    expect(tools).toEqual({ s3: testS3(), sqs: testSqs() });
  });
});

describe('a module that is no processor is an error of PROCESSORS that names it', () => {
  test('where there is no such file', async () => {
    const file = join(await tempFolder(), 'absent.mjs');
    await expectError(file, `expected a file or package that can be loaded: Cannot find module`);
  });

  test('where there is no such package', async () => {
    const problem = 'expected a file or package that can be loaded: Cannot find package';
    await expectError('sheaf-no-such-package', problem);
  });

  test.each([
    ['can not be parsed', 'export default {{', 'a file or package that can be loaded: '],
    ['throws', 'throw new Error("no luck")', 'a file or package that can be loaded: no luck'],
    [
      'has no default export',
      'export const create = () => {}',
      'a function as the default export, got undefined',
    ],
    [
      'gives a processor rather than a function that makes one',
      'export default { name: "mine", process() {} }',
      'a function as the default export, got object',
    ],
    [
      'makes nothing',
      'export default () => {}',
      'a function that gives { name, process(item, context) }',
    ],
    [
      'makes a processor without a name',
      'export default () => ({ process() {} })',
      'a function that gives { name, process(item, context) }',
    ],
    [
      'makes a processor that processes nothing',
      'export default () => ({ name: "mine" })',
      'a function that gives { name, process(item, context) }',
    ],
    [
      'takes the name of another',
      'export default () => ({ name: "sleep", process() {} })',
      'a processor with a name of its own, got "sleep" again',
    ],
  ])('where it %s', async (_, content, problem) => {
    await expectError(await module('mine.mjs', content), `expected ${problem}`);
  });

  test('where it is named twice', async () => {
    const file = await module('mine.mjs', MINE);
    const problem = 'expected a processor with a name of its own, got "mine" again';
    await expect(load(file, file)).rejects.toThrow(`PROCESSORS: ${file}: ${problem}`);
  });
});

test('a processor that there is not is an error that lists those that there are', async () => {
  const processors = await load(await module('mine.mjs', MINE));
  expect(() => findItemProcessor(processors, 'Mine')).toThrow(ConfigError);
  expect(() => findItemProcessor(processors, 'Mine')).toThrow(
    'No processor of items is called "Mine"; this worker has sleep, s3-checksum, mine; PROCESSORS adds others',
  );
});

function load(...modules: readonly string[]) {
  return loadProcessors(modules, { s3: testS3(), sqs: testSqs() });
}

async function module(name: string, content: string): Promise<string> {
  const file = join(await tempFolder(), name);
  await writeFile(file, content);
  return file;
}

async function expectError(file: string, problem: string) {
  const error = await load(file).catch((reason) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toContain(`PROCESSORS: ${file}: ${problem}`);
}
