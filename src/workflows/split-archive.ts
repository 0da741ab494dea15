import { ApplicationFailure, CancellationScope, log, workflowInfo } from '@temporalio/workflow';
import type { InspectedArchive } from '../activities/inspect-archive.ts';
import type { Workspace } from '../activities/workspace.ts';
import {
  type SplitJob,
  type SplitOptions,
  splitFailure,
  splitJobSchema,
  splitOptionsSchema,
  splitSuccess,
} from '../messages/split.ts';
import { type BuiltBatches, buildBatches } from './build-batches.ts';
import { rememberDeliveries } from './deliveries.ts';
import { noteEnd } from './ending.ts';
import { causeOf, failedWith, isWorkerGone } from './failure.ts';
import { parseInput } from './input.ts';
import { activitiesAt } from './place.ts';
import { openInS3, openOnDisk } from './source-files.ts';
import { SplitBoard } from './split-board.ts';

const { inspectArchive, openWorkspace, confirmBatches, sendResult, removeWorkingObjects } =
  activitiesAt(undefined);

/** A run that loses its files starts over; no worker and no disk is lost that often by chance. */
const MAX_FRESH_STARTS = 5;

/** Errors after which a run starts over: its folder was swept away, or its disk has filled up. */
const LOSSES = ['WorkspaceLostError', 'NoSpaceError'];

/** A disk without room is waited for: other jobs end. A job whose client waits must not wait for ever. */
const WAIT_FOR_SPACE = '10 minutes';

/** Removing a folder takes seconds; the client is told only then. */
const REMOVAL_TIMEOUT = '5 minutes';

/** What a split run ends with. */
export type SplitResult = BuiltBatches;

/**
 * Splits an archive with a manifest into batch zips: makes its files readable, plans the batch zips,
 * builds each in a child run, makes sure that all can be read, and tells the client, once, how it
 * ended. Whatever the ending, the run's workspace and working objects are removed.
 */
export async function splitArchive(
  job: SplitJob,
  options: SplitOptions = {},
): Promise<SplitResult> {
  parseInput(splitJobSchema, job, 'split job');
  parseInput(splitOptionsSchema, options, 'set of split options');
  rememberDeliveries();
  const run = new SplitRun(job, options);
  const outcome = await run.attempt();
  await CancellationScope.nonCancellable(async () => {
    try {
      await run.tell(outcome);
    } finally {
      const { workflowId } = workflowInfo();
      await removeWorkingObjects.executeWithOptions({ summary: 'what only this run needed' }, [
        { bucket: job.s3Bucket, workflowId },
      ]);
    }
  });
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

class SplitRun {
  readonly #job: SplitJob;
  readonly #options: SplitOptions;
  readonly #board: SplitBoard;

  constructor(job: SplitJob, options: SplitOptions) {
    this.#job = job;
    this.#options = options;
    this.#board = new SplitBoard(`s3://${job.s3Bucket}/${job.exportPath}`);
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
    const { downloadId, updatesQueueUrl, s3Bucket: bucket, exportPath: key } = this.#job;
    this.#board.enter('reporting');
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
    if (outcome instanceof Error) this.#board.fail(outcome.message);
    else this.#board.enter('done');
    noteEnd('split', outcome, { jobId: String(downloadId), bucket, key });
  }

  async #split(): Promise<SplitResult> {
    const summary = this.#board.progress.archive;
    const archive = await inspectArchive.executeWithOptions({ summary }, [
      this.#job,
      this.#options,
    ]);
    if (archive.workspace === 's3') return this.#splitFrom(archive, undefined);
    for (let starts = 0; ; starts++) {
      try {
        return await this.#splitOnDisk(archive);
      } catch (error) {
        if (!isWorkerGone(error) && !LOSSES.some((loss) => failedWith(error, loss))) throw error;
        if (starts === MAX_FRESH_STARTS) throw lostTooOften(error);
        this.#board.startOver(causeOf(error).message);
      }
    }
  }

  async #splitOnDisk(archive: InspectedArchive): Promise<SplitResult> {
    const workspace = await openWorkspace.executeWithOptions(
      { scheduleToCloseTimeout: WAIT_FOR_SPACE },
      [archive, this.#job.totalSize],
    );
    let result: SplitResult;
    try {
      result = await this.#splitFrom(archive, workspace);
    } catch (error) {
      // A worker that is gone clears up when it comes back.
      if (!isWorkerGone(error)) await remove(workspace);
      throw error;
    }
    await remove(workspace);
    return result;
  }

  /** The run from where its archive is to be read: in S3, or in a workspace on a disk. */
  async #splitFrom(
    archive: InspectedArchive,
    workspace: Workspace | undefined,
  ): Promise<SplitResult> {
    if (workspace || archive.container !== 'zip') this.#board.unpack(archive.source.size);
    const source = workspace ? await openOnDisk(archive, workspace) : await openInS3(archive);
    if (source.unpacked) this.#board.unpacked(source.unpacked);

    this.#board.enter('planning');
    const order = { job: this.#job, options: this.#options, archive, files: source.files };
    const { planSplit } = activitiesAt(workspace?.place);
    const planning = { summary: 'index, manifest, layouts of the batch zips' };
    const plan = await planSplit.executeWithOptions(planning, [order]);

    const bucket = this.#job.s3Bucket;
    const built = await buildBatches(
      {
        ...{ bucket, plan, source, place: workspace?.place },
        hasFolder: this.#options.folder !== undefined,
      },
      this.#board,
    );
    const confirming = { summary: 'all batch zips can be read' };
    await confirmBatches.executeWithOptions(confirming, [{ bucket, batches: plan.batches }]);
    return built;
  }
}

/** Removes a run's folder. Where that fails, a worker's next start has to: the job itself is done. */
async function remove(workspace: Workspace): Promise<void> {
  const { removeWorkspace } = activitiesAt(workspace.place);
  const options = { scheduleToCloseTimeout: REMOVAL_TIMEOUT };
  try {
    await CancellationScope.nonCancellable(() =>
      removeWorkspace.executeWithOptions(options, [workspace]),
    );
  } catch (error) {
    log.warn('could not remove a workspace', { path: workspace.path, error });
  }
}

function lostTooOften(error: unknown): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `The run began anew ${MAX_FRESH_STARTS} times, the last time because: ${causeOf(error).message}; look at the workers and their disks, then send the job again`,
    'WorkspaceLostError',
  );
}
