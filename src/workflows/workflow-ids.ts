import type { SplitJob } from '../messages/split.ts';

/** The id of a split run: the same job, sent twice, is the same run. */
export function splitWorkflowId({
  downloadId,
  file,
}: Pick<SplitJob, 'downloadId' | 'file'>): string {
  return `split-${downloadId}-${file}`;
}
