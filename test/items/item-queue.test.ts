import { describe, expect, test } from 'vitest';
import { generatedItems } from '../../src/items/generated-items.ts';
import { type Item, plainItem } from '../../src/items/item.ts';
import { ItemQueue } from '../../src/items/item-queue.ts';

function batchOf(...ids: readonly string[]): Item[] {
  return ids.map((id) => plainItem(id, 0));
}

/** The ids that a taker gets, who does something else between two of them. */
async function takeAll(queue: ItemQueue): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const item = queue.take();
    if (item) ids.push(item.id);
    else if (!(await queue.refill())) return ids;
    await new Promise(setImmediate);
  }
}

describe('a queue of items', () => {
  test('gives each item to one of many takers', async () => {
    const queue = new ItemQueue(generatedItems(1, 0, 2500));
    const taken = await Promise.all(Array.from({ length: 16 }, () => takeAll(queue)));

    expect(taken.flat()).toHaveLength(2500);
    expect(new Set(taken.flat()).size).toBe(2500);
    expect(queue.taken).toBe(2500);
    expect(taken.every((ids) => ids.length > 0)).toBe(true);
  });

  test('keeps the order of its source', async () => {
    async function* source() {
      yield batchOf('a', 'b');
      yield batchOf('c');
    }
    expect(await takeAll(new ItemQueue(source()))).toEqual(['a', 'b', 'c']);
  });

  test('asks its source only once its items are gone, however many wait', async () => {
    let asked = 0;
    function* source() {
      for (;;) {
        asked += 1;
        yield batchOf(`${asked}a`, `${asked}b`);
      }
    }
    const queue = new ItemQueue(source());
    expect(queue.take()).toBeUndefined();
    expect(asked).toBe(0);

    await Promise.all([queue.refill(), queue.refill(), queue.refill()]);
    expect(asked).toBe(1);
    expect(queue.take()?.id).toBe('1a');
    await expect(queue.refill()).resolves.toBe(true);
    expect(asked).toBe(1);
    expect(queue.take()?.id).toBe('1b');
    expect(queue.take()).toBeUndefined();
    await queue.refill();
    expect(asked).toBe(2);
  });

  test('passes over batches without items', async () => {
    const batches = [batchOf(), batchOf('a'), batchOf(), batchOf(), batchOf('b'), batchOf()];
    expect(await takeAll(new ItemQueue(batches))).toEqual(['a', 'b']);

    const queue = new ItemQueue(batches);
    await queue.refill();
    expect(queue.take()?.id).toBe('a');
  });

  test('tells all who wait that its source fails', async () => {
    async function* source(): AsyncGenerator<Item[]> {
      yield batchOf('a');
      throw new Error('the source is broken');
    }
    const queue = new ItemQueue(source());
    await queue.refill();
    queue.take();
    const waiting = await Promise.allSettled([queue.refill(), queue.refill(), queue.refill()]);

    expect(waiting.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual(
      Array.from({ length: 3 }, () => new Error('the source is broken')),
    );
  });

  test.each(['sync', 'async'])('lets its %s source clean up when it is closed', async (kind) => {
    let isClean = false;
    function* source() {
      try {
        yield batchOf('a');
        yield batchOf('b');
      } finally {
        isClean = true;
      }
    }
    async function* asyncSource() {
      yield* source();
    }
    const queue = new ItemQueue(kind === 'sync' ? source() : asyncSource());
    await queue.refill();
    await queue.close();
    expect(isClean).toBe(true);
  });

  test('closes a source that has nothing to clean up', async () => {
    const source = {
      [Symbol.iterator]: () => ({ next: () => ({ done: true, value: undefined }) }),
    };
    const queue = new ItemQueue(source as Iterable<Item[]>);
    await expect(queue.refill()).resolves.toBe(false);
    await expect(queue.close()).resolves.toBeUndefined();
  });
});
