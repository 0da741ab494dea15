import { defineQuery } from '@temporalio/workflow';

/** Where a split run is; the stages come in this order. */
export type SplitStage = 'unpacking' | 'planning' | 'building' | 'reporting' | 'done' | 'failed';

interface Tally {
  done: number;
  total: number;
}

/** A batch zip that is being built. */
export interface BatchUnderWay {
  readonly name: string;
  /** Its size in bytes. */
  readonly bytes: number;
  /** The child run that builds it; the heartbeats of its activity tell how far it is. */
  readonly workflowId: string;
}

/** Bytes of the archive that have been unpacked, or downloaded; the total is 0 for a ZIP in S3. */
interface UnpackedTally extends Tally {
  files: number;
  /** Byte of the archive where the last attempt went on; 0 where it began at the start. */
  resumedAt: number;
}

/** The answer to the `progress` query of a split run. */
export interface SplitProgress {
  stage: SplitStage;
  /** The archive, as `s3://bucket/key`. */
  archive: string;
  unpacked: UnpackedTally;
  batches: Tally;
  images: Tally;
  /** Bytes of the batch zips. */
  bytes: Tally;
  /** Of these, bytes whose CRC-32 has been checked; the total is 0 where none is to be. */
  verified: Tally;
  underWay: BatchUnderWay[];
  /** Why the run had to begin anew. */
  startedOver?: string;
  /** Why the run failed. */
  error?: string;
}

export const progressQuery = defineQuery<SplitProgress>('progress');

/** The progress as the Web UI shows it, in Markdown. */
export function describeProgress(progress: SplitProgress): string {
  const { stage, archive, batches, images, bytes, underWay, unpacked, error } = progress;
  const lines = [`**${STAGES[stage]}** \`${archive}\``];
  if (progress.startedOver) lines.push('', `Started over: ${progress.startedOver}`);
  if (unpacked.done > 0) lines.push('', describeUnpacked(unpacked));
  if (batches.total > 0) {
    lines.push(
      '',
      `- batch zips: ${batches.done} of ${batches.total}`,
      `- images: ${images.done} of ${images.total}`,
      `- bytes: ${megabytes(bytes.done)} of ${megabytes(bytes.total)} MB`,
    );
  }
  for (const { name, workflowId } of underWay)
    lines.push(`- building \`${name}\` in \`${workflowId}\``);
  if (error) lines.push('', error);
  return lines.join('\n');
}

function describeUnpacked({ done, files, resumedAt }: UnpackedTally): string {
  const unpacked = files > 0 ? `: ${files} files` : '';
  const resumed = resumedAt > 0 ? `; the last attempt went on at byte ${resumedAt}` : '';
  return `- read ${megabytes(done)} MB${unpacked}${resumed}`;
}

const STAGES: Record<SplitStage, string> = {
  unpacking: 'Reading',
  planning: 'Reading the index and the manifest of',
  building: 'Building batch zips of',
  reporting: 'Telling the result of',
  done: 'Split',
  failed: 'Could not split',
};

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
