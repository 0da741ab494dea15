import { once } from 'node:events';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Client } from '@temporalio/client';
import { Consumer } from 'sqs-consumer';
import { createSqsClient } from '../clients.ts';
import { type Config, ConfigError, loadConfig } from '../config.ts';
import { createLog, type Log } from '../log.ts';
import { resolveQueue } from '../queue-url.ts';
import { stopSignal } from '../stop-signal.ts';
import { CONNECT_TIMEOUT_MS, connectClient } from '../temporal.ts';
import { deadLetterQueueOf } from './dead-letters.ts';
import { handleMessage } from './handle-message.ts';
import { itemsIntake } from './items-intake.ts';
import type { JobIntake } from './job-intake.ts';
import { splitIntake } from './split-intake.ts';
import { zipIntake } from './zip-intake.ts';

/** Settings of the queues that jobs come from; a starter wants one at least. */
const INTAKE_QUEUES = ['SPLIT_QUEUE_URL', 'SQS_SOURCE_QUEUE', 'ITEMS_QUEUE_URL'] as const;

/** Messages that are taken by one receive, SQS's most, and dealt with side by side. */
const MESSAGES_A_RECEIVE = 10;

/** A receive waits so long for a message (s). A stop waits for it, so it is shorter than SQS's most, 20. */
const LONG_POLL_SECONDS = 5;

/** A message that is held longer than this (s) is seen by other starters; it is extended long before. */
const VISIBILITY_SECONDS = 60;
const VISIBILITY_EXTENSION_SECONDS = 20;

/** A stop waits so long (ms) for the receive and the messages that are under way. */
const STOP_TIMEOUT_MS = 10_000;

/**
 * Runs a starter with the settings of an environment until SIGTERM or SIGINT: it polls each queue
 * that is set, and starts runs. Tells a parent process over IPC when it polls. Rejects where a
 * setting can't be used, or Temporal or a queue can't be reached.
 */
export async function runStarter(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(env);
  if (!INTAKE_QUEUES.some((name) => config[name])) throw noQueue();
  const log = createLog('starter', config);
  const signal = stopSignal();

  const client = await connectClient(CONNECT_TIMEOUT_MS, signal).catch((error) => {
    if (!signal.aborted) throw error;
  });
  if (!client) return;
  const sqs = createSqsClient();
  try {
    const intakes = await intakesOf(config, sqs);
    const polling = { client, sqs, log, taskQueue: config.TASK_QUEUE, signal };
    // All are found before one is polled: a starter that can't serve them all serves none.
    const queues = await Promise.all(intakes.map((intake) => findQueue(sqs, intake)));
    const consumers = queues.map((queue) => startPolling(queue, polling));
    process.send?.({ type: 'ready' });
    if (!signal.aborted) await once(signal, 'abort');
    await Promise.all(consumers.map(stopPolling));
    log.info({}, 'starter stopped');
  } finally {
    await client.connection.close();
    sqs.destroy();
  }
}

/** What the queues that are set bring. Rejects where the queue for results of zip jobs can't be used. */
async function intakesOf(config: Config, sqs: SQSClient): Promise<JobIntake[]> {
  const { SPLIT_QUEUE_URL, SQS_SOURCE_QUEUE, SQS_DESTINATION_QUEUE, ITEMS_QUEUE_URL } = config;
  const intakes: JobIntake[] = [];
  if (SPLIT_QUEUE_URL) intakes.push(splitIntake(SPLIT_QUEUE_URL));
  if (SQS_SOURCE_QUEUE) {
    const results =
      SQS_DESTINATION_QUEUE &&
      (await resolveQueue(sqs, SQS_DESTINATION_QUEUE).catch((error) => {
        throw unusable('zip results', SQS_DESTINATION_QUEUE, error);
      }));
    intakes.push(zipIntake(SQS_SOURCE_QUEUE, results));
  }
  if (ITEMS_QUEUE_URL) intakes.push(itemsIntake(ITEMS_QUEUE_URL));
  return intakes;
}

function noQueue(): ConfigError {
  return new ConfigError(
    `${INTAKE_QUEUES.join(', ')}: expected the URL or name of an SQS queue in one of them, got nothing`,
  );
}

function unusable(what: string, queue: string, error: unknown): Error {
  const { message: reason } = error as Error;
  return new Error(`The queue of ${what}, ${queue}, can't be used: ${reason}`, { cause: error });
}

interface Polling {
  readonly client: Client;
  readonly sqs: SQSClient;
  readonly log: Log;
  readonly taskQueue: string;
  readonly signal: AbortSignal;
}

/** A queue of messages of one kind of job. */
interface IntakeQueue {
  readonly intake: JobIntake;
  readonly queueUrl: string;
  readonly deadLetterUrl: string | undefined;
}

function startPolling(
  { intake, queueUrl, deadLetterUrl }: IntakeQueue,
  polling: Polling,
): Consumer {
  const { sqs, log } = polling;
  const fields = { job: intake.job, queueUrl, deadLetterUrl };
  if (!deadLetterUrl) {
    log.warn(
      fields,
      'the queue has no dead-letter queue: messages that can not be read stay in it',
    );
  }
  const context = { ...polling, intake, deadLetterUrl };
  const consumer = Consumer.create({
    sqs,
    queueUrl,
    batchSize: MESSAGES_A_RECEIVE,
    waitTimeSeconds: LONG_POLL_SECONDS,
    visibilityTimeout: VISIBILITY_SECONDS,
    heartbeatInterval: VISIBILITY_EXTENSION_SECONDS,
    // A message that a stopping starter gives back is there for the next one at once.
    terminateVisibilityTimeout: true,
    pollingCompleteWaitTimeMs: STOP_TIMEOUT_MS,
    suppressFifoWarning: true,
    messageSystemAttributeNames: ['MessageGroupId'],
    messageAttributeNames: ['All'],
    handleMessage: async (message) =>
      (await handleMessage(message, context)) ? message : undefined,
  });
  consumer.on('error', (error) => log.error({ ...fields, reason: error.message }, 'SQS fails'));
  consumer.on('processing_error', (error, { MessageId: messageId }) =>
    log.error({ ...fields, messageId, reason: error.message }, 'message not taken'),
  );
  consumer.start();
  log.info(fields, 'starter polls');
  return consumer;
}

async function findQueue(sqs: SQSClient, intake: JobIntake): Promise<IntakeQueue> {
  const { job, queue } = intake;
  try {
    const queueUrl = await resolveQueue(sqs, queue);
    return { intake, queueUrl, deadLetterUrl: await deadLetterQueueOf(sqs, queueUrl) };
  } catch (error) {
    throw unusable(`${job} messages`, queue, error);
  }
}

/** Ends when nothing of a consumer is under way any more. */
async function stopPolling(consumer: Consumer): Promise<void> {
  const end = once(consumer, 'stopped');
  consumer.stop();
  await end;
}
