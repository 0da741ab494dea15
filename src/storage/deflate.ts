import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ZipArchive } from 'archiver';
import type { Budget } from './budget.ts';
import { counted } from './counted.ts';
import type { ObjectLocation, ObjectVersion } from './errors.ts';
import { together } from './lanes.ts';
import { streamRange } from './objects.ts';

/** zlib's own default: higher levels take much longer for a little less. */
const LEVEL = 6;

/** Parts (bytes) of the upload, and how many are under way while the next one is filled. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/** Parts that are planned for: S3 takes 10,000, and what can't be compressed grows a little. */
const MAX_PARTS = 9_000;

/** A file that is to be deflated. */
export interface DeflatedFile {
  readonly object: ObjectVersion;
  /** Its path in the ZIP, and its time in seconds since 1970. */
  readonly name: string;
  readonly modified: Date;
}

/** Bytes that were read of the files, and written to the ZIP. */
export interface DeflateProgress {
  bytesRead: number;
  bytesWritten: number;
}

export interface DeflateOptions {
  readonly s3: S3Client;
  readonly files: readonly DeflatedFile[];
  /** The ZIP that is made of them. */
  readonly target: ObjectLocation;
  /** Bytes that this process may hold in buffers. */
  readonly bytes: Budget;
  readonly signal: AbortSignal;
  /** Called as bytes are read, with the same object each time. */
  readonly onProgress: (progress: DeflateProgress) => void;
}

/**
 * Deflates files into a ZIP of their own in S3, one after the other, as they are read: an object is
 * asked for when the one before it is through. What is left of an attempt that ends early is of no use
 * to the next one.
 *
 * @throws ObjectChangedError where an object is no longer the version that was planned on
 */
export async function deflateFiles(options: DeflateOptions): Promise<DeflateProgress> {
  const { s3, files, target, bytes, signal } = options;
  const total = files.reduce((sum, { object }) => sum + object.size, 0);
  const partSize = Math.max(PART_BYTES, Math.ceil(total / MAX_PARTS));
  const progress: DeflateProgress = { bytesRead: 0, bytesWritten: 0 };
  await bytes.spend(partSize * (PARTS_AT_ONCE + 1), signal, async () => {
    const archive = new ZipArchive({ zlib: { level: LEVEL } });
    const body = new PassThrough();
    // Whoever waits for them hears of their errors; later ones are of no interest.
    for (const stream of [archive, body]) stream.on('error', () => {});
    archive.pipe(body);
    const upload = new Upload({
      client: s3,
      params: { Bucket: target.bucket, Key: target.key, Body: body },
      partSize,
      queueSize: PARTS_AT_ONCE,
    });
    const feed = (either: AbortSignal) => feedArchive(archive, options, progress, either);
    const send = async (either: AbortSignal) => {
      const abort = () => {
        archive.abort();
        body.destroy(either.reason);
        void upload.abort();
      };
      either.addEventListener('abort', abort);
      try {
        await upload.done();
      } finally {
        either.removeEventListener('abort', abort);
      }
    };
    await together(signal, feed, send);
    progress.bytesWritten = archive.pointer();
  });
  return progress;
}

async function feedArchive(
  archive: ZipArchive,
  { s3, files, onProgress }: DeflateOptions,
  progress: DeflateProgress,
  signal: AbortSignal,
): Promise<void> {
  for (const { object, name, modified } of files) {
    const chunks = counted(streamRange(s3, object, 0, object.size, signal), progress);
    const source = Readable.from(chunks, { objectMode: false });
    const failed = once(source, 'error').then(([error]) => Promise.reject(error));
    failed.catch(() => {});
    const appended = once(archive, 'entry', { signal });
    archive.append(source, { name, date: modified, mode: 0o644 });
    await Promise.race([appended, failed]);
    onProgress(progress);
  }
  await archive.finalize();
}
