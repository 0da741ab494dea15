import { createReadStream, existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Client, WorkflowIdConflictPolicy } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { createS3Client } from '../clients.ts';
import { loadConfig } from '../config.ts';
import { parseS3Url } from '../messages/fields.ts';
import type { SplitJob } from '../messages/split.ts';
import { type ObjectLocation, ObjectMissingError, objectUrl } from '../storage/errors.ts';
import { headObject } from '../storage/objects.ts';
import { upload } from '../storage/upload.ts';
import type { splitArchive } from '../workflows/split-archive.ts';
import { splitWorkflowId } from '../workflows/workflow-ids.ts';
import { connect, runLink } from './connection.ts';
import { followRun } from './follow-run.ts';
import { formatBytes } from './format.ts';
import { splitView } from './split-view.ts';

interface Options {
  readonly batchSize?: number;
  readonly bucket: string;
  readonly downloadId: string;
  readonly updatesQueue?: string;
  readonly wait: boolean;
  readonly json?: true;
}

/** `sheaf split`: splits one archive, from a file or from S3. */
export function command(): Command {
  return new Command()
    .description(
      'Splits a ZIP, TAR.GZ or TAR with a manifest into batch zips, follows the run and prints\n' +
        'the parts. A file is uploaded first. The batch zips lie under batch/ in the same bucket.',
    )
    .argument('<archive>', 'a .zip, .tar.gz, .tgz or .tar file, or s3://bucket/key')
    .option('--batch-size <rows>', "rows a batch zip (default: the worker's BATCH_SIZE)", rows)
    .option('--bucket <name>', 'where a file is uploaded to, under export/', 'sheaf-demo')
    .option('--download-id <id>', 'id of the job; part of the run’s id', 'cli')
    .option('--updates-queue <url>', 'SQS queue that is told the result')
    .option('--no-wait', 'start the run and print its id')
    .option('--json', "print the run's result as one line of JSON")
    .action(split);
}

async function split(archive: string, options: Options): Promise<void> {
  const { client, ui } = await connect();
  const s3 = createS3Client();
  try {
    const location = await locate(s3, archive, options);
    const workflowId = await start(client, s3, location, options);
    const link = runLink(ui, workflowId);
    if (!options.wait) {
      console.log(options.json ? JSON.stringify({ workflowId }) : workflowId);
      return;
    }
    if (!options.json) console.error(link ? `  ${workflowId}\n  ${link}` : `  ${workflowId}`);
    const result = await followRun(client, workflowId, splitView);
    console.log(options.json ? JSON.stringify(result) : splitView.report(result));
  } finally {
    await client.connection.close();
    s3.destroy();
  }
}

/** Where the archive lies in S3; a file is put there. */
async function locate(
  s3: S3Client,
  archive: string,
  { bucket, json }: Options,
): Promise<ObjectLocation> {
  const object = parseS3Url(archive);
  if (object) return object;
  if (!existsSync(archive)) {
    throw new Error(`There is no file ${archive}; give a file, or s3://bucket/key`);
  }
  const target = { bucket, key: `export/${basename(archive)}` };
  const { size } = await stat(archive);
  await upload(s3, createReadStream(archive), target, (bytes) => {
    if (process.stderr.isTTY && !json) {
      process.stderr.write(`\r  uploading ${formatBytes(bytes)} of ${formatBytes(size)} `);
    }
  });
  if (!json) console.error(`\r  uploaded ${formatBytes(size)} to ${objectUrl(target)}  `);
  return target;
}

async function start(
  client: Client,
  s3: S3Client,
  location: ObjectLocation,
  { batchSize, downloadId, updatesQueue }: Options,
): Promise<string> {
  const head = await headObject(s3, location);
  if (!head) throw new ObjectMissingError(location);
  const job: SplitJob = {
    downloadId,
    file: basename(location.key),
    exportPath: location.key,
    totalSize: head.size,
    s3Bucket: location.bucket,
    ...(updatesQueue && { updatesQueueUrl: updatesQueue }),
  };
  const { workflowId } = await client.workflow.start<typeof splitArchive>('splitArchive', {
    workflowId: splitWorkflowId(job),
    taskQueue: loadConfig(process.env).TASK_QUEUE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: `Split ${objectUrl(location)}`,
    args: [job, batchSize ? { batchSize } : {}],
  });
  return workflowId;
}

function rows(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a number of rows from 1 up.');
}
