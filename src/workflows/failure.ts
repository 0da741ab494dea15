import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';

/** The error that a run ends with, and that its client is told: the cause itself, not the activities around it. */
export function causeOf(error: unknown): Error {
  if (isCancellation(error)) return new CancelledFailure('The run was cancelled');
  let cause = error;
  while (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) {
    cause = cause.cause;
  }
  if (cause instanceof TimeoutFailure) {
    const last = cause.cause ? `; the last error was: ${causeOf(cause.cause).message}` : '';
    return ApplicationFailure.nonRetryable(`${cause.message}${last}`, 'Timeout');
  }
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** Whether an activity failed with an error of this name. */
export function failedWith(error: unknown, name: string): boolean {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && cause.type === name;
}
