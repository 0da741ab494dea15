import type { WorkflowHandle } from '@temporalio/client';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  itemsProgressQuery,
  type ShardProgress,
  shardProgressQuery,
} from '../../src/workflows/items-progress.ts';
import type { processItems } from '../../src/workflows/process-items.ts';
import { afterwards } from '../support/afterwards.ts';
import { WAIT } from '../support/holds.ts';
import { type ItemsCase, itemsCase } from '../support/items-case.ts';
import { sheaf, startSheaf } from '../support/sheaf.ts';

/** Four chunks, one after the other. */
const JOB = {
  source: { generate: { count: 40, seed: 1 } },
  processor: 'gated',
  itemsPerChunk: 10,
  parallelChunks: 1,
  itemConcurrency: 1,
};

/** temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED */
const CANCEL_REQUESTED = 3;

let items: ItemsCase;
let processed: string[];
let opened: PromiseWithResolvers<void>;

beforeEach(async () => {
  items = await itemsCase();
});

describe('a batch of items', () => {
  let run: WorkflowHandle<typeof processItems>;
  beforeEach(async () => {
    processed = [];
    opened = Promise.withResolvers();
    const gated = {
      name: 'gated',
      async process({ id }: { id: string }) {
        // In the second chunk.
        if (processed.length >= 15) await opened.promise;
        processed.push(id);
      },
    };
    await items.worker({ processors: [gated] });
    run = await items.start(JOB);
    await vi.waitFor(() => expect(processed).toHaveLength(15), WAIT);
  });

  test('that is paused ends the chunks that are under way, and begins others once it is resumed', async () => {
    const paused = await call('pause', run.workflowId);
    expect(paused).toEqual({ code: 0, stdout: `${run.workflowId}: paused\n`, stderr: '' });
    await vi.waitFor(async () => expect(await askShard()).toMatchObject({ paused: true }), WAIT);
    opened.resolve();
    await vi.waitFor(async () => {
      expect(await askShard()).toMatchObject({ chunks: { done: 2, total: 4 } });
    }, WAIT);
    const { raw } = await shard().describe();
    expect(raw.pendingActivities ?? []).toEqual([]);
    expect(await run.query(itemsProgressQuery)).toMatchObject({ paused: true });
    expect(processed).toHaveLength(20);

    const resumed = await call('resume', run.workflowId);

    expect(resumed).toEqual({ code: 0, stdout: `${run.workflowId}: resumed\n`, stderr: '' });
    expect(await run.result()).toMatchObject({ total: 40, succeeded: 40 });
    expect(await run.query(itemsProgressQuery)).toMatchObject({ paused: false, stage: 'done' });
    expect(new Set(processed).size).toBe(40);
  });

  test('that is cancelled tells so to who watches it, and goes on when its id is started again', async () => {
    const watching = call('watch', run.workflowId);

    const cancelled = await call('cancel', run.workflowId);
    // What is under way is let end: it counts.
    await vi.waitFor(async () => {
      const { raw } = await shard().describe();
      expect(raw.pendingActivities?.[0]?.state).toBe(CANCEL_REQUESTED);
    }, WAIT);
    opened.resolve();

    expect(cancelled.stdout).toBe(`${run.workflowId}: cancellation requested\n`);
    const watched = await watching;
    expect(watched).toMatchObject({ code: 1, stdout: '' });
    expect(watched.stderr).toContain(`sheaf: ${run.workflowId} was cancelled\n`);
    expect(processed.length).toBeLessThan(40);

    const { stdout } = await call(
      ...['items', '--batch-id', items.batchId, '--count', '40', '--processor', 'gated'],
      ...['--items-per-chunk', '10', '--time-scale', '0', '--watch'],
    );
    expect(stdout).toBe(`  ${items.batchId}: 40 items, 40 succeeded, 0 failed\n`);
    expect(processed).toHaveLength(40);
    expect(new Set(processed).size).toBe(40);
  });

  test('that is open is joined by a start of its id, and shows how far it is', async () => {
    const options = ['items', '--batch-id', items.batchId, '--count', '7', '--watch'];

    const { ended, said } = startSheaf(items.taskQueue, ...options);
    await vi.waitFor(() => {
      expect(said()).toMatch(/\n {2}processing, items \d+ of 40(, [^\n]*)?, shards 0 of 1\n$/);
    }, WAIT);
    opened.resolve();

    const { stdout, stderr } = await ended;
    expect(stdout).toBe(`  ${items.batchId}: 40 items, 40 succeeded, 0 failed\n`);
    expect(stderr).toMatch(/\n {2}done, items 40 of 40(, [^\n]*)?, shards 1 of 1\n$/);
  });

  test('that has ended can not be paused, resumed or cancelled any more', async () => {
    opened.resolve();
    await run.result();

    for (const command of ['pause', 'resume', 'cancel']) {
      const { code, stdout, stderr } = await call(command, run.workflowId);
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toBe(`sheaf: There is no open run ${run.workflowId}\n`);
    }
  });
});

test.each(['pause', 'cancel'])('sheaf %s of a run that never was', async (command) => {
  expect(await call(command, `items-${items.batchId}`)).toEqual({
    code: 4,
    stdout: '',
    stderr: `sheaf: There is no run items-${items.batchId}, or Temporal keeps it no longer; npx sheaf list shows those that there are\n`,
  });
});

test('a run of another type can be cancelled, and neither paused nor resumed', async () => {
  const workflowId = items.batchId;
  const taskQueue = `${items.taskQueue}-nobody`;
  const run = await items.client.workflow.start('zipFiles', { taskQueue, workflowId, args: [] });
  afterwards(() => run.terminate());

  for (const command of ['pause', 'resume']) {
    const { code, stderr } = await call(command, workflowId);
    expect(code).toBe(4);
    expect(stderr).toBe(
      `sheaf: ${workflowId} is a run of zipFiles; only batches of items can be paused\n`,
    );
  }
  expect(await call('cancel', workflowId, '--json')).toMatchObject({
    code: 0,
    stdout: `${JSON.stringify({ workflowId, done: 'cancellation requested' })}\n`,
  });
});

function call(...args: readonly string[]) {
  return sheaf(items.taskQueue, ...args);
}

function shard() {
  return items.client.workflow.getHandle(`items-${items.batchId}/1`);
}

function askShard(): Promise<ShardProgress> {
  return shard().query<ShardProgress, []>(shardProgressQuery);
}
