import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { createS3Client, createSqsClient } from '../clients.ts';
import { BUCKETS, QUEUES, type QueueSpec, type QueueUrls } from '../local/endpoints.ts';
import { MAX_RECEIVE_COUNT, provisionBuckets, provisionQueues } from '../local/provision.ts';

/** How long a server that is starting is waited for (ms). */
const PATIENCE_MS = 60_000;
/** Between two tries (ms). */
const PAUSE_MS = 1_000;

/** `sheaf provision`: the stack's buckets and queues on other servers, e.g. those of docker compose. */
export function command(): Command {
  return new Command()
    .description(
      'Makes the buckets and queues that a local set-up has, with dead-letter queues, where they are ' +
        'not there yet, on the S3 and SQS that the environment names (AWS_ENDPOINT_URL_S3, ' +
        'AWS_ENDPOINT_URL_SQS, AWS_REGION, …), then says what there is. Servers that are starting are ' +
        'waited for, up to 60 s.',
    )
    .action(() => provision(process.env));
}

async function provision(env: NodeJS.ProcessEnv): Promise<void> {
  // The waiting is done here, where it is said what is waited for.
  const s3 = createS3Client({ maxAttempts: 1 });
  const sqs = createSqsClient({ maxAttempts: 1 });
  try {
    await whenUp('S3', env, () => provisionBuckets(s3, BUCKETS));
    for (const bucket of BUCKETS) console.log(`bucket  ${bucket}`);
    const urls = await whenUp('SQS', env, () => provisionQueues(sqs));
    for (const line of queueLines(urls)) console.log(line);
  } finally {
    s3.destroy();
    sqs.destroy();
  }
}

function queueLines(urls: QueueUrls): string[] {
  return Object.entries<QueueSpec>(QUEUES).map(([key, { deadLetters }]) => {
    const redrive = deadLetters && `, after ${MAX_RECEIVE_COUNT} receives to ${deadLetters}`;
    return `queue   ${urls[key as keyof QueueUrls]}${redrive ?? ''}`;
  });
}

/** Repeats a piece of work for as long as its server is not up yet; other errors end it at once. */
async function whenUp<T>(
  service: 'S3' | 'SQS',
  env: NodeJS.ProcessEnv,
  work: () => Promise<T>,
): Promise<T> {
  const variable = `AWS_ENDPOINT_URL_${service}`;
  const endpoint = env[variable] || env.AWS_ENDPOINT_URL;
  const server = endpoint ? `${service} at ${endpoint}` : service;
  const deadline = Date.now() + PATIENCE_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (cause) {
      const { message } = cause as Error;
      if (!isStarting(cause)) throw new Error(`${server}: ${message}`, { cause });
      if (Date.now() >= deadline) {
        throw new Error(
          `${server} can't be reached, for ${PATIENCE_MS / 1000} s now: ${message}; start it, or ` +
            `let ${variable} name another one.`,
          { cause },
        );
      }
      if (attempt === 1) console.error(`Waiting for ${server}: ${message}`);
    }
    await sleep(PAUSE_MS);
  }
}

/** Whether nobody answers yet, or only that it can't: an answer of another kind stays what it is. */
function isStarting(error: unknown): boolean {
  const { $metadata, code, name } = error as {
    $metadata?: { httpStatusCode?: number };
    code?: unknown;
    name?: unknown;
  };
  const status = $metadata?.httpStatusCode;
  return status === undefined ? code !== undefined || name === 'TimeoutError' : status >= 500;
}
