import {
  ApplicationFailure,
  CancellationScope,
  executeChild,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { PlannedBatch, SplitPlan } from '../activities/plan-split.ts';
import { MessageError, parseMessage } from '../messages/parse.ts';
import {
  type SplitJob,
  type SplitOptions,
  splitFailure,
  splitJobSchema,
  splitOptionsSchema,
  splitSuccess,
} from '../messages/split.ts';
import { activityOptions } from './activity-options.ts';
import { buildBatch } from './build-batch.ts';
import { rememberDeliveries } from './deliveries.ts';
import { causeOf } from './failure.ts';
import { inLanes } from './lanes.ts';
import { describeProgress, progressQuery, type SplitProgress } from './split-progress.ts';

const { planSplit, confirmBatches, sendResult, removeWorkingObjects } =
  proxyActivities<Activities>(activityOptions);

/** A batch zip of a finished run. Sizes in bytes. */
export interface BuiltBatch {
  /** Bare name; the object lies under `batch/`. */
  readonly name: string;
  readonly rows: number;
  readonly images: number;
  readonly bytes: number;
  /** True where an earlier run had built the very same one. */
  readonly reused: boolean;
}

/** What a split run ends with. Sizes in bytes. */
export interface SplitResult {
  readonly batches: readonly BuiltBatch[];
  readonly rows: number;
  /** Bytes that S3 copied by itself, and that workers read from and wrote to it. */
  readonly bytesCopied: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/**
 * Splits an archive with a manifest into batch zips: plans them, builds each in a child run, makes
 * sure that all can be read, and tells the client, once, how it ended. Whatever the ending, the run's
 * working objects are removed.
 */
export async function splitArchive(
  job: SplitJob,
  options: SplitOptions = {},
): Promise<SplitResult> {
  checkInput(job, options);
  rememberDeliveries();
  const run = new SplitRun(job, options);
  const outcome = await run.attempt();
  await CancellationScope.nonCancellable(async () => {
    try {
      await run.tell(outcome);
    } finally {
      await removeWorkingObjects({ bucket: job.s3Bucket, workflowId: workflowInfo().workflowId });
    }
  });
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

class SplitRun {
  readonly #job: SplitJob;
  readonly #options: SplitOptions;
  readonly #progress: SplitProgress;

  constructor(job: SplitJob, options: SplitOptions) {
    this.#job = job;
    this.#options = options;
    this.#progress = {
      stage: 'planning',
      archive: `s3://${job.s3Bucket}/${job.exportPath}`,
      batches: { done: 0, total: 0 },
      images: { done: 0, total: 0 },
      bytes: { done: 0, total: 0 },
      verified: { done: 0, total: 0 },
      underWay: [],
    };
    setHandler(progressQuery, () => this.#progress);
    this.#show();
  }

  /** The run up to the point where it can be told: its result, or the error that it fails with. */
  async attempt(): Promise<SplitResult | Error> {
    try {
      return await this.#split();
    } catch (error) {
      return causeOf(error);
    }
  }

  /** Tells the client how the run ended, if it named a queue. */
  async tell(outcome: SplitResult | Error): Promise<void> {
    const { downloadId, updatesQueueUrl } = this.#job;
    this.#progress.stage = 'reporting';
    this.#show();
    if (updatesQueueUrl) {
      const result =
        outcome instanceof Error
          ? splitFailure(downloadId, outcome.message)
          : splitSuccess(
              downloadId,
              outcome.batches.map(({ name }) => name),
            );
      await sendResult.executeWithOptions({ summary: result.status }, [
        { queueUrl: updatesQueueUrl, body: JSON.stringify(result) },
      ]);
    }
    this.#progress.stage = outcome instanceof Error ? 'failed' : 'done';
    if (outcome instanceof Error) this.#progress.error = outcome.message;
    this.#show();
  }

  async #split(): Promise<SplitResult> {
    const plan = await planSplit.executeWithOptions({ summary: this.#progress.archive }, [
      this.#job,
      this.#options,
    ]);
    const result = await this.#build(plan);
    await confirmBatches({ bucket: this.#job.s3Bucket, batches: plan.batches });
    return result;
  }

  async #build(plan: SplitPlan): Promise<SplitResult> {
    const progress = this.#progress;
    progress.stage = 'building';
    progress.batches.total = plan.batches.length;
    for (const { images, bytes } of plan.batches) {
      progress.images.total += images;
      progress.bytes.total += bytes;
      progress.verified.total += plan.verify ? bytes : 0;
    }
    this.#show();

    const reused = new Set<PlannedBatch>();
    const moved = { bytesCopied: 0, bytesRead: plan.bytesRead, bytesWritten: plan.bytesWritten };
    await inLanes(plan.batches, plan.lanes, async (batch) => {
      const report = await this.#buildBatch(plan, batch);
      if (!report) reused.add(batch);
      moved.bytesCopied += report?.bytesCopied ?? 0;
      moved.bytesRead += report?.bytesRead ?? 0;
      moved.bytesWritten += report?.bytesWritten ?? 0;
      progress.batches.done += 1;
      progress.images.done += batch.images;
      progress.bytes.done += batch.bytes;
      progress.verified.done += plan.verify ? batch.bytes : 0;
      this.#show();
    });
    return {
      batches: plan.batches.map((batch) => ({
        name: batch.name,
        rows: batch.rows,
        images: batch.images,
        bytes: batch.bytes,
        reused: reused.has(batch),
      })),
      rows: plan.batches.reduce((sum, { rows }) => sum + rows, 0),
      ...moved,
    };
  }

  async #buildBatch(plan: SplitPlan, batch: PlannedBatch) {
    const { s3Bucket: bucket } = this.#job;
    const workflowId = `${workflowInfo().workflowId}/${batch.name}`;
    const underWay = { name: batch.name, bytes: batch.bytes, workflowId };
    this.#progress.underWay.push(underWay);
    this.#show();
    try {
      return await executeChild(buildBatch, {
        workflowId,
        staticSummary: `${batch.name}: ${batch.rows} rows, ${batch.images} images`,
        // A run that is terminated takes its children along, and they clean up behind themselves.
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [
          {
            source: plan.source,
            target: { bucket, key: batch.key },
            layout: { bucket, key: batch.layoutKey },
            fingerprint: batch.fingerprint,
            verify: plan.verify,
          },
        ],
      });
    } finally {
      this.#progress.underWay.splice(this.#progress.underWay.indexOf(underWay), 1);
    }
  }

  #show(): void {
    setCurrentDetails(describeProgress(this.#progress));
  }
}

/** The starter checks what comes from a queue; this is for runs that are started by other means. */
function checkInput(job: SplitJob, options: SplitOptions): void {
  try {
    parseMessage(splitJobSchema, job, 'split job');
    parseMessage(splitOptionsSchema, options, 'set of split options');
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    throw ApplicationFailure.nonRetryable(error.message, error.name);
  }
}
