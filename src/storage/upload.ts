import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ObjectLocation } from './errors.ts';

const MIB = 1024 * 1024;

/** Part size (bytes) and parts under way. Up to 160 GB in 10,000 parts. */
const PART_BYTES = 16 * MIB;
const PARTS_AT_ONCE = 4;

/** The memory that an upload takes (bytes). */
export const UPLOAD_BYTES = PARTS_AT_ONCE * PART_BYTES;

/**
 * Uploads a stream of bytes to S3. Calls `onProgress` with the bytes that are there; returns how many
 * there were. A failed or aborted upload leaves nothing.
 */
export async function upload(
  s3: S3Client,
  chunks: AsyncIterable<Buffer>,
  { bucket, key }: ObjectLocation,
  onProgress: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<number> {
  let size = 0;
  const counted = async function* () {
    for await (const chunk of chunks) {
      size += chunk.length;
      yield chunk;
    }
  };
  const upload = new Upload({
    client: s3,
    params: { Bucket: bucket, Key: key, Body: Readable.from(counted()) },
    partSize: PART_BYTES,
    queueSize: PARTS_AT_ONCE,
  });
  upload.on('httpUploadProgress', ({ loaded = 0 }) => onProgress(loaded));
  const abort = () => void upload.abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await upload.done();
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  return size;
}
