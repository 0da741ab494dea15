import { describe, expect, test } from 'vitest';
import { sampleExport } from '../../src/local/sample-export.ts';
import { hashesByPython, splitCase, startWorker } from '../support/split-case.ts';
import { testByUnzip } from '../support/zip-fixtures.ts';

describe('splitArchive', () => {
  test('makes batch zips of BATCH_SIZE rows, with the bytes of the source', async () => {
    const sample = sampleExport({ rows: 25, imageBytes: 20_000, seed: 7 });
    const archive = Buffer.concat(await Array.fromAsync(sample.chunks()));
    const split = await splitCase(archive);
    await startWorker(split.taskQueue, { BATCH_SIZE: '10' });

    const result = await (await split.start()).result();

    expect(result.batches.map(({ rows, images }) => [rows, images])).toEqual([
      [10, 10],
      [10, 10],
      [5, 5],
    ]);
    const source = new Map(hashesByPython(archive));
    for (const { name } of result.batches) {
      const part = await split.part(name);
      testByUnzip(part);
      const entries = hashesByPython(part).filter(([entry]) => entry !== 'manifest.csv');
      for (const [image, hash] of entries) expect(source.get(image)).toBe(hash);
    }
    const base = split.job.file.replace('.zip', '');
    expect(await split.results()).toEqual([
      {
        function: 'BiospexBatchCreator',
        status: 'success',
        downloadId: 4711,
        batchFiles: [`${base}-part1.zip`, `${base}-part2.zip`, `${base}-part3.zip`],
      },
    ]);
    expect((await split.keys()).filter((key) => key.startsWith('sheaf/'))).toEqual([]);
  });
});
