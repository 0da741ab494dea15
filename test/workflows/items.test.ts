import { expect, test } from 'vitest';
import { csvOf, itemsCase } from '../support/items-case.ts';

test('a made-up batch is processed, counted and told, and leaves nothing', async () => {
  const items = await itemsCase();
  await items.worker();

  const run = await items.start({
    source: { generate: { count: 12_345, seed: 7 } },
    itemsPerChunk: 1000,
  });
  const result = await run.result();

  expect(result).toEqual({
    batchId: items.batchId,
    total: 12_345,
    succeeded: 12_345,
    failed: 0,
    failures: null,
  });
  expect(await items.results()).toEqual([result]);
  expect(await items.keys()).toEqual([]);
});

test('each item of a CSV file is processed once; those that fail are told by id and error', async () => {
  const items = await itemsCase();
  const seen = new Map<string, number>();
  await items.worker({
    processors: [
      {
        name: 'odd',
        process({ id, value }) {
          seen.set(id, (seen.get(id) ?? 0) + 1);
          if (value % 2 === 1) throw new Error(`${value} is odd`);
        },
      },
    ],
  });
  const source = await items.put('items.csv', csvOf(1234));

  const run = await items.start({ source, processor: 'odd', itemsPerChunk: 100 });
  const result = await run.result();

  expect(result).toMatchObject({ total: 1234, succeeded: 618, failed: 616 });
  expect(seen.size).toBe(1234);
  expect(new Set(seen.values())).toEqual(new Set([1]));
  const failures = await items.failures(result.failures);
  const odd = Array.from({ length: 1234 }, (_, index) => index).filter((i) => (i % 1001) % 2 === 1);
  expect(failures).toEqual(odd.map((i) => ({ id: `item-${i}`, error: `${i % 1001} is odd` })));
  expect(await items.keys()).toEqual([`items/${items.batchId}/failures.ndjson`, 'items.csv']);
});
