import { expect, test } from 'vitest';
import { itemsCase } from '../support/items-case.ts';

test('a limited batch is held to its items a second by all workers together', async () => {
  const items = await itemsCase();
  const begun: number[] = [];
  const processor = { name: 'timed', process: () => void begun.push(performance.now()) };
  await items.worker({ processors: [processor] });
  await items.worker({ processors: [processor] });

  const run = await items.start({
    source: { generate: { count: 40 } },
    processor: 'timed',
    itemsPerChunk: 5,
    itemsPerSecond: 10,
  });
  await run.result();

  expect(begun).toHaveLength(40);
  // Eight chunks, each at its own pace, would be done after 0.4 s. Four may begin at once: the server
  // has four partitions of a queue, and each lets one pass before it waits.
  const [first = 0, last = 0] = [begun[0], begun.at(-1)];
  expect(last - first).toBeGreaterThan(1000);
});

test('limited batches do not wait for one another, however few activities a worker takes at once', async () => {
  const [items, ...others] = [await itemsCase(), await itemsCase(), await itemsCase()];
  await items.worker({ env: { MAX_CONCURRENT_ACTIVITIES: '1' } });
  const { taskQueue } = items;

  const runs = await Promise.all(
    [items, ...others].map(({ start }) =>
      start({ source: { generate: { count: 5 } }, itemsPerSecond: 5 }, taskQueue),
    ),
  );

  for (const run of runs) expect(await run.result()).toMatchObject({ succeeded: 5 });
});
