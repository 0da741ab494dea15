/**
 * The floor: reads the archive's bytes from S3, inflates them where they are a TAR.GZ, drops them, and
 * does nothing else. Whatever has to look at every byte in one process takes at least as long.
 */
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectVersion } from '../../src/storage/errors.ts';
import { streamRange } from '../../src/storage/objects.ts';
import type { ArchiveJob } from '../split/archive.ts';
import { runProgram } from './protocol.ts';
import { findArchive, readInOrder, readSideBySide } from './ranges.ts';

/** What is inflated at a time (bytes): several times as fast as zlib's own 16 KiB. */
const INFLATED_CHUNK_BYTES = 1024 * 1024;

/** No failure is left running: the process ends with it. */
const { signal } = new AbortController();

await runProgram<ArchiveJob>(async (s3, job) => {
  const archive = await findArchive(s3, job);
  await (job.file.endsWith('.gz') ? inflate(s3, archive) : read(s3, archive));
  return { bytesRead: archive.size, bytesWritten: 0 };
});

async function read(s3: S3Client, archive: ObjectVersion): Promise<void> {
  await readSideBySide(archive.size, signal, async ({ start, end }) => {
    await drop(streamRange(s3, archive, start, end, signal));
  });
}

async function inflate(s3: S3Client, archive: ObjectVersion): Promise<void> {
  const gunzip = createGunzip({ chunkSize: INFLATED_CHUNK_BYTES });
  await pipeline(readInOrder(s3, archive, signal), gunzip, drop);
}

async function drop(chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of chunks);
}
