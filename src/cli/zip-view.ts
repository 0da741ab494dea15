import type { Client } from '@temporalio/client';
import pc from 'picocolors';
import type { ShardCheckpoint } from '../activities/build-zip.ts';
import type { InspectCheckpoint } from '../activities/inspect-files.ts';
import type { DeflateProgress } from '../storage/deflate.ts';
import { objectUrl } from '../storage/errors.ts';
import type { ZipResult } from '../workflows/zip-files.ts';
import { zipProgressQuery } from '../workflows/zip-progress.ts';
import { formatBytes, formatCount } from './format.ts';
import type { JobView } from './job-view.ts';
import { movedBytesReport } from './moved-bytes.ts';
import type { RunProgress } from './progress-bars.ts';
import { queryRun, readCheckpoints, unlessUnanswered } from './run-queries.ts';

/** Files with another name that are listed. */
const LISTED_FILES = 10;

/** What people are shown of zip runs. */
export const zipView: JobView<ZipResult> = {
  readProgress: (client, workflowId) => unlessUnanswered(() => readProgress(client, workflowId)),

  report(result) {
    const { files, size, renamed, reused } = result;
    const made = `${formatCount(files, 'file')}, ${formatBytes(size)}`;
    const listed = renamed
      .slice(0, LISTED_FILES)
      .map(({ source, name }) => `  ${source} is ${name}`);
    const more = renamed.length - listed.length;
    return [
      `  ${objectUrl(result)}`,
      `  ${made}${reused ? ', was there already' : ''}`,
      '',
      ...(renamed.length > 0 ? [`  ${pc.dim('got another name')}`, ...listed] : []),
      ...(more > 0 ? [`  and ${more} more`] : []),
      ...(renamed.length > 0 ? [''] : []),
      movedBytesReport(result, pc.dim),
    ].join('\n');
  },
};

type Checkpoint = Partial<InspectCheckpoint & DeflateProgress & ShardCheckpoint>;

/** The run's own answer, with what its activities have told by heartbeat. */
async function readProgress(client: Client, workflowId: string): Promise<RunProgress> {
  const progress = await queryRun(client, workflowId, zipProgressQuery);
  const { stage, files, deflated, bytes } = progress;
  for (const checkpoint of await readCheckpoints<Checkpoint>(client, workflowId)) {
    if (stage === 'inspecting') {
      files.done = checkpoint.filesDone ?? 0;
      files.total = checkpoint.filesTotal ?? 0;
    } else if (stage === 'deflating') {
      deflated.done += checkpoint.bytesRead ?? 0;
    } else {
      bytes.done += checkpoint.bytesDone ?? 0;
    }
  }
  return {
    stage,
    ended: stage === 'done' || stage === 'failed',
    tallies: [
      { name: 'files', ...files, inBytes: false },
      { name: 'deflated', ...deflated, inBytes: true },
      { name: 'built', ...bytes, inBytes: true },
    ],
  };
}
