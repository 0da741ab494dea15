import { defaultPayloadConverter } from '@temporalio/common';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { csvOf, type ItemsCase, itemsCase } from '../support/items-case.ts';
import { sheaf } from '../support/sheaf.ts';

let taskQueue: string;
let items: ItemsCase;

beforeAll(async () => {
  const shared = await itemsCase();
  taskQueue = shared.taskQueue;
  const odd = {
    name: 'odd',
    process({ value }: { value: number }) {
      if (value % 2 === 1) throw new Error(`${value} is odd`);
    },
  };
  await shared.worker({ processors: [odd] });
});

beforeEach(async () => {
  items = await itemsCase(undefined, undefined, taskQueue);
});

test('sheaf items --watch follows a batch of a new id to its end, and prints its result', async () => {
  const { code, stdout, stderr } = await call('--count', '500', '--time-scale', '0', '--watch');

  expect(code).toBe(0);
  const [, batchId] =
    /^ {2}([0-9a-f-]{36}): 500 items, 500 succeeded, 0 failed\n$/.exec(stdout) ?? [];
  expect(batchId).toBeDefined();
  expect(stderr).toContain(`items-${batchId}\n`);
  expect(stderr).toContain('  done, items 500 of 500');
});

test('--source names a file; items that fail are counted, and it is said where they are', async () => {
  const { bucket, key } = await items.put('dir/items.csv', csvOf(1500));

  const { stdout } = await call(
    ...['--batch-id', items.batchId, '--source', `s3://${bucket}/${key}`],
    ...['--processor', 'odd', '--items-per-chunk', '100', '--watch'],
  );

  const [counts, failures = '', ...more] = stdout.split('\n');
  expect(counts).toBe(`  ${items.batchId}: 1,500 items, 751 succeeded, 749 failed`);
  expect(await items.failures(failures.trim())).toHaveLength(749);
  expect(more).toEqual(['']);
});

test('--json prints the result as a line of JSON; --notify tells it to a queue, too', async () => {
  const { stdout } = await call(
    ...['--batch-id', items.batchId, '--count', '10', '--time-scale', '0'],
    ...['--notify', items.resultsUrl, '--json', '--watch'],
  );

  const result = { batchId: items.batchId, total: 10, succeeded: 10, failed: 0, failures: null };
  expect(stdout.endsWith('}\n')).toBe(true);
  expect(JSON.parse(stdout)).toEqual(result);
  expect(await items.results()).toEqual([result]);
});

test('without --watch it prints the id of the run, which has the job that the options say', async () => {
  const { stdout } = await call(
    ...['--batch-id', items.batchId, '--count', '7', '--seed', '3', '--processor', 'odd'],
    ...['--items-per-chunk', '2', '--parallel-chunks', '3', '--item-concurrency', '4'],
    ...['--time-scale', '0.5', '--item-timeout', '60', '--items-per-second', '1000'],
  );

  const workflowId = `items-${items.batchId}`;
  expect(stdout).toBe(`${workflowId}\n`);
  const run = items.client.workflow.getHandle(workflowId);
  expect(await run.result()).toMatchObject({ total: 7 });
  const { events } = await run.fetchHistory();
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  const input = defaultPayloadConverter.fromPayload(started?.input?.payloads?.[0] ?? {});
  expect(input).toEqual({
    batchId: items.batchId,
    source: { generate: { count: 7, seed: 3 } },
    processor: 'odd',
    itemsPerChunk: 2,
    parallelChunks: 3,
    itemConcurrency: 4,
    timeScale: 0.5,
    itemTimeoutSeconds: 60,
    itemsPerSecond: 1000,
  });
});

test('a run that fails is an error that says why', async () => {
  const source = `s3://${items.bucket}/items.csv`;

  const called = await call('--batch-id', items.batchId, '--source', source, '--watch');

  expect(called).toMatchObject({ code: 1, stdout: '' });
  expect(called.stderr).toContain(
    `\nsheaf: items-${items.batchId} failed: ${source} does not exist; upload it`,
  );
});

describe('sheaf watch on a batch of items', () => {
  test('prints the result, as a line of JSON where that is wanted', async () => {
    const run = await items.start({ source: { generate: { count: 1 } } });

    const text = await sheaf(taskQueue, 'watch', run.workflowId);
    const json = await sheaf(taskQueue, 'watch', run.workflowId, '--json');

    expect(text.stdout).toBe(`  ${items.batchId}: 1 item, 1 succeeded, 0 failed\n`);
    expect(JSON.parse(json.stdout)).toEqual(await run.result());
  });
});

test.each([
  [[], 'Expected either --count or --source: where the items come from'],
  [['--count', '1', '--source', 's3://bucket/a.csv'], 'Expected either --count or --source'],
  [['--source', 'items.csv'], '--source: expected s3://bucket/key, got items.csv'],
  [
    ['--count', '-1'],
    'Not a batch of items: source.generate.count: expected a whole number from 0 to 1000000000, got -1',
  ],
  [
    ['--count', '1', '--batch-id', 'a/b', '--items-per-chunk', '0'],
    'Not a batch of items: batchId: expected a bare name without slashes, got "a/b"; itemsPerChunk: expected a whole number from 1 to 1000000, got 0',
  ],
])('the options %j are an error of one line', async (options, problem) => {
  const { code, stdout, stderr } = await call(...options);

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.slice(0, problem.length + 7)).toBe(`sheaf: ${problem}`);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('an option that is no number is an error of one line', async () => {
  const { code, stderr } = await call('--count', '1,000');

  expect(code).toBe(2);
  expect(stderr).toBe(
    "error: option '--count <n>' argument '1,000' is invalid. Expected a number.\n",
  );
});

function call(...options: readonly string[]) {
  return sheaf(taskQueue, 'items', ...options);
}
