import { CreateBucketCommand, HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
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
export const MAX_RECEIVE_COUNT = 5;

/**
 * Makes the buckets that are not there yet.
 *
 * @throws if a bucket of that name is there and is not ours.
 */
export async function provisionBuckets(s3: S3Client, buckets: readonly string[]): Promise<void> {
  for (const Bucket of buckets) {
    try {
      await s3.send(new CreateBucketCommand({ Bucket }));
    } catch (error) {
      const { name } = error as Error;
      if (name === 'BucketAlreadyOwnedByYou') continue;
      if (name !== 'BucketAlreadyExists') throw error;
      await assertOurs(s3, Bucket);
    }
  }
}

/** Other stores than S3 itself say of one's own bucket, too, that it already exists. */
async function assertOurs(s3: S3Client, Bucket: string): Promise<void> {
  await s3.send(new HeadBucketCommand({ Bucket })).catch((cause) => {
    if (cause.$metadata?.httpStatusCode !== 403) throw cause;
    throw new Error(
      `The bucket ${Bucket} is there, and these credentials may not use it: it may be somebody ` +
        "else's, whose name nobody else can take.",
      { cause },
    );
  });
}

/**
 * Makes the stack's queues that are not there yet, and sets where their dead letters go.
 *
 * @param endpoint of an emulator. A queue that it kept from an earlier start may have that start's
 * port in its URL: the URLs that are returned are on this endpoint. Default: the URLs that the
 * server gives.
 */
export async function provisionQueues(sqs: SQSClient, endpoint?: string): Promise<QueueUrls> {
  const urls: Partial<QueueUrls> = {};
  for (const [key, { name, deadLetters }] of Object.entries<QueueSpec>(QUEUES)) {
    const url = await ensureQueue(sqs, name, endpoint);
    if (deadLetters) await redrive(sqs, url, await ensureQueue(sqs, deadLetters, endpoint));
    urls[key as keyof QueueUrls] = url;
  }
  return urls as QueueUrls;
}

async function ensureQueue(sqs: SQSClient, QueueName: string, endpoint?: string): Promise<string> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName })).catch((error) => {
    if (!(error instanceof QueueDoesNotExist)) throw error;
    return sqs.send(new CreateQueueCommand({ QueueName }));
  });
  if (!QueueUrl) throw new Error(`The SQS server gave no URL for the queue ${QueueName}.`);
  return endpoint ? new URL(new URL(QueueUrl).pathname, endpoint).href : QueueUrl;
}

async function redrive(sqs: SQSClient, QueueUrl: string, deadLetterUrl: string): Promise<void> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetterUrl, AttributeNames: ['QueueArn'] }),
  );
  const policy = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: MAX_RECEIVE_COUNT };
  const RedrivePolicy = JSON.stringify(policy);
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy } }));
}
