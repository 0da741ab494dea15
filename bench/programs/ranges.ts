import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectLocation, ObjectVersion } from '../../src/storage/errors.ts';
import { inLanes } from '../../src/storage/lanes.ts';
import { headObject, readRange, streamRange } from '../../src/storage/objects.ts';
import { ahead } from './ahead.ts';

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

/** Writes an object to a file, which is made; returns its bytes. Throws where there is none. */
export async function download(
  s3: S3Client,
  location: ObjectLocation,
  file: string,
  signal: AbortSignal,
): Promise<number> {
  const object = await findArchive(s3, location);
  await writeFile(file, '');
  await readSideBySide(object.size, signal, async ({ start, end }) => {
    const target = createWriteStream(file, { flags: 'r+', start });
    await pipeline(streamRange(s3, object, start, end, signal), target);
  });
  return object.size;
}

/** The bytes of an object in their order, while the ranges that come next are read already. */
export function readInOrder(
  s3: S3Client,
  archive: ObjectVersion,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  return ahead(ranges(archive.size, BUFFERED_RANGE_BYTES), READS_AT_ONCE, ({ start, end }) =>
    readRange(s3, archive, start, end, signal),
  );
}

function ranges(size: number, length: number): Range[] {
  return Array.from({ length: Math.ceil(size / length) }, (_, index) => ({
    start: index * length,
    end: Math.min((index + 1) * length, size),
  }));
}
