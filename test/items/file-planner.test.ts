import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LimitError } from '../../src/archive/errors.ts';
import { countShards, MAX_SHARDS, SHARD_CHUNKS } from '../../src/items/chunks.ts';
import {
  assertShards,
  FilePlanner,
  type IndexEntry,
  type PlannedFile,
  UNPLANNED,
} from '../../src/items/file-planner.ts';
import { type ItemRecord, plainItem } from '../../src/items/item.ts';
import { hashKey, KeySum, totalKeySum } from '../../src/items/key-sum.ts';

/** What a planner gives at the end of a shard. */
interface Shard {
  readonly chunks: readonly IndexEntry[];
  readonly planned: PlannedFile;
}

const files = fc
  .record({
    count: fc.integer({ min: 0, max: 2200 }),
    chunkItems: fc.integer({ min: 1, max: 3 }),
    lengths: fc.array(fc.integer({ min: 3, max: 300 }), { minLength: 1, maxLength: 20 }),
  })
  .map(({ count, chunkItems, lengths }) => ({ chunkItems, records: recordsOf(count, lengths) }));

/** Records of these lengths in turn; every seventh is followed by a blank line, every fifth has a line break. */
function recordsOf(count: number, lengths: readonly number[]): ItemRecord[] {
  let position = 0;
  let next = 1;
  return Array.from({ length: count }, (_, index) => {
    const start = position + (index % 7 === 0 ? 1 : 0);
    const line = next + (index % 7 === 0 ? 1 : 0);
    position = start + (lengths[index % lengths.length] as number);
    next = line + (index % 5 === 0 ? 2 : 1);
    return { item: plainItem(`item-${index}`, 0), end: position, line, nextLine: next };
  });
}

function plan(records: readonly ItemRecord[], chunkItems: number, from?: PlannedFile): Shard[] {
  const planner = new FilePlanner(chunkItems, from);
  const shards: Shard[] = [];
  const keep = (chunks: readonly IndexEntry[] | undefined) => {
    if (chunks) shards.push({ chunks, planned: planner.planned });
  };
  for (const record of records) keep(planner.add(record, hashKey(record.item.id)));
  keep(planner.end());
  return shards;
}

function sumOf(records: readonly ItemRecord[]): string {
  const keys = new KeySum();
  for (const { item } of records) keys.add(hashKey(item.id));
  return keys.toString();
}

describe('the chunks of a file', () => {
  test('tile it without a gap, with the lines and the key sums of what they hold', () => {
    fc.assert(
      fc.property(files, ({ records, chunkItems }) => {
        const chunks = plan(records, chunkItems).flatMap((shard) => shard.chunks);
        expect(chunks).toHaveLength(Math.ceil(records.length / chunkItems));
        for (const [index, chunk] of chunks.entries()) {
          const own = records.slice(index * chunkItems, (index + 1) * chunkItems);
          const before = records[index * chunkItems - 1];
          expect(chunk).toEqual({
            start: before?.end ?? 0,
            end: own.at(-1)?.end,
            line: before?.nextLine ?? 1,
            items: own.length,
            keySum: sumOf(own),
          });
        }
      }),
      { numRuns: 20 },
    );
  });

  test('make shards of 500, the last one shorter, whose sums are those of their chunks', () => {
    fc.assert(
      fc.property(files, ({ records, chunkItems }) => {
        const shards = plan(records, chunkItems);
        expect(shards).toHaveLength(countShards({ total: records.length, chunkItems }));
        for (const [index, { chunks, planned }] of shards.entries()) {
          const end = Math.min(records.length, (index + 1) * SHARD_CHUNKS * chunkItems);
          if (index < shards.length - 1) expect(chunks).toHaveLength(SHARD_CHUNKS);
          expect(planned.items).toBe(end);
          expect(planned.position).toBe(records[end - 1]?.end);
          expect(planned.line).toBe(records[end - 1]?.nextLine);
          expect(planned.shardSums).toHaveLength(index + 1);
          expect(planned.shardSums[index]).toBe(totalKeySum(chunks.map(({ keySum }) => keySum)));
        }
        expect(totalKeySum(shards.at(-1)?.planned.shardSums ?? [])).toBe(sumOf(records));
      }),
      { numRuns: 20 },
    );
  });

  test('are the same where planning goes on from the end of any shard', () => {
    fc.assert(
      fc.property(files, ({ records, chunkItems }) => {
        const shards = plan(records, chunkItems);
        for (const [index, { planned }] of shards.entries()) {
          const rest = plan(records.slice(planned.items), chunkItems, planned);
          expect(rest).toEqual(shards.slice(index + 1));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('are none where there are no items', () => {
    const planner = new FilePlanner(10);
    expect(planner.end()).toBeUndefined();
    expect(planner.planned).toEqual(UNPLANNED);
  });
});

test('nothing counts as planned before its shard is complete', () => {
  const planner = new FilePlanner(1);
  for (const record of recordsOf(SHARD_CHUNKS - 1, [10])) {
    expect(planner.add(record, hashKey(record.item.id))).toBeUndefined();
  }
  expect(planner.planned).toEqual(UNPLANNED);
});

describe('a batch of too many shards is refused, and what to change is said', () => {
  const refusal = new LimitError(
    'The batch has more than 1250000 chunks of 2 items, which is the limit; raise itemsPerChunk',
  );

  test('before it is planned, where its length is known', () => {
    expect(() => assertShards(MAX_SHARDS, 2)).not.toThrow();
    expect(() => assertShards(MAX_SHARDS + 1, 2)).toThrow(refusal);
  });

  test('while its file is read', () => {
    const shardSums = Array.from({ length: MAX_SHARDS - 1 }, () => new KeySum().toString());
    const almostFull = { items: 2_499_000, position: 0, line: 1, shardSums };
    const full = plan(recordsOf(2 * SHARD_CHUNKS, [10]), 2, almostFull).at(-1)?.planned;
    expect(full?.shardSums).toHaveLength(MAX_SHARDS);

    expect(() => plan(recordsOf(1, [10]), 2, full)).toThrow(refusal);
    expect(() => plan(recordsOf(2 * SHARD_CHUNKS, [10]), 2, full)).toThrow(refusal);
  });
});
