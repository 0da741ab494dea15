import type { ManagedProcess } from './managed-process.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** A process that ran this long was well: the next pause is the first one again. */
const STEADY_MS = 60_000;

/**
 * Starts a process again whenever it ends unasked, after a pause that doubles from 1 to 30 s.
 *
 * @param process already started.
 * @param warn told, in a line, what ended and when it is started again.
 * @returns ends the care; to be called before the process is stopped.
 */
export function keepRunning(process: ManagedProcess, warn: (line: string) => void): () => void {
  let pause = FIRST_PAUSE_MS;
  let startedAt = Date.now();
  let over = false;
  let timer: NodeJS.Timeout | undefined;

  const startLater = (why: string) => {
    if (over) return;
    if (Date.now() - startedAt >= STEADY_MS) pause = FIRST_PAUSE_MS;
    warn(`${why}; starting it again in ${pause / 1000} s`);
    timer = setTimeout(start, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  };
  const start = async () => {
    startedAt = Date.now();
    await process.start().catch((error: Error) => startLater(error.message));
  };
  process.onCrash = (how) => startLater(`${process.name} ended unasked (${how})`);
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
