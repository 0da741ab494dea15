/**
 * What a careful user would write in TypeScript: download the archive to disk, extract it to disk
 * (yauzl), read the manifest (csv-parse), and pack each batch from disk (archiver, stored), streamed
 * into a multipart upload (lib-storage). Everything streams, everything runs side by side within
 * bounds, and the S3 client is the one that sheaf uses.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ZipArchive } from 'archiver';
import { parse } from 'csv-parse/sync';
import yauzl from 'yauzl';
import { createS3Client } from '../../src/clients.ts';
import { inLanes } from '../../src/storage/lanes.ts';
import { headObject, streamRange } from '../../src/storage/objects.ts';
import { type ProgramJob, type ProgramResult, runProgram } from './protocol.ts';
import { ranges } from './ranges.ts';

/** Ranged reads of the archive under way at once, as in the floor. */
const READS_AT_ONCE = 4;

/** Files that are extracted at once: libuv has four threads for the disk. */
const FILES_AT_ONCE = 4;

/** lib-storage's own number of parts at once, and a part that is larger than its own 5 MiB. */
const PARTS_AT_ONCE = 4;
const PART_BYTES = 8 * 1024 * 1024;

const MANIFEST = 'manifest.csv';

/** No failure is left running: the process ends with it. */
const { signal } = new AbortController();

/** A batch zip that is to be made. */
interface Batch {
  readonly key: string;
  readonly manifest: string;
  readonly images: readonly string[];
}

/** What csv-parse gives for a row with its `raw` option. */
interface RawRow {
  readonly raw: string;
  readonly record: readonly string[];
}

await runProgram(async (job) => {
  const s3 = createS3Client();
  try {
    return await split(s3, job);
  } finally {
    s3.destroy();
  }
});

async function split(s3: S3Client, job: ProgramJob): Promise<ProgramResult> {
  const archive = join(job.workDir, 'archive.zip');
  const folder = join(job.workDir, 'images');
  await mkdir(folder);
  const bytesRead = await download(s3, job, archive);
  await extract(archive, folder);
  let bytesWritten = 0;
  await inLanes(await planBatches(folder, job), job.lanes, signal, async (batch) => {
    const bytes = await packBatch(s3, job.bucket, folder, batch);
    bytesWritten += bytes;
  });
  return { bytesRead, bytesWritten };
}

async function download(s3: S3Client, job: ProgramJob, file: string): Promise<number> {
  const head = await headObject(s3, { bucket: job.bucket, key: job.key });
  if (!head) throw new Error(`There is no s3://${job.bucket}/${job.key}`);
  await writeFile(file, '');
  await inLanes(ranges(head.size), READS_AT_ONCE, signal, async ({ start, end }) => {
    const target = createWriteStream(file, { flags: 'r+', start });
    await pipeline(streamRange(s3, head, start, end, signal), target);
  });
  return head.size;
}

async function extract(archive: string, folder: string): Promise<void> {
  const zip = await yauzl.openPromise(archive, { autoClose: false });
  const entries = await Array.fromAsync(zip.eachEntry());
  await inLanes(entries, FILES_AT_ONCE, signal, async (entry) => {
    const content = await zip.openReadStreamPromise(entry);
    await pipeline(content, createWriteStream(join(folder, entry.fileName)));
  });
  zip.close();
}

async function planBatches(folder: string, job: ProgramJob): Promise<Batch[]> {
  const manifest = await readFile(join(folder, MANIFEST), 'utf8');
  // `raw` keeps a row's own text, so that no quoting is changed on the way through.
  const rows: unknown = parse(manifest, { raw: true, relax_quotes: true });
  const [header, ...records] = rows as RawRow[];
  const imageColumn = header?.record.indexOf('imageName') ?? -1;
  const base = job.file.replace(/\.zip$/, '');
  const batches: Batch[] = [];
  for (let first = 0; first < records.length; first += job.batchSize) {
    const batch = records.slice(first, first + job.batchSize);
    batches.push({
      key: `batch/${base}-part${batches.length + 1}.zip`,
      manifest: [header, ...batch].map((row) => row?.raw).join(''),
      images: batch.map(({ record }) => record[imageColumn] as string),
    });
  }
  return batches;
}

async function packBatch(
  s3: S3Client,
  bucket: string,
  folder: string,
  { key, manifest, images }: Batch,
): Promise<number> {
  const archive = new ZipArchive({ store: true });
  const body = new PassThrough();
  const packed = pipeline(archive, body);
  archive.append(manifest, { name: MANIFEST });
  for (const image of images) archive.file(join(folder, image), { name: image });
  const upload = new Upload({
    client: s3,
    params: { Bucket: bucket, Key: key, Body: body, ContentType: 'application/zip' },
    queueSize: PARTS_AT_ONCE,
    partSize: PART_BYTES,
  });
  await Promise.all([upload.done(), archive.finalize(), packed]);
  return archive.pointer();
}
