import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { text } from 'node:stream/consumers';
import type { S3Client } from '@aws-sdk/client-s3';
import { Command } from 'commander';
import { createS3Client } from '../clients.ts';
import { type Config, loadConfig } from '../config.ts';
import { WORKING_FOLDER } from '../messages/folders.ts';
import { MessageError, parseBody } from '../messages/parse.ts';
import { fileListSchema, type ZipJob, zipJobSchema } from '../messages/zip.ts';
import { zipRequest } from '../runs/request.ts';
import { archiveUrl } from '../storage/archive-url.ts';
import { objectUrl } from '../storage/errors.ts';
import { putObject } from '../storage/objects.ts';
import { connected } from './connection.ts';
import { type RunOptions, showRun, startOrJoin } from './start-run.ts';
import { zipView } from './zip-view.ts';

interface Options extends RunOptions {
  readonly id?: string;
  readonly archiveName?: string;
  readonly deflate?: true;
}

/** Longer lists of files (bytes of JSON) are put into S3: a run's input is kept in its history. */
const MAX_INLINE_BYTES = 256 * 1024;

/** `sheaf zip`: puts the objects of a list into one archive. */
export function command(): Command {
  return new Command()
    .description(
      'Puts S3 objects into one archive, follows the run and prints a link. The list is the JSON of a ' +
        'zip message, {"files":[{"source":"dir/a.png","destination":"album_1"}]}, or the array of files ' +
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
  await connected(async (to) => {
    const s3 = createS3Client();
    const config = loadConfig(process.env);
    try {
      const request = zipRequest(id, await outsourced(s3, config, id, job));
      await startOrJoin(to.client, request);
      await showRun(to, request.workflowId, zipView, options, async (result) => {
        const url = await archiveUrl(s3, config, result);
        return options.json
          ? { archiveUrl: url, ...result }
          : `${zipView.report(result)}\n\n  ${url}`;
      });
    } finally {
      s3.destroy();
    }
  });
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
  const location = { bucket, key: `${WORKING_FOLDER}lists/${id}-${randomUUID()}.json` };
  await putObject(s3, location, body);
  return { ...job, fileList: objectUrl(location) };
}
