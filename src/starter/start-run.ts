import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { RunRequest } from '../runs/request.ts';
import { type DeliveryMemo, deliveredSignal } from '../workflows/deliveries.ts';

/** Message ids that a run's memo carries over from the runs before it, the newest first. */
export const MAX_REMEMBERED = 100;

/** What became of a message: a run of its own, the open run of the same job, or nothing, as it had been answered. */
export type Started = 'started' | 'joined' | 'answered before';

/**
 * Sees to it that a message has a run: starts one, or joins the open one of the same job. A message
 * that SQS delivers again, even long after its run has closed, starts nothing: the ids of the messages
 * that a run answers are in its memo, and each later run of the same job carries them on. A request that
 * is for one run at most starts nothing where there has been one.
 *
 * Throws what the client throws; nothing is started twice by calling it again.
 */
export async function startRun(
  client: Client,
  taskQueue: string,
  request: RunRequest,
  messageId: string,
): Promise<Started> {
  const { workflowType, workflowId, args, summary, once = false } = request;
  const start = (memo: DeliveryMemo, workflowIdReusePolicy: WorkflowIdReusePolicy) =>
    client.workflow.start(workflowType, {
      taskQueue,
      workflowId,
      args,
      staticSummary: summary,
      memo: { ...memo, summary },
      workflowIdReusePolicy,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
    });

  try {
    await start({ messageIds: [messageId] }, WorkflowIdReusePolicy.REJECT_DUPLICATE);
    return 'started';
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  // The id has been used. Whether a run is open can change under our eyes, hence the loop.
  for (;;) {
    const handle = client.workflow.getHandle(workflowId);
    const { status, memo, runId } = await handle.describe();
    const known = (memo as Partial<DeliveryMemo> | undefined)?.messageIds ?? [];
    if (once || known.includes(messageId))
      return status.name === 'RUNNING' ? 'joined' : 'answered before';
    try {
      if (status.name === 'RUNNING') {
        await client.workflow.getHandle(workflowId, runId).signal(deliveredSignal, messageId);
        return 'joined';
      }
      const messageIds = [messageId, ...known].slice(0, MAX_REMEMBERED);
      await start({ messageIds }, WorkflowIdReusePolicy.ALLOW_DUPLICATE);
      return 'started';
    } catch (error) {
      const raced =
        error instanceof WorkflowExecutionAlreadyStartedError ||
        error instanceof WorkflowNotFoundError;
      if (!raced) throw error;
    }
  }
}
