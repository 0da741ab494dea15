import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Client } from '@temporalio/client';
import type { MetricMeter } from '@temporalio/common';
import { Consumer } from 'sqs-consumer';
import { createSqsClient } from '../clients.ts';
import { type Config, ConfigError, loadConfig } from '../config.ts';
import { createLog, type Log } from '../log.ts';
import { queueName } from '../queue-url.ts';
import { stopSignal } from '../stop-signal.ts';
import type { Job } from '../telemetry/jobs.ts';
import { inMessageSpan } from '../telemetry/message-trace.ts';
import { METRICS, type Metrics } from '../telemetry/metrics.ts';
import { startTelemetry } from '../telemetry/start.ts';
import { CONNECT_TIMEOUT_MS, connectClient } from '../temporal.ts';
import { handleMessage } from './handle-message.ts';
import { findIntakeQueue, INTAKE_QUEUES, type IntakeQueue, intakesOf } from './intakes.ts';
import { watchBacklog } from './watch-backlog.ts';

/** Messages that are taken by one receive, SQS's most, and dealt with side by side. */
const MESSAGES_A_RECEIVE = 10;

/** A receive waits so long for a message (s). A stop waits for it, so it is shorter than SQS's most, 20. */
const LONG_POLL_SECONDS = 5;

/** A message that is held longer than this (s) is seen by other starters; it is extended long before. */
const VISIBILITY_SECONDS = 60;
const VISIBILITY_EXTENSION_SECONDS = 20;

/** A pause (ms) before a queue is asked again that has failed, not to fill the log several times a second. */
const PAUSE_MS = 1_000;

/** A stop waits so long (ms) for the receive and the messages that are under way. */
export const STOP_TIMEOUT_MS = 10_000;

/**
 * Runs a starter with the settings of an environment until SIGTERM or SIGINT: it polls each queue
 * that is set, and starts runs. Tells a parent process over IPC when it polls. Rejects where a
 * setting can't be used, or Temporal or a queue can't be reached.
 */
export async function runStarter(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(env);
  const settings = Object.values(INTAKE_QUEUES);
  if (!settings.some((name) => config[name])) {
    throw new ConfigError(
      `${settings.join(', ')}: expected the URL or name of an SQS queue in one of them, got nothing`,
    );
  }
  const log = createLog('starter', config);
  const signal = stopSignal();
  const meter = config.METRICS_ADDRESS && (await meterOfSdk(log, config));
  const telemetry = await startTelemetry('starter', config, {
    env,
    log,
    meter: meter || undefined,
  });
  const { health, metrics, tracing } = telemetry;
  const sqs = createSqsClient();
  let client: Client | undefined;
  try {
    const interceptors = tracing && [tracing.client];
    client = await connectClient(CONNECT_TIMEOUT_MS, signal, interceptors).catch((error) => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    if (!client) return;
    const intakes = await intakesOf(config, sqs);
    const taskQueue = config.TASK_QUEUE;
    const polling = { client, sqs, log, metrics, taskQueue, signal };
    // All are found before one is polled: a starter that can't serve them all serves none.
    const queues = await Promise.all(intakes.map((intake) => findIntakeQueue(sqs, intake)));
    const consumers = queues.map((queue) => startPolling(queue, polling));
    // Not waited for: a server that is away would hold up the stop.
    void watchBacklog({ client, sqs, log, metrics, config, queues }, signal);
    health.setReady(true);
    process.send?.({ type: 'ready' });
    if (!signal.aborted) await once(signal, 'abort');
    health.setReady(false);
    await Promise.all(consumers.map(stopPolling));
    log.info({}, 'starter stopped');
  } finally {
    health.setReady(false);
    await client?.connection.close();
    sqs.destroy();
    await telemetry.stop();
  }
}

/** Temporal's SDK serves metrics; a starter needs nothing else of its native part. */
async function meterOfSdk(log: Log, config: Config): Promise<MetricMeter> {
  const { installRuntime } = await import('../telemetry/runtime.ts');
  return installRuntime(log, config);
}

interface Polling {
  readonly client: Client;
  readonly sqs: SQSClient;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly taskQueue: string;
  readonly signal: AbortSignal;
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
  showNothingYet(polling.metrics, intake.job);
  let hasFailed = false;
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
    preReceiveMessageCallback: async () => {
      if (hasFailed) await sleep(PAUSE_MS);
      hasFailed = false;
    },
    messageSystemAttributeNames: ['MessageGroupId'],
    messageAttributeNames: ['All'],
    handleMessage: async (message) => {
      const handle = () => handleMessage(message, context);
      return (await inMessageSpan(message, queueName(queueUrl), handle)) ? message : undefined;
    },
  });
  consumer.on('error', (error) => {
    hasFailed = true;
    log.error({ ...fields, reason: error.message }, 'SQS fails');
  });
  consumer.on('processing_error', (error, { MessageId: messageId }) =>
    log.error({ ...fields, messageId, reason: error.message }, 'message not taken'),
  );
  consumer.start();
  log.info(fields, 'starter polls');
  return consumer;
}

/** Counters that are seen at 0 show the first thing that they count as an increase. */
function showNothingYet(metrics: Metrics, job_type: Job): void {
  metrics.count('deadLetters', 0, { job_type });
  for (const outcome of METRICS.messages.labels.outcome) {
    metrics.count('messages', 0, { job_type, outcome });
  }
}

/** Ends when nothing of a consumer is under way any more. */
async function stopPolling(consumer: Consumer): Promise<void> {
  const end = once(consumer, 'stopped');
  consumer.stop();
  await end;
}
