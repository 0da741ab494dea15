import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { NoRunError } from './exit-codes.ts';

/** What Temporal knows of the newest run of an id. Throws {@link NoRunError}. */
export async function describeRun(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new NoRunError(
      `There is no run ${workflowId}, or Temporal keeps it no longer; npx sheaf list shows those that there are`,
      { cause: error },
    );
  }
}
