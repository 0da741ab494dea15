import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  getExternalWorkflowHandle,
  ParentClosePolicy,
  type SignalDefinition,
  startChild,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { ItemsPlan } from '../activities/plan-items.ts';
import { countShards, shareLanes } from '../items/chunks.ts';
import { assertSame } from '../items/errors.ts';
import { totalKeySum } from '../items/key-sum.ts';
import {
  type ItemsFailure,
  type ItemsJob,
  type ItemsJobInput,
  type ItemsResult,
  itemsJobSchema,
  itemsReplySchema,
  itemsSummary,
} from '../messages/items.ts';
import { whenAtRest } from './at-rest.ts';
import { rememberDeliveries } from './deliveries.ts';
import { noteEnd } from './ending.ts';
import { causeOf, isCancelled } from './failure.ts';
import { parseInput } from './input.ts';
import { ItemsBoard } from './items-board.ts';
import { withLimit } from './items-limit.ts';
import { pauseSignal, resumeSignal } from './items-progress.ts';
import { inLanes } from './lanes.ts';
import { PauseSwitch } from './pause-switch.ts';
import { activitiesAt } from './place.ts';
import { processShard, type ShardOrder, type ShardResult } from './process-shard.ts';
import { grouped } from './tally.ts';
import { batchIdOfRun } from './workflow-ids.ts';

const { planItems, publishFailures, sendResult, removeWorkingObjects } = activitiesAt(undefined);

/**
 * Processes a batch of items: plans it, processes its shards in child runs, and ends when every item
 * has been processed, which it then knows, and tells, once. Where it is cancelled, or fails, what is
 * done is kept: the next run of the same batch goes on from there.
 */
