import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import pc from 'picocolors';
import { stackS3, stackSqs } from '../local/clients.ts';
import type { StackEndpoints } from '../local/endpoints.ts';
import { stackEnvironment } from '../local/endpoints.ts';
import { dataDir } from '../local/paths.ts';
import { type SampleExport, type SampleFormat, sampleExport } from '../local/sample-export.ts';
import type { SplitFailure, SplitJob, SplitSuccess } from '../messages/split.ts';
import { upload } from '../storage/upload.ts';
import { connectClient } from '../temporal.ts';
import type { SplitResult } from '../workflows/split-archive.ts';
import { splitWorkflowId } from '../workflows/workflow-ids.ts';
import { runLink } from './connection.ts';
import { checkParts } from './demo-check.ts';
import { awaitRun, followRun } from './follow-run.ts';
import { formatBytes, formatCount, formatDuration } from './format.ts';
import { splitView } from './split-view.ts';
import { aborted, stopRequests } from './stop-requests.ts';
import { startSystem } from './system.ts';

/** What the demo makes and how it is split. */
export interface DemoOptions {
  readonly rows: number;
  /** Size of one image in bytes. */
  readonly imageBytes: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly format: SampleFormat;
  readonly keep?: true;
}

export const DEMO_DEFAULTS = {
  rows: 4500,
  imageBytes: 12_000,
  batchSize: 2000,
  seed: 1,
  format: 'zip',
} as const satisfies DemoOptions;

/** The trigger message: a job that names where its result goes. */
type Trigger = SplitJob & { readonly updatesQueueUrl: string };

/** Where the demo tells what it does. */
export interface DemoOutput {
  step(name: string): void;
  note(line: string): void;
  print(text: string): void;
}

/** A step of the demo that failed; the message says which, why, and what to do. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

const BUCKET = 'sheaf-demo';

/** The result message of a run that has ended is there within moments (s). */
const RESULT_WAIT_SECONDS = 20;

/** Runs the demo from the start of the servers to their stop. Throws {@link DemoError}. */
export async function runDemo(options: DemoOptions, output: DemoOutput): Promise<void> {
  const startedAt = Date.now();
  const stop = stopRequests();
  const interrupted = aborted(stop.first).then(() => Promise.reject(new DemoError('Interrupted')));
  interrupted.catch(() => {});
  const system = await step(
    output,
    'Starting Temporal, S3 and SQS servers, a worker and a starter',
    'see .sheaf/logs; npx sheaf up starts the same by hand',
    () =>
      startSystem({
        dataDir: dataDir(process.env),
        env: { ...process.env, BATCH_SIZE: String(options.batchSize) },
        workers: 1,
        logs: 'files',
        report: output.note,
        warn: output.note,
        signal: stop.first,
      }),
  );
  try {
    await Promise.race([new Demo(options, output, system.stack.endpoints).run(), interrupted]);
    output.print(`\n${pc.green('Done')} in ${formatDuration(Date.now() - startedAt)}`);
    if (options.keep) {
      output.print('The stack stays up; Ctrl-C to stop');
      await aborted(stop.first);
    } else {
      output.note('--keep leaves the stack up, for a look at the run in the Web UI');
    }
  } finally {
    stop.second.addEventListener('abort', () => void system.kill());
    await system.stop();
  }
}

class Demo {
  readonly #options: DemoOptions;
  readonly #output: DemoOutput;
  readonly #stack: StackEndpoints;
  readonly #sample: SampleExport;
  /** All of the trigger message but the archive's size, which only its upload tells. */
  readonly #job: Omit<Trigger, 'totalSize'>;

