import { ApplicationFailure, CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { FinishedZip, ZipOutcome } from '../activities/finish-zip.ts';
import type { InspectedFiles } from '../activities/inspect-files.ts';
import type { ZipPlan } from '../activities/plan-zip.ts';
import { type ZipJob, zipJobSchema, zipSummary } from '../messages/zip.ts';
import { jobIdOf } from '../telemetry/jobs.ts';
import { rememberDeliveries } from './deliveries.ts';
import { noteEnd } from './ending.ts';
import { causeOf, failedWith } from './failure.ts';
import { parseInput } from './input.ts';
import { inLanes } from './lanes.ts';
import { metrics } from './metrics.ts';
import { numbersTo } from './numbers.ts';
import { activitiesAt } from './place.ts';
import { uploadObject } from './upload.ts';
import { ZipBoard } from './zip-board.ts';

const {
  inspectFiles,
  deflateGroup,
  planZip,
  openZip,
  buildZipShard,
  completeZip,
  confirmZip,
  findChanges,
  sendZipResult,
  removeWorkingObjects,
} = activitiesAt(undefined);

/** What a zip run ends with. Sizes in bytes. */
export interface ZipResult extends FinishedZip {
  /** True where the very same archive was in S3 already. */
  readonly reused: boolean;
  /** Bytes that S3 copied by itself, that workers read from S3, and that they wrote to it. */
  readonly bytesCopied: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/**
 * Puts objects into one archive: looks at each, lays the archive out, builds its parts in shards that
 * any worker takes up, and tells the result, once, with a link. Whatever the ending, the run's working
 * objects are removed.
 */
export async function zipFiles(job: ZipJob): Promise<ZipResult> {
  rememberDeliveries();
  const run = new ZipRun(job);
  const outcome = await run.attempt();
  await CancellationScope.nonCancellable(async () => {
    try {
      await run.tell(outcome);
    } finally {
      const { workflowId } = workflowInfo();
      await removeWorkingObjects.executeWithOptions({ summary: 'what only this run needed' }, [
        { workflowId },
      ]);
    }
  });
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

class ZipRun {
  readonly #job: ZipJob;
  readonly #board = new ZipBoard();
  readonly #moved = { bytesCopied: 0, bytesRead: 0, bytesWritten: 0 };

  #target: InspectedFiles['target'] | undefined;

  constructor(job: ZipJob) {
    this.#job = job;
  }

  /** The run up to the point where it can be told: its result, or the error that it fails with. */
  async attempt(): Promise<ZipResult | Error> {
    try {
      parseInput(zipJobSchema, this.#job, 'zip job');
      return await this.#zip();
    } catch (error) {
      return causeOf(error);
    }
  }

  async tell(outcome: ZipResult | Error): Promise<void> {
    const told = describe(outcome);
    await sendZipResult.executeWithOptions({ summary: told.status }, [told, this.#job.metadata]);
    if (told.status === 'failed') this.#board.fail(told.error);
    else this.#board.enter('done');
    noteEnd('zip', outcome, {
      jobId: jobIdOf(workflowInfo().workflowId),
      ...(this.#target && { bucket: this.#target.bucket, key: this.#target.key }),
    });
  }

  async #zip(): Promise<ZipResult> {
    const summary = zipSummary(this.#job);
    const inspected = await inspectFiles.executeWithOptions({ summary }, [this.#job]);
    this.#board.inspected(inspected);
    const { target, files, renamed, builtSize } = inspected;
    this.#target = target;
    const size = builtSize ?? (await this.#build(inspected));
    this.#board.built();
    await confirmZip.executeWithOptions({ summary: 'the archive can be read' }, [inspected]);
    const reused = builtSize !== undefined;
    metrics.count('batches', 1, { job_type: 'zip' });
    metrics.count('images', files, { job_type: 'zip' });
    return { ...target, size, files, renamed, reused, ...this.#moved };
  }

  /** Builds the archive; gives its size. */
  async #build(inspected: InspectedFiles): Promise<number> {
    try {
      if (inspected.groups > 0) await this.#deflate(inspected);
      this.#board.enter('planning');
      const plan = await planZip.executeWithOptions({ summary: 'layout of the archive' }, [
        inspected,
      ]);
      this.#count(plan);
      await uploadObject(
        () => openZip.executeWithOptions({ summary: plan.target.key }, [plan]),
        (upload) => this.#upload(plan, upload),
      );
      return plan.size;
    } catch (error) {
      // One file was met that had changed: all that have are named.
      if (failedWith(error, 'ObjectChangedError')) await findChanges(inspected);
      throw error;
    }
  }

  async #deflate(inspected: InspectedFiles): Promise<void> {
    this.#board.deflate(inspected.bytes);
    await inLanes(numbersTo(inspected.groups), inspected.lanes, async (number) => {
      const summary = `group ${number} of ${inspected.groups}`;
      const moved = await deflateGroup.executeWithOptions({ summary }, [inspected, number]);
      this.#count(moved);
      this.#board.deflated(moved.bytesRead);
    });
  }

  async #upload(plan: ZipPlan, upload: Awaited<ReturnType<typeof openZip>>): Promise<void> {
    this.#board.build(plan);
    await inLanes(numbersTo(plan.shards), plan.lanes, async (number) => {
      const summary = `shard ${number} of ${plan.shards}`;
      const moved = await buildZipShard.executeWithOptions({ summary }, [plan, upload, number]);
      this.#count(moved);
      this.#board.shardBuilt(moved.bytesDone);
    });
    const completing = { summary: 'joins the parts' };
    this.#count(await completeZip.executeWithOptions(completing, [plan, upload]));
  }

  #count(moved: Partial<Record<'bytesCopied' | 'bytesRead' | 'bytesWritten', number>>): void {
    this.#moved.bytesCopied += moved.bytesCopied ?? 0;
    this.#moved.bytesRead += moved.bytesRead ?? 0;
    this.#moved.bytesWritten += moved.bytesWritten ?? 0;
  }
}

function describe(outcome: ZipResult | Error): ZipOutcome {
  if (outcome instanceof Error) {
    const { message: error } = outcome;
    return { status: 'failed', error, missing: missingOf(outcome) };
  }
  const { bucket, key, size, files, renamed } = outcome;
  return { status: 'success', zip: { bucket, key, size, files, renamed } };
}

/** The absent sources that an error carries. */
function missingOf(error: Error): string[] {
  const isOfSources = error instanceof ApplicationFailure && error.type === 'SourcesError';
  return isOfSources ? ((error.details?.[0] as string[] | undefined) ?? []) : [];
}
