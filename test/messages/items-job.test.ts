import { describe, expect, test } from 'vitest';
import { itemsJobSchema, itemsReplySchema, itemsSummary } from '../../src/messages/items.ts';
import { MessageError, parseBody } from '../../src/messages/parse.ts';

const FILE = { bucket: 'my-bucket', key: 'dir/items.csv' };
const JOB = { batchId: 'nightly', source: { generate: { count: 100 } }, processor: 'sleep' };

/** What a job has that says no more than it must. */
const DEFAULTS = {
  itemsPerChunk: 10_000,
  parallelChunks: 50,
  itemConcurrency: 16,
  timeScale: 1,
  itemTimeoutSeconds: 300,
};

describe('a batch of items', () => {
  test('has defaults for all but its id, its source and its processor', () => {
    expect(parse(JOB)).toEqual({
      ...JOB,
      source: { generate: { count: 100, seed: 1 } },
      ...DEFAULTS,
    });
  });

  test('has the defaults where it says null, too', () => {
    const nothing = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, null]));
    const source = { generate: { count: 100, seed: null } };
    expect(parse({ ...JOB, source, ...nothing })).toEqual(parse(JOB));
    expect(parse({ ...JOB, notifyQueueUrl: null, itemsPerSecond: null })).toMatchObject(DEFAULTS);
  });

  test('keeps what it says', () => {
    const job = {
      batchId: 'Ünique 2024-05-01T06:00:00Z',
      source: { generate: { count: 100_000_000, seed: 7 } },
      processor: 'mine',
      itemsPerChunk: 500,
      parallelChunks: 200,
      itemConcurrency: 1,
      timeScale: 0.5,
      itemTimeoutSeconds: 5,
      itemsPerSecond: 0.5,
      notifyQueueUrl: 'http://localhost:9324/000000000000/results',
    };
    expect(parse(job)).toEqual(job);
  });

  test('may have more fields, which are ignored, in its source, too', () => {
    const source = { generate: { count: 100, seed: 1, color: 'red' }, more: 1 };
    expect(parse({ ...JOB, source, priority: 'high' })).toEqual(parse(JOB));
    expect(parse({ ...JOB, source: { ...FILE, region: 'x' } }).source).toEqual(FILE);
  });

  test.each(['items.csv', 'a/b/ITEMS.NDJSON', 'items 1.jsonl', '.csv'])(
    'may have its items in %s',
    (key) => {
      const source = { bucket: 'my-bucket', key };
      expect(parse({ ...JOB, source }).source).toEqual(source);
    },
  );

  test('is made up where it says both how many items and which file', () => {
    const source = { generate: { count: 1 }, ...FILE };
    expect(parse({ ...JOB, source }).source).toEqual({ generate: { count: 1, seed: 1 } });
  });

  test.each([
    { source: { generate: { count: 0, seed: 0 } }, itemsPerChunk: 1, parallelChunks: 1 },
    { source: { generate: { count: 1_000_000_000, seed: 2 ** 31 - 1 } } },
    { itemsPerChunk: 1_000_000, parallelChunks: 2000, itemConcurrency: 1000, timeScale: 1000 },
    { itemConcurrency: 1, timeScale: 0, itemTimeoutSeconds: 1, itemsPerSecond: 0.001 },
    { itemTimeoutSeconds: 21_600, itemsPerSecond: 1_000_000 },
    { batchId: 'x'.repeat(150), processor: 'x'.repeat(100) },
  ])('goes to its limits: %j', (fields) => {
    expect(parse({ ...JOB, ...fields })).toMatchObject(fields);
  });
});

