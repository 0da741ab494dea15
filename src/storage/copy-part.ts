import type { S3Client } from '@aws-sdk/client-s3';
import type { BufferPool } from '../archive/buffer-pool.ts';
import type { CopyPart } from '../archive/part-plan.ts';
import type { Budget } from './budget.ts';
import type { OriginReader } from './byte-origin.ts';
import { isNotImplemented } from './errors.ts';
import { type MultipartUpload, type UploadedPart, uploadPart } from './multipart.ts';

/** What a part that is a single range is made with. */
export interface CopyOptions {
  readonly s3: S3Client;
  readonly upload: MultipartUpload;
  /** Let S3 copy ranges where it has the bytes; false moves them through this process. */
  readonly rangeCopy: boolean;
  /** Bytes that this process may hold in buffers. */
  readonly bytes: Budget;
  /** Where the large ones of these come from. */
  readonly pool: BufferPool;
  /** Range copies that this process may have under way. */
  readonly copies: Budget;
}

/** Bytes that S3 copied by itself, and that this process read from it and wrote to it. */
export interface MovedBytes {
  bytesCopied: number;
  bytesRead: number;
  bytesWritten: number;
}

/** Makes a part from a range of `origin`: S3 copies it by itself, or this process reads and uploads it. */
export async function copyOrMovePart(
  { s3, upload, rangeCopy, bytes, pool, copies }: CopyOptions,
  origin: OriginReader,
  part: CopyPart,
  moved: MovedBytes,
  signal: AbortSignal,
): Promise<UploadedPart> {
  const { copy } = origin;
  if (rangeCopy && copy) {
    try {
      const copied = await copies.spend(1, signal, () => copy(upload, part, signal));
      moved.bytesCopied += part.size;
      return copied;
    } catch (error) {
      // A store without range copies says so once a part; the reading path below does the same job.
      if (!isNotImplemented(error)) throw error;
    }
  }
  return bytes.spend(part.size, signal, async () => {
    const { bytes: room, release } = pool.take(part.size);
    try {
      const body = await origin.read(part.start, part.start + part.size, signal, room);
      moved.bytesRead += body.length;
      const written = await uploadPart(s3, upload, part.number, body, signal);
      moved.bytesWritten += body.length;
      return written;
    } finally {
      release();
    }
  });
}
