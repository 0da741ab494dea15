import { describe, expect, test } from 'vitest';
import { generatedId } from '../../src/items/generated-items.ts';
import type { Item } from '../../src/items/item.ts';
import type { ItemProcessor } from '../../src/processors/processor.ts';
import { gate } from '../support/faults.ts';
import { indexOf, markAt, quiet, run, SEED, start } from './run-case.ts';

describe('items', () => {
  test.each<[string, ItemProcessor['process']]>([
    ['synchronous', () => {}],
    ['asynchronous', () => new Promise(setImmediate)],
    ['sometimes asynchronous', ({ value }) => (value % 2 ? Promise.resolve() : value)],
  ])('are all counted with a processor that is %s', async (_, process) => {
    expect(await run({ process, count: 2500 })).toEqual({ mark: markAt(2500), failures: [] });
  });

  test('are processed once each, and the processor is told of the batch', async () => {
    const seen: string[] = [];
    const batch = { batchId: 'mine', timeScale: 3 };
    await run({
      batch,
      process: async (item, { batchId, timeScale }) => {
        expect({ batchId, timeScale }).toEqual(batch);
        seen.push(item.id);
      },
    });
    expect(seen).toEqual(Array.from({ length: 10 }, (_, index) => generatedId(SEED, index)));
  });

  test('are processed from the mark on', async () => {
    const seen: number[] = [];
    const { mark } = await run({
      from: markAt(6, 2),
      process: (item) => {
        seen.push(indexOf(item));
      },
    });
    expect(seen).toEqual([6, 7, 8, 9]);
    expect(mark).toEqual(markAt(10, 2));
  });

  test('are processed so many at once, and no more', async () => {
    let now = 0;
    let most = 0;
    await run({
      count: 200,
      concurrency: 7,
      process: async ({ value }) => {
        now += 1;
        most = Math.max(most, now);
        for (let turn = 0; turn <= value % 3; turn++) await new Promise(setImmediate);
        now -= 1;
      },
    });
    expect(most).toBe(7);
  });

  test('do not run further ahead of a slow one than the window', async () => {
    const slow = gate();
    const begun: number[] = [];
    const { running, counts } = start({
      count: 100,
      window: 8,
      process: (item) => {
        begun.push(indexOf(item));
        return indexOf(item) === 0 ? slow.opened : undefined;
      },
    });
    await quiet();
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    slow.open();
    await running;
    expect(counts.mark).toEqual(markAt(100));
  });

  test('wait until there is room for what was counted', async () => {
    const written = gate();
    const begun: number[] = [];
    const { running } = start({
      concurrency: 1,
      process: (item) => {
        begun.push(indexOf(item));
      },
      room: () => (begun.length === 3 ? written.opened : undefined),
    });
    await quiet();
    expect(begun).toEqual([0, 1, 2]);
    written.open();
    await running;
    expect(begun).toHaveLength(10);
  });

  test('are not begun faster than so many a second', async () => {
    const started = performance.now();
    await run({ count: 21, itemsPerSecond: 100, process: () => {} });
    // Timers may be a millisecond early.
    expect(performance.now() - started).toBeGreaterThan(198);
  });
});

describe('the error of an item is', () => {
  test.each<[string, () => unknown, string]>([
    [
      'a line of its own where it is no text',
      () => thrown({ much: 1n }),
      'The processor threw something that is no text',
    ],
    ['its message, text or not', () => thrown(Object.assign(new Error(), { message: 42 })), '42'],
    ['what is thrown', () => thrown(new Error('broken')), 'broken'],
    ['what is rejected with', () => Promise.reject(new Error('broken')), 'broken'],
    ['the name of an error without a message', () => thrown(new TypeError()), 'TypeError'],
    ['a text that is thrown', () => thrown('just text'), 'just text'],
    ['nothing that is thrown, in words', () => Promise.reject(undefined), 'undefined'],
    ['a thousand characters at most', () => thrown('x'.repeat(1001)), `${'x'.repeat(1000)}…`],
  ])('%s', async (_, fail, error) => {
    const process = (item: Item) => (indexOf(item) % 4 === 1 ? fail() : undefined);
    expect(await run({ process })).toEqual({
      mark: markAt(10, 3),
      failures: ['1-1', '1-5', '1-9'].map((id) => ({ id, error })),
    });
  });

  function thrown(cause: unknown): never {
    throw cause;
  }
});
