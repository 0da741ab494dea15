import { basename } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { Command, InvalidArgumentError } from 'commander';
import { createS3Client } from '../clients.ts';
import { parseS3Url } from '../messages/fields.ts';
import type { SplitJob } from '../messages/split.ts';
import { type RunRequest, splitRequest } from '../runs/request.ts';
import { type ObjectLocation, ObjectMissingError } from '../storage/errors.ts';
import { headObject } from '../storage/objects.ts';
import { connected } from './connection.ts';
import { splitView } from './split-view.ts';
import { type RunOptions, showRun, startOrJoin } from './start-run.ts';
import { uploadFile } from './upload-file.ts';

interface Options extends RunOptions {
  readonly batchSize?: number;
  readonly bucket: string;
  readonly downloadId: string;
  readonly updatesQueue?: string;
}

/** `sheaf split`: splits one archive, from a file or from S3. */
export function command(): Command {
  return new Command()
    .description(
      'Splits a ZIP, TAR.GZ or TAR with a manifest into batch zips, follows the run and prints ' +
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
  await connected(async (to) => {
    const s3 = createS3Client();
    try {
      const location = await locate(s3, archive, options);
      const request = await requestOf(s3, location, options);
      await startOrJoin(to.client, request);
      await showRun(to, request.workflowId, splitView, options);
    } finally {
      s3.destroy();
    }
  });
}

/** Where the archive lies in S3; a file is put there. */
async function locate(
  s3: S3Client,
  archive: string,
  { bucket, json }: Options,
): Promise<ObjectLocation> {
  const object = parseS3Url(archive);
  if (object) return object;
  const target = { bucket, key: `export/${basename(archive)}` };
  await uploadFile(s3, archive, target, json);
  return target;
}

async function requestOf(
  s3: S3Client,
  location: ObjectLocation,
  { batchSize, downloadId, updatesQueue }: Options,
): Promise<RunRequest> {
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
  return splitRequest(job, batchSize ? { batchSize } : {});
}

function rows(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a number of rows from 1 up.');
}