  constructor(options: DemoOptions, output: DemoOutput, stack: StackEndpoints) {
    this.#options = options;
    this.#output = output;
    this.#stack = stack;
    this.#sample = sampleExport(options);
    this.#job = {
      // Another id each time: the result message of this run must not be taken for an earlier one's.
      downloadId: Date.now(),
      file: this.#sample.fileName,
      exportPath: `export/${this.#sample.fileName}`,
      s3Bucket: BUCKET,
      updatesQueueUrl: stack.queues.updates,
    };
    Object.assign(process.env, stackEnvironment(stack));
  }

  async run(): Promise<void> {
    const { rows } = this.#options;
    const { exportPath } = this.#job;
    const totalSize = await this.#step(
      `Uploading a sample export of ${formatCount(rows, 'image')} to s3://${BUCKET}/${exportPath}`,
      'is the disk full? rm -rf .sheaf starts over with an empty S3',
      () => this.#upload(),
    );
    await this.#step(
      'Sending the trigger message to the queue "split"',
      'rm -rf .sheaf starts over with empty queues',
      () => this.#sendTrigger({ ...this.#job, totalSize }),
    );
    const result = await this.#step(
      'Splitting',
      `npx sheaf watch ${splitWorkflowId(this.#job)}, or the Web UI, shows what happened`,
      () => this.#follow(),
    );
    const message = await this.#step(
      'Receiving the result message from the queue "updates"',
      'the Web UI shows whether sendResult has run',
      () => this.#receiveResult(),
    );
    await this.#step(
      `Downloading and checking ${formatCount(message.batchFiles.length, 'batch zip')}`,
      'the batch zips stay in S3 for a look',
      () => this.#check(message),
    );
    this.#output.print(`\n${splitView.report(result)}\n\n  ${pc.dim('run')}  ${this.#link()}`);
  }

  async #upload(): Promise<number> {
    const s3 = stackS3(this.#stack);
    const size = await upload(
      s3,
      this.#sample.chunks(),
      { bucket: BUCKET, key: this.#job.exportPath },
      () => {},
    );
    s3.destroy();
    this.#output.note(`${formatBytes(size)}, manifest of 18 columns`);
    return size;
  }

  async #sendTrigger(message: Trigger): Promise<void> {
    // As PHP's json_encode writes it: slashes are escaped.
    const body = JSON.stringify(message).replaceAll('/', '\\/');
    const sqs = stackSqs(this.#stack);
    await sqs.send(
      new SendMessageCommand({ QueueUrl: this.#stack.queues.split, MessageBody: body }),
    );
    sqs.destroy();
    this.#output.note(body);
  }

  async #follow(): Promise<SplitResult> {
    this.#output.note(this.#link());
    const client = await connectClient();
    try {
      const workflowId = splitWorkflowId(this.#job);
      await awaitRun(client, workflowId);
      return await followRun(client, workflowId, splitView);
    } finally {
      await client.connection.close();
    }
  }

  async #receiveResult(): Promise<SplitSuccess> {
    const QueueUrl = this.#stack.queues.updates;
    const sqs = stackSqs(this.#stack);
    const deadline = Date.now() + RESULT_WAIT_SECONDS * 1000;
    try {
      while (Date.now() < deadline) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
        );
        for (const { Body = '', ReceiptHandle } of Messages) {
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          const message: SplitSuccess | SplitFailure = JSON.parse(Body);
          if (message.downloadId !== this.#job.downloadId) continue;
          this.#output.note(Body);
          if (message.status === 'failed') throw new Error(message.error);
          return message;
        }
      }
    } finally {
      sqs.destroy();
    }
    throw new Error(`No result message for ${this.#job.downloadId} in ${RESULT_WAIT_SECONDS} s`);
  }

  async #check({ batchFiles }: SplitSuccess): Promise<void> {
    const s3 = stackS3(this.#stack);
    try {
      const checked = await checkParts(s3, BUCKET, batchFiles, this.#sample);
      this.#output.note(
        `${formatCount(checked.images, 'image')} equal to the source's by SHA-256, ${formatCount(checked.rows, 'row')} of the manifest in order`,
      );
    } finally {
      s3.destroy();
    }
  }

  #link(): string {
    return runLink(this.#stack.temporal.ui, splitWorkflowId(this.#job)) as string;
  }

  #step<T>(name: string, remedy: string, run: () => Promise<T>): Promise<T> {
    return step(this.#output, name, remedy, run);
  }
}

async function step<T>(
  output: DemoOutput,
  name: string,
  remedy: string,
  run: () => Promise<T>,
): Promise<T> {
  output.step(name);
  try {
    return await run();
  } catch (error) {
    throw new DemoError(`${name}: failed: ${(error as Error).message}\n  ${remedy}`, {
      cause: error,
    });
  }
}
