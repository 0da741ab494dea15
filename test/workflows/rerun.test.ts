import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { sampleArchive } from '../support/faults.ts';
import { testS3 } from '../support/harness.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { splitCase, startWorker } from '../support/split-case.ts';

describe('a job that is run again after it ended', () => {
  test('builds only the batch zip that is missing, and lists all', async () => {
    const split = await splitCase(await sampleArchive({ rows: 6, imageBytes: 5_000, seed: 1 }));
    const proxy = await s3Proxy();
    await startWorker(split.taskQueue, { BATCH_SIZE: '2' }, proxy.stack);
    const first = await (await split.start()).result();
    const name = first.batches[1]?.name ?? '';
    const Key = `batch/${name}`;
    const before = await split.part(name);
    await testS3().send(new DeleteObjectCommand({ Bucket: split.job.s3Bucket, Key }));

    const second = await (await split.start()).result();

    expect(second.batches.map(({ reused }) => reused)).toEqual([true, false, true]);
    expect(proxy.succeeded('CompleteMultipartUpload')).toHaveLength(3 + 1);
    expect(proxy.succeeded('CompleteMultipartUpload', Key)).toHaveLength(1 + 1);
    expect(await split.part(name)).toEqual(before);
    const [told, toldAgain, ...more] = await split.results();
    expect(toldAgain).toEqual(told);
    expect(more).toEqual([]);
  });

  test('builds anew what was built without being verified, and not the other way round', async () => {
    const split = await splitCase(await sampleArchive({ rows: 2, imageBytes: 5_000, seed: 2 }));
    const runWith = async (VERIFY: string) => {
      const worker = await startWorker(split.taskQueue, { VERIFY });
      const { batches } = await (await split.start()).result();
      await worker.stop();
      return batches.map(({ reused }) => reused);
    };

    expect(await runWith('off')).toEqual([false]);
    expect(await runWith('on')).toEqual([false]);
    expect(await runWith('off')).toEqual([true]);
  });

  test('with another batch size builds other batch zips', async () => {
    const split = await splitCase(await sampleArchive({ rows: 4, imageBytes: 5_000, seed: 3 }));
    await startWorker(split.taskQueue);
    await (await split.start({ batchSize: 3 })).result();

    const { batches } = await (await split.start({ batchSize: 2 })).result();

    expect(batches.map(({ rows, reused }) => [rows, reused])).toEqual([
      [2, false],
      [2, false],
    ]);
  });
});
