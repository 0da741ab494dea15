import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { text } from 'node:stream/consumers';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Client, WorkflowIdConflictPolicy } from '@temporalio/client';
import { Command } from 'commander';
import { createS3Client } from '../clients.ts';
import { type Config, loadConfig } from '../config.ts';
import { MessageError, parseBody } from '../messages/parse.ts';
import { fileListSchema, type ZipJob, zipJobSchema, zipSummary } from '../messages/zip.ts';
import { archiveUrl } from '../storage/archive-url.ts';
import { objectUrl } from '../storage/errors.ts';
import { putObject } from '../storage/objects.ts';
import { zipWorkflowId } from '../workflows/workflow-ids.ts';
import type { zipFiles } from '../workflows/zip-files.ts';
import { connect, runLink } from './connection.ts';
import { followRun } from './follow-run.ts';
import { zipView } from './zip-view.ts';

interface Options {
  readonly id?: string;
  readonly archiveName?: string;
  readonly deflate?: true;
  readonly wait: boolean;
  readonly json?: true;
}

/** Longer lists of files (bytes of JSON) are put into S3: a run's input is kept in its history. */
const MAX_INLINE_BYTES = 256 * 1024;

/** `sheaf zip`: puts the objects of a list into one archive. */
export function command(): Command {
  return new Command()
    .description(
      'Puts S3 objects into one archive, follows the run and prints a link. The list is the JSON of a\n' +
        'zip message, {"files":[{"source":"dir/a.png","destination":"album_1"}]}, or the array of files\n' +
        'alone. A source is a key in S3_SOURCE_BUCKET, or s3://bucket/key.',
    )
    .argument('<list>', 'a JSON file, or - for standard input')
    .option('--id <id>', "id of the job; part of the run's id (default: the list's file name)")
    .option('--archive-name <name>', 'name of the archive (default: the id of the job)')
    .option('--deflate', 'compress the files')
    .option('--no-wait', 'start the run and print its id')
    .option('--json', "print the run's result, and a link, as one line of JSON")
    .action(zip);
}

async function zip(list: string, options: Options): Promise<void> {
  const id = options.id ?? (list === '-' ? randomUUID() : basename(list, extname(list)));
  const job = await readJob(list, options);
  const { client, ui } = await connect();
  const s3 = createS3Client();
  const config = loadConfig(process.env);
  try {
    const workflowId = await start(client, id, await outsourced(s3, config, id, job), config);
    const link = runLink(ui, workflowId);
    if (!options.wait) {
      console.log(options.json ? JSON.stringify({ workflowId }) : workflowId);
      return;
    }
    if (!options.json) console.error(link ? `  ${workflowId}\n  ${link}` : `  ${workflowId}`);
    const result = await followRun(client, workflowId, zipView);
    const url = await archiveUrl(s3, config, result);
    if (options.json) console.log(JSON.stringify({ archiveUrl: url, ...result }));
    else console.log(`${zipView.report(result)}\n\n  ${url}`);
  } finally {
    await client.connection.close();
    s3.destroy();
  }
}

async function readJob(list: string, { archiveName, deflate }: Options): Promise<ZipJob> {
  const json = list === '-' ? await text(process.stdin) : await readFile(list, 'utf8');
  const job = json.trimStart().startsWith('[')
    ? parseBody(fileListSchema, `{"files":${json}}`, `list of files (${list})`)
    : parseBody(zipJobSchema, json, `zip message (${list})`);
  const overrides = {
    ...(archiveName !== undefined && { archiveName }),
    ...(deflate && { compression: 'deflate' as const }),
  };
  return parseBody(zipJobSchema, JSON.stringify({ ...job, ...overrides }), 'zip job');
}

/** A job whose list is too long for a history refers to it, in S3, instead. */
async function outsourced(
  s3: S3Client,
  config: Config,
  id: string,
  { files, ...job }: ZipJob,
): Promise<ZipJob> {
  const body = Buffer.from(JSON.stringify({ files }));
  if (!files || body.length <= MAX_INLINE_BYTES) return { ...job, ...(files && { files }) };
  const bucket = config.S3_DESTINATION_BUCKET;
  if (!bucket) {
    throw new MessageError(
      `The list has ${body.length} bytes, which is too long for a run's input; set S3_DESTINATION_BUCKET, the bucket that it is put into`,
    );
  }
  const location = { bucket, key: `sheaf/lists/${id}-${randomUUID()}.json` };
  await putObject(s3, location, body);
  return { ...job, fileList: objectUrl(location) };
}

async function start(client: Client, id: string, job: ZipJob, config: Config): Promise<string> {
  const { workflowId } = await client.workflow.start<typeof zipFiles>('zipFiles', {
    workflowId: zipWorkflowId(id),
    taskQueue: config.TASK_QUEUE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: zipSummary(job),
    args: [job],
  });
  return workflowId;
}
