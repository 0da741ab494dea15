import type { WorkflowFailedError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
} from '@temporalio/common';

/** Why a run has ended without a result, in the words of the error that ended it. */
export function describeFailure({ cause }: WorkflowFailedError): string {
  const reason = withoutWrapping(cause);
  if (reason instanceof TerminatedFailure) return `it was terminated: ${reason.message}`;
  const message = reason?.message ?? 'nobody said why';
  // That of a route's state says in its cause what led there; others repeat themselves.
  const detail = reason instanceof ApplicationFailure ? reason.cause?.message : undefined;
  return detail && !message.includes(detail) ? `${message} ${detail}` : message;
}

/** The error itself, without the activities and child runs around it. */
function withoutWrapping(error: Error | undefined): Error | undefined {
  let reason = error;
  while (reason instanceof ActivityFailure || reason instanceof ChildWorkflowFailure) {
    reason = reason.cause;
  }
  return reason;
}
