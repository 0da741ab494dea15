import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  TemporalFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';

/** The error that a run ends with, and that its client is told: the cause itself, not the activities around it. */
export function causeOf(error: unknown): TemporalFailure {
  if (isCancellation(error) && isCancelled()) {
    return new CancelledFailure('The run was cancelled');
  }
  let cause = error;
  while (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) {
    if (cause instanceof ChildWorkflowFailure && wasStopped(cause)) {
      const { workflowId } = cause.execution;
      return ApplicationFailure.nonRetryable(`The child run ${workflowId} was stopped`, 'Stopped');
    }
    cause = cause.cause;
  }
  if (isWorkerGone(cause)) {
    return ApplicationFailure.nonRetryable('The worker that has the files is gone', 'WorkerGone');
  }
  if (cause instanceof TimeoutFailure) {
    const last = cause.cause ? `; the last error was: ${causeOf(cause.cause).message}` : '';
    return ApplicationFailure.nonRetryable(`${cause.message}${last}`, 'Timeout');
  }
  // Any other error would fail the workflow's task, which is tried again for ever.
  return cause instanceof TemporalFailure ? cause : ApplicationFailure.fromError(cause);
}

/** Whether what runs here has been told to end. */
export function isCancelled(): boolean {
  return CancellationScope.current().consideredCancelled;
}

/** Whether an activity failed with an error of this name. */
export function failedWith(error: unknown, name: string): boolean {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && cause.type === name;
}

/**
 * Whether the one worker that an activity was meant for has not taken it up in time. The error may be
 * that of a child run.
 */
export function isWorkerGone(error: unknown): boolean {
  let cause = error;
  while (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) {
    cause = cause.cause;
  }
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
}

/** Whether a child run was cancelled or terminated by somebody, rather than failed. */
function wasStopped({ cause }: ChildWorkflowFailure): boolean {
  return cause instanceof CancelledFailure || cause instanceof TerminatedFailure;
}
