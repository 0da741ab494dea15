import { defineSearchAttributeKey } from '@temporalio/common';
import type { WorkflowInfo } from '@temporalio/workflow';
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

const ITEMS_PREFIX = 'items-';

/** The id of a run of a batch of items: while one of a batch is open, there is no other. */
export function itemsWorkflowId(batchId: string): string {
  return `${ITEMS_PREFIX}${batchId}`;
}

/** The schedule that has started a run; Temporal sets it. */
export const SCHEDULE = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');

/**
 * The id of the batch that a run processes. Each run of a schedule has one of its own: Temporal appends
 * the time to the workflow's id.
 */
export function batchIdOfRun({ workflowId, typedSearchAttributes }: WorkflowInfo, given: string) {
  const isScheduled = typedSearchAttributes.get(SCHEDULE) !== undefined;
  return isScheduled && workflowId.startsWith(ITEMS_PREFIX)
    ? workflowId.slice(ITEMS_PREFIX.length)
    : given;
}
