import { expect, test, vi } from 'vitest';
import {
  itemsProgressQuery,
  type ShardProgress,
  shardProgressQuery,
} from '../../src/workflows/items-progress.ts';
import { WAIT } from '../support/holds.ts';
import { csvOf, itemsCase } from '../support/items-case.ts';

/** Each question takes time from the run. */
const SELDOM = { ...WAIT, interval: 500 };

/** Of a batch of 503 chunks of one item. */
const LAST_OF_SHARDS = [499, 502];

test('a batch of more chunks than a shard has is processed, told and shown shard by shard', async () => {
  const items = await itemsCase();
  const released = Promise.withResolvers<void>();
  await items.worker({
    processors: [
      {
        name: 'held',
        async process({ id }) {
          const number = Number(id.slice('item-'.length));
          if (LAST_OF_SHARDS.includes(number)) await released.promise;
          if (number % 100 === 0) throw new Error(`${id} is wrong`);
        },
      },
    ],
  });
  const source = await items.put('items.csv', csvOf(503));

  const run = await items.start({
    ...{ source, processor: 'held' },
    ...{ itemsPerChunk: 1, parallelChunks: 100, itemConcurrency: 1 },
  });

  const shardOf = (shard: number) =>
    items.client.workflow
      .getHandle(`${run.workflowId}/${shard}`)
      .query<ShardProgress, []>(shardProgressQuery);
  await vi.waitFor(async () => {
    expect(await shardOf(1)).toEqual({
      items: { done: 499, total: 500 },
      failed: 5,
      chunks: { done: 499, total: 500 },
      paused: false,
    });
    expect(await shardOf(2)).toMatchObject({ items: { done: 2, total: 3 }, failed: 1 });
  }, SELDOM);
  expect(await run.query(itemsProgressQuery)).toEqual({
    stage: 'processing',
    batch: `Process the items of s3://${items.bucket}/items.csv with held`,
    items: { done: 0, total: 503 },
    failed: 0,
    shards: { done: 0, total: 2 },
    underWay: [`${run.workflowId}/1`, `${run.workflowId}/2`],
    paused: false,
  });
  released.resolve();

  const result = await run.result();
  expect(result).toMatchObject({ total: 503, succeeded: 497, failed: 6 });
  const failed = [0, 100, 200, 300, 400, 500].map((number) => `item-${number}`);
  expect(await items.failures(result.failures)).toEqual(
    failed.map((id) => ({ id, error: `${id} is wrong` })),
  );
  expect(await run.query(itemsProgressQuery)).toMatchObject({
    stage: 'done',
    items: { done: 503, total: 503 },
    failed: 6,
    shards: { done: 2, total: 2 },
    underWay: [],
  });
  expect(await shardOf(2)).toMatchObject({ items: { done: 3, total: 3 }, failed: 1 });
});

test('the progress of a run that failed says why', async () => {
  const items = await itemsCase();
  await items.worker();
  const source = { bucket: items.bucket, key: 'items.csv' };

  const run = await items.start({ source });
  await run.result().catch(() => {});

  expect(await run.query(itemsProgressQuery)).toEqual({
    stage: 'failed',
    batch: `Process the items of s3://${items.bucket}/items.csv with sleep`,
    items: { done: 0, total: 0 },
    failed: 0,
    shards: { done: 0, total: 0 },
    underWay: [],
    paused: false,
    error: expect.stringContaining('items.csv does not exist'),
  });
});
