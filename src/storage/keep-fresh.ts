import { WorkspaceLostError } from './errors.ts';
import { touchTree } from './folder-tree.ts';

/** How often what is in use is touched (ms): far more often than anybody sweeps. */
const TOUCH_INTERVAL_MS = 60_000;

/**
 * Runs `task` while a folder and everything in it are touched, at once and every minute, so that
 * whoever sweeps old files by their age never finds them old.
 *
 * @throws WorkspaceLostError where the folder is not there to begin with
 */
export async function whileFresh<T>(path: string, task: () => Promise<T>): Promise<T> {
  if (!(await touchTree(path))) throw new WorkspaceLostError(path, 'is gone');
  const stop = everyMinute(() => touchTree(path));
  try {
    return await task();
  } finally {
    await stop();
  }
}

/**
 * Does something every minute, never twice at once, until the returned function is called; that
 * resolves once it is no longer under way. A failure only skips a turn: whoever works with what is
 * touched meets its cause as well. Does not keep the process alive.
 */
export function everyMinute(touch: () => Promise<unknown>): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  const turn = async () => {
    await touch().catch(() => {});
    underWay = undefined;
  };
  const timer = setInterval(() => {
    underWay ??= turn();
  }, TOUCH_INTERVAL_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await underWay;
  };
}
