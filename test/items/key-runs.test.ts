import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyRuns, type RunStore, runHash } from '../../src/items/key-runs.ts';
import { hashKey } from '../../src/items/key-sum.ts';

const RUN_KEYS = 8;

const ids = fc.array(
  fc.integer({ min: 0, max: 60 }).map((number) => `item-${number}`),
  { maxLength: 60 },
);

/** A store in memory, which tells what was written to it. */
function memoryStore() {
  const runs = new Map<number, Buffer>();
  const store: RunStore = {
    write: async (number, bytes) => {
      runs.set(number, Buffer.from(bytes));
    },
    read: async (number, start, end) => Buffer.from(runs.get(number) ?? []).subarray(start, end),
  };
  return { store, runs };
}

/** Adds ids, and keeps the run when it must. */
async function addAll(runs: KeyRuns, all: readonly string[]): Promise<void> {
  for (const id of all) {
    if (runs.isFull) await runs.keep();
    runs.add(hashKey(id));
  }
}

function hashesOfRepeated(all: readonly string[]): Set<bigint> {
  return new Set(all.filter((id, index) => all.indexOf(id) !== index).map(runHash));
}

describe('the hashes of ids that come more than once', () => {
  test('are found, and no others, whatever the runs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(ids, { maxLength: 5 }), async (parts) => {
        const runs = new KeyRuns(memoryStore().store, [], RUN_KEYS);
        for (const part of parts) {
          await addAll(runs, part);
          if (runs.isWorthKeeping) await runs.keep();
        }
        expect(await runs.repeated()).toEqual(hashesOfRepeated(parts.flat()));
      }),
    );
  });

  test('are found where another goes on from the runs that are kept', async () => {
    await fc.assert(
      fc.asyncProperty(ids, ids, ids, async (before, lost, after) => {
        const { store } = memoryStore();
        const first = new KeyRuns(store, [], RUN_KEYS);
        await addAll(first, before);
        await first.keep();
        const kept = [...first.kept];
        await addAll(first, lost);

        const second = new KeyRuns(store, kept, RUN_KEYS);
        await addAll(second, after);
        expect(await second.repeated()).toEqual(hashesOfRepeated([...before, ...after]));
      }),
    );
  });

  test('are found in runs that are read in several pieces', async () => {
    const { store } = memoryStore();
    const runs = new KeyRuns(store, [], 20_000);
    const distinct = Array.from({ length: 60_000 }, (_, index) => `item-${index}`);
    const twice = ['item-3', 'item-19999', 'item-20000', 'item-59999'];
    await addAll(runs, [...distinct, ...twice]);

    expect(await runs.repeated()).toEqual(new Set(twice.map(runHash)));
    expect(runs.kept).toEqual([20_000, 20_000, 20_000, 4]);
  });

  test('are some of them where there are many', async () => {
    const distinct = Array.from({ length: 3000 }, (_, index) => `item-${index}`);
    const hashes = new Set(distinct.map(runHash));
    for (const runKeys of [1000, 10_000]) {
      const runs = new KeyRuns(memoryStore().store, [], runKeys);
      await addAll(runs, [...distinct, ...distinct]);
      const repeated = await runs.repeated();
      expect(repeated.size).toBeGreaterThanOrEqual(1000);
      expect([...repeated].every((hash) => hashes.has(hash))).toBe(true);
    }
  });

  test('are none where there are no ids', async () => {
    expect(await new KeyRuns(memoryStore().store).repeated()).toEqual(new Set());
  });
});

describe('runs', () => {
  test('are not written where all keys fit one', async () => {
    const { store, runs: written } = memoryStore();
    const runs = new KeyRuns(store, [], RUN_KEYS);
    await addAll(runs, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'a']);

    expect(await runs.repeated()).toEqual(new Set([runHash('a')]));
    expect(written.size).toBe(0);
  });

  test('are written sorted, eight bytes a key, numbered from 1 and none of them empty', async () => {
    const { store, runs: written } = memoryStore();
    const runs = new KeyRuns(store, [], RUN_KEYS);
    const all = Array.from({ length: 20 }, (_, index) => `item-${index}`);
    await addAll(runs, all);
    await runs.keep();
    await runs.keep();

    expect(runs.kept).toEqual([8, 8, 4]);
    expect([...written.keys()]).toEqual([1, 2, 3]);
    for (const [number, bytes] of written) {
      const hashes = all.slice(8 * (number - 1), 8 * number).map(runHash);
      hashes.sort((a, b) => (a < b ? -1 : 1));
      expect([...hashes.keys()].map((at) => bytes.readBigUInt64LE(8 * at))).toEqual(hashes);
      expect(bytes).toHaveLength(8 * hashes.length);
    }
  });

  test('are worth keeping from half full on, and full at the last key', async () => {
    const runs = new KeyRuns(memoryStore().store, [], 4);
    const states: boolean[][] = [];
    for (const id of ['a', 'b', 'c', 'd']) {
      states.push([runs.isWorthKeeping, runs.isFull]);
      runs.add(hashKey(id));
    }
    states.push([runs.isWorthKeeping, runs.isFull]);
    expect(states).toEqual([
      [false, false],
      [false, false],
      [true, false],
      [true, false],
      [true, true],
    ]);
    await runs.keep();
    expect([runs.isWorthKeeping, runs.isFull]).toEqual([false, false]);
  });

  test('that can not be written or read fail the search', async () => {
    const { store } = memoryStore();
    const broken = () => Promise.reject(new Error('the store is broken'));
    const unwritable = new KeyRuns({ ...store, write: broken }, [], 2);
    await expect(addAll(unwritable, ['a', 'b', 'c'])).rejects.toThrow('the store is broken');
    const unreadable = new KeyRuns({ ...store, read: broken }, [], 2);
    await addAll(unreadable, ['a', 'b', 'c']);
    await expect(unreadable.repeated()).rejects.toThrow('the store is broken');
  });
});
