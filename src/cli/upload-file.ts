import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { type ObjectLocation, objectUrl } from '../storage/errors.ts';
import { upload } from '../storage/upload.ts';
import { UsageError } from './exit-codes.ts';
import { formatBytes } from './format.ts';

/**
 * Uploads a file, and says so on stderr unless it is to be quiet. Throws {@link UsageError} where there
 * is no such file.
 */
export async function uploadFile(
  s3: S3Client,
  file: string,
  target: ObjectLocation,
  isQuiet = false,
): Promise<void> {
  const { size } = await stat(file).catch((error) => {
    if (error.code !== 'ENOENT') throw error;
    throw new UsageError(`There is no file ${file}; give a file, or s3://bucket/key`);
  });
  await upload(s3, createReadStream(file), target, (bytes) => {
    if (process.stderr.isTTY && !isQuiet) {
      process.stderr.write(`\r  uploading ${formatBytes(bytes)} of ${formatBytes(size)} `);
    }
  });
  if (isQuiet) return;
  const clear = process.stderr.isTTY ? '\r\x1b[K' : '';
  console.error(`${clear}  uploaded ${formatBytes(size)} to ${objectUrl(target)}`);
}
