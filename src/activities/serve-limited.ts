import { once } from 'node:events';
import { heartbeating } from './heartbeat.ts';

/** A task queue that gives out so many activities a second, to all workers together. */
export interface LimitedQueue {
  readonly taskQueue: string;
  readonly activitiesPerSecond: number;
}

/** Polls a limited queue in this process until it is told to stop, which ends once nothing of it runs here. */
export type ServeLimited = (queue: LimitedQueue) => Promise<{ stop(): Promise<void> }>;

/** The activity by which workers take part in a batch that is limited. */
export function createServeLimitedActivity({ serve }: { readonly serve: ServeLimited }) {
  return {
    /** Lets this worker process work on a limited queue, until the run cancels it. */
    async serveLimited(queue: LimitedQueue): Promise<void> {
      return heartbeating(async ({ signal }) => {
        const serving = await serve(queue);
        try {
          if (!signal.aborted) await once(signal, 'abort');
        } finally {
          await serving.stop();
        }
        throw signal.reason;
      });
    },
  };
}
