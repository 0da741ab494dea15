import { defineQuery } from '@temporalio/workflow';
import type { Tally } from './tally.ts';

/** Where a zip run is; the stages come in this order. Files are deflated only where the job wants it. */
export type ZipStage =
  | 'inspecting'
  | 'deflating'
  | 'planning'
  | 'building'
  | 'reporting'
  | 'done'
  | 'failed';

/** The answer to the `progress` query of a zip run. The heartbeats of its activities tell more. */
export interface ZipProgress {
  stage: ZipStage;
  /** The archive, as `s3://bucket/key`; empty until the files have been inspected. */
  archive: string;
  /** Files that have been inspected; the total is 0 until all have. */
  files: Tally;
  /** Bytes of files that are deflated; the total is 0 where none are. */
  deflated: Tally;
  /** Bytes of the archive that S3 has. */
  bytes: Tally;
  /** Shards that are built. */
  shards: Tally;
  /** The very same archive was in S3 already. */
  reused: boolean;
  /** Why the run failed. */
  error?: string;
}

export const zipProgressQuery = defineQuery<ZipProgress>('progress');

/** The progress as the Web UI shows it, in Markdown. */
export function describeZip(progress: ZipProgress): string {
  const { stage, archive, files, deflated, bytes, shards, reused, error } = progress;
  const lines = [`**${STAGES[stage]}**${archive ? ` \`${archive}\`` : ''}`];
  if (files.total > 0) lines.push('', `- files: ${files.total}`);
  if (reused) lines.push('- the very same archive was there already');
  if (deflated.total > 0) lines.push(`- deflated: ${ofMegabytes(deflated)}`);
  if (bytes.total > 0) lines.push(`- built: ${ofMegabytes(bytes)}`);
  if (shards.total > 0) lines.push(`- shards: ${shards.done} of ${shards.total}`);
  if (error) lines.push('', error);
  return lines.join('\n');
}

const STAGES: Record<ZipStage, string> = {
  inspecting: 'Looking at the files',
  deflating: 'Deflating the files of',
  planning: 'Planning',
  building: 'Building',
  reporting: 'Telling the result',
  done: 'Zipped',
  failed: 'Could not zip',
};

function ofMegabytes({ done, total }: Tally): string {
  return `${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
}
