import { setTimeout as sleep } from 'node:timers/promises';
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Client } from '@temporalio/client';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { limitQueue } from '../workflows/limit-queue.ts';
import type { IntakeQueue } from './intakes.ts';

/** Pause between two looks (ms). */
const INTERVAL_MS = 15_000;

/** Looks between two lines for CloudWatch, which has a metric once a minute. */
const LOOKS_A_LINE = 4;

/** Temporal's numbers of the types of task queues. */
const TASK_QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

/** What is looked at, and where what is seen goes. */
export interface BacklogWatch {
  readonly client: Client;
  readonly sqs: SQSClient;
  readonly queues: readonly IntakeQueue[];
  readonly config: Config;
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Looks again and again at what waits in SQS and in Temporal, and shows it: as metrics for Prometheus,
 * and as CloudWatch's embedded metric format
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
 * Does nothing where neither is wanted. A look that fails is left out.
 *
 * @param signal ends it; a look that is under way may end later
 */
export async function watchBacklog(watch: BacklogWatch, signal: AbortSignal): Promise<void> {
  const { METRICS_ADDRESS, CLOUDWATCH_NAMESPACE } = watch.config;
  if (!METRICS_ADDRESS && !CLOUDWATCH_NAMESPACE) return;
  const { log } = watch;
  for (let looks = 0; !signal.aborted; looks++) {
    const seen = await Promise.allSettled([
      lookAtTasks(watch, looks % LOOKS_A_LINE === 0),
      ...watch.queues.map((queue) => lookAtQueue(watch, queue)),
    ]);
    for (const look of seen) {
      if (look.status === 'fulfilled' || signal.aborted) continue;
      log.warn({ reason: (look.reason as Error).message }, 'the backlog can not be seen');
    }
    await sleep(INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
}

async function lookAtTasks(watch: BacklogWatch, isForCloudWatch: boolean): Promise<void> {
  const { client, config, metrics } = watch;
  let all = 0;
  const looks = [
    { name: config.TASK_QUEUE, type: 'workflow' },
    { name: config.TASK_QUEUE, type: 'activity' },
    { name: limitQueue(config.TASK_QUEUE), type: 'activity' },
  ] as const;
  for (const { name, type } of looks) {
    const { stats } = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name },
      taskQueueType: TASK_QUEUE_TYPES[type],
      reportStats: true,
    });
    const waiting = Number(stats?.approximateBacklogCount ?? 0);
    metrics.set('backlog', waiting, { task_queue: name, type });
    all += waiting;
  }
  if (!isForCloudWatch || !config.CLOUDWATCH_NAMESPACE) return;
  const line = embeddedMetric(config.CLOUDWATCH_NAMESPACE, config.TASK_QUEUE, all);
  process.stdout.write(`${line}\n`);
}

async function lookAtQueue(
  { sqs, metrics }: BacklogWatch,
  { intake, queueUrl, deadLetterUrl }: IntakeQueue,
): Promise<void> {
  const { job } = intake;
  const waiting = await countMessages(sqs, queueUrl);
  metrics.set('queueMessages', waiting.visible, { job_type: job, state: 'visible' });
  metrics.set('queueMessages', waiting.inFlight, { job_type: job, state: 'in_flight' });
  if (!deadLetterUrl) return;
  const dead = await countMessages(sqs, deadLetterUrl);
  // Those that somebody looks at are dead, too.
  metrics.set('queueMessages', dead.visible + dead.inFlight, { job_type: job, state: 'dead' });
}

async function countMessages(sqs: SQSClient, queueUrl: string) {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  const { ApproximateNumberOfMessages: visible = 0 } = Attributes;
  const { ApproximateNumberOfMessagesNotVisible: inFlight = 0 } = Attributes;
  return { visible: Number(visible), inFlight: Number(inFlight) };
}

/** A line of which CloudWatch makes the metric `TaskQueueBacklog`. */
function embeddedMetric(namespace: string, taskQueue: string, backlog: number): string {
  return JSON.stringify({
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [['TaskQueue']],
          Metrics: [{ Name: 'TaskQueueBacklog', Unit: 'Count' }],
        },
      ],
    },
    TaskQueue: taskQueue,
    TaskQueueBacklog: backlog,
  });
}
