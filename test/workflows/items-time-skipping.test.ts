import { ApplicationFailure } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import type { ItemsPlan } from '../../src/activities/plan-items.ts';
import type { ChunkOrder } from '../../src/activities/process-chunk.ts';
import { generatedId } from '../../src/items/generated-items.ts';
import { hashKey, KeySum } from '../../src/items/key-sum.ts';
import type { processItems } from '../../src/workflows/process-items.ts';
import { runToEnd, startTimeSkipping } from '../support/time-skipping.ts';

const HOUR_MS = 3_600_000;

/** Four chunks, two at once. */
const ITEMS = 40;
const CHUNK_ITEMS = 10;

describe('processItems over days', () => {
  let env: TestWorkflowEnvironment;

  beforeAll(async () => {
    env = await startTimeSkipping();
  });

  afterAll(() => env.teardown());

  test('chunks that take turns for hours: a batch of more than a day comes to its end', async () => {
    const waited = new Set<number>();
    const began = await env.currentTimeMs();

    const { result, told } = await run({
      // Each fails once; its second attempt comes 14 hours later.
      processChunk: async (order) => {
        if (!waited.has(order.chunk)) {
          waited.add(order.chunk);
          throw ApplicationFailure.create({ message: 'later', nextRetryDelay: '14 hours' });
        }
        return processed(order);
      },
    });

    await expect(result).resolves.toMatchObject({ total: ITEMS, succeeded: ITEMS });
    expect((await env.currentTimeMs()) - began).toBeGreaterThan(28 * HOUR_MS);
    expect(told).toHaveLength(1);
  });

  test('S3 down for two hours in the middle: chunks that are done stay done', async () => {
    const done: number[] = [];
    let end: number | undefined;

    const { result } = await run({
      processChunk: async (order) => {
        const now = await env.currentTimeMs();
        end ??= now + 2 * HOUR_MS;
        if (order.chunk > 2 && now < end) throw new Error('down');
        done.push(order.chunk);
        return processed(order);
      },
    });

    await expect(result).resolves.toMatchObject({ succeeded: ITEMS });
    expect(done.toSorted()).toEqual([1, 2, 3, 4]);
  });

  test('a chunk that is counted twice, or not at all, is not reported as a result', async () => {
    const { result, told } = await run({
      processChunk: async (order) => processed(order.chunk === 2 ? { ...order, first: 0 } : order),
    });

    await expect(result).rejects.toThrow();
    expect(told).toMatchObject([{ status: 'failed', error: expect.stringContaining('key sum') }]);
  });

  test('SQS down for an hour: the result is told once it is back, and only then the batch ends', async () => {
    let end: number | undefined;
    let sent = 0;

    const { result } = await run({
      sendResult: async () => {
        const now = await env.currentTimeMs();
        end ??= now + HOUR_MS;
        if (now < end) throw new Error('down');
        sent += 1;
      },
    });

    await expect(result).resolves.toMatchObject({ succeeded: ITEMS });
    expect(sent).toBe(1);
  });

  /** Runs a batch to its end on activities that do nothing but these. */
  async function run(own: Partial<Activities>) {
    const told: unknown[] = [];
    const activities: Partial<Activities> = {
      planItems: async () => PLAN,
      processChunk: async (order) => processed(order),
      sendResult: async ({ body }) => void told.push(JSON.parse(body)),
      removeWorkingObjects: async () => {},
      ...own,
    };
    const { result } = await runToEnd<typeof processItems>(env, activities, 'processItems', [JOB]);
    return { result, told };
  }
});

const SOURCE = { generate: { count: ITEMS, seed: 1 } };

const PLAN: ItemsPlan = {
  bucket: 'bucket',
  prefix: 'sheaf/',
  source: SOURCE,
  total: ITEMS,
  chunkItems: CHUNK_ITEMS,
  keySum: keySumOf(0, ITEMS),
  shardSums: [keySumOf(0, ITEMS)],
  resumed: false,
};

const JOB = {
  batchId: 'batch',
  source: SOURCE,
  processor: 'any',
  parallelChunks: 2,
  notifyQueueUrl: 'http://queue',
};

/** What a chunk ends with whose items all succeed. */
function processed({ first, items }: Pick<ChunkOrder, 'first' | 'items'>) {
  return { next: items, failed: 0, keySum: keySumOf(first, items), failures: [] };
}

function keySumOf(first: number, items: number): string {
  const keys = new KeySum();
  for (let index = first; index < first + items; index++) keys.add(hashKey(generatedId(1, index)));
  return keys.toString();
}
