import type { Client } from '@temporalio/client';
import { beforeAll, expect, test, vi } from 'vitest';
import { splitRequest } from '../../src/runs/request.ts';
import { startRun } from '../../src/starter/start-run.ts';
import { afterwards } from '../support/afterwards.ts';
import { sampleArchive } from '../support/faults.ts';
import { testClient, uniqueTaskQueue } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { sheaf } from '../support/sheaf.ts';
import { type SplitCase, splitCase, startWorker } from '../support/split-case.ts';

const STATUSES = ['completed', 'failed', 'cancelled', 'running', 'terminated'] as const;

type Status = (typeof STATUSES)[number];

let client: Client;
/** A split whose run is in each status. */
let splits: Record<Status, SplitCase>;

beforeAll(async () => {
  client = await testClient();
  const taskQueue = uniqueTaskQueue();
  const nobody = `${taskQueue}-nobody`;
  const archive = await sampleArchive({ rows: 3, imageBytes: 0, seed: 1 });
  splits = {
    completed: await splitCase(archive, {}, taskQueue),
    failed: await splitCase(undefined, {}, taskQueue),
    cancelled: await splitCase(archive, {}, taskQueue),
    running: await splitCase(archive, {}, nobody),
    terminated: await splitCase(archive, {}, nobody),
  };
  for (const split of Object.values(splits)) {
    await startRun(client, split.taskQueue, splitRequest(split.job), 'message');
  }
  await runOf('cancelled').cancel();
  await runOf('terminated').terminate('the disk had to go');
  afterwards(() => runOf('running').terminate());
  await startWorker(taskQueue);
  await vi.waitFor(async () => {
    for (const status of STATUSES) expect(await listedStatus(status)).toBe(status.toUpperCase());
  }, WAIT);
});

test('runs are listed, open ones first, with what they do, those that failed with the reason', async () => {
  const blocks = await list('--job', 'split');

  const ids = [...blocks.keys()];
  expect(ids.indexOf(idOf('running'))).toBeLessThan(ids.indexOf(idOf('terminated')));
  const lineOf = (status: Status, pace: 'took' | 'for') => [
    `  ${status.padEnd(10)}  ${idOf(status)}`,
    expect.stringMatching(
      new RegExp(
        `^ {14}\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC, ${pace} \\d[^,]*  Split ${urlOf(status)}$`,
      ),
    ),
  ];
  expect(blocks.get(idOf('completed'))).toEqual(lineOf('completed', 'took'));
  expect(blocks.get(idOf('running'))).toEqual(lineOf('running', 'for'));
  expect(blocks.get(idOf('failed'))).toEqual([
    ...lineOf('failed', 'took'),
    expect.stringMatching(new RegExp(`^ {14}${urlOf('failed')} does not exist`)),
  ]);
  expect(blocks.get(idOf('terminated'))).toEqual([
    ...lineOf('terminated', 'took'),
    '              it was terminated: the disk had to go',
  ]);
  expect(blocks.get(idOf('cancelled'))?.slice(0, 2)).toEqual(lineOf('cancelled', 'took'));
});

test('options say which are listed', async () => {
  const cases: [options: string[], expected: readonly Status[]][] = [
    [['--failed'], ['failed', 'terminated']],
    [['--running'], ['running']],
    [
      ['--job', 'split', '--failed'],
      ['failed', 'terminated'],
    ],
    [['--job', 'items'], []],
  ];

  const lists = await Promise.all(cases.map(([options]) => list(...options)));

  const listed = lists.map((blocks) => STATUSES.filter((status) => blocks.has(idOf(status))));
  expect(listed).toEqual(cases.map(([, expected]) => expected));
});

test('--json prints an array of one line', async () => {
  const { stdout } = await sheaf({}, 'list', '--failed', '--limit', '1000', '--json');

  expect(stdout.endsWith(']\n')).toBe(true);
  const runs: { workflowId: string }[] = JSON.parse(stdout);
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(runs.find(({ workflowId }) => workflowId === idOf('terminated'))).toEqual({
    workflowId: idOf('terminated'),
    runId: (await runOf('terminated').describe()).runId,
    job: 'split',
    status: 'terminated',
    startTime: time,
    closeTime: time,
    summary: `Split ${urlOf('terminated')}`,
    error: 'it was terminated: the disk had to go',
  });
});

test('--limit says how many at most', async () => {
  const { stdout } = await sheaf({}, 'list', '--limit', '2', '--json');
  expect(JSON.parse(stdout)).toHaveLength(2);
});

test('options that make no sense are wrong usage', async () => {
  const cases: [options: string[], problem: string][] = [
    [['--failed', '--running'], "error: option '--failed' cannot be used with option '--running'"],
    [['--job', 'unzip'], "error: option '--job <job>' argument 'unzip' is invalid"],
    [['--limit', '0'], "error: option '--limit <n>' argument '0' is invalid"],
  ];

  const calls = await Promise.all(cases.map(([options]) => sheaf({}, 'list', ...options)));

  expect(calls).toEqual(
    cases.map(([, problem]) => ({ code: 2, stdout: '', stderr: expect.stringContaining(problem) })),
  );
});

/** The lines of each run in the list, by its id. Other tests' runs are among them. */
async function list(...options: readonly string[]): Promise<Map<string, string[]>> {
  const { code, stdout, stderr } = await sheaf({}, 'list', '--limit', '1000', ...options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const blocks = stdout.trimEnd().split(/\n(?= {2}\S)/);
  return new Map(
    blocks.map((block) => {
      const lines = block.split('\n');
      return [lines[0]?.slice(14) ?? '', lines];
    }),
  );
}

function idOf(status: Status): string {
  return splitRequest(splits[status].job).workflowId;
}

function urlOf(status: Status): string {
  const { s3Bucket, exportPath } = splits[status].job;
  return `s3://${s3Bucket}/${exportPath}`;
}

function runOf(status: Status) {
  return client.workflow.getHandle(idOf(status));
}

/** Temporal's list lags behind. */
async function listedStatus(status: Status): Promise<string | undefined> {
  for await (const run of client.workflow.list({ query: `WorkflowId = "${idOf(status)}"` })) {
    return run.status.name;
  }
  return undefined;
}
