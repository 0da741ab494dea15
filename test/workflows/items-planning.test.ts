import { expect, test } from 'vitest';
import { csvOf, itemsCase } from '../support/items-case.ts';
import { s3Proxy } from '../support/s3-proxy.ts';

/** More ids than a run of hashes has, in more than a shard. */
const COUNT = 1_200_000;
const CHUNK_ITEMS = 1200;

test('a retry of planning goes on behind the last shard, and still finds an id from before it again', async () => {
  const items = await itemsCase();
  const proxy = await s3Proxy();
  const file = Buffer.from(`${csvOf(COUNT)}item-5,1\n`);
  const middle = file.length * 0.75;
  let refused = 0;
  proxy.intercept = ({ operation, key, rangeStart }) => {
    // The first attempt ends here: the SDK gives up after three tries.
    if (operation !== 'GetObject' || key !== 'items.csv' || refused === 3) return undefined;
    if (rangeStart < middle || proxy.succeeded('PutObject').length === 0) return undefined;
    refused += 1;
    return { status: 503, code: 'SlowDown' };
  };
  await items.worker({ stack: proxy.stack });
  const source = await items.put('items.csv', file);

  const run = await items.start({ source, itemsPerChunk: CHUNK_ITEMS });

  await expect(run.result()).rejects.toMatchObject({
    cause: {
      type: 'ItemsError',
      message: `s3://${items.bucket}/items.csv: ids must be unique, but some come more than once: "item-5" on lines 7, ${COUNT + 2}`,
    },
  });
  expect(refused).toBe(3);
  // Each shard's index is written once: the first is not planned again.
  const indexes = proxy.succeeded('PutObject').filter(({ key }) => key.includes('/index/'));
  expect(indexes.map(({ key }) => key.split('/').at(-1))).toEqual([
    '1.json.gz',
    '2.json.gz',
    '3.json.gz',
  ]);
  expect(await items.keys()).toEqual(['items.csv']);
});
