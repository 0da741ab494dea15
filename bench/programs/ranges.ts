import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectLocation, ObjectVersion } from '../../src/storage/errors.ts';
import { inLanes } from '../../src/storage/lanes.ts';
import { headObject, readRange } from '../../src/storage/objects.ts';

/** Reads of the archive under way at once, as many as sheaf has for a batch zip that it verifies. */
const READS_AT_ONCE = 4;

/** Length of one ranged read (bytes): long enough that requests don't count, short enough that several lanes end together. */
const RANGE_BYTES = 32 * 1024 * 1024;

/** The same where reads are kept in memory until it is their turn. */
const BUFFERED_RANGE_BYTES = 8 * 1024 * 1024;

/** A range of an object, from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The archive as it is now. Throws where there is none. */
export async function findArchive(
  s3: S3Client,
  { bucket, key }: ObjectLocation,
): Promise<ObjectVersion> {
  const archive = await headObject(s3, { bucket, key });
  if (!archive) throw new Error(`There is no s3://${bucket}/${key}`);
  return archive;
}

/** Cuts an object of `size` bytes into ranges and reads them side by side, in any order. */
export function readSideBySide(
  size: number,
  signal: AbortSignal,
  read: (range: Range) => Promise<void>,
): Promise<void> {
  return inLanes(ranges(size, RANGE_BYTES), READS_AT_ONCE, signal, read);
}

/** The bytes of an object in their order, while the ranges that come next are read already. */
export async function* readInOrder(
  s3: S3Client,
  archive: ObjectVersion,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const ahead: Promise<Buffer>[] = [];
  for (const { start, end } of ranges(archive.size, BUFFERED_RANGE_BYTES)) {
    const read = readRange(s3, archive, start, end, signal);
    // Thrown when it is its turn.
    read.catch(() => {});
    ahead.push(read);
    if (ahead.length === READS_AT_ONCE) yield (await ahead.shift()) as Buffer;
  }
  for (const read of ahead) yield await read;
}

function ranges(size: number, length: number): Range[] {
  return Array.from({ length: Math.ceil(size / length) }, (_, index) => ({
    start: index * length,
    end: Math.min((index + 1) * length, size),
  }));
}
