import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test, vi } from 'vitest';
import { testS3 } from '../support/harness.ts';
import { hold, WAIT } from '../support/holds.ts';
import { csvOf, itemsCase } from '../support/items-case.ts';
import { s3Proxy } from '../support/s3-proxy.ts';

test.each([
  ['while it is planned', 'GetObject'],
  ['while it is processed', 'PutObject'],
])('a file that is replaced %s fails the run', async (_, operation) => {
  const items = await itemsCase();
  const proxy = await s3Proxy();
  const held = hold(proxy, (call) =>
    operation === 'GetObject'
      ? call.operation === 'GetObject' && call.key === 'items.csv'
      : call.operation === 'PutObject' && call.key.endsWith('plan.json.gz'),
  );
  await items.worker({ stack: proxy.stack });
  const source = await items.put('items.csv', csvOf(1000));
  const run = await items.start({ source, itemsPerChunk: 100 });
  await vi.waitFor(() => expect(held.calls).not.toHaveLength(0), WAIT);

  const Body = csvOf(1000).replace('item-7,', 'item-x,');
  await testS3().send(new PutObjectCommand({ Bucket: items.bucket, Key: 'items.csv', Body }));
  held.release();

  const error = expect.stringMatching(
    `^s3://${items.bucket}/items.csv changed while the run was reading it`,
  );
  await expect(run.result()).rejects.toMatchObject({ cause: { message: error } });
  expect(await items.results()).toEqual([{ batchId: items.batchId, status: 'failed', error }]);
  expect(await items.keys()).toEqual(['items.csv']);
});

test('what was planned of a file is removed where it turns out to be wrong', async () => {
  const items = await itemsCase();
  const proxy = await s3Proxy();
  await items.worker({ stack: proxy.stack });
  // The first shard is written down when the last block is read.
  const note = 'x'.repeat(3000);
  const rows = Array.from({ length: 1200 }, (_, index) => `item-${index},1,${note}\n`);
  const source = await items.put('items.csv', `id,value,note\n${rows.join('')}wrong\n`);

  const run = await items.start({ source, itemsPerChunk: 1 });

  await expect(run.result()).rejects.toMatchObject({
    cause: {
      message: expect.stringContaining("items.csv, line 1202: the row's column count is 1"),
    },
  });
  const [written] = proxy.succeeded('PutObject');
  expect(written?.key).toMatch(/\/index\/1\.json\.gz$/);
  expect(await items.keys()).toEqual(['items.csv']);
});
