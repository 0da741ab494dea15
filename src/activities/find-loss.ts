import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectLocation } from '../storage/errors.ts';
import { headObject, readRange } from '../storage/objects.ts';
import { METADATA_LAYOUT } from './build-batch.ts';

/** The end of central directory record, without a comment: the last bytes of every ZIP that we make. */
const END_RECORD_BYTES = 22;

/**
 * What has become of a ZIP since it was built; undefined where it can be read in S3, to its last byte,
 * and has the content that its fingerprint names.
 */
export async function findLoss(
  s3: S3Client,
  location: ObjectLocation,
  fingerprint: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const head = await headObject(s3, location, signal);
  if (!head) return 'it has been deleted';
  if (head.metadata[METADATA_LAYOUT] !== fingerprint) return 'another job has replaced it';
  await readRange(s3, head, head.size - END_RECORD_BYTES, head.size, signal);
  return undefined;
}
