import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { Command, InvalidArgumentError } from 'commander';
import { createS3Client, createSqsClient } from '../clients.ts';
import { loadConfig } from '../config.ts';
import { parseS3Url } from '../messages/fields.ts';
import { isOurs } from '../messages/folders.ts';
import { objectCreatedEvent } from '../messages/s3-event.ts';
import { resolveQueue } from '../queue-url.ts';
import { routeRequest } from '../runs/request.ts';
import { routeWorkflowId } from '../runs/route-id.ts';
import { sendJson } from '../send-json.ts';
import { type ObjectLocation, ObjectMissingError } from '../storage/errors.ts';
import { headObject } from '../storage/objects.ts';
import { connected } from './connection.ts';
import { UsageError } from './exit-codes.ts';
import { awaitRun } from './follow-run.ts';
import { routeView } from './route-view.ts';
import { type RunOptions, showRun, startOrJoin } from './start-run.ts';
import { uploadFile } from './upload-file.ts';

interface Options extends RunOptions {
  readonly threshold?: number;
  readonly notify?: string;
  readonly bucket: string;
  readonly prefix?: string;
}

/** `sheaf route`: routes one file by its size, from S3 or, as S3 would, after an upload. */
export function command(): Command {
  return new Command()
    .description(
      'Routes a file by its size: larger than the threshold is processed (an archive with a manifest is ' +
        'split), smaller is too small. Follows the run and prints its states.\n\n' +
        'A file of this machine is uploaded, and the event that S3 sends of an upload goes to the route ' +
        'queue: for stores that send none, as the embedded one. Where the bucket sends events to the ' +
        'queue itself, upload with any other tool.',
    )
    .argument('<file>', 's3://bucket/key, or a file')
    .option(
      '--threshold <bytes>',
      "bytes to compare with; for s3://bucket/key only (default: the worker's)",
      size,
    )
    .option('--notify <url>', 'SQS queue for the notice; for s3://bucket/key only')
    .option('--bucket <name>', 'where a file is uploaded to', 'incoming')
    .option('--prefix <prefix>', 'what its key begins with, e.g. exports/')
    .option('--no-wait', 'print the id of the run, and do not follow it')
    .option('--json', "print the run's result as one line of JSON")
    .action(route);
}

async function route(file: string, options: Options): Promise<void> {
  await connected(async (to) => {
    const s3 = createS3Client();
    try {
      const object = parseS3Url(file);
      if (object) {
        const request = await requestOf(s3, object, options);
        await startOrJoin(to.client, request);
        await showRun(to, request.workflowId, routeView, options);
      } else {
        const workflowId = await drop(s3, file, options);
        // An id is printed of a run that there is, as by the other commands.
        await awaitRun(to.client, workflowId);
        await showRun(to, workflowId, routeView, options);
      }
    } finally {
      s3.destroy();
    }
  });
}

async function requestOf(s3: S3Client, object: ObjectLocation, { threshold, notify }: Options) {
  // An absent object is the run's to tell. Its id then has nothing that it could be joined by.
  const { etag } = (await headObject(s3, object)) ?? { etag: randomUUID() };
  return routeRequest(routeWorkflowId(object.bucket, object.key, etag), {
    ...object,
    ...(threshold !== undefined && { threshold }),
    ...(notify !== undefined && { notifyQueueUrl: notify }),
  });
}

/** Uploads a file and sends S3's event of it; gives the id of the run that a starter makes of it. */
async function drop(s3: S3Client, file: string, options: Options): Promise<string> {
  const { bucket, prefix = '', threshold, notify, json } = options;
  if (threshold !== undefined || notify !== undefined) {
    throw new UsageError(
      '--threshold and --notify go with s3://bucket/key: an event has no place for them',
    );
  }
  const target = { bucket, key: `${prefix}${basename(file)}` };
  if (isOurs(target.key)) {
    throw new UsageError(
      `--prefix ${prefix}: objects there are written by splits, and are not routed; choose another`,
    );
  }
  const { ROUTE_QUEUE_URL } = loadConfig(process.env);
  if (!ROUTE_QUEUE_URL) {
    throw new UsageError('ROUTE_QUEUE_URL: expected the queue that the event goes to, got nothing');
  }
  await uploadFile(s3, file, target, json);
  const head = await headObject(s3, target);
  if (!head) throw new ObjectMissingError(target);
  const event = objectCreatedEvent({ ...head, time: new Date() });
  const [record] = event.Records;
  const workflowId = routeWorkflowId(bucket, target.key, record?.s3.object.sequencer ?? '');
  const sqs = createSqsClient();
  try {
    const queueUrl = await resolveQueue(sqs, ROUTE_QUEUE_URL);
    const ids = { groupId: workflowId, deduplicationId: workflowId };
    await sendJson(sqs, { queueUrl, body: JSON.stringify(event), ...ids });
  } finally {
    sqs.destroy();
  }
  return workflowId;
}

function size(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Expected a number of bytes from 0 up.');
}
