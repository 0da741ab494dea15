import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Config } from '../config.ts';
import { resolveQueue } from '../queue-url.ts';
import { deadLetterQueueOf } from './dead-letters.ts';
import { itemsIntake } from './items-intake.ts';
import type { JobIntake } from './job-intake.ts';
import { routeIntake } from './route-intake.ts';
import { splitIntake } from './split-intake.ts';
import { zipIntake } from './zip-intake.ts';

/** Settings of the queues that jobs come from, by the job; a starter wants one at least. */
export const INTAKE_QUEUES = {
  split: 'SPLIT_QUEUE_URL',
  zip: 'SQS_SOURCE_QUEUE',
  items: 'ITEMS_QUEUE_URL',
  route: 'ROUTE_QUEUE_URL',
} as const;

/** A queue of messages of one kind of job. */
export interface IntakeQueue {
  readonly intake: JobIntake;
  readonly queueUrl: string;
  readonly deadLetterUrl: string | undefined;
}

/** What the queues that are set bring. Rejects where a queue for results can't be used. */
export async function intakesOf(config: Config, sqs: SQSClient): Promise<JobIntake[]> {
  const { SPLIT_QUEUE_URL, SQS_SOURCE_QUEUE, SQS_DESTINATION_QUEUE } = config;
  const { ITEMS_QUEUE_URL, ROUTE_QUEUE_URL, ROUTE_NOTIFY_QUEUE } = config;
  const intakes: JobIntake[] = [];
  if (SPLIT_QUEUE_URL) intakes.push(splitIntake(SPLIT_QUEUE_URL));
  if (SQS_SOURCE_QUEUE) {
    const results = await findResultQueue(sqs, 'zip results', SQS_DESTINATION_QUEUE);
    intakes.push(zipIntake(SQS_SOURCE_QUEUE, results));
  }
  if (ITEMS_QUEUE_URL) intakes.push(itemsIntake(ITEMS_QUEUE_URL));
  if (ROUTE_QUEUE_URL) {
    const notices = await findResultQueue(sqs, 'route notices', ROUTE_NOTIFY_QUEUE);
    intakes.push(routeIntake(ROUTE_QUEUE_URL, config, notices));
  }
  return intakes;
}

async function findResultQueue(sqs: SQSClient, what: string, queue: string | undefined) {
  if (!queue) return undefined;
  return resolveQueue(sqs, queue).catch((error) => {
    throw unusable(what, queue, error);
  });
}

/** Looks up the queue of an intake, and where its dead letters go. Rejects where it can't be used. */
export async function findIntakeQueue(sqs: SQSClient, intake: JobIntake): Promise<IntakeQueue> {
  const { job, queue } = intake;
  try {
    const queueUrl = await resolveQueue(sqs, queue);
    return { intake, queueUrl, deadLetterUrl: await deadLetterQueueOf(sqs, queueUrl) };
  } catch (error) {
    throw unusable(`${job} messages`, queue, error);
  }
}

function unusable(what: string, queue: string, error: unknown): Error {
  const { message: reason } = error as Error;
  return new Error(`The queue of ${what}, ${queue}, can't be used: ${reason}`, { cause: error });
}
