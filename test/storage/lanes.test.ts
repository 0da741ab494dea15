import { describe, expect, test } from 'vitest';
import { inLanes, together } from '../../src/storage/lanes.ts';

const { signal } = new AbortController();

describe('inLanes', () => {
  test('does every item once, so many at a time', async () => {
    const done: number[] = [];
    let running = 0;
    let most = 0;
    const items = Array.from({ length: 50 }, (_, index) => index);
    await inLanes(items, 4, signal, async (item) => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running -= 1;
      done.push(item);
    });

    expect(done.toSorted((a, b) => a - b)).toEqual(items);
    expect(most).toBe(4);
  });

  test('after a failure aborts the others, begins no more, and ends when all have', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const lanes = inLanes([0, 1, 2, 3, 4, 5], 3, signal, async (item, either) => {
      begun.push(item);
      if (item === 1) throw new Error('first');
      await abortOf(either);
      await new Promise(setImmediate);
      ended.push(item);
      throw new Error('second');
    });

    await expect(lanes).rejects.toThrow('first');
    expect(begun).toEqual([0, 1, 2]);
    expect(ended).toEqual([0, 2]);
  });

  test('stopped from outside rejects with the reason, once all have ended', async () => {
    const stop = new AbortController();
    let ended = 0;
    const lanes = inLanes([1, 2, 3], 2, stop.signal, async (_, either) => {
      await abortOf(either);
      ended += 1;
    });
    await new Promise(setImmediate);
    stop.abort(new Error('stopped'));

    await expect(lanes).rejects.toThrow('stopped');
    expect(ended).toBe(2);
  });
});

test('inLanes takes items as they are made, closes what makes them, and leaves the rest unmade', async () => {
  let made = 0;
  let closed = false;
  async function* items() {
    try {
      for (;;) yield ++made;
    } finally {
      closed = true;
    }
  }
  const lanes = inLanes(items(), 2, signal, async (item) => {
    if (item === 3) throw new Error('third');
  });

  await expect(lanes).rejects.toThrow('third');
  expect(closed).toBe(true);
  expect(made).toBeLessThanOrEqual(5);
});

test('together runs all at once, and a failure of one aborts the rest', async () => {
  let aborted = false;
  const both = together(
    signal,
    async (either) => {
      await abortOf(either);
      aborted = true;
    },
    () => Promise.reject(new Error('broken')),
  );

  await expect(both).rejects.toThrow('broken');
  expect(aborted).toBe(true);
});

/** Resolves when a signal is aborted. */
function abortOf(either: AbortSignal): Promise<void> {
  if (either.aborted) return Promise.resolve();
  return new Promise((resolve) => either.addEventListener('abort', () => resolve()));
}
