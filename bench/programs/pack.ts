import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ZipArchive } from 'archiver';
import type { ObjectLocation } from '../../src/storage/errors.ts';

/** lib-storage's own number of parts at once. */
const PARTS_AT_ONCE = 4;

/**
 * Packs a ZIP of stored files, streamed into a multipart upload.
 *
 * @param partSize of the upload, in bytes
 * @param fill appends the files
 * @returns the bytes of the ZIP
 */
export async function pack(
  s3: S3Client,
  { bucket, key }: ObjectLocation,
  partSize: number,
  fill: (archive: ZipArchive) => Promise<void>,
): Promise<number> {
  const archive = new ZipArchive({ store: true });
  const body = new PassThrough();
  const packed = pipeline(archive, body);
  const upload = new Upload({
    client: s3,
    params: { Bucket: bucket, Key: key, Body: body, ContentType: 'application/zip' },
    queueSize: PARTS_AT_ONCE,
    partSize,
  });
  const filled = fill(archive).then(() => archive.finalize());
  await Promise.all([upload.done(), filled, packed]);
  return archive.pointer();
}
