import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { sleep } from '@temporalio/workflow';

/** The pauses between two tries (ms): doubled from the first to the longest. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;

/** All of them together: about a day, as long as a run's activities are tried. */
const MAX_TRIES = 300;

/**
 * Starts a child run. Where one of its id is open, that is waited for: the run before this one was
 * terminated and its children have yet to come to rest, or another run works on the same thing.
 *
 * @param start gets the number of the try, from 1 up
 * @throws WorkflowExecutionAlreadyStartedError where it is still open after a day
 */
export async function whenAtRest<T>(start: (attempt: number) => Promise<T>): Promise<T> {
  let pause = FIRST_PAUSE_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(attempt);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (attempt === MAX_TRIES) throw error;
      await sleep(pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }
}
