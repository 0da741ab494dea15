import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { inject } from 'vitest';
import type { FileProcessor } from '../../src/processors/processor.ts';
import type { routeFile } from '../../src/workflows/route-file.ts';
import { listKeys, readObject } from './bucket-contents.ts';
import { sampleArchive } from './faults.ts';
import {
  testClient,
  testS3,
  uniqueBucket,
  uniqueName,
  uniqueQueue,
  uniqueTaskQueue,
} from './harness.ts';
import { processorsWith } from './processors.ts';
import { startWorker, takeMessages } from './split-case.ts';

/** A bucket and a queue for notices of a test's own, and workers that are set to them. */
export interface RouteCase {
  readonly client: Client;
  readonly taskQueue: string;
  readonly bucket: string;
  readonly noticesUrl: string;
  /** The settings of a worker, or a starter, for this case. */
  readonly settings: Record<string, string>;
  put(key: string, content: Buffer): Promise<void>;
  /** Starts a worker in this process, which has these processors, too. */
  worker(options?: WorkerOptions): ReturnType<typeof startWorker>;
  /** Starts a run of an input. */
  start(input: unknown): Promise<WorkflowHandle<typeof routeFile>>;
  /** Takes the notices that are there, in order. */
  notices(): Promise<unknown[]>;
  /** Every key in the bucket. */
  keys(): Promise<string[]>;
  /** The object at a key of the bucket. */
  read(key: string): Promise<Buffer>;
}

interface WorkerOptions {
  readonly processors?: readonly FileProcessor[];
  readonly env?: Record<string, string>;
  readonly stack?: Parameters<typeof startWorker>[2];
}

export async function routeCase(): Promise<RouteCase> {
  const client = await testClient();
  const taskQueue = uniqueTaskQueue();
  const bucket = await uniqueBucket();
  const { url: noticesUrl } = await uniqueQueue();
  const settings = { ROUTE_NOTIFY_QUEUE: noticesUrl };
  return {
    ...{ client, taskQueue, bucket, noticesUrl, settings },
    put: async (Key, Body) => {
      await testS3().send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    },
    worker: async ({ processors = [], env, stack = inject('stack') } = {}) =>
      startWorker(taskQueue, { ...settings, ...env }, stack, await processorsWith(processors)),
    start: (input) =>
      client.workflow.start<typeof routeFile>('routeFile', {
        taskQueue,
        workflowId: `route-${uniqueName()}`,
        args: [input],
      }),
    notices: () => takeMessages(noticesUrl),
    keys: () => listKeys(bucket),
    read: (key) => readObject(bucket, key),
  };
}

/** The longest comment of a ZIP: the last two bytes before it are its length (APPNOTE.TXT, 4.3.16). */
const MAX_COMMENT_BYTES = 0xffff;

/** A ZIP of so many images with a manifest that has just so many bytes: a comment fills it up. */
export async function archiveOf(bytes: number, rows = 5): Promise<Buffer> {
  const smallest = (await sampleArchive({ rows, imageBytes: 4_000, seed: 1 })).length;
  const imageBytes = 4_000 + Math.floor((bytes - smallest) / rows);
  const archive = await sampleArchive({ rows, imageBytes, seed: 1 });
  const comment = Buffer.alloc(bytes - archive.length, ' ');
  if (comment.length > MAX_COMMENT_BYTES) throw new Error(`A comment can't fill ${bytes} bytes`);
  archive.writeUInt16LE(comment.length, archive.length - 2);
  return Buffer.concat([archive, comment]);
}
