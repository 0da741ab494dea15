import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, test, vi } from 'vitest';
import {
  itemsProgressQuery,
  pauseSignal,
  resumeSignal,
} from '../../src/workflows/items-progress.ts';
import { WAIT } from '../support/holds.ts';
import { type ItemsCase, itemsCase } from '../support/items-case.ts';

const SOURCE = { generate: { count: 40, seed: 1 } };

describe('a batch that is cancelled', () => {
  test('begins nothing more, counts what was under way, tells how far it came, and goes on from there', async () => {
    const items = await itemsCase();
    const gate = gated({ fails: '1-3' });
    await items.worker({ processors: [gate.processor] });
    const job = { source: SOURCE, processor: 'gated', ...FOUR_AT_ONCE };
    const run = await items.start(job);
    await gate.reached(14);

    await run.cancel();
    // What is under way is let end: it counts.
    await vi.waitFor(async () => expect(await isCancelRequested(items)).toBe(true), WAIT);
    gate.open();

    await expect(run.result()).rejects.toThrow();
    const [told, ...others] = await items.results();
    expect(others).toEqual([]);
    expect(told).toEqual({
      batchId: items.batchId,
      status: 'cancelled',
      error: 'The run was cancelled',
      total: 40,
      succeeded: expect.any(Number),
      failed: 1,
      failures: `s3://${items.bucket}/items/${items.batchId}/failures.ndjson`,
    });
    const { status, memo } = await run.describe();
    expect(status.name).toBe('CANCELLED');
    expect(memo).toMatchObject({ cancelled: told });
    expect(await run.query(itemsProgressQuery)).toMatchObject({ stage: 'cancelled' });
    const done = gate.processed.length;
    expect(told).toMatchObject({ succeeded: done - 1 });
    expect(done).toBeLessThan(40);

    const result = await (await items.start(job)).result();

    expect(result).toMatchObject({ total: 40, succeeded: 39, failed: 1 });
    expect(await items.failures(result.failures)).toEqual([{ id: '1-3', error: 'no' }]);
    expect(gate.processed.toSorted()).toEqual(allIds());
    expect(await items.keys()).toEqual([`items/${items.batchId}/failures.ndjson`]);
  });

  test('does not wait for items that never end; they are processed again by the next run', async () => {
    const items = await itemsCase();
    const gate = gated();
    await items.worker({ processors: [gate.processor] });
    const job = { source: SOURCE, processor: 'gated', ...FOUR_AT_ONCE };
    const run = await items.start(job);
    await gate.reached(14);

    await run.cancel();
    await expect(run.result()).rejects.toThrow();

    expect(await items.results()).toMatchObject([{ status: 'cancelled', succeeded: 10 }]);
    gate.open();
    const result = await (await items.start(job)).result();
    expect(result).toMatchObject({ total: 40, succeeded: 40 });
    // Those that were given up have been begun twice.
    expect(gate.begun.length).toBe(44);
  });

  test('and that has other items the next time begins anew', async () => {
    const items = await itemsCase();
    const gate = gated();
    await items.worker({ processors: [gate.processor] });
    const run = await items.start({ source: SOURCE, processor: 'gated', ...FOUR_AT_ONCE });
    await gate.reached(14);
    await run.cancel();
    await vi.waitFor(async () => expect(await isCancelRequested(items)).toBe(true), WAIT);
    gate.open();
    await run.result().catch(() => {});

    const source = { generate: { count: 40, seed: 2 } };
    const again = await items.start({ source, processor: 'gated', ...FOUR_AT_ONCE });

    expect(await again.result()).toMatchObject({ total: 40, succeeded: 40 });
    expect(gate.processed.filter((id) => id.startsWith('2-')).length).toBe(40);
  });
});

test('a batch that is terminated leaves its chunks at a checkpoint, and a run that comes at once goes on', async () => {
  const items = await itemsCase();
  const gate = gated();
  await items.worker({ processors: [gate.processor] });
  const job = { source: SOURCE, processor: 'gated', ...FOUR_AT_ONCE };
  const run = await items.start(job);
  await gate.reached(14);

  await run.terminate();
  const again = await items.start(job);
  await vi.waitFor(async () => expect(await isCancelRequested(items)).toBe(true), WAIT);
  gate.open();
  const result = await again.result();

  expect(result).toMatchObject({ total: 40, succeeded: 40 });
  expect(gate.processed.toSorted()).toEqual(allIds());
});

test('a shard that somebody cancels fails its batch, which does not claim to be complete', async () => {
  const items = await itemsCase();
  const gate = gated();
  await items.worker({ processors: [gate.processor] });
  const run = await items.start({ source: SOURCE, processor: 'gated', ...FOUR_AT_ONCE });
  await gate.reached(14);

  await shardOf(items).cancel();
  await vi.waitFor(async () => expect(await isCancelRequested(items)).toBe(true), WAIT);
  gate.open();

  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'Stopped' } });
  expect(await items.results()).toMatchObject([{ status: 'failed' }]);
});

test('a paused batch begins no chunk until it is resumed', async () => {
  const items = await itemsCase();
  const gate = gated();
  await items.worker({ processors: [gate.processor] });
  const run = await items.start({ source: SOURCE, processor: 'gated', ...FOUR_AT_ONCE });
  await gate.reached(14);

  await run.signal(pauseSignal);
  await vi.waitFor(async () => {
    expect(await shardOf(items).query(itemsProgressQuery)).toMatchObject({ paused: true });
  }, WAIT);
  gate.open();
  // The chunks that are under way end.
  await vi.waitFor(async () => {
    const { raw } = await shardOf(items).describe();
    expect(raw.pendingActivities ?? []).toEqual([]);
  }, WAIT);
  const begun = gate.begun.length;
  expect(await run.query(itemsProgressQuery)).toMatchObject({ paused: true, stage: 'processing' });
  expect(begun).toBeLessThan(40);
  await run.signal(resumeSignal);

  expect(await run.result()).toMatchObject({ total: 40, succeeded: 40 });
  expect(gate.processed.toSorted()).toEqual(allIds());
});

/** Two chunks of five items at once, two items of each: the gate is closed in the second pair of chunks. */
const FOUR_AT_ONCE = { itemsPerChunk: 5, parallelChunks: 2, itemConcurrency: 2 };

/** A processor that lets ten items pass, and holds the others until it is opened. */
function gated({ fails }: { fails?: string } = {}) {
  const opened = Promise.withResolvers<void>();
  const begun: string[] = [];
  const processed: string[] = [];
  return {
    begun,
    processed,
    open: () => opened.resolve(),
    reached: (count: number) => vi.waitFor(() => expect(begun.length).toBe(count), WAIT),
    processor: {
      name: 'gated',
      async process({ id }: { id: string }) {
        begun.push(id);
        if (begun.length > 10) await opened.promise;
        processed.push(id);
        if (id === fails) throw new Error('no');
      },
    },
  };
}

function allIds(): string[] {
  return Array.from({ length: 40 }, (_, index) => `1-${index}`).toSorted();
}

function shardOf({ client, batchId }: ItemsCase): WorkflowHandle {
  return client.workflow.getHandle(`items-${batchId}/1`);
}

/** Whether the chunks that are under way have been told to end. */
async function isCancelRequested(items: ItemsCase): Promise<boolean> {
  const { raw } = await shardOf(items).describe();
  const chunks = raw.pendingActivities ?? [];
  // temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
  return chunks.length > 0 && chunks.every(({ state }) => state === 3);
}
