import { GetObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { RecordPart } from '../../src/archive/record-parts.ts';
import { stackS3 } from '../../src/local/clients.ts';
import { createUpload, type MultipartUpload } from '../../src/storage/multipart.ts';
import { RecordUpload } from '../../src/storage/record-upload.ts';
import type { UnpackOptions } from '../../src/storage/unpack.ts';
import { plainExport } from '../support/export-fixtures.ts';
import { testS3 } from '../support/harness.ts';
import { hold, partsMade, WAIT } from '../support/holds.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { tarGzArchive } from '../support/test-archives.ts';
import {
  expectFiles,
  memoryIndex,
  NEVER,
  putArchive,
  type Source,
  stage,
} from '../support/unpack-cases.ts';

const MIB = 1024 * 1024;

/** 18 MB that are stored: three parts, and no checkpoint but the end. */
let short: Source;

beforeAll(async () => {
  short = await putArchive(tarGzArchive(plainExport(45, 400_000)));
});

describe('RecordUpload', () => {
  test('makes an object of the records', async () => {
    const { upload, proxy, run } = await startUpload();
    const index = memoryIndex();

    await run({ index });

    const records = await readObject(upload);
    expectFiles(index.stretch(1).entries, short.files, records);
    expect(partsMade(proxy, upload.key)).toEqual([1, 2, 3]);
  });

  test('makes only the parts that S3 lacks', async () => {
    const { upload, proxy, run } = await startUpload();
    const stop = new AbortController();
    const held = hold(proxy, ({ operation, part }) => operation === 'UploadPart' && part === 3);
    const first = run({ signal: stop.signal });
    await vi.waitFor(() => {
      expect(partsMade(proxy, upload.key)).toEqual([1, 2]);
      expect(held.calls).toHaveLength(1);
    }, WAIT);
    stop.abort();
    await expect(first).rejects.toThrow();
    held.release();
    const index = memoryIndex();

    const { bytesWritten } = await run({ index });

    const records = await readObject(upload);
    expectFiles(index.stretch(1).entries, short.files, records);
    expect(partsMade(proxy, upload.key)).toEqual([1, 2, 3]);
    expect(bytesWritten).toBeLessThan(8 * MIB);
    expect(bytesWritten).toBeGreaterThan(3 * 400_000);
  });
});

/** An upload of the short archive's records, and a way to run an attempt to make it. */
async function startUpload() {
  const proxy = await s3Proxy();
  const s3 = stackS3(proxy.stack);
  const target = { bucket: short.version.bucket, key: `records-${crypto.randomUUID()}` };
  const upload = await createUpload(s3, target, {
    contentType: 'application/octet-stream',
    metadata: {},
  });
  const run = async (options: Partial<UnpackOptions<RecordPart>>) => {
    const records = await RecordUpload.resume(s3, upload, NEVER);
    const keep = (part: RecordPart, signal: AbortSignal) => records.keep(part, signal);
    const progress = await stage(short, { s3, keep, ...options });
    await records.complete(NEVER);
    return progress;
  };
  return { upload, proxy, run };
}

async function readObject({ bucket: Bucket, key: Key }: MultipartUpload): Promise<Buffer> {
  const { Body } = await testS3().send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}
