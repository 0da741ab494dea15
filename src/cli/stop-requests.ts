import { once } from 'node:events';

/** npm passes a signal on that the terminal has sent to us already: that is one wish, not two. */
const SAME_WISH_MS = 1000;
/** How often it is looked whether npm is still there. */
const ORPHAN_POLL_MS = 250;

/**
 * Turns SIGINT and SIGTERM into a first request to stop and, where it comes a second or more later,
 * a second one, for those who can't wait. From then on a signal no longer ends this process by
 * itself.
 *
 * Under `npx` or `npm run` we are the child of a shell that dies of a signal without passing it on:
 * its end is a request too.
 */
export function stopRequests(): { first: AbortSignal; second: AbortSignal } {
  const first = new AbortController();
  const second = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    if (first.signal.aborted && Date.now() - firstAt >= SAME_WISH_MS) second.abort();
    firstAt ||= Date.now();
    first.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  if (process.env.npm_command) onOrphaned(() => first.abort());
  return { first: first.signal, second: second.signal };
}

/** Resolves when the signal is aborted, at once if it is already. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

function onOrphaned(listener: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    listener();
  }, ORPHAN_POLL_MS);
  timer.unref();
}
