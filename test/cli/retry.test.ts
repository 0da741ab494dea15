import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { splitRequest } from '../../src/runs/request.ts';
import { startRun } from '../../src/starter/start-run.ts';
import type { splitArchive } from '../../src/workflows/split-archive.ts';
import { afterwards } from '../support/afterwards.ts';
import { sampleArchive } from '../support/faults.ts';
import { uniqueTaskQueue } from '../support/harness.ts';
import { hold, WAIT } from '../support/holds.ts';
import { csvOf, itemsCase } from '../support/items-case.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { sheaf } from '../support/sheaf.ts';
import { putArchive, type SplitCase, splitCase, startWorker } from '../support/split-case.ts';

type SplitRun = WorkflowHandle<typeof splitArchive>;

let taskQueue: string;
let proxy: S3Proxy;
let archive: Buffer;

beforeAll(async () => {
  taskQueue = uniqueTaskQueue();
  proxy = await s3Proxy();
  await startWorker(taskQueue, { BATCH_SIZE: '1', MAX_PARALLEL_BATCHES: '1' }, proxy.stack);
  archive = await sampleArchive({ rows: 3, imageBytes: 0, seed: 1 });
});

describe('a split whose archive was absent', () => {
  let split: SplitCase;
  let run: SplitRun;
  beforeEach(async () => {
    split = await splitCase(undefined, {}, taskQueue);
    run = await start(split, 'message 1');
    await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    await putArchive(split.job, archive);
  });

  test('is run again as it was, and the messages that it answered stay answered', async () => {
    const failed = await run.describe();

    const { code, stdout, stderr } = await retry(run.workflowId, '--watch');

    expect(code).toBe(0);
    expect(stderr).toContain(`  ${run.workflowId}\n`);
    expect(stdout.match(/-part\d\.zip {2}1 row {2}1 image /g)).toHaveLength(3);
    const again = await run.describe();
    expect(again.runId).not.toBe(failed.runId);
    expect({ type: again.type, taskQueue: again.taskQueue, memo: again.memo }).toEqual({
      ...{ type: 'splitArchive', taskQueue },
      memo: { messageIds: ['message 1'], summary: splitRequest(split.job).summary },
    });
    expect(await again.staticSummary()).toBe(splitRequest(split.job).summary);
    expect(await inputOf(run)).toEqual([split.job]);
    expect(await deliver(split, 'message 1')).toBe('answered before');
    expect((await split.results()).map((result) => (result as { status: string }).status)).toEqual([
      'failed',
      'success',
    ]);
  });

  test('is not waited for without --watch; --json prints its id in a line', async () => {
    const { code, stdout, stderr } = await retry(run.workflowId, '--json');

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`${JSON.stringify({ workflowId: run.workflowId })}\n`);
    expect(await run.result()).toMatchObject({ rows: 3 });
  });
});

test('a split that fails again says why', async () => {
  const split = await splitCase(undefined, {}, taskQueue);
  const run = await start(split, 'message');
  await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);

  const { code, stdout, stderr } = await retry(run.workflowId, '--watch');

  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  const { s3Bucket, exportPath } = split.job;
  expect(stderr).toContain(
    `\nsheaf: ${run.workflowId} failed: s3://${s3Bucket}/${exportPath} does not exist`,
  );
});

test('a terminated split keeps the batch zips that it has built, and waits for the one that is still ending', async () => {
  const split = await splitCase(archive, {}, taskQueue);
  const second = `batch/${partOf(split, 2)}`;
  const building = hold(
    proxy,
    ({ operation, key }) => operation === 'CompleteMultipartUpload' && key === second,
  );
  const run = await start(split, 'message');
  await vi.waitFor(() => expect(building.calls).toHaveLength(1), WAIT);
  const ending = hold(
    proxy,
    ({ operation, key }) => operation === 'AbortMultipartUpload' && key === second,
  );
  afterwards(async () => ending.release());
  await run.terminate('by hand');
  await vi.waitFor(() => expect(ending.calls).toHaveLength(1), WAIT);

  expect((await retry(run.workflowId)).stdout).toBe(`${run.workflowId}\n`);
  const again: SplitRun = split.client.workflow.getHandle(run.workflowId);
  await vi.waitFor(async () => {
    const { events } = await again.fetchHistory();
    expect(events?.some((event) => event.startChildWorkflowExecutionFailedEventAttributes)).toBe(
      true,
    );
  }, WAIT);
  building.release({ status: 500, code: 'InternalError' });
  ending.release();

  const { batches } = await again.result();
  expect(batches.map(({ reused }) => reused)).toEqual([true, false, false]);
  expect(await split.uploads()).toEqual([]);
  expect(proxy.succeeded('CompleteMultipartUpload', `batch/${partOf(split, 1)}`)).toHaveLength(1);
});

