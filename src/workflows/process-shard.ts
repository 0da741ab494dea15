import {
  CancellationScope,
  isCancellation,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { ChunkRecord } from '../activities/item-objects.ts';
import type { ItemsPlan } from '../activities/plan-items.ts';
import type { ChunkJob } from '../activities/process-chunk.ts';
import { chunkStretch, chunksOfShard, shardStretch } from '../items/chunks.ts';
import { assertSame } from '../items/errors.ts';
import { totalKeySum } from '../items/key-sum.ts';
import { causeOf, isCancelled } from './failure.ts';
import { describeShard, type ShardProgress, shardProgressQuery } from './items-progress.ts';
import { inLanes } from './lanes.ts';
import { metrics } from './metrics.ts';
import { numbersTo } from './numbers.ts';
import { PauseSwitch } from './pause-switch.ts';
import { activitiesAt, chunkActivities } from './place.ts';
import { grouped } from './tally.ts';

const { readShard, gatherFailures } = activitiesAt(undefined);

/** A shard of a batch. */
export interface ShardOrder {
  readonly plan: Pick<
    ItemsPlan,
    'bucket' | 'prefix' | 'source' | 'total' | 'chunkItems' | 'resumed'
  >;
  /** Numbered from 1. */
  readonly shard: number;
  /** The key sum of its items. */
  readonly keySum: string;
  readonly job: ChunkJob;
  /** Chunks at once. */
  readonly lanes: number;
  /** The task queue of its chunks, where the batch is limited. */
  readonly taskQueue: string | undefined;
}

/** What a shard ends with. */
export interface ShardResult {
  /** Items that were processed, and how many of them failed. */
  readonly items: number;
  readonly failed: number;
  /** The sum of the hashes of their keys. */
  readonly keySum: string;
  /** True where it was cancelled before all were. */
  readonly stopped: boolean;
}

/** Processes the chunks of a shard, some at once, and makes sure that no item is missing or counted twice. */
export async function processShard(order: ShardOrder): Promise<ShardResult> {
  const run = new ShardRun(order);
  try {
    const stopped = await run.process();
    return await CancellationScope.nonCancellable(() => run.conclude(stopped));
  } catch (error) {
    throw causeOf(error);
  }
}

class ShardRun {
  readonly #order: ShardOrder;
  readonly #records = new Map<number, ChunkRecord>();
  readonly #progress: ShardProgress;
  readonly #switch: PauseSwitch;

  constructor(order: ShardOrder) {
    const { plan, shard } = order;
    this.#order = order;
    this.#progress = {
      items: { done: 0, total: shardStretch(plan, shard).items },
      failed: 0,
      chunks: { done: 0, total: chunksOfShard(plan, shard) },
      paused: false,
    };
    setHandler(shardProgressQuery, () => this.#progress);
    this.#switch = new PauseSwitch((isPaused) => {
      this.#progress.paused = isPaused;
      this.#show();
    });
    this.#show();
  }

  /** Processes what is not done yet; true where it was cancelled. */
  async process(): Promise<boolean> {
    const { plan, shard, lanes } = this.#order;
    try {
      const earlier = plan.resumed ? await readShard({ state: stateOf(plan), shard }) : [];
      const begun = new Map(earlier);
      const chunks = [...numbersTo(chunksOfShard(plan, shard))];
      const isDone = (chunk: number) =>
        begun.get(chunk)?.next === chunkStretch(plan, shard, chunk).items;
      for (const [chunk, record] of earlier) if (isDone(chunk)) this.#count(chunk, record);
      await inLanes(
        chunks.filter((chunk) => !isDone(chunk)),
        lanes,
        async (chunk) => {
          await this.#switch.whilePaused();
          const from = begun.get(chunk);
          const record = await this.#processChunk(chunk, from);
          this.#count(chunk, record);
          countItems(record, from);
        },
      );
    } catch (error) {
      if (!isCancellation(error) || !isCancelled()) throw error;
    }
    return isCancelled();
  }

  /** Checks the counts, and puts the failures together. */
  async conclude(stopped: boolean): Promise<ShardResult> {
    const { plan, shard, keySum } = this.#order;
    const records = [...this.#records].sort(([one], [other]) => one - other);
    const failed = records.reduce((sum, [, record]) => sum + record.failed, 0);
    const done = {
      items: records.reduce((sum, [, { next }]) => sum + next, 0),
      keySum: totalKeySum(records.map(([, record]) => record.keySum)),
    };
    const { total } = this.#progress.items;
    if (!stopped || done.items === total) {
      assertSame(`Shard ${shard}`, { items: total, keySum }, done);
    }
    if (failed > 0) {
      const chunks = records
        .filter(([, record]) => record.failed > 0)
        .map(([chunk, { failures }]) => [chunk, failures] as const);
      const order = { state: stateOf(plan), shard, chunks, failed };
      await gatherFailures.executeWithOptions({ summary: `${grouped(failed)} failures` }, [order]);
    }
    return { ...done, failed, stopped: stopped && done.items < total };
  }

  #processChunk(chunk: number, from: ChunkRecord | undefined): Promise<ChunkRecord> {
    const { plan, shard, job, taskQueue } = this.#order;
    const { first, items } = chunkStretch(plan, shard, chunk);
    const { processChunk } = chunkActivities(taskQueue);
    return processChunk.executeWithOptions(
      { summary: `chunk ${chunk}: items ${grouped(first + 1)} to ${grouped(first + items)}` },
      [{ state: stateOf(plan), source: plan.source, shard, chunk, first, items, job, from }],
    );
  }

  #count(chunk: number, record: ChunkRecord): void {
    this.#records.set(chunk, record);
    const { items, chunks } = this.#progress;
    items.done += record.next;
    this.#progress.failed += record.failed;
    chunks.done += 1;
    this.#show();
  }

  #show(): void {
    setCurrentDetails(describeShard(this.#progress));
  }
}

/** Counts the items that a run has processed of a chunk itself. @param from what an earlier run had done */
function countItems(record: ChunkRecord, from: ChunkRecord | undefined): void {
  const failed = record.failed - (from?.failed ?? 0);
  const succeeded = record.next - (from?.next ?? 0) - failed;
  metrics.count('items', succeeded, { job_type: 'items', outcome: 'succeeded' });
  metrics.count('items', failed, { job_type: 'items', outcome: 'failed' });
}

function stateOf({ bucket, prefix }: ShardOrder['plan']) {
  return { bucket, prefix };
}
