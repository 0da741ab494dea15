import { Worker, type WorkerOptions } from '@temporalio/worker';
import type { LimitedQueue, ServeLimited } from '../activities/serve-limited.ts';

/** Chunks of a limited batch that a worker has at once; each is at most a second's worth of items. */
const MAX_LIMITED_CHUNKS = 100;

/** A worker of a limited queue, and how many ask for it. */
interface LimitedWorker {
  readonly worker: Worker;
  readonly running: Promise<void>;
  users: number;
}

/**
 * The workers of a process that poll limited task queues. The limit is the server's: it holds for all
 * workers of the queue together, each of which tells it.
 */
export class LimitedWorkers {
  readonly #options: () => Partial<WorkerOptions>;
  readonly #workers = new Map<string, Promise<LimitedWorker>>();
  #isStopped = false;

  /** @param options what they have in common with the process's other workers */
  constructor(options: () => Partial<WorkerOptions>) {
    this.#options = options;
  }

  /** Polls a queue; those that want the same one share a worker. */
  readonly serve: ServeLimited = async (queue) => {
    const { taskQueue } = queue;
    if (this.#isStopped) throw new Error('The worker stops');
    const starting = this.#workers.get(taskQueue) ?? this.#start(queue);
    this.#workers.set(taskQueue, starting);
    const serving = await starting.catch((error) => {
      this.#workers.delete(taskQueue);
      throw error;
    });
    serving.users += 1;
    return {
      stop: async () => {
        serving.users -= 1;
        if (serving.users > 0) return;
        this.#workers.delete(taskQueue);
        shutDown(serving.worker);
        await serving.running;
      },
    };
  };

  /** Stops polling; what runs gets the same time to end as everything else in the process. */
  shutdown(): void {
    this.#isStopped = true;
    for (const starting of this.#workers.values()) {
      starting.then(({ worker }) => shutDown(worker)).catch(() => {});
    }
  }

  async #start({ taskQueue, activitiesPerSecond }: LimitedQueue): Promise<LimitedWorker> {
    const worker = await Worker.create({
      ...this.#options(),
      taskQueue,
      maxConcurrentActivityTaskExecutions: MAX_LIMITED_CHUNKS,
      maxTaskQueueActivitiesPerSecond: activitiesPerSecond,
    });
    const running = worker.run();
    // Met where it is waited for.
    running.catch(() => {});
    return { worker, running, users: 0 };
  }
}

function shutDown(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}
