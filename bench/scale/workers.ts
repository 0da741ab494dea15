import type { Arena } from '../contest/arena.ts';
import { settleDisk } from '../measure/disk.ts';
import type { Kind } from './kinds.ts';
import { type ProcessorTime, watchProcessors } from './processor-time.ts';
import { countMessages, expectNothingMore, receiveEach, sendAll } from './queues.ts';
import { withService } from './service.ts';

/** Jobs that so many workers have done. */
export interface WorkersFigures {
  readonly workers: number;
  readonly jobs: number;
  /** From the first message being sent to the last result being received. */
  readonly seconds: number;
  readonly processors: ProcessorTime;
}

/** Jobs before those that count, for each worker: all have worked before. */
const REHEARSALS_A_WORKER = 8;

/** Has workers and one starter do jobs that come all at once, and expects one result of each. */
export function measureWorkers(
  arena: Arena,
  kind: Kind,
  workers: number,
  jobs: number,
): Promise<WorkersFigures> {
  const { settings } = kind;
  return withService(arena, { workers, starters: 1, settings }, async (service) => {
    const { sqs, queues } = service;
    const { signal } = arena;
    const first = namesOf('first', REHEARSALS_A_WORKER * workers);
    const names = namesOf('job', jobs);
    await kind.prepare(arena, [...first, ...names]);
    await service.start();
    const run = async (batch: readonly string[]) => {
      const bodies = batch.map((name) => kind.message(name, queues));
      const [endedAt] = await Promise.all([
        receiveEach(sqs, queues.results, batch, kind.nameOf, signal),
        sendAll(sqs, queues.triggers, bodies),
      ]);
      return endedAt;
    };
    await run(first);
    await settleDisk();

    const processors = watchProcessors(service);
    const startedAt = performance.now();
    const endedAt = await run(names);
    const figures = {
      ...{ workers, jobs, seconds: (endedAt - startedAt) / 1000 },
      processors: processors(),
    };
    await expectNothingMore(sqs, queues.results, signal);
    const left = await countMessages(sqs, queues.triggers);
    const dead = await countMessages(sqs, queues.deadLetters);
    if (left + dead > 0) throw new Error(`${left} messages are left, ${dead} are dead letters`);
    await kind.check(arena, names);
    return figures;
  });
}

function namesOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
}
