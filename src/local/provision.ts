import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { QUEUES, type QueueSpec, type QueueUrls } from './endpoints.ts';

/** A message that was received this often without being deleted goes to the dead-letter queue. */
const MAX_RECEIVE_COUNT = 5;

/** Makes the buckets that are not there yet. */
export async function provisionBuckets(s3: S3Client, buckets: readonly string[]): Promise<void> {
  for (const Bucket of buckets) {
    try {
      await s3.send(new CreateBucketCommand({ Bucket }));
    } catch (error) {
      const { name } = error as Error;
      if (name !== 'BucketAlreadyOwnedByYou' && name !== 'BucketAlreadyExists') throw error;
    }
  }
}

/**
 * Makes the stack's queues that are not there yet, and sets where their dead letters go.
 *
 * @param endpoint of the SQS server. A queue that an emulator kept from an earlier start may have
 * that start's port in its URL: the URLs that are returned are on this endpoint.
 */
export async function provisionQueues(sqs: SQSClient, endpoint: string): Promise<QueueUrls> {
  const urls: Partial<QueueUrls> = {};
  for (const [key, { name, deadLetters }] of Object.entries<QueueSpec>(QUEUES)) {
    const url = await ensureQueue(sqs, name, endpoint);
    if (deadLetters) await redrive(sqs, url, await ensureQueue(sqs, deadLetters, endpoint));
    urls[key as keyof QueueUrls] = url;
  }
  return urls as QueueUrls;
}

async function ensureQueue(sqs: SQSClient, QueueName: string, endpoint: string): Promise<string> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName })).catch((error) => {
    if (!(error instanceof QueueDoesNotExist)) throw error;
    return sqs.send(new CreateQueueCommand({ QueueName }));
  });
  if (!QueueUrl) throw new Error(`The SQS server at ${endpoint} gave no URL for ${QueueName}.`);
  return new URL(new URL(QueueUrl).pathname, endpoint).href;
}

async function redrive(sqs: SQSClient, QueueUrl: string, deadLetterUrl: string): Promise<void> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetterUrl, AttributeNames: ['QueueArn'] }),
  );
  const policy = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: MAX_RECEIVE_COUNT };
  const RedrivePolicy = JSON.stringify(policy);
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy } }));
}
