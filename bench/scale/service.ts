import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { stackSqs } from '../../src/local/clients.ts';
import type { ManagedProcess } from '../../src/local/managed-process.ts';
import type { Arena } from '../contest/arena.ts';
import { sheafEnvironment, sheafProcess } from '../contest/sheaf.ts';
import { makeQueues, type ScaleQueues } from './queues.ts';

/** Processes that serve queues of their own. */
export interface Service {
  readonly arena: Arena;
  readonly sqs: SQSClient;
  readonly queues: ScaleQueues;
  readonly workers: readonly ManagedProcess[];
  readonly starters: readonly ManagedProcess[];
  /** The files that the starters log to. */
  readonly starterLogs: readonly string[];
  /** Starts the processes, and waits until all of them poll. */
  start(): Promise<void>;
}

export interface ServiceOptions {
  readonly workers: number;
  readonly starters: number;
  settings(queues: ScaleQueues): Record<string, string>;
}

const NAME = 'bench-scale';

/** Runs `work` with a service that is not started yet, and ends it. An arena has one. */
export async function withService<T>(
  arena: Arena,
  { workers, starters, settings }: ServiceOptions,
  work: (service: Service) => Promise<T>,
): Promise<T> {
  const sqs = stackSqs(arena.stack.endpoints);
  const queues = await makeQueues(sqs, NAME);
  const env = sheafEnvironment(arena.stack.endpoints, { ...settings(queues), TASK_QUEUE: NAME });
  const make = async (command: 'worker' | 'starter', count: number) => {
    const folders = Array.from({ length: count }, (_, index) => {
      return join(arena.folder, `${NAME}-${index + 1}`);
    });
    await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })));
    return folders.map((folder) => sheafProcess(command, { ...env, TMPDIR: folder }, folder));
  };
  const service = {
    ...{ arena, sqs, queues },
    workers: await make('worker', workers),
    starters: await make('starter', starters),
  };
  const processes = [...service.workers, ...service.starters];
  try {
    return await work({
      ...service,
      starterLogs: service.starters.map((_, index) => {
        return join(arena.folder, `${NAME}-${index + 1}-starter.log`);
      }),
      start: async () => {
        await Promise.all(processes.map((each) => each.start()));
      },
    });
  } finally {
    // What they have in hand is in an arena that ends with them.
    await Promise.all(processes.map((each) => each.kill()));
    sqs.destroy();
  }
}
