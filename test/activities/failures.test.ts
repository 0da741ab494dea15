import { describe, expect, test } from 'vitest';
import { sampleArchive } from '../support/faults.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { splitCase, startWorker } from '../support/split-case.ts';

describe('what S3 does to a run', () => {
  const archive = sampleArchive({ rows: 60, imageBytes: 120_000, seed: 1 });

  test.each([
    ['HeadObject', 'export/'],
    ['PutObject', 'sheaf/'],
    ['CreateMultipartUpload', 'batch/'],
    ['UploadPartCopy', 'batch/'],
  ])('denying %s fails it at once, with what to allow', async (denied, folder) => {
    const split = await splitCase(await archive);
    const proxy = await s3Proxy();
    proxy.intercept = ({ operation, key }) =>
      operation === denied && key.startsWith(folder)
        ? { status: 403, code: 'AccessDenied' }
        : undefined;
    await startWorker(split.taskQueue, {}, proxy.stack);

    await expect((await split.start()).result()).rejects.toThrow();

    expect(await split.results()).toEqual([
      expect.objectContaining({
        status: 'failed',
        error: expect.stringMatching(
          `^S3 denies ${denied} on s3://${split.job.s3Bucket}/${folder}.*; allow it for the worker's credentials$`,
        ),
      }),
    ]);
    expect(await split.uploads()).toEqual([]);
    expect(await split.keys()).toEqual([split.job.exportPath]);
  });

  test('refusing its credentials fails it at once', async () => {
    const split = await splitCase(await archive);
    const { stack } = await s3Proxy();
    const wrong = { ...stack, s3: { ...stack.s3, secretAccessKey: 'wrong' } };
    await startWorker(split.taskQueue, {}, wrong);

    await expect((await split.start()).result()).rejects.toThrow();

    expect(await split.results()).toEqual([
      expect.objectContaining({
        status: 'failed',
        error: expect.stringMatching('^S3 denies HeadObject on s3://'),
      }),
    ]);
  });

  test('throttling every call a few times only slows it down', async () => {
    const split = await splitCase(await archive);
    const proxy = await s3Proxy();
    const refused = new Map<string, number>();
    proxy.intercept = ({ operation, key }) => {
      const times = (refused.get(operation + key) ?? 0) + 1;
      refused.set(operation + key, times);
      // One more than the client tries by itself: the activity has to be tried again too.
      return operation === 'UploadPartCopy' && times <= 4
        ? { status: 503, code: 'SlowDown' }
        : undefined;
    };
    await startWorker(split.taskQueue, {}, proxy.stack);

    await (await split.start()).result();

    expect(await split.results()).toEqual([expect.objectContaining({ status: 'success' })]);
    expect(proxy.succeeded('CreateMultipartUpload')).toHaveLength(1);
    expect(proxy.succeeded('UploadPartCopy')).toHaveLength(1);
  });

  test('knowing no range copy makes it read: the same batch zip', async () => {
    const withCopies = await splitCase(await archive);
    const without = await splitCase(await archive);
    const proxy = await s3Proxy();
    proxy.intercept = ({ operation }) =>
      operation === 'UploadPartCopy' ? { status: 501, code: 'NotImplemented' } : undefined;
    await startWorker(withCopies.taskQueue);
    await startWorker(without.taskQueue, {}, proxy.stack);

    const [copied, read] = await Promise.all(
      [withCopies, without].map(async (split) => {
        const result = await (await split.start()).result();
        return { ...result, zip: await split.part(result.batches[0]?.name ?? '') };
      }),
    );

    expect(copied?.bytesCopied).toBeGreaterThan(5_000_000);
    expect(read?.bytesCopied).toBe(0);
    expect(read?.zip.equals(copied?.zip ?? Buffer.alloc(0))).toBe(true);
  });
});
