/**
 * What a careful user would write in TypeScript: download the archive to disk, unpack it to disk
 * (yauzl, tar-stream), read the manifest (csv-parse), and pack each batch from disk (archiver, stored),
 * streamed into a multipart upload (lib-storage). Everything runs side by side within bounds, and the
 * S3 client is the one that sheaf uses.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { parse } from 'csv-parse/sync';
import { inLanes } from '../../src/storage/lanes.ts';
import type { ArchiveJob } from '../split/archive.ts';
import { pack } from './pack.ts';
import { type ProgramJob, type ProgramResult, runProgram } from './protocol.ts';
import { download } from './ranges.ts';
import { unpack } from './unpack.ts';

/** A part of an upload (bytes), larger than lib-storage's own 5 MiB. */
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

await runProgram(split);

async function split(s3: S3Client, job: ProgramJob<ArchiveJob>): Promise<ProgramResult> {
  const archive = join(job.workDir, job.file);
  const folder = join(job.workDir, 'images');
  await mkdir(folder);
  const bytesRead = await download(s3, job, archive, signal);
  await unpack(archive, folder);
  let bytesWritten = 0;
  await inLanes(await planBatches(folder, job), job.lanes, signal, async (batch) => {
    const bytes = await packBatch(s3, job.bucket, folder, batch);
    bytesWritten += bytes;
  });
  return { bytesRead, bytesWritten };
}

async function planBatches(folder: string, job: ArchiveJob): Promise<Batch[]> {
  const manifest = await readFile(join(folder, MANIFEST), 'utf8');
  // `raw` keeps a row's own text, so that no quoting is changed on the way through.
  const rows: unknown = parse(manifest, { raw: true, relax_quotes: true });
  const [header, ...records] = rows as RawRow[];
  const imageColumn = header?.record.indexOf('imageName') ?? -1;
  const batches: Batch[] = [];
  for (let first = 0; first < records.length; first += job.batchSize) {
    const batch = records.slice(first, first + job.batchSize);
    batches.push({
      key: `batch/${job.base}-part${batches.length + 1}.zip`,
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
  return pack(s3, { bucket, key }, PART_BYTES, async (archive) => {
    archive.append(manifest, { name: MANIFEST });
    for (const image of images) archive.file(join(folder, image), { name: image });
  });
}
