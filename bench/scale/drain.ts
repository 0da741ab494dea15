import type { Arena } from '../contest/arena.ts';
import { settleDisk } from '../measure/disk.ts';
import { countActions } from '../measure/temporal-counts.ts';
import { type ProcessorTime, watchProcessors } from './processor-time.ts';
import { countMessages, expectNothingMore, receiveEach } from './queues.ts';
import { nameOf, queueRoutes, settings } from './routes.ts';
import { expectOneRunOfEach } from './runs.ts';
import { withService } from './service.ts';

/** A queue that was full, and is empty. */
export interface DrainFigures {
  readonly messages: number;
  readonly workers: number;
  /** From when all processes poll to the last notice being received. */
  readonly seconds: number;
  readonly processors: ProcessorTime;
  /** Actions of Temporal, heartbeats among them. */
  readonly actions: number;
}

/**
 * Messages are queued first; then a starter and workers do what they ask for. Expects of each message
 * one run, which has ended, and one notice; and nothing left in any queue.
 */
export function measureDrain(
  arena: Arena,
  workers: number,
  messages: number,
): Promise<DrainFigures> {
  return withService(arena, { workers, starters: 1, settings }, async (service) => {
    const { sqs, queues } = service;
    const { signal } = arena;
    const { workflowIds, names } = await queueRoutes(arena, service, messages);
    await settleDisk();
    const before = await countActions(arena);
    await service.start();
    const processors = watchProcessors(service);
    const startedAt = performance.now();
    const endedAt = await receiveEach(sqs, queues.results, names, nameOf, signal);
    const drained = {
      ...{ messages, workers, seconds: (endedAt - startedAt) / 1000 },
      processors: processors(),
    };
    await expectOneRunOfEach(arena, workflowIds, 'Completed');
    await expectNothingMore(sqs, queues.results, signal);
    const left = await countMessages(sqs, queues.triggers);
    const dead = await countMessages(sqs, queues.deadLetters);
    if (left + dead > 0) throw new Error(`${left} messages are left, ${dead} are dead letters`);
    return { ...drained, actions: (await countActions(arena)) - before };
  });
}
