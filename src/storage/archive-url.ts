import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { ObjectLocation } from './errors.ts';

/** How links are made; see the settings of these names. */
export interface LinkSettings {
  readonly ARCHIVE_BASE_URL: string | undefined;
  /** In seconds. */
  readonly LINK_EXPIRES: number;
}

/**
 * A link to an object: below `ARCHIVE_BASE_URL`, where there is one, else presigned. A presigned link
 * lets everybody in who has it: it belongs into messages, not into logs and histories.
 */
export async function archiveUrl(
  s3: S3Client,
  { ARCHIVE_BASE_URL, LINK_EXPIRES }: LinkSettings,
  { bucket, key }: ObjectLocation,
): Promise<string> {
  if (ARCHIVE_BASE_URL) {
    const path = key.split('/').map(encodeURIComponent).join('/');
    const base = new URL(ARCHIVE_BASE_URL);
    base.pathname = `${base.pathname.replace(/\/+$/, '')}/${path}`;
    return base.href;
  }
  const command = new GetObjectCommand({ Bucket: bucket, Key: key });
  return getSignedUrl(s3, command, { expiresIn: LINK_EXPIRES });
}
