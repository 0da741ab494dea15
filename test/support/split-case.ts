import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { inject } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { stackS3, stackSqs } from '../../src/local/clients.ts';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import type { Log } from '../../src/log.ts';
import type { SplitJob, SplitOptions } from '../../src/messages/split.ts';
import type { Processors } from '../../src/processors/load.ts';
import { startWorkers } from '../../src/worker/workers.ts';
import type { splitArchive } from '../../src/workflows/split-archive.ts';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { afterwards } from './afterwards.ts';
import { listKeys, listUploads, readObject } from './bucket-contents.ts';
import {
  testClient,
  testNativeConnection,
  testS3,
  testSqs,
  uniqueBucket,
  uniqueName,
  uniqueQueue,
  uniqueTaskQueue,
} from './harness.ts';
import { jsonByPython } from './python.ts';

/**
 * Runs a worker in this process until the test ends; `env` holds settings, as for a real one, TMPDIR
 * included. It uses the suite's stack, or this one, which may have a proxy in S3's place. `stop` ends
 * it before that.
 */
export async function startWorker(
  taskQueue: string,
  env: Record<string, string> = {},
  stack: StackEndpoints = inject('stack'),
  processors?: Processors,
): Promise<{ stop(): Promise<void> }> {
  const { running, shutdown } = await startWorkers({
    connection: await testNativeConnection(),
    namespace: stack.temporal.namespace,
    taskQueue,
    workflows: { workflowBundle: { codePath: inject('workflowBundle') } },
    s3: stackS3(stack),
    sqs: stackSqs(stack),
    config: loadConfig(env),
    log: SILENT,
    ...(processors && { processors }),
    ...(env.TMPDIR && { tmpDir: env.TMPDIR }),
  });
  const stop = async () => {
    shutdown();
    await running;
  };
  afterwards(stop);
  return { stop };
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A split job of a test's own: its bucket, queues, and archive. */
export interface SplitCase {
  readonly job: SplitJob & { readonly updatesQueueUrl: string };
  readonly taskQueue: string;
  readonly client: Client;
  /** Starts a run of the job. */
  start(options?: SplitOptions): Promise<WorkflowHandle<typeof splitArchive>>;
  /** Takes the result messages that are there, in order. */
  results(): Promise<unknown[]>;
  /** The object at `batch/<name>`. */
  part(name: string): Promise<Buffer>;
  /** Every key in the bucket. */
  keys(): Promise<string[]>;
  /** The key of every multipart upload that is neither completed nor aborted. */
  uploads(): Promise<string[]>;
}

/**
 * Puts an archive into a bucket of the test's own, ready to be split.
 *
 * @param fields replace those that the job would have.
 * @param taskQueue that of a worker which several tests share, or the test's own.
 */
export async function splitCase(
  archive: Buffer | undefined,
  fields: Partial<SplitCase['job']> = {},
  taskQueue = uniqueTaskQueue(),
): Promise<SplitCase> {
  const client = await testClient();
  const s3Bucket = fields.s3Bucket ?? (await uniqueBucket());
  const updatesQueueUrl = fields.updatesQueueUrl ?? (await uniqueQueue()).url;
  const file = fields.file ?? `${uniqueName()}.zip`;
  const job = {
    downloadId: 4711,
    file,
    exportPath: `export/${file}`,
    totalSize: archive?.length ?? 0,
    s3Bucket,
    updatesQueueUrl,
    ...fields,
  };
  if (archive) await putArchive(job, archive);
  return {
    job,
    taskQueue,
    client,
    start: (options = {}) =>
      client.workflow.start<typeof splitArchive>('splitArchive', {
        taskQueue,
        workflowId: splitWorkflowId(job),
        args: [job, options],
      }),
    results: () => takeMessages(updatesQueueUrl),
    part: (name) => readObject(s3Bucket, `batch/${name}`),
    keys: () => listKeys(s3Bucket),
    uploads: () => listUploads(s3Bucket),
  };
}

/** Puts, or replaces, a job's archive. */
export async function putArchive(job: SplitJob, archive: Buffer): Promise<void> {
  await testS3().send(
    new PutObjectCommand({ Bucket: job.s3Bucket, Key: job.exportPath, Body: archive }),
  );
}

/** Receives and deletes the messages of a queue until it is empty; bodies are JSON. */
export async function takeMessages(QueueUrl: string, sqs = testSqs()): Promise<unknown[]> {
  const bodies: unknown[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) return bodies;
    for (const { Body = '', ReceiptHandle } of Messages) {
      bodies.push(JSON.parse(Body));
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

/** What Python's `zipfile` reads from an archive, in its order: each entry's name and SHA-256. */
export function hashesByPython(archive: Buffer): [name: string, sha256: string][] {
  const program = `
import hashlib, io, json, sys, zipfile
archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
json.dump([[name, hashlib.sha256(archive.read(name)).hexdigest()] for name in archive.namelist()], sys.stdout)
`;
  return jsonByPython(program, archive);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
