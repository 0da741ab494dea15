import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CreateQueueCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { stackSqs } from '../../src/local/clients.ts';
import { stackEnvironment } from '../../src/local/endpoints.ts';
import { ManagedProcess } from '../../src/local/managed-process.ts';
import { PACKAGE_ROOT } from '../../src/local/paths.ts';
import type { SplitJob } from '../../src/messages/split.ts';
import { WORKER_NODE_FLAGS } from '../../src/worker/node-flags.ts';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import type { Competitor, Site, Standby } from './competitor.ts';
import { receiveResult } from './result-message.ts';
import { readRun } from './run-account.ts';

const BUILT = join(PACKAGE_ROOT, 'dist', 'cli', 'main.js');

/** The command line's entry point: what was built, as users run it, else the sources. */
export const SHEAF_MAIN = existsSync(BUILT) ? BUILT : join(PACKAGE_ROOT, 'src', 'cli', 'main.ts');

/** Without a build, a worker makes its workflows' bundle first (ms). */
const READY_TIMEOUT_MS = 90_000;
const STOP_GRACE_MS = 15_000;

/**
 * Sheaf as it is in production: a worker and a starter, processes of their own. A run begins with the
 * trigger message on its way into the queue and ends with the result message received.
 *
 * @param settings what makes the variant, e.g. `{ VERIFY: 'off' }`
 */
export function sheafCompetitor(
  about: Pick<Competitor, 'id' | 'title'>,
  settings: Record<string, string>,
): Competitor {
  const start = (site: Site) => startSheaf(about.id, settings, site);
  return { ...about, splits: true, hasLanes: false, start };
}

async function startSheaf(
  id: string,
  settings: Record<string, string>,
  site: Site,
): Promise<Standby> {
  // Its own queues and task queue: nothing of another variant is ever taken for its own.
  const name = `bench-${id}-${Date.now()}`;
  const sqs = stackSqs(site.stack);
  const triggerUrl = await createQueue(sqs, name);
  const updatesQueueUrl = await createQueue(sqs, `${name}-updates`);
  const env = {
    ...process.env,
    ...stackEnvironment(site.stack),
    ...settings,
    TASK_QUEUE: name,
    SPLIT_QUEUE_URL: triggerUrl,
    BATCH_SIZE: String(site.batchSize),
    TMPDIR: site.workDir,
  };
  const worker = sheafProcess('worker', env, site);
  const starter = sheafProcess('starter', env, site);
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
    run: async ({ bucket, key, file, size }) => {
      jobs += 1;
      const message: SplitJob = {
        downloadId: `${name}-${jobs}`,
        file,
        exportPath: key,
        totalSize: size,
        s3Bucket: bucket,
        updatesQueueUrl,
      };
      last = { workflowId: splitWorkflowId(message), sentAt: Date.now() };
      // As PHP's json_encode writes it: slashes are escaped.
      const MessageBody = JSON.stringify(message).replaceAll('/', '\\/');
      await sqs.send(new SendMessageCommand({ QueueUrl: triggerUrl, MessageBody }));
      await receiveResult(sqs, updatesQueueUrl, site.signal);
    },
    account: () => readRun(site.stack, last.workflowId, last.sentAt),
    stop,
  };
}

function sheafProcess(command: 'worker' | 'starter', env: NodeJS.ProcessEnv, site: Site) {
  return new ManagedProcess({
    name: `The ${command}`,
    command: process.execPath,
    args: [...WORKER_NODE_FLAGS, SHEAF_MAIN, command],
    env,
    // Beside the work folder, whose size is measured.
    output: { file: `${site.workDir}-${command}.log` },
    ready: 'message',
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopGraceMs: STOP_GRACE_MS,
  });
}

async function createQueue(sqs: SQSClient, QueueName: string): Promise<string> {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName }));
  return QueueUrl;
}
