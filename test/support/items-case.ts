import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { inject } from 'vitest';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import type { ItemsJobInput } from '../../src/messages/items.ts';
import type { Processor } from '../../src/processors/processor.ts';
import type { processItems } from '../../src/workflows/process-items.ts';
import { itemsWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { listKeys, readObject } from './bucket-contents.ts';
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

/** A bucket and a queue of a test's own, and workers that are set to them. */
export interface ItemsCase {
  readonly client: Client;
  readonly taskQueue: string;
  readonly bucket: string;
  readonly batchId: string;
  readonly resultsUrl: string;
  /** The settings of a worker for this case. */
  readonly settings: Record<string, string>;
  /** Puts a file of items into the bucket; gives it as a source. */
  put(key: string, content: string | Buffer): Promise<{ bucket: string; key: string }>;
  /** Starts a worker in this process, which has these processors, too. */
  worker(options?: WorkerOptions): ReturnType<typeof startWorker>;
  /** Starts a run of the case's batch, on another task queue than the case's where that is given. */
  start(job: Job, taskQueue?: string): Promise<WorkflowHandle<typeof processItems>>;
  /** Takes the result messages that are there, in order. */
  results(): Promise<unknown[]>;
  /** The failures that a result names, in order. */
  failures(url: string | null): Promise<{ id: string; error: string }[]>;
  /** Every key in the bucket. */
  keys(): Promise<string[]>;
}

type Job = Partial<ItemsJobInput> & Pick<ItemsJobInput, 'source'>;

interface WorkerOptions {
  readonly processors?: readonly Processor[];
  readonly env?: Record<string, string>;
  readonly stack?: StackEndpoints;
}

/** @param taskQueue that of a worker which several tests share, or the test's own */
export async function itemsCase(
  stack = inject('stack'),
  client?: Client,
  taskQueue = uniqueTaskQueue(),
): Promise<ItemsCase> {
  const bucket = await uniqueBucket();
  const { url: resultsUrl } = await uniqueQueue();
  const batchId = uniqueName();
  const temporal = client ?? (await testClient());
  const settings = { ITEMS_BUCKET: bucket, ITEMS_HEARTBEAT_SECONDS: '1' };
  return {
    client: temporal,
    ...{ taskQueue, bucket, batchId, resultsUrl, settings },
    put: async (key, content) => {
      await testS3().send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content }));
      return { bucket, key };
    },
    worker: async ({ processors = [], env, stack: other = stack } = {}) =>
      startWorker(taskQueue, { ...settings, ...env }, other, await processorsWith(processors)),
    start: (job, other = taskQueue) =>
      temporal.workflow.start<typeof processItems>('processItems', {
        taskQueue: other,
        workflowId: itemsWorkflowId(batchId),
        args: [{ batchId, processor: 'sleep', timeScale: 0, notifyQueueUrl: resultsUrl, ...job }],
      }),
    results: () => takeMessages(resultsUrl),
    failures: (url) => readFailures(url),
    keys: () => listKeys(bucket),
  };
}

async function readFailures(url: string | null) {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.*)$/.exec(url ?? '') ?? [];
  const text = (await readObject(bucket ?? '', key ?? '')).toString('utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** Items as a CSV file. */
export function csvOf(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `item-${index},${index % 1001}\n`);
  return `id,value\n${rows.join('')}`;
}
