import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ObjectLocation } from '../storage/errors.ts';

const MIB = 1024 * 1024;

/** Part size (bytes) and parts under way: together the memory that an upload takes. Up to 160 GB in 10,000 parts. */
const PART_BYTES = 16 * MIB;
const PARTS_AT_ONCE = 4;

/** Uploads a stream of bytes to S3. Calls `onProgress` with the bytes that are there; returns how many there were. */
export async function upload(
  s3: S3Client,
  chunks: AsyncIterable<Buffer>,
  { bucket, key }: ObjectLocation,
  onProgress: (bytes: number) => void,
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
  await upload.done();
  return size;
}
