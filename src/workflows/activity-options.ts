import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';

/**
 * How activities are run. An attempt that goes silent is given to another worker after the heartbeat
 * time-out; faults of S3, SQS or a worker are tried again for a day, which outlives an outage that
 * somebody has to get up for. A cancelled activity is waited for, so that what is cleaned up after it
 * stays clean.
 */
export const activityOptions = {
  heartbeatTimeout: '15 seconds',
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: '1 day',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
} satisfies ActivityOptions;

/**
 * How chunks of items are processed. A chunk is as long as its items make it: an attempt that is too
 * long goes on from its checkpoint, and a limited batch lets chunks wait for their turn.
 */
export const chunkOptions = {
  ...activityOptions,
  startToCloseTimeout: '1 day',
  scheduleToCloseTimeout: '30 days',
  // Behind everything else (3 by default): jobs of other kinds don't wait for a batch's backlog.
  priority: { priorityKey: 4 },
} satisfies ActivityOptions;
