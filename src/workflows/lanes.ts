import { CancellationScope } from '@temporalio/workflow';

/**
 * Runs `task` on each item in a fixed number of loops over one iterator, so that a run with
 * thousands of items has only `lanes` of them pending. The first failure cancels what is under way;
 * it is thrown once everything has ended, clean-up included.
 */
export async function inLanes<T>(
  items: Iterable<T>,
  lanes: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const lane = async () => {
      try {
        for (let next = iterator.next(); !next.done; next = iterator.next()) {
          await task(next.value);
        }
      } catch (error) {
        failures.push(error);
        scope.cancel();
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  });
  if (failures.length > 0) throw failures[0];
}
