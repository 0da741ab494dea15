import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import { limitQueue } from './limit-queue.ts';
import { chunkActivities } from './place.ts';

/**
 * Worker processes that are asked to take part in a limited batch. One that is asked twice takes part
 * once: with more workers than this, the others are left for other work.
 */
const INVITATIONS = 8;

/** Items a second that a batch is held to, in chunks of so many. */
export interface ItemsLimit {
  readonly itemsPerSecond: number;
  readonly chunkItems: number;
}

/**
 * Runs `work` with a task queue of the run's own, from which the server gives out no more chunks a
 * second, to all workers together, than the limit allows. Workers poll it for as long as `work` takes.
 */
export async function withLimit<T>(
  { itemsPerSecond, chunkItems }: ItemsLimit,
  work: (taskQueue: string) => Promise<T>,
): Promise<T> {
  const info = workflowInfo();
  const taskQueue = `${info.taskQueue}-${info.workflowId}`;
  const queue = { taskQueue, activitiesPerSecond: itemsPerSecond / chunkItems };
  const { serveLimited } = chunkActivities(limitQueue(info.taskQueue));
  const summary = `at most ${itemsPerSecond} items a second`;
  // Not the run's own scope: when that is cancelled, chunks end at a checkpoint, which somebody has to hear.
  const scope = await CancellationScope.nonCancellable(async () => new CancellationScope());
  const served = scope.run(() =>
    Promise.allSettled(
      Array.from({ length: INVITATIONS }, () =>
        serveLimited.executeWithOptions({ summary }, [queue]),
      ),
    ),
  );
  try {
    return await work(taskQueue);
  } finally {
    scope.cancel();
    await served;
  }
}
