import { describe, expect, test } from 'vitest';
import { gate, sampleArchive } from '../support/faults.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { putArchive, type SplitCase, splitCase, startWorker } from '../support/split-case.ts';

/** Two batch zips of 9 MB; in manifest order each is one copy and one part of literals. */
const SAMPLE = { rows: 120, imageBytes: 150_000 };
const BATCH_SIZE = '60';

describe('an archive that is replaced during the run', () => {
  const replacement = sampleArchive({ ...SAMPLE, seed: 99 });

  test('before S3 copies from it: the run fails, and no part of it can be seen', async () => {
    const split = await splitCase(await sampleArchive({ ...SAMPLE, seed: 1 }));
    await replaceAfter(0, 'UploadPartCopy', split);
    await expectCleanFailure(split);
  });

  test('while a part is read from it: the run fails, and no part of it can be seen', async () => {
    const split = await splitCase(await sampleArchive({ ...SAMPLE, seed: 2, shuffle: true }));
    await replaceAfter(1, 'GetObject', split);
    await expectCleanFailure(split);
  });

  test('between the batch zips: the next run makes all of them from the new archive', async () => {
    const split = await splitCase(await sampleArchive({ ...SAMPLE, seed: 3 }));
    const proxy = await s3Proxy();
    await startWorker(split.taskQueue, { BATCH_SIZE, MAX_PARALLEL_BATCHES: '1' }, proxy.stack);
    proxy.intercept = async ({ operation, key }) => {
      if (operation === 'CreateMultipartUpload' && key.endsWith('part2.zip')) {
        await putArchive(split.job, await replacement);
      }
      return undefined;
    };
    await expect((await split.start()).result()).rejects.toThrow();
    proxy.intercept = undefined;

    const { batches } = await (await split.start()).result();

    expect(batches.map(({ reused }) => reused)).toEqual([false, false]);
    expect(await split.results()).toEqual([
      expect.objectContaining({ status: 'failed' }),
      expect.objectContaining({ status: 'success' }),
    ]);
  });

  /**
   * Runs the job, and replaces the archive once a batch zip is begun and so many of these calls on the
   * archive have gone through; the others are held until then.
   */
  async function replaceAfter(calls: number, operation: string, split: SplitCase): Promise<void> {
    const proxy = await s3Proxy();
    await startWorker(split.taskQueue, { BATCH_SIZE, VERIFY: 'off' }, proxy.stack);
    const replaced = gate();
    let seen = 0;
    proxy.intercept = async (call) => {
      const begun = proxy.succeeded('CreateMultipartUpload').length > 0;
      if (!begun || call.operation !== operation || call.key.startsWith('sheaf/')) return undefined;
      seen += 1;
      if (seen === calls + 1) putArchive(split.job, await replacement).then(replaced.open);
      return seen > calls ? replaced.opened : undefined;
    };
    await expect((await split.start()).result()).rejects.toThrow();
    expect(seen).toBeGreaterThan(calls);
  }

  async function expectCleanFailure({ job, keys, results, uploads }: SplitCase): Promise<void> {
    const { downloadId, s3Bucket, exportPath } = job;
    expect(await results()).toEqual([
      {
        function: 'BiospexBatchCreator',
        status: 'failed',
        downloadId,
        error: expect.stringMatching(
          `^s3://${s3Bucket}/${exportPath} changed while the run was reading it \\(its ETag was "[0-9a-f]+"\\); send the job again once it is final$`,
        ),
      },
    ]);
    expect(await keys()).toEqual([exportPath]);
    expect(await uploads()).toEqual([]);
  }
});
