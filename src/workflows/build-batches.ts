import { executeChild, ParentClosePolicy, patched, workflowInfo } from '@temporalio/workflow';
import type { PlannedBatch, SplitPlan } from '../activities/plan-split.ts';
import type { WorkerPlace } from '../activities/workspace.ts';
import { whenAtRest } from './at-rest.ts';
import { buildBatch } from './build-batch.ts';
import { inLanes } from './lanes.ts';
import { metrics } from './metrics.ts';
import type { OpenedSource } from './source-files.ts';
import type { SplitBoard } from './split-board.ts';

/** What is to be built, and from what. */
export interface BatchesOrder {
  readonly bucket: string;
  readonly plan: SplitPlan;
  readonly source: OpenedSource;
  /** Whether the batch zips have a folder of their own under `batch/`. */
  readonly hasFolder: boolean;
  /** The worker that has the source on its disk; undefined where any can read it. */
  readonly place: WorkerPlace | undefined;
}

/** A batch zip of a finished run. Sizes in bytes. */
export interface BuiltBatch {
  /** The object lies under `batch/`; a bare name, unless the run was given a folder. */
  readonly name: string;
  readonly rows: number;
  readonly images: number;
  readonly bytes: number;
  /** True where an earlier run had built the very same one. */
  readonly reused: boolean;
}

/** The batch zips of a run, and what it took to make them. Sizes in bytes. */
export interface BuiltBatches {
  /** Where they are, under `batch/`. */
  readonly bucket: string;
  readonly batches: readonly BuiltBatch[];
  readonly rows: number;
  /** Bytes that S3 copied by itself, that workers read (from S3 or a disk), and that they wrote. */
  readonly bytesCopied: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** Builds the planned batch zips, each in a child run, some at once. */
export async function buildBatches(order: BatchesOrder, board: SplitBoard): Promise<BuiltBatches> {
  const { plan, source } = order;
  board.plan(plan.batches);
  const reused = new Set<PlannedBatch>();
  const moved = {
    bytesCopied: 0,
    bytesRead: plan.bytesRead + (source.unpacked?.bytesRead ?? 0),
    bytesWritten: plan.bytesWritten + (source.unpacked?.bytesWritten ?? 0),
  };
  let next = 1;
  await inLanes(plan.batches, plan.lanes, async (batch) => {
    const report = await build(order, batch, next++, board);
    if (!report) reused.add(batch);
    moved.bytesCopied += report?.bytesCopied ?? 0;
    moved.bytesRead += report?.bytesRead ?? 0;
    moved.bytesWritten += report?.bytesWritten ?? 0;
    board.built(batch);
    metrics.count('batches', 1, { job_type: 'split' });
    metrics.count('images', batch.images, { job_type: 'split' });
  });
  return {
    bucket: order.bucket,
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

/** What the columns of a PostgreSQL database take of an id. A server that refuses one is asked for ever. */
const MAX_ID_BYTES = 255;

/** The id of the child run that builds a batch zip: the run's, and the name of the batch zip where it fits. */
function childId(name: string, number: number, hasFolder: boolean): string {
  const { workflowId } = workflowInfo();
  const named = `${workflowId}/${name}`;
  const isLong = new TextEncoder().encode(named).length > MAX_ID_BYTES;
  // With a folder, a name may be as long as a key.
  return hasFolder || (isLong && patched('short child ids'))
    ? `${workflowId}/part${number}`
    : named;
}

function build(
  { bucket, plan, source, place, hasFolder }: BatchesOrder,
  batch: PlannedBatch,
  number: number,
  board: SplitBoard,
) {
  const workflowId = childId(batch.name, number, hasFolder);
  const order = {
    origin: source.files.origin,
    target: { bucket, key: batch.key },
    layout: { bucket, key: batch.layoutKey },
    fingerprint: batch.fingerprint,
    verify: plan.verify,
  };
  return board.whileUnderWay({ name: batch.name, bytes: batch.bytes, workflowId }, () =>
    whenAtRest(() =>
      executeChild(buildBatch, {
        workflowId,
        staticSummary: `${batch.name}: ${batch.rows} rows, ${batch.images} images`,
        // A run that is terminated takes its children along, and they clean up behind themselves.
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [order, place],
      }),
    ),
  );
}
