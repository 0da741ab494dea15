import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, DeleteBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { inject, TestRunner } from 'vitest';
import { stackS3, stackSqs } from '../../src/local/clients.ts';
import { stackEnvironment } from '../../src/local/endpoints.ts';
import { afterwards } from './afterwards.ts';

let s3: S3Client | undefined;
let sqs: SQSClient | undefined;
let isRuntimeQuiet = false;

/** An S3 client for the suite's stack; one a process. */
export function testS3(): S3Client {
  s3 ??= stackS3(inject('stack'));
  return s3;
}

/** An SQS client for the suite's stack; one a process. */
export function testSqs(): SQSClient {
  sqs ??= stackSqs(inject('stack'));
  return sqs;
}

/** What a program of ours needs of this process's environment, and nothing of whoever runs the tests. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, NODE_COMPILE_CACHE };
}

/** The environment in which a child process (worker, starter, CLI) uses the suite's stack. */
export function testEnvironment(): NodeJS.ProcessEnv {
  return { ...bareEnvironment(), ...stackEnvironment(inject('stack')) };
}

/** A Temporal client for the suite's stack, closed when the test or the file ends. */
export async function testClient(): Promise<Client> {
  // Loaded where it is wanted: it takes longer than most tests that do without.
  const { Client, Connection } = await import('@temporalio/client');
  const { address, namespace } = inject('stack').temporal;
  const connection = await Connection.connect({ address });
  afterwards(() => connection.close());
  return new Client({ connection, namespace });
}

/** A connection for an in-process worker on the suite's stack, closed when the test or the file ends. */
export async function testNativeConnection(): Promise<NativeConnection> {
  const { DefaultLogger, NativeConnection, Runtime } = await import('@temporalio/worker');
  if (!isRuntimeQuiet) Runtime.install({ logger: new DefaultLogger('WARN') });
  isRuntimeQuiet = true;
  const connection = await NativeConnection.connect({ address: inject('stack').temporal.address });
  afterwards(() => connection.close());
  return connection;
}

/**
 * A name that says which test it is of, and that no other has: lower-case letters, digits and
 * hyphens, at most 50 characters, so that it fits buckets, queues (with `-dlq` or `.fifo`) and
 * workflow ids.
 */
export function uniqueName(): string {
  const title = TestRunner.getCurrentTest()?.name ?? 'file';
  const slug =
    title
      .toLowerCase()
      .match(/[a-z0-9]+/g)
      ?.join('-')
      .slice(0, 40) ?? 'test';
  return `${slug}-${randomBytes(4).toString('hex')}`;
}

/** A task queue of the test's own. */
export function uniqueTaskQueue(): string {
  return uniqueName();
}

/** Makes a bucket of the test's own; it goes with all its objects when the test or the file ends. */
export async function uniqueBucket(): Promise<string> {
  const Bucket = uniqueName();
  await testS3().send(new CreateBucketCommand({ Bucket }));
  // The store under test deletes a bucket's objects with it.
  afterwards(() => testS3().send(new DeleteBucketCommand({ Bucket })));
  return Bucket;
}

export interface TestQueue {
  url: string;
  /** The queue that messages go to after `maxReceiveCount` receives; only with that option. */
  deadLetterUrl: string | undefined;
}

/**
 * Makes a queue of the test's own, which goes when the test or the file ends.
 *
 * @param options.maxReceiveCount gives it a dead-letter queue.
 * @param options.visibilityTimeout in seconds; 30 by default, as in SQS.
 * @param options.fifo makes it, and its dead-letter queue, a FIFO queue.
 */
export async function uniqueQueue(
  options: { maxReceiveCount?: number; visibilityTimeout?: number; fifo?: boolean } = {},
): Promise<TestQueue> {
  const name = uniqueName();
  const { maxReceiveCount, visibilityTimeout = 30 } = options;
  const suffix = options.fifo ? '.fifo' : '';
  const kind: QueueAttributes = options.fifo ? { FifoQueue: 'true' } : {};
  const attributes = { ...kind, VisibilityTimeout: `${visibilityTimeout}` };
  if (maxReceiveCount === undefined) {
    return { url: await createQueue(`${name}${suffix}`, attributes), deadLetterUrl: undefined };
  }
  const deadLetterUrl = await createQueue(`${name}-dlq${suffix}`, kind);
  const deadLetterTargetArn = await queueArn(deadLetterUrl);
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount });
  const url = await createQueue(`${name}${suffix}`, { ...attributes, RedrivePolicy });
  return { url, deadLetterUrl };
}

type QueueAttributes = { VisibilityTimeout?: string; RedrivePolicy?: string; FifoQueue?: string };

async function createQueue(QueueName: string, Attributes: QueueAttributes) {
  const { QueueUrl } = await testSqs().send(new CreateQueueCommand({ QueueName, Attributes }));
  if (!QueueUrl) throw new Error(`No URL for queue ${QueueName}`);
  afterwards(() => testSqs().send(new DeleteQueueCommand({ QueueUrl })));
  return QueueUrl;
}

async function queueArn(QueueUrl: string): Promise<string | undefined> {
  const { Attributes } = await testSqs().send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  return Attributes?.QueueArn;
}
