import type { SplitJob } from '../messages/split.ts';

/** The id of a zip run: each message has a run of its own. @param jobId the message's id, or a given one */
export function zipWorkflowId(jobId: string): string {
  return `zip-${jobId}`;
}

/** The id of a split run: the same job, sent twice, is the same run. */
export function splitWorkflowId({
  downloadId,
  file,
}: Pick<SplitJob, 'downloadId' | 'file'>): string {
  return `split-${downloadId}-${file}`;
}
