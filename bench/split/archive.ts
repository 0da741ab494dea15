import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { type SampleFormat, sampleExport } from '../../src/local/sample-export.ts';
import type { ObjectLocation } from '../../src/storage/errors.ts';
import { upload } from '../../src/storage/upload.ts';
import type { JobPlace } from '../contest/competitor.ts';
import { sha256 } from '../contest/read-zip.ts';

/** What is split: the archive's make and the batches that it is to become. */
export interface SplitTask {
  readonly source: SampleFormat;
  readonly images: number;
  /** Size of one image in bytes. */
  readonly imageBytes: number;
  /** Rows a batch zip. */
  readonly batchSize: number;
  /** The archive has its images in another order than the manifest has its rows. */
  readonly shuffle: boolean;
  /** Its images are ones that gzip makes two to three times smaller. */
  readonly compressible: boolean;
}

/** The archive that all competitors split, as a file that is uploaded anew for each of them. */
export interface Archive {
  readonly fileName: string;
  /** Its name without the extension: that of its batch zips begins with it. */
  readonly base: string;
  /** In bytes. */
  readonly size: number;
  /** Of its images and its manifest. */
  readonly contentBytes: number;
  readonly batchSize: number;
  readonly manifest: Buffer;
  /** The images in the order of the manifest's rows, with the SHA-256 of each. */
  readonly images: readonly { readonly name: string; readonly sha256: string }[];
  /** Puts it into S3. */
  upload(s3: S3Client, target: ObjectLocation): Promise<void>;
}

/** An archive that is to be split. */
export interface ArchiveJob extends JobPlace {
  /** S3 key of the archive, its bare name, and its size in bytes. */
  readonly key: string;
  readonly file: string;
  readonly size: number;
  /** What the names of its batch zips begin with. */
  readonly base: string;
  /** Bytes of its images and its manifest. */
  readonly contentBytes: number;
  /** Rows a batch zip. */
  readonly batchSize: number;
}

/** The same images each time: a run can be repeated. */
const SEED = 1;

/** Reads of the file while it is uploaded (bytes). */
const UPLOAD_CHUNK_BYTES = 1024 * 1024;

/** Images of a rehearsal (bytes): small, and still enough of them for parts that S3 can copy. */
const REHEARSAL_IMAGE_BYTES = 12_000;

/** A small archive of as many images, which makes as many batch zips. */
export function rehearsalOf(task: SplitTask): SplitTask {
  return { ...task, imageBytes: Math.min(task.imageBytes, REHEARSAL_IMAGE_BYTES) };
}

/** Makes the archive as a file in `folder`. */
export async function makeArchive(task: SplitTask, folder: string): Promise<Archive> {
  const { source: format, images: rows, imageBytes, shuffle, compressible, batchSize } = task;
  const sample = sampleExport({ format, rows, imageBytes, shuffle, compressible, seed: SEED });
  const { fileName, manifest } = sample;
  const file = join(folder, `${rows}-${imageBytes}.${format}`);
  await pipeline(sample.chunks(), createWriteStream(file));
  const { size } = await stat(file);
  let contentBytes = manifest.length;
  const images = sample.imageNames.map((name) => {
    const image = sample.image(name);
    contentBytes += image.length;
    return { name, sha256: sha256(image) };
  });
  return {
    fileName,
    base: fileName.slice(0, -`.${format}`.length),
    size,
    contentBytes,
    batchSize,
    manifest,
    images,
    upload: async (s3, target) => {
      const chunks = createReadStream(file, { highWaterMark: UPLOAD_CHUNK_BYTES });
      await upload(s3, chunks, target, () => {});
    },
  };
}