export async function processItems(input: ItemsJobInput): Promise<ItemsResult> {
  rememberDeliveries();
  const run = new ItemsRun(input);
  const outcome = await run.attempt();
  await CancellationScope.nonCancellable(() => run.conclude(outcome));
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

class ItemsRun {
  readonly #input: ItemsJobInput;
  readonly #batchId: string;
  readonly #board: ItemsBoard;
  /** The runs of shards that are under way. */
  readonly #shards = new Set<string>();
  readonly #results = new Map<number, ShardResult & { readonly runId: string }>();
  readonly #switch: PauseSwitch;
  #plan: ItemsPlan | undefined;

  constructor(input: ItemsJobInput) {
    this.#input = input;
    this.#batchId = batchIdOfRun(workflowInfo(), input.batchId);
    this.#board = new ItemsBoard(describeInput(input));
    this.#switch = new PauseSwitch((isPaused) => this.#turn(isPaused));
  }

  /** The run up to the point where it can be told: its result, or the error that it fails with. */
  async attempt(): Promise<ItemsResult | Error> {
    try {
      const job = parseInput(itemsJobSchema, this.#input, 'batch of items');
      return await this.#process({ ...job, batchId: this.#batchId });
    } catch (error) {
      return causeOf(error);
    }
  }

  /** Tells how the run ended, and removes what no later run needs. */
  async conclude(outcome: ItemsResult | Error): Promise<void> {
    const told = outcome instanceof Error ? await this.#describeFailure(outcome) : outcome;
    const reply = itemsReplySchema.pick({ notifyQueueUrl: true }).safeParse(this.#input);
    try {
      if (reply.success) {
        const { notifyQueueUrl: queueUrl } = reply.data;
        const summary = 'status' in told ? told.status : 'success';
        await sendResult.executeWithOptions({ summary }, [
          { queueUrl, body: JSON.stringify(told) },
        ]);
      }
    } finally {
      if (!('status' in told) || isWorthless(outcome)) await this.#removeState();
    }
    if ('status' in told) this.#board.fail(told.status, told.error);
    else this.#board.enter('done');
    const source = this.#plan?.source;
    noteEnd('items', outcome, {
      jobId: this.#batchId,
      ...(source && 'bucket' in source && { bucket: source.bucket, key: source.key }),
    });
  }

  async #process(job: ItemsJob): Promise<ItemsResult> {
    const summary = itemsSummary(job);
    const plan = await planItems.executeWithOptions({ summary }, [job]);
    this.#plan = plan;
    this.#board.planned(plan);
    const { itemsPerSecond } = job;
    if (itemsPerSecond) {
      const { chunkItems } = plan;
      await withLimit({ itemsPerSecond, chunkItems }, (queue) => this.#runShards(job, plan, queue));
    } else {
      await this.#runShards(job, plan, undefined);
    }
    this.#board.enter('reporting');
    const { items, failed, keySum } = this.#counts();
    assertSame('The batch', { items: plan.total, keySum: plan.keySum }, { items, keySum });
    return {
      batchId: job.batchId,
      total: items,
      succeeded: items - failed,
      failed,
      failures: await this.#publish(),
    };
  }

  async #runShards(job: ItemsJob, plan: ItemsPlan, taskQueue: string | undefined): Promise<void> {
    const shards = countShards(plan);
    const shares = shareLanes(job.parallelChunks, shards);
    let next = 1;
    await inLanes(shares, shares.length, async (lanes) => {
      while (next <= shards) await this.#runShard(job, plan, next++, lanes, taskQueue);
    });
    // Shards that are stopped end as others do.
    if (isCancelled()) throw new CancelledFailure('The run was cancelled');
  }

  async #runShard(
    job: ItemsJob,
    plan: ItemsPlan,
    shard: number,
    lanes: number,
    taskQueue: string | undefined,
  ): Promise<void> {
    await this.#switch.whilePaused();
    const workflowId = `${workflowInfo().workflowId}/${shard}`;
    const keySum = plan.shardSums[shard - 1] as string;
    this.#board.begin(workflowId);
    let result: ShardResult | undefined;
    try {
      const order = {
        plan: withoutSums(plan),
        shard,
        keySum,
        job: chunkJob(job),
        lanes,
        taskQueue,
      };
      const summary = `shard ${shard} of ${plan.shardSums.length}`;
      const child = await startShard(workflowId, summary, order);
      this.#shards.add(workflowId);
      if (this.#switch.isPaused) this.#signal(workflowId, pauseSignal);
      result = await child.result();
      this.#results.set(shard, { ...result, runId: child.firstExecutionRunId });
    } finally {
      this.#shards.delete(workflowId);
      this.#board.end(workflowId, result);
    }
    if (result.stopped && !isCancelled()) {
      throw ApplicationFailure.nonRetryable(`The child run ${workflowId} was stopped`, 'Stopped');
    }
  }

  /** Tells the shards that are under way; one that is being started is told once it is. */
  #turn(isPaused: boolean): void {
    this.#board.pause(isPaused);
    const signal = isPaused ? pauseSignal : resumeSignal;
    for (const workflowId of this.#shards) this.#signal(workflowId, signal);
  }

  /** Signals a shard; one that has ended meanwhile can't be told, and need not be. */
  #signal(workflowId: string, signal: SignalDefinition): void {
    getExternalWorkflowHandle(workflowId)
      .signal(signal)
      .catch(() => {});
  }

  #counts() {
    const results = [...this.#results.values()];
    return {
      items: results.reduce((sum, { items }) => sum + items, 0),
      failed: results.reduce((sum, { failed }) => sum + failed, 0),
      keySum: totalKeySum(results.map(({ keySum }) => keySum)),
    };
  }

  /** Puts the failures together; gives their URL, or null where there are none. */
  async #publish(): Promise<string | null> {
    const { failed } = this.#counts();
    if (!this.#plan || failed === 0) return null;
    const { bucket, prefix } = this.#plan;
    const shards = [...this.#results]
      .filter(([, result]) => result.failed > 0)
      .sort(([one], [other]) => one - other)
      .map(([shard, { runId }]) => [shard, runId] as const);
    const order = { state: { bucket, prefix }, batchId: this.#batchId, shards, failed };
    return publishFailures.executeWithOptions({ summary: `${grouped(failed)} failures` }, [order]);
  }

  /** What is told of a run without a result: of a cancelled one, how far it came. */
  async #describeFailure(error: Error): Promise<ItemsFailure> {
    const { message } = error;
    if (!(error instanceof CancelledFailure)) {
      return { batchId: this.#batchId, status: 'failed', error: message };
    }
    const { items, failed } = this.#counts();
    const came = this.#plan && {
      total: this.#plan.total,
      succeeded: items - failed,
      failed,
      failures: await this.#publish(),
    };
    const told = { batchId: this.#batchId, status: 'cancelled', error: message, ...came } as const;
    // A cancelled run has no result in Temporal.
    upsertMemo({ cancelled: told });
    return told;
  }

  async #removeState(): Promise<void> {
    if (!this.#plan) return;
    const { bucket } = this.#plan;
    const { workflowId } = workflowInfo();
    await removeWorkingObjects.executeWithOptions({ summary: 'what only this run needed' }, [
      { bucket, workflowId },
    ]);
  }
}

/**
 * Starts a shard. Where one of a run before this one is still coming to rest, it is waited for, and
 * this one goes on from what it leaves.
 */
function startShard(workflowId: string, staticSummary: string, order: ShardOrder) {
  return whenAtRest((attempt) =>
    startChild(processShard, {
      workflowId,
      staticSummary,
      // A run that is terminated takes its shards along, and they end at a checkpoint.
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      args: [{ ...order, plan: { ...order.plan, resumed: order.plan.resumed || attempt > 1 } }],
    }),
  );
}

/** Errors after which nothing that is kept is of use: it can't be trusted, or is of another version of the file. */
const LOSSES = ['CountMismatch', 'ObjectChangedError'];

function isWorthless(outcome: ItemsResult | Error): boolean {
  return outcome instanceof ApplicationFailure && LOSSES.includes(outcome.type ?? '');
}

/** A line for people, of an input that nobody has checked yet. */
function describeInput(input: ItemsJobInput): string {
  const { success, data } = itemsJobSchema.safeParse(input);
  return success ? itemsSummary(data) : '';
}

function withoutSums({ bucket, prefix, source, total, chunkItems, resumed }: ItemsPlan) {
  return { bucket, prefix, source, total, chunkItems, resumed };
}

function chunkJob(job: ItemsJob) {
  const { batchId, processor, itemConcurrency, timeScale, itemTimeoutSeconds, itemsPerSecond } =
    job;
  return { batchId, processor, itemConcurrency, timeScale, itemTimeoutSeconds, itemsPerSecond };
}
