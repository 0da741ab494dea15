/**
 * Runs `task` on each item in `lanes` loops over one iterator, which is asked for an item only when a
 * lane is free. The first failure aborts the signal that the other tasks were given, and is thrown
 * once all have settled and the iterator is closed: nothing is left running.
 *
 * @param lanes how many tasks run at once, from 1 up
 * @param signal aborts everything from outside
 */
export async function inLanes<T>(
  items: Iterable<T> | AsyncIterable<T>,
  lanes: number,
  signal: AbortSignal,
  task: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const lane = async () => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      either.throwIfAborted();
      await task(next.value, either);
    }
  };
  const running = Array.from({ length: lanes }, () =>
    lane().catch((error) => {
      failed.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(running);
  await iterator.return?.();
  either.throwIfAborted();
}

/** Runs every task at once, under the same rule: the first failure aborts the others and is thrown when all have settled. */
export function together(
  signal: AbortSignal,
  ...tasks: ((signal: AbortSignal) => Promise<void>)[]
): Promise<void> {
  return inLanes(tasks, tasks.length, signal, (task, either) => task(either));
}
