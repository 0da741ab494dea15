import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config.ts';
import type { FileProcessor, Processor } from '../../src/processors/processor.ts';
import { loadRules } from '../../src/routing/load-rules.ts';
import { DEFAULT_RULES } from '../../src/routing/rules.ts';
import { tempFolder } from '../support/temp-folder.ts';

const mine: FileProcessor = { name: 'mine', processFile() {} };
const ofItems: Processor = { name: 'of-items', process() {} };
const PROCESSORS = new Map<string, Processor>([mine, ofItems].map((one) => [one.name, one]));

const RULE = { comparison: '>', size: 'threshold', action: 'ProcessFile' };

let path: string;
beforeEach(async () => {
  path = join(await tempFolder(), 'rules.json');
});

test('without a file there are the default rules', async () => {
  expect(await loadRules(undefined, PROCESSORS)).toBe(DEFAULT_RULES);
});

test('a file of rules is taken as it is', async () => {
  const rules = [RULE, { ...RULE, size: 5, processor: 'mine' }, { ...RULE, processor: 'split' }];
  await writeFile(path, JSON.stringify(rules));

  expect(await loadRules(path, PROCESSORS)).toEqual(rules);
});

describe('a file that is wrong is an error of ROUTE_RULES, which says where', () => {
  test.each([
    ['[', 'Not a list of route rules: the body is not JSON'],
    ['{}', 'Not a list of route rules: the body: expected a list of rules, got {}'],
    ['[]', 'Not a list of route rules: the body: expected one rule or more, got []'],
    [
      [RULE, { ...RULE, comparison: '=>' }],
      'Not a list of route rules: 1.comparison: expected one of >, >=, <, <=, =, got "=>"',
    ],
    [
      [{ ...RULE, size: '2 MB' }],
      'Not a list of route rules: 0.size: expected a number of bytes from 0 up, or "threshold", got "2 MB"',
    ],
    [[{ ...RULE, size: -1 }], '0.size: expected a number of bytes from 0 up'],
    [
      [{ ...RULE, action: 'Delete' }],
      '0.action: expected one of ProcessFile, NotifyFileTooSmall, DefaultState, got "Delete"',
    ],
    [
      [{ ...RULE, action: 'DefaultState', processor: 'mine' }],
      '0.processor: expected none but with the action ProcessFile',
    ],
    [[{ ...RULE, than: 5 }], 'Unrecognized key: "than"'],
    [
      [RULE, { ...RULE, processor: 'nobody' }],
      '1.processor: expected one of split, mine, got "nobody"; PROCESSORS adds others',
    ],
    [
      [{ ...RULE, processor: 'of-items' }],
      '0.processor: expected one of split, mine, got "of-items"; PROCESSORS adds others',
    ],
  ])('%j', async (content, problem) => {
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));

    const loading = loadRules(path, PROCESSORS);

    await expect(loading).rejects.toThrow(ConfigError);
    await expect(loading).rejects.toThrow(`ROUTE_RULES: ${path}: `);
    await expect(loading).rejects.toThrow(problem);
  });

  test('where there is none', async () => {
    await expect(loadRules(path, PROCESSORS)).rejects.toThrow(
      `ROUTE_RULES: ${path}: ENOENT: no such file or directory`,
    );
  });
});
