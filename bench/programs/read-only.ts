/**
 * The floor: reads the archive's bytes from S3, drops them, and does nothing else. Whatever has to
 * look at every byte in one process takes at least as long.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { createS3Client } from '../../src/clients.ts';
import { inLanes } from '../../src/storage/lanes.ts';
import { headObject, streamRange } from '../../src/storage/objects.ts';
import { type ProgramJob, type ProgramResult, runProgram } from './protocol.ts';
import { ranges } from './ranges.ts';

/** Reads under way at once, as many as sheaf has for a batch zip that it verifies. */
const READS_AT_ONCE = 4;

await runProgram(async (job) => {
  const s3 = createS3Client();
  try {
    return await readAll(s3, job);
  } finally {
    s3.destroy();
  }
});

async function readAll(s3: S3Client, { bucket, key }: ProgramJob): Promise<ProgramResult> {
  const archive = await headObject(s3, { bucket, key });
  if (!archive) throw new Error(`There is no s3://${bucket}/${key}`);
  let bytesRead = 0;
  const { signal } = new AbortController();
  await inLanes(ranges(archive.size), READS_AT_ONCE, signal, async ({ start, end }) => {
    for await (const chunk of streamRange(s3, archive, start, end, signal)) {
      bytesRead += chunk.length;
    }
  });
  return { bytesRead, bytesWritten: 0 };
}