describe('a batch of items is refused, with the path, what was expected and what came', () => {
  const wholeNumber = (least: number, most: number) =>
    `expected a whole number from ${least} to ${most}`;
  const someSource = 'expected {"generate":{"count":n}} or {"bucket":"…","key":"…"}';

  test.each([
    [{ batchId: undefined }, 'batchId: expected string, got nothing'],
    [{ batchId: null }, 'batchId: expected string, got null'],
    [{ batchId: 7 }, 'batchId: expected string, got 7'],
    [{ batchId: '' }, 'batchId: expected a bare name without slashes, got ""'],
    [{ batchId: 'a/b' }, 'batchId: expected a bare name without slashes, got "a/b"'],
    [{ batchId: '..' }, 'batchId: expected a bare name, got ".."'],
    [{ batchId: 'ü'.repeat(76) }, 'batchId: expected at most 150 bytes, got "üü'],
    [{ processor: undefined }, 'processor: expected string, got nothing'],
    [{ processor: '' }, 'processor: expected text that is not empty, got ""'],
    [{ processor: 'x'.repeat(101) }, 'processor: expected at most 100 characters, got "xx'],
    [{ itemsPerChunk: 0 }, `itemsPerChunk: ${wholeNumber(1, 1_000_000)}, got 0`],
    [{ itemsPerChunk: 1_000_001 }, `itemsPerChunk: ${wholeNumber(1, 1_000_000)}, got 1000001`],
    [{ itemsPerChunk: '5' }, `itemsPerChunk: ${wholeNumber(1, 1_000_000)}, got "5"`],
    [{ itemsPerChunk: 1.5 }, `itemsPerChunk: ${wholeNumber(1, 1_000_000)}, got 1.5`],
    [{ parallelChunks: 0 }, `parallelChunks: ${wholeNumber(1, 2000)}, got 0`],
    [{ parallelChunks: 2001 }, `parallelChunks: ${wholeNumber(1, 2000)}, got 2001`],
    [{ itemConcurrency: 0 }, `itemConcurrency: ${wholeNumber(1, 1000)}, got 0`],
    [{ itemConcurrency: 1001 }, `itemConcurrency: ${wholeNumber(1, 1000)}, got 1001`],
    [{ timeScale: -1 }, 'timeScale: expected a number from 0 to 1000, got -1'],
    [{ timeScale: 1000.5 }, 'timeScale: expected a number from 0 to 1000, got 1000.5'],
    [{ timeScale: '1' }, 'timeScale: expected a number from 0 to 1000, got "1"'],
    [{ itemTimeoutSeconds: 0 }, `itemTimeoutSeconds: ${wholeNumber(1, 21_600)}, got 0`],
    [{ itemTimeoutSeconds: 21_601 }, `itemTimeoutSeconds: ${wholeNumber(1, 21_600)}, got 21601`],
    [{ itemsPerSecond: 0 }, 'itemsPerSecond: expected a number above 0, got 0'],
    [{ itemsPerSecond: 1e7 }, 'itemsPerSecond: expected at most 1000000, got 10000000'],
    [{ itemsPerSecond: true }, 'itemsPerSecond: expected a number above 0, got true'],
    [{ notifyQueueUrl: 'results' }, 'notifyQueueUrl: expected the URL of an SQS queue, got "resu'],
    [{ source: undefined }, `source: ${someSource}, got nothing`],
    [{ source: 'items.csv' }, `source: ${someSource}, got "items.csv"`],
    [{ source: { generate: {} } }, 'source.generate.count: expected a whole number'],
    [
      { source: { generate: { count: -1 } } },
      `source.generate.count: ${wholeNumber(0, 1_000_000_000)}, got -1`,
    ],
    [
      { source: { generate: { count: 1, seed: 2 ** 31 } } },
      `source.generate.seed: ${wholeNumber(0, 2 ** 31 - 1)}, got 2147483648`,
    ],
    [{ source: { key: 'a.csv' } }, 'source.bucket: expected text, got nothing'],
    [{ source: { bucket: 'my-bucket' } }, 'source.key: expected text, got nothing'],
    [
      { source: { ...FILE, bucket: 'a/b' } },
      'source.bucket: expected the name of an S3 bucket, got "a/b"',
    ],
    [
      { source: { ...FILE, key: 'items.json' } },
      'source.key: expected a key that ends in .csv, .ndjson or .jsonl, got "items.json"',
    ],
  ])('%j', (fields, reason) => {
    expect(() => parse({ ...JOB, ...fields })).toThrow(MessageError);
    expect(() => parse({ ...JOB, ...fields })).toThrow(`Not a batch of items: ${reason}`);
  });

  test('and every fault is named at once', () => {
    const source = { bucket: 'b', key: 7 };
    expect(() => parse({ ...JOB, source, timeScale: -1 })).toThrow(
      'Not a batch of items: source.bucket: expected the name of an S3 bucket, got "b"; ' +
        'source.key: expected text, got 7; timeScale: expected a number from 0 to 1000, got -1',
    );
  });
});

test('who is to be told can be read of a message that is otherwise wrong', () => {
  const body = '{"batchId":"a","notifyQueueUrl":"http://localhost/q","processor":7}';
  expect(parseBody(itemsReplySchema, body, 'reply')).toEqual({
    batchId: 'a',
    notifyQueueUrl: 'http://localhost/q',
  });
});

test.each([
  [{ generate: { count: 1_234_567 } }, 'Process 1,234,567 items with mine'],
  [FILE, 'Process the items of s3://my-bucket/dir/items.csv with mine'],
])('a job in a line: %j', (source, line) => {
  expect(itemsSummary({ source, processor: 'mine' })).toBe(line);
});

function parse(job: object) {
  return parseBody(itemsJobSchema, JSON.stringify(job), 'batch of items');
}
