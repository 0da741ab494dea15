import { CancelledFailure, log } from '@temporalio/workflow';
import type { JobFields } from '../telemetry/activity-log.ts';
import type { Job } from '../telemetry/jobs.ts';
import { metrics } from './metrics.ts';

/** Counts and logs the end of a run whose client has been told. @param outcome its result, or its error */
export function noteEnd(job: Job, outcome: unknown, fields: JobFields): void {
  const state = stateOf(outcome);
  metrics.count('results', 1, { job_type: job, state });
  if (outcome instanceof Error) {
    log.warn('run ended', { job, ...fields, state, reason: outcome.message });
  } else {
    log.info('run ended', { job, ...fields, state });
  }
}

function stateOf(outcome: unknown): 'done' | 'failed' | 'cancelled' {
  if (outcome instanceof CancelledFailure) return 'cancelled';
  return outcome instanceof Error ? 'failed' : 'done';
}
