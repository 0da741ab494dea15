import type { Client } from '@temporalio/client';
import pc from 'picocolors';
import type { BatchCheckpoint } from '../activities/build-batch.ts';
import { BATCH_FOLDER } from '../messages/folders.ts';
import { objectUrl } from '../storage/errors.ts';
import type { UnpackProgress } from '../storage/unpack.ts';
import type { SplitResult } from '../workflows/split-archive.ts';
import { progressQuery } from '../workflows/split-progress.ts';
import { formatBytes, formatCount, formatTable } from './format.ts';
import type { JobView } from './job-view.ts';
import { movedBytesReport } from './moved-bytes.ts';
import type { RunProgress } from './progress-bars.ts';
import { queryRun, readCheckpoints, unlessUnanswered } from './run-queries.ts';

/** What people are shown of split runs. */
export const splitView: JobView<SplitResult> = {
  readProgress: (client, workflowId) => unlessUnanswered(() => readProgress(client, workflowId)),

  report: (result) => [batchTable(result), '', movedBytesReport(result, pc.dim)].join('\n'),
};

/** The batch zips of a run, a line each. */
export function batchTable({ bucket, batches }: Pick<SplitResult, 'bucket' | 'batches'>): string {
  const rows = batches.map(({ name, rows, images, bytes, reused }) => [
    name,
    formatCount(rows, 'row'),
    formatCount(images, 'image'),
    formatBytes(bytes),
    reused ? 'was there already' : '',
  ]);
  return `  ${objectUrl({ bucket, key: BATCH_FOLDER })}\n${formatTable(rows)}`;
}

/** The run's own answer, with what its children's activities have told by heartbeat. */
async function readProgress(client: Client, workflowId: string): Promise<RunProgress> {
  const progress = await queryRun(client, workflowId, progressQuery);
  const { stage, unpacked, batches, images, bytes, verified } = progress;
  if (stage === 'unpacking') {
    const [checkpoint] = await readCheckpoints<UnpackProgress>(client, workflowId);
    unpacked.done = checkpoint?.bytesDone ?? 0;
  }
  const checkpoints = await Promise.all(
    progress.underWay.map((batch) => readCheckpoints<BatchCheckpoint>(client, batch.workflowId)),
  );
  for (const { bytesDone = 0, bytesVerified = 0, entriesVerified = 0 } of checkpoints.flat()) {
    bytes.done += bytesDone;
    verified.done += bytesVerified;
    images.done += entriesVerified;
  }
  return {
    stage,
    ended: stage === 'done' || stage === 'failed',
    tallies: [
      { name: 'read', ...unpacked, inBytes: true },
      { name: 'batches', ...batches, inBytes: false },
      { name: 'images', ...images, inBytes: false },
      { name: 'built', ...bytes, inBytes: true },
      { name: 'verified', ...verified, inBytes: true },
    ],
  };
}
