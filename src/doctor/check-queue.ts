import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { resolveQueue } from '../queue-url.ts';
import { deadLetterQueueOf } from '../starter/dead-letters.ts';
import { type Finding, fail, pass, warn } from './finding.ts';

/** A message that is received so often in vain is a dead letter; fewer give a restart no chance. */
const LEAST_RECEIVES = 2;

/** What was found of a queue. */
export interface CheckedQueue {
  readonly findings: readonly Finding[];
  /** How long it keeps a message (s); undefined where it can't be used. */
  readonly keptSeconds?: number;
}

/**
 * Looks at a queue that jobs come from: that it is there, and where its dead letters go. Receives
 * nothing, since that would count.
 *
 * @param job the job of its messages
 * @param setting the setting that names it
 */
export async function checkJobQueue(
  sqs: SQSClient,
  job: string,
  setting: string,
  queue: string,
): Promise<CheckedQueue> {
  const area = `SQS ${setting}`;
  try {
    const queueUrl = await resolveQueue(sqs, queue);
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }),
    );
    const waiting = Number(Attributes.ApproximateNumberOfMessages ?? 0);
    const findings = [pass(area, `${queueUrl} is there; messages waiting: ${waiting}`)];
    findings.push(...(await checkRedrive(sqs, area, job, queueUrl, Attributes.RedrivePolicy)));
    return { findings, keptSeconds: Number(Attributes.MessageRetentionPeriod ?? 0) };
  } catch (error) {
    return { findings: [unusable(area, queue, error)] };
  }
}

/** Looks at a queue that results go to. */
export async function checkResultQueue(
  sqs: SQSClient,
  setting: string,
  queue: string,
): Promise<Finding> {
  const area = `SQS ${setting}`;
  try {
    const QueueUrl = await resolveQueue(sqs, queue);
    await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
    return pass(area, `${QueueUrl} is there`);
  } catch (error) {
    return unusable(area, queue, error);
  }
}

async function checkRedrive(
  sqs: SQSClient,
  area: string,
  job: string,
  queueUrl: string,
  policy: string | undefined,
): Promise<Finding[]> {
  if (!policy) {
    return [
      fail(
        area,
        'the queue has no redrive policy: messages that can not be read stay in it for ever',
        'create a dead-letter queue and set RedrivePolicy, e.g. {"deadLetterTargetArn":"arn:…","maxReceiveCount":5}',
      ),
    ];
  }
  const { maxReceiveCount } = JSON.parse(policy) as { maxReceiveCount?: number | string };
  const deadLetterUrl = await deadLetterQueueOf(sqs, queueUrl).catch(() => undefined);
  if (!deadLetterUrl) {
    return [
      fail(
        area,
        `the dead-letter queue of its redrive policy can't be found: ${policy}`,
        'create it, or correct RedrivePolicy; allow sqs:GetQueueUrl on it',
      ),
    ];
  }
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: deadLetterUrl,
      AttributeNames: ['ApproximateNumberOfMessages'],
    }),
  );
  const dead = Number(Attributes.ApproximateNumberOfMessages ?? 0);
  const findings = [pass(area, `dead letters go to ${deadLetterUrl}`)];
  if (Number(maxReceiveCount) < LEAST_RECEIVES) {
    findings.push(
      warn(
        area,
        `maxReceiveCount is ${maxReceiveCount}: a message that a starter dies with is a dead letter`,
        'set it to 5',
      ),
    );
  }
  if (dead > 0) {
    findings.push(
      warn(
        area,
        `dead letters waiting: ${dead}`,
        `see the starter's log for the reasons (message refused), then npx sheaf redrive ${job}`,
      ),
    );
  }
  return findings;
}

function unusable(area: string, queue: string, error: unknown): Finding {
  const { message } = error as Error;
  return fail(
    area,
    `${queue} can't be used: ${message}`,
    'create it, or correct the setting; allow sqs:GetQueueUrl and sqs:GetQueueAttributes; see whether AWS_ENDPOINT_URL_SQS and AWS_REGION name the service',
  );
}