test('a run of a schedule is run again as the batch that it was, not as one of its schedule', async () => {
  const items = await itemsCase();
  await items.worker();
  const schedule = (...args: string[]) => sheaf(items.taskQueue, 'schedule', ...args);
  const source = `s3://${items.bucket}/items.csv`;
  await schedule(...['create', items.batchId, '--paused', '--source', source, '--time-scale', '0']);
  afterwards(() => items.client.schedule.getHandle(items.batchId).delete());
  const { stdout } = await schedule('run', items.batchId);
  const workflowId = stdout.trim();
  const run = items.client.workflow.getHandle(workflowId);
  await vi.waitFor(() => expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError), WAIT);
  await items.put('items.csv', csvOf(10));

  const again = await retry(workflowId, '--watch', '--json');

  expect(JSON.parse(again.stdout)).toMatchObject({
    batchId: workflowId.replace('items-', ''),
    succeeded: 10,
  });
});

describe('there is nothing to retry', () => {
  test('in a run that is open', async () => {
    const split = await splitCase(archive, {}, `${taskQueue}-nobody`);
    const run = await start(split, 'message');
    afterwards(() => run.terminate());

    await expectRefusal(
      run.workflowId,
      `${run.workflowId} is still running; npx sheaf cancel ${run.workflowId} would end it`,
    );
  });

  test('in a run that is done, nor in a part of one', async () => {
    const split = await splitCase(archive, {}, taskQueue);
    const run = await start(split, 'message');
    await run.result();
    const part = `${run.workflowId}/${partOf(split, 1)}`;

    await Promise.all([
      expectRefusal(run.workflowId, `${run.workflowId} has completed; there is nothing to retry`),
      expectRefusal(part, `${part} is a part of the run ${run.workflowId}; name that one`),
    ]);
  });

  test('in a run that never was, nor in one that is not ours', async () => {
    const split = await splitCase(undefined, {}, `${taskQueue}-nobody`);
    const { workflowId } = splitRequest(split.job);
    const foreign = await split.client.workflow.start('somethingElse', {
      ...{ workflowId: `${workflowId}-foreign`, taskQueue: split.taskQueue },
    });
    await foreign.terminate();

    await Promise.all([
      expectRefusal(workflowId, `There is no run ${workflowId}, or Temporal keeps it no longer; `),
      expectRefusal(
        foreign.workflowId,
        `${foreign.workflowId} is a run of somethingElse, which is none of sheaf's`,
      ),
    ]);
  });
});

function retry(workflowId: string, ...options: readonly string[]) {
  // Its own task queue is what counts, not that of whoever runs it again.
  return sheaf(`${taskQueue}-nobody`, 'retry', workflowId, ...options);
}

async function expectRefusal(workflowId: string, problem: string): Promise<void> {
  const { code, stdout, stderr } = await retry(workflowId);
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
  expect(stderr.slice(0, problem.length + 7)).toBe(`sheaf: ${problem}`);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
}

/** Gives a message to the starter's code. */
function deliver(split: SplitCase, messageId: string) {
  return startRun(split.client, split.taskQueue, splitRequest(split.job), messageId);
}

async function start(split: SplitCase, messageId: string): Promise<SplitRun> {
  await deliver(split, messageId);
  return split.client.workflow.getHandle(splitRequest(split.job).workflowId);
}

async function inputOf(run: SplitRun): Promise<unknown[]> {
  const { events } = await run.fetchHistory();
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  return (started?.input?.payloads ?? []).map((payload) =>
    defaultPayloadConverter.fromPayload(payload),
  );
}

function partOf({ job }: SplitCase, number: number): string {
  return job.file.replace('.zip', `-part${number}.zip`);
}
