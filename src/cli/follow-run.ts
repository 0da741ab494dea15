import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { describeFailure } from './failure.ts';
import type { JobView } from './job-view.ts';
import { progressBars } from './progress-bars.ts';

/** Time between two looks at a run (ms). */
const LOOK_INTERVAL_MS = 500;

/** A run that ended without a result; the message says why, in the words of the error that ended it. */
export class RunFailedError extends Error {
  override readonly name = 'RunFailedError';
}

/** A message becomes a run within a second; longer than this (ms) means that no starter is up. */
const START_TIMEOUT_MS = 30_000;

/** Waits until the run that a message asks for has been started. */
export async function awaitRun(client: Client, workflowId: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await client.workflow.getHandle(workflowId).describe();
      return;
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      if (Date.now() > deadline) {
        throw new Error(
          `No starter has taken the message within ${START_TIMEOUT_MS / 1000} s; start one (npx sheaf starter): it waits in its queue, and becomes the run ${workflowId}`,
        );
      }
      await sleep(LOOK_INTERVAL_MS / 5);
    }
  }
}

/**
 * Shows how far a run is until it ends, and gives its result. Throws {@link RunFailedError} where it
 * has none.
 */
export async function followRun<Result>(
  client: Client,
  workflowId: string,
  view: JobView<Result>,
): Promise<Result> {
  const bars = progressBars(process.stderr);
  const result = client.workflow.getHandle(workflowId).result();
  let ended = false;
  const end = result
    .then(
      () => {},
      () => {},
    )
    .finally(() => {
      ended = true;
    });
  try {
    while (!ended) {
      const progress = await view.readProgress(client, workflowId);
      if (progress) bars.update(progress);
      await Promise.race([end, sleep(LOOK_INTERVAL_MS)]);
    }
    const last = await view.readProgress(client, workflowId);
    if (last) bars.update(last);
    return (await result) as Result;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof CancelledFailure) {
      throw new RunFailedError(`${workflowId} was cancelled`, { cause: error });
    }
    throw new RunFailedError(`${workflowId} failed: ${describeFailure(error)}`, {
      cause: error,
    });
  } finally {
    bars.stop();
  }
}
