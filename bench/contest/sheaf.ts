import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CreateQueueCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { stackSqs } from '../../src/local/clients.ts';
import { type StackEndpoints, stackEnvironment } from '../../src/local/endpoints.ts';
import { ManagedProcess } from '../../src/local/managed-process.ts';
import { PACKAGE_ROOT } from '../../src/local/paths.ts';
import { WORKER_NODE_FLAGS } from '../../src/worker/node-flags.ts';
import type { About, Competitor, JobPlace, Site, Standby } from './competitor.ts';
import { receiveResult } from './result-message.ts';
import { readRun } from './run-account.ts';

const BUILT = join(PACKAGE_ROOT, 'dist', 'cli', 'main.js');

/** The command line's entry point: what was built, as users run it, else the sources. */
export const SHEAF_MAIN = existsSync(BUILT) ? BUILT : join(PACKAGE_ROOT, 'src', 'cli', 'main.ts');

/** Without a build, a worker makes its workflows' bundle first (ms). */
const READY_TIMEOUT_MS = 90_000;
const STOP_GRACE_MS = 15_000;

/** URLs of a competitor's own queues. */
export interface Queues {
  readonly triggers: string;
  readonly results: string;
}

/** A trigger message, and the run that it starts. */
export interface Trigger {
  readonly body: string;
  /** @param messageId as SQS gives it */
  workflowId(messageId: string): string;
}

/** What a kind of job needs beside the processes. */
export interface Service<J> {
  /** Settings of the worker and the starter: where triggers come from, and what makes the variant. */
  settings(queues: Queues, site: Site): Record<string, string>;
  /** @param id of the job; each has another one */
  trigger(job: J, id: string, queues: Queues): Trigger;
}

/**
 * Sheaf as it is in production: a worker and a starter, processes of their own. A run begins with the
 * trigger message on its way into the queue and ends with the result message received.
 */
export function sheafCompetitor<J extends JobPlace>(
  about: About,
  service: Service<J>,
): Competitor<J> {
  return { ...about, delivers: true, start: (site) => startSheaf(about.id, service, site) };
}

async function startSheaf<J>(id: string, service: Service<J>, site: Site): Promise<Standby<J>> {
  // Its own queues and task queue: nothing of another variant is ever taken for its own.
  const name = `bench-${id}-${Date.now()}`;
  const sqs = stackSqs(site.stack);
  const queues = {
    triggers: await createQueue(sqs, name),
    results: await createQueue(sqs, `${name}-results`),
  };
  const env = sheafEnvironment(site.stack, {
    ...service.settings(queues, site),
    TASK_QUEUE: name,
    TMPDIR: site.workDir,
  });
  const worker = sheafProcess('worker', env, site.workDir);
  const starter = sheafProcess('starter', env, site.workDir);
  const stop = async () => {
    // A starter that is asked to stop waits for its long poll; it has nothing in hand by now.
    await Promise.all([worker.stop(), starter.kill()]);
    sqs.destroy();
  };
  try {
    await Promise.all([worker.start(), starter.start()]);
  } catch (error) {
    await stop();
    throw error;
  }

  let jobs = 0;
  let last = { workflowId: '', sentAt: 0 };
  return {
    pid: worker.pid as number,
    helpers: [starter.pid as number],
    run: async (job) => {
      jobs += 1;
      const { body, workflowId } = service.trigger(job, `${name}-${jobs}`, queues);
      const sentAt = Date.now();
      const { MessageId = '' } = await sqs.send(
        new SendMessageCommand({ QueueUrl: queues.triggers, MessageBody: body }),
      );
      last = { workflowId: workflowId(MessageId), sentAt };
      await receiveResult(sqs, queues.results, site.signal);
    },
    account: () => readRun(site.stack, last.workflowId, last.sentAt),
    stop,
  };
}

/** The environment of a worker or a starter on a stack: of the stack's own queues it has those that `settings` name. */
export function sheafEnvironment(
  stack: StackEndpoints,
  settings: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const noQueues = {
    SPLIT_QUEUE_URL: '',
    SQS_SOURCE_QUEUE: '',
    ITEMS_QUEUE_URL: '',
    ROUTE_QUEUE_URL: '',
  };
  return { ...process.env, ...stackEnvironment(stack), ...noQueues, ...settings };
}

/**
 * A worker or a starter, as a process of its own that is not started yet.
 *
 * @param workDir its log lies beside that folder, whose size is measured
 */
export function sheafProcess(
  command: 'worker' | 'starter',
  env: NodeJS.ProcessEnv,
  workDir: string,
): ManagedProcess {
  return new ManagedProcess({
    name: `The ${command}`,
    command: process.execPath,
    args: [...WORKER_NODE_FLAGS, SHEAF_MAIN, command],
    env,
    output: { file: `${workDir}-${command}.log` },
    ready: 'message',
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopGraceMs: STOP_GRACE_MS,
  });
}

async function createQueue(sqs: SQSClient, QueueName: string): Promise<string> {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName }));
  return QueueUrl;
}
