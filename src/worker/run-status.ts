import type { NativeConnection } from '@temporalio/worker';

/** gRPC's NOT_FOUND. */
const NOT_FOUND = 5;

/** Temporal's number of the status "running". */
const RUNNING = 1;

/** Asks Temporal whether a run is open; one that it does not know is not. */
export function runStatus(
  connection: NativeConnection,
  namespace: string,
): (workflowId: string, runId: string) => Promise<boolean> {
  return async (workflowId, runId) => {
    try {
      const { workflowExecutionInfo } = await connection.workflowService.describeWorkflowExecution({
        namespace,
        execution: { workflowId, runId },
      });
      return workflowExecutionInfo?.status === RUNNING;
    } catch (error) {
      if ((error as { code?: number }).code === NOT_FOUND) return false;
      throw error;
    }
  };
}
