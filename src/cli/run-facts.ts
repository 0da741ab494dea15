import {
  type Client,
  type WorkflowExecutionInfo,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { NoRunError } from './exit-codes.ts';
import { describeFailure } from './failure.ts';
import { formatDuration } from './format.ts';
import { type Job, jobOfType } from './job-view.ts';

/** States in which a run can be closed without a result, and in which it can be run again. */
const RETRYABLE = ['FAILED', 'TIMED_OUT', 'TERMINATED', 'CANCELLED'] as const;

/** What is known of a run, as lists and programs are told; times in ISO 8601. */
export interface RunFacts {
  readonly workflowId: string;
  readonly runId: string;
  /** The command that starts such jobs, or the workflow type where it is a part of one. */
  readonly job: string;
  /** `running`, `completed`, `failed`, `cancelled`, `terminated`, `timed out`. */
  readonly status: string;
  readonly startTime: string;
  readonly closeTime?: string;
  /** What it does, in a line. */
  readonly summary?: string;
  /** Why it has no result. */
  readonly error?: string;
}

/** Puts together what is known of a run; for one that is closed without a result, asks why. */
export async function factsOf(client: Client, info: Described): Promise<RunFacts> {
  const { workflowId, runId, type, status, startTime, closeTime, memo } = info;
  const summary = memo?.summary;
  const error = await errorOf(client, info);
  return {
    workflowId,
    runId,
    job: jobOfType(type)?.name ?? type,
    status: status.name.toLowerCase().replaceAll('_', ' '),
    startTime: startTime.toISOString(),
    ...(closeTime && { closeTime: closeTime.toISOString() }),
    ...(typeof summary === 'string' && { summary }),
    ...(error !== undefined && { error }),
  };
}

type Described = Omit<WorkflowExecutionInfo, 'raw'>;

/** Whether a run has closed without a result, and may be run again. */
export function isRetryable({ status }: Pick<Described, 'status'>): boolean {
  return RETRYABLE.some((name) => name === status.name);
}

async function errorOf(client: Client, info: Described): Promise<string | undefined> {
  // Of one that was cancelled there is no more to say.
  if (!isRetryable(info) || info.status.name === 'CANCELLED') return undefined;
  const { workflowId, runId } = info;
  try {
    await client.workflow.getHandle(workflowId, runId, { followRuns: false }).result();
    return undefined;
  } catch (error) {
    if (error instanceof WorkflowFailedError) return describeFailure(error);
    // Temporal has forgotten it meanwhile.
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** How long a run has taken, or takes up to now, for people. */
export function durationOf({ startTime, closeTime }: Pick<RunFacts, 'startTime' | 'closeTime'>) {
  const end = closeTime ? Date.parse(closeTime) : Date.now();
  return formatDuration(Math.max(0, end - Date.parse(startTime)));
}

/** A time for people, in UTC, as Temporal's own tools show it. */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}

/** The job of a run that people have started. Throws {@link NoRunError} where it is a part of another's. */
export function jobOfRun(info: Described): Job {
  const job = jobOfType(info.type);
  const { workflowId, parentExecution } = info;
  if (job && !parentExecution) return job;
  throw new NoRunError(
    parentExecution
      ? `${workflowId} is a part of the run ${parentExecution.workflowId}; name that one`
      : `${workflowId} is a run of ${info.type}, which is none of sheaf's`,
  );
}
