import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arena } from '../contest/arena.ts';
import { settleDisk } from '../measure/disk.ts';
import { type ProcessorTime, watchProcessors } from './processor-time.ts';
import { countMessages } from './queues.ts';
import { queueRoutes, settings } from './routes.ts';
import { expectOneRunOfEach } from './runs.ts';
import { type Service, withService } from './service.ts';

/** Messages that so many starters have started runs of. */
export interface StartersFigures {
  readonly starters: number;
  readonly messages: number;
  /** From the first receive to the last run that was started. */
  readonly seconds: number;
  readonly processors: ProcessorTime;
}

/** How often the queue is asked whether it is empty (ms). */
const LOOK_INTERVAL_MS = 500;

/** Messages are queued first; then starters start a run for each. Without workers: runs are started, no more. */
export function measureStarters(
  arena: Arena,
  starters: number,
  messages: number,
): Promise<StartersFigures> {
  return withService(arena, { workers: 0, starters, settings }, async (service) => {
    const { sqs, queues } = service;
    const { workflowIds } = await queueRoutes(arena, service, messages);
    await settleDisk();
    await service.start();
    const processors = watchProcessors(service);
    while ((await countMessages(sqs, queues.triggers)) > 0) {
      arena.signal.throwIfAborted();
      await sleep(LOOK_INTERVAL_MS);
    }
    const taken = { processors: processors(), seconds: await readSeconds(service, messages) };
    const dead = await countMessages(sqs, queues.deadLetters);
    if (dead > 0) throw new Error(`${dead} messages are dead letters`);
    await expectOneRunOfEach(arena, workflowIds, 'Running');
    return { starters, messages, ...taken };
  });
}

/** The time between the first line and the last in the starters' logs, which must tell of each run once. */
async function readSeconds({ starterLogs }: Service, messages: number): Promise<number> {
  const lines = (await Promise.all(starterLogs.map((file) => readFile(file, 'utf8'))))
    .flatMap((text) => text.trim().split('\n'))
    .map((line): { time: string; msg: string; outcome?: string } => JSON.parse(line));
  const polls = lines.filter(({ msg }) => msg === 'starter polls');
  const taken = lines.filter(({ msg }) => msg === 'message taken');
  const other = taken.find(({ outcome }) => outcome !== 'started');
  if (other || taken.length !== messages) {
    throw new Error(
      `Expected ${messages} messages that started a run, got ${taken.length}${other ? `, one of them ${other.outcome}` : ''}`,
    );
  }
  const last = taken.reduce((latest, { time }) => Math.max(latest, Date.parse(time)), 0);
  return (last - Math.min(...polls.map(({ time }) => Date.parse(time)))) / 1000;
}
