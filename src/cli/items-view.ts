import type { Client } from '@temporalio/client';
import type { ChunkRecord } from '../activities/item-objects.ts';
import type { PlanItemsCheckpoint } from '../activities/plan-item-file.ts';
import type { ItemsResult } from '../messages/items.ts';
import { itemsProgressQuery, shardProgressQuery } from '../workflows/items-progress.ts';
import { formatCount } from './format.ts';
import type { JobView } from './job-view.ts';
import type { RunProgress, Tally } from './progress-bars.ts';
import { queryRun, readCheckpoints, unlessUnanswered } from './run-queries.ts';

/** What people are shown of batches of items. */
export const itemsView: JobView<ItemsResult> = {
  readProgress: (client, workflowId) => unlessUnanswered(() => readProgress(client, workflowId)),

  report({ batchId, total, succeeded, failed, failures }) {
    const counts = `${succeeded.toLocaleString('en')} succeeded, ${failed.toLocaleString('en')} failed`;
    return [
      `  ${batchId}: ${formatCount(total, 'item')}, ${counts}`,
      ...(failures ? [`  ${failures}`] : []),
    ].join('\n');
  },
};

/** The run's own answer, with what its shards and their activities have told. */
async function readProgress(client: Client, workflowId: string): Promise<RunProgress> {
  const { stage, items, failed, shards, underWay, paused } = await queryRun(
    client,
    workflowId,
    itemsProgressQuery,
  );
  if (stage === 'planning') {
    const [checkpoint] = await readCheckpoints<PlanItemsCheckpoint>(client, workflowId);
    return { stage, ended: false, tallies: checkpoint ? [plannedTally(checkpoint)] : [] };
  }
  const counts = { done: items.done, failed };
  for (const shard of await Promise.all(underWay.map((id) => readShard(client, id)))) {
    counts.done += shard.done;
    counts.failed += shard.failed;
  }
  return {
    stage: paused ? 'paused' : stage,
    ended: stage === 'done' || stage === 'failed' || stage === 'cancelled',
    tallies: [
      {
        name: 'items',
        done: counts.done,
        total: items.total,
        inBytes: false,
        timed: true,
        ...(counts.failed > 0 && { note: `${counts.failed.toLocaleString('en')} failed` }),
      },
      { name: 'shards', ...shards, inBytes: false },
    ],
  };
}

/** What a shard has counted; one that has only just begun, or ended, may have nothing to say. */
async function readShard(client: Client, workflowId: string) {
  const counts = { done: 0, failed: 0 };
  const progress = await unlessUnanswered(() => queryRun(client, workflowId, shardProgressQuery));
  if (!progress) return counts;
  counts.done = progress.items.done;
  counts.failed = progress.failed;
  for (const { next = 0, failed = 0 } of await readCheckpoints<Partial<ChunkRecord>>(
    client,
    workflowId,
  )) {
    counts.done += next;
    counts.failed += failed;
  }
  return counts;
}

function plannedTally({
  itemsPlanned,
  itemsTotal,
  bytesDone,
  bytesTotal,
}: PlanItemsCheckpoint): Tally {
  return bytesTotal === undefined
    ? { name: 'planned', done: itemsPlanned, total: itemsTotal ?? 0, inBytes: false }
    : { name: 'read', done: bytesDone ?? 0, total: bytesTotal, inBytes: true };
}
