import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import type { ZipJob } from '../../src/messages/zip.ts';
import { zipWorkflowId } from '../../src/workflows/workflow-ids.ts';
import type { zipFiles } from '../../src/workflows/zip-files.ts';
import { listKeys, listUploads, readObject } from './bucket-contents.ts';
import {
  testClient,
  testS3,
  uniqueBucket,
  uniqueName,
  uniqueQueue,
  uniqueTaskQueue,
} from './harness.ts';
import { startWorker, takeMessages } from './split-case.ts';

/** Buckets and queues of a test's own, and workers that are set to them. */
export interface ZipCase {
  readonly client: Client;
  readonly taskQueue: string;
  readonly source: string;
  readonly destination: string;
  readonly resultsUrl: string;
  /** The settings of a worker for this case. */
  readonly settings: Record<string, string>;
  /** Puts objects into the source bucket; gives their keys. */
  put(objects: Objects, options?: PutOptions): Promise<string[]>;
  /** Starts a worker in this process. */
  worker(env?: Record<string, string>, stack?: StackEndpoints): ReturnType<typeof startWorker>;
  /** Starts a run. */
  start(job: ZipJob): Promise<WorkflowHandle<typeof zipFiles>>;
  /** Takes the result messages that are there, in order. */
  results(): Promise<unknown[]>;
  /** The archive at a key of the destination bucket. */
  archive(key: string): Promise<Buffer>;
  /** Every key in the destination bucket. */
  keys(): Promise<string[]>;
  /** The key of every multipart upload there that is neither completed nor aborted. */
  uploads(): Promise<string[]>;
}

type Objects = Readonly<Record<string, Buffer>> | Iterable<readonly [string, Buffer]>;

interface PutOptions {
  /** Gives S3 the CRC-32 of each, as the SDK does by default; false leaves it to be found out. */
  readonly checksum?: boolean;
}

/** Objects that are put at once. */
const PUT_LANES = 16;

export async function zipCase(): Promise<ZipCase> {
  const client = await testClient();
  const taskQueue = uniqueTaskQueue();
  const [source, destination] = await Promise.all([uniqueBucket(), uniqueBucket()]);
  const { url: resultsUrl } = await uniqueQueue();
  const settings = {
    S3_SOURCE_BUCKET: source,
    S3_DESTINATION_BUCKET: destination,
    SQS_DESTINATION_QUEUE: resultsUrl,
  };
  return {
    client,
    taskQueue,
    source,
    destination,
    resultsUrl,
    settings,
    put: (objects, options) => putAll(source, objects, options),
    worker: (env, stack) => startWorker(taskQueue, { ...settings, ...env }, stack),
    start: (job) =>
      client.workflow.start<typeof zipFiles>('zipFiles', {
        taskQueue,
        workflowId: zipWorkflowId(uniqueName()),
        args: [job],
      }),
    results: async () => takeMessages(resultsUrl),
    archive: (key) => readObject(destination, key),
    keys: () => listKeys(destination),
    uploads: () => listUploads(destination),
  };
}

async function putAll(
  Bucket: string,
  objects: Objects,
  { checksum = false }: PutOptions = {},
): Promise<string[]> {
  const entries = Symbol.iterator in objects ? [...objects] : Object.entries(objects);
  const queue = entries.values();
  const lane = async () => {
    for (const [Key, Body] of queue) {
      const algorithm = checksum ? ({ ChecksumAlgorithm: 'CRC32' } as const) : {};
      await testS3().send(new PutObjectCommand({ Bucket, Key, Body, ...algorithm }));
    }
  };
  await Promise.all(Array.from({ length: PUT_LANES }, lane));
  return entries.map(([key]) => key);
}
