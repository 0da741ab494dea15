import { expect, test, vi } from 'vitest';
import type { ChunkRecord, ShardIndex } from '../../src/activities/item-objects.ts';
import { decode, encode } from '../../src/archive/json-file.ts';
import type { IndexEntry } from '../../src/items/file-planner.ts';
import { readObject } from '../support/bucket-contents.ts';
import { WAIT } from '../support/holds.ts';
import { csvOf, type ItemsCase, itemsCase } from '../support/items-case.ts';

const COUNT = 50;

type Chunks = [IndexEntry, IndexEntry, ...IndexEntry[]];

test.each<[string, (chunks: Chunks) => IndexEntry[]]>([
  [
    'has a chunk that ends early',
    ([first, second, ...rest]) => [first, shortened(second), ...rest],
  ],
  [
    'has fewer items in a chunk',
    ([first, second, ...rest]) => [first, { ...second, items: 9 }, ...rest],
  ],
  [
    'has a chunk twice, and so another one not at all',
    ([first, second, , ...rest]) => [first, second, second, ...rest],
  ],
  ['lacks a chunk', ([first, second]) => [first, second]],
])('an index object that %s: the run fails with CountMismatch', async (_, tamper) => {
  const items = await itemsCase();
  const gate = await gatedBatch(items);

  const [key = ''] = (await items.keys()).filter((name) => name.includes('/index/'));
  const { chunks, columns } = decode<ShardIndex & { chunks: Chunks }>(
    await readObject(items.bucket, key),
  );
  await items.put(key, encode({ columns, chunks: tamper(chunks) }));
  gate.open();

  await expect(gate.run.result()).rejects.toMatchObject({ cause: { type: 'CountMismatch' } });
  const [told] = await items.results();
  expect(told).toEqual({
    batchId: items.batchId,
    status: 'failed',
    error: expect.stringContaining('expected'),
  });
  // What can't be trusted is thrown away: the next run begins anew.
  expect(await items.keys()).toEqual(['items.csv']);
});

test('a record of a chunk that is not what was written: the run that goes on from it fails', async () => {
  const items = await itemsCase();
  const { run, open } = await gatedBatch(items);
  await run.cancel();
  open();
  await run.result().catch(() => {});
  const [key = ''] = (await items.keys()).filter((name) => name.includes('/chunks/1/1-'));
  const record: ChunkRecord = JSON.parse((await readObject(items.bucket, key)).toString());
  await items.put(key, JSON.stringify({ ...record, keySum: '0123456789abcdef' }));

  const again = await items.start(await jobOf(items));

  await expect(again.result()).rejects.toMatchObject({ cause: { type: 'CountMismatch' } });
});

/** Cuts the last row off. */
function shortened(entry: IndexEntry): IndexEntry {
  return { ...entry, end: entry.end - 'item-19,19\n'.length };
}

async function jobOf(items: ItemsCase) {
  const source = await items.put('items.csv', csvOf(COUNT));
  const oneByOne = { itemsPerChunk: 10, parallelChunks: 1, itemConcurrency: 1 };
  return { source, processor: 'gated', ...oneByOne };
}

/** A batch whose first chunk waits. */
async function gatedBatch(items: ItemsCase) {
  const opened = Promise.withResolvers<void>();
  let begun = 0;
  const process = () => {
    begun += 1;
    return opened.promise;
  };
  await items.worker({ processors: [{ name: 'gated', process }] });
  const run = await items.start(await jobOf(items));
  await vi.waitFor(() => expect(begun).toBe(1), WAIT);
  return { run, open: () => opened.resolve() };
}
