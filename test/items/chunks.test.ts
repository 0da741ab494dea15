import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chunkStretch,
  chunksOfShard,
  countChunks,
  countShards,
  limitedChunkItems,
  SHARD_CHUNKS,
  type Stretch,
  shardStretch,
  shareLanes,
} from '../../src/items/chunks.ts';

const layouts = fc.record({
  total: fc.integer({ min: 0, max: 4000 }),
  chunkItems: fc.integer({ min: 1, max: 10 }),
});

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function expectTiles(stretches: readonly Stretch[], first: number, items: number): void {
  let next = first;
  for (const stretch of stretches) {
    expect(stretch.first).toBe(next);
    expect(stretch.items).toBeGreaterThan(0);
    next += stretch.items;
  }
  expect(next).toBe(first + items);
}

describe('a batch is cut', () => {
  test('into shards, and they into chunks, without a gap', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const shards = numbers(countShards(layout));
        expectTiles(
          shards.map((shard) => shardStretch(layout, shard)),
          0,
          layout.total,
        );
        for (const shard of shards) {
          const chunks = numbers(chunksOfShard(layout, shard)).map((chunk) =>
            chunkStretch(layout, shard, chunk),
          );
          const { first, items } = shardStretch(layout, shard);
          expectTiles(chunks, first, items);
          for (const chunk of chunks.slice(0, -1)) expect(chunk.items).toBe(layout.chunkItems);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('into full shards but the last one', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const chunks = numbers(countShards(layout)).map((shard) => chunksOfShard(layout, shard));
        expect(chunks.slice(0, -1).every((count) => count === SHARD_CHUNKS)).toBe(true);
        expect(chunks.reduce((sum, count) => sum + count, 0)).toBe(countChunks(layout));
      }),
    );
  });

  test('at the edges of a chunk and of a shard', () => {
    expect(countShards({ total: 0, chunkItems: 10 })).toBe(0);
    expect(countChunks({ total: 10, chunkItems: 10 })).toBe(1);
    expect(countChunks({ total: 11, chunkItems: 10 })).toBe(2);
    expect(countShards({ total: 5000, chunkItems: 10 })).toBe(1);
    expect(countShards({ total: 5001, chunkItems: 10 })).toBe(2);
    expect(chunkStretch({ total: 5001, chunkItems: 10 }, 2, 1)).toEqual({ first: 5000, items: 1 });
  });
});

describe('chunks at once', () => {
  const parallel = fc.integer({ min: 1, max: 2000 });
  const shards = fc.integer({ min: 1, max: 100 });

  test('are shared out evenly, none left over, to no more shards than there are', () => {
    fc.assert(
      fc.property(parallel, shards, (parallelChunks, count) => {
        const lanes = shareLanes(parallelChunks, count);
        expect(lanes.length).toBeLessThanOrEqual(count);
        expect(Math.min(...lanes)).toBeGreaterThanOrEqual(1);
        expect(Math.max(...lanes) - Math.min(...lanes)).toBeLessThanOrEqual(1);
        const most = lanes.length * SHARD_CHUNKS;
        expect(lanes.reduce((sum, own) => sum + own, 0)).toBe(Math.min(parallelChunks, most));
      }),
    );
  });

  test('go to two shards at least where there are two, so that one can end', () => {
    expect(shareLanes(5, 10)).toEqual([2, 3]);
    expect(shareLanes(1, 10)).toEqual([1]);
    expect(shareLanes(5, 1)).toEqual([5]);
    expect(shareLanes(150, 10)).toEqual([50, 50, 50]);
  });

  test('of one shard are no more than its chunks', () => {
    expect(shareLanes(2000, 1)).toEqual([SHARD_CHUNKS]);
  });
});

test.each([
  [1000, undefined, 1000],
  [1000, 200, 200],
  [1000, 2.7, 2],
  [1000, 0.1, 1],
  [100, 200, 100],
])('a chunk of %i items, limited to %s a second, has %i', (itemsPerChunk, limit, expected) => {
  expect(limitedChunkItems(itemsPerChunk, limit)).toBe(expected);
});
