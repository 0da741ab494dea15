import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Arena } from '../contest/arena.ts';

/** Runs in a page of a list, Temporal's most. */
const PAGE_SIZE = 1000;

/** What has happened can be listed by then (ms). */
const LISTED_MS = 30_000;
const LOOK_INTERVAL_MS = 500;

/**
 * Expects exactly one run of each id, and no other run, in this state. Throws where there are more;
 * fewer are waited for, since what was written is listed a little later.
 */
export async function expectOneRunOfEach(
  { stack }: Arena,
  workflowIds: readonly string[],
  state: 'Running' | 'Completed',
): Promise<void> {
  const { address, namespace } = stack.endpoints.temporal;
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace });
    const deadline = Date.now() + LISTED_MS;
    const inState = `ExecutionStatus = '${state}'`;
    for (;;) {
      const { count } = await client.workflow.count(inState);
      if (count >= workflowIds.length) break;
      if (Date.now() > deadline) {
        throw new Error(`Expected ${workflowIds.length} runs (${state}), got ${count}`);
      }
      await sleep(LOOK_INTERVAL_MS);
    }
    const missing = new Set(workflowIds);
    for await (const { workflowId, status } of client.workflow.list({ pageSize: PAGE_SIZE })) {
      if (!missing.delete(workflowId)) throw new Error(`A run too many: ${workflowId}`);
      if (status.name !== state.toUpperCase()) {
        throw new Error(`The run ${workflowId} is ${status.name}, not ${state}`);
      }
    }
    if (missing.size > 0) throw new Error(`${missing.size} messages have no run`);
  } finally {
    await connection.close();
  }
}
