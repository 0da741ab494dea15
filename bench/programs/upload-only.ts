/**
 * One pass of uploads: as many bytes as the archive's files have, from memory, and nothing else. The
 * bytes are of the same kind as the images', since S3 servers may compress what can be (SeaweedFS
 * does, at twice the processor time). `compressible` on the command line says which kind.
 */
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { sampleExport } from '../../src/local/sample-export.ts';
import { inLanes } from '../../src/storage/lanes.ts';
import type { ArchiveJob } from '../split/archive.ts';
import { type ProgramResult, runProgram } from './protocol.ts';

/** Size of a part (bytes) and parts under way at once: more of either is no faster. */
const PART_BYTES = 16 * 1024 * 1024;
const PARTS_AT_ONCE = 4;

/** No failure is left running: the process ends with it. */
const { signal } = new AbortController();

const part = imageBytes(process.argv.includes('compressible'));

await runProgram(upload);

async function upload(s3: S3Client, job: ArchiveJob): Promise<ProgramResult> {
  const target = { Bucket: job.bucket, Key: `batch/${job.base}` };
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target));
  const parts: CompletedPart[] = [];
  const numbers = Array.from({ length: Math.ceil(job.contentBytes / PART_BYTES) }, (_, i) => i + 1);
  await inLanes(numbers, PARTS_AT_ONCE, signal, async (PartNumber) => {
    const Body = part.subarray(0, job.contentBytes - (PartNumber - 1) * PART_BYTES);
    const { ETag } = await s3.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber, Body }),
    );
    parts[PartNumber - 1] = { PartNumber, ETag };
  });
  await s3.send(
    new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } }),
  );
  return { bytesRead: 0, bytesWritten: job.contentBytes };
}

/** A part's worth of image. */
function imageBytes(compressible: boolean): Buffer {
  const sample = sampleExport({ rows: 1, imageBytes: PART_BYTES, compressible, seed: 1 });
  return sample.image(sample.imageNames[0] as string);
}
