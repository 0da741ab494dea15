import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { sleep } from '@temporalio/workflow';

/** How often, and how many times, it is tried to start a child run whose predecessor is still open: five minutes. */
const REST_PAUSE = '5 seconds';
const REST_TRIES = 60;

/**
 * Starts a child run. Where one of its id is still open, since the run before this one was terminated
 * and its children have yet to come to rest, that is waited for.
 *
 * @param start gets the number of the try, from 1 up
 * @throws WorkflowExecutionAlreadyStartedError where it is still open after five minutes
 */
export async function whenAtRest<T>(start: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(attempt);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (attempt === REST_TRIES) throw error;
      await sleep(REST_PAUSE);
    }
  }
}
