import {
  type Client,
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defaultPayloadConverter, type QueryDefinition } from '@temporalio/common';

/** A query is answered by a worker; without one it hangs, and there is nothing to show (ms). */
const QUERY_TIMEOUT_MS = 3_000;

/** How a query ends that nobody can answer: no worker is up, none ever was, or the run is none of ours. */
const CANT_SAY = [QueryNotRegisteredError, QueryRejectedError, ServiceError];

/** Gives up what nobody can answer at the moment: undefined in place of the error that says so. */
export async function unlessUnanswered<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (CANT_SAY.some((type) => error instanceof type)) return undefined;
    throw error;
  }
}

/** Asks a run. */
export function queryRun<Answer>(
  client: Client,
  workflowId: string,
  query: QueryDefinition<Answer>,
): Promise<Answer> {
  const handle = client.workflow.getHandle(workflowId);
  return client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () => handle.query(query));
}

/** What the activities of a run that are under way told by their last heartbeats. */
export async function readCheckpoints<Checkpoint>(
  client: Client,
  workflowId: string,
): Promise<Checkpoint[]> {
  const described = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
  return (described?.raw.pendingActivities ?? []).flatMap(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    return (payload && defaultPayloadConverter.fromPayload<Checkpoint>(payload)) ?? [];
  });
}
