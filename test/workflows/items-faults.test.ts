import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import type { ChunkRecord } from '../../src/activities/item-objects.ts';
import { readCheckpoints } from '../../src/cli/run-queries.ts';
import { WAIT } from '../support/holds.ts';
import { type ItemsCase, itemsCase } from '../support/items-case.ts';
import { privateTemporal } from '../support/private-temporal.ts';
import { startProcess } from '../support/processes.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { tempFolder } from '../support/temp-folder.ts';

const COUNT = 1000;

/** Two chunks at once, four items of each. */
const JOB = {
  source: { generate: { count: COUNT, seed: 1 } },
  processor: 'logged',
  itemsPerChunk: 400,
  parallelChunks: 2,
  itemConcurrency: 4,
};

test('a worker killed in mid chunk: no item uncounted, none counted twice, few processed twice', async () => {
  const items = await itemsCase();
  const { env, log } = await logged(items);
  const first = await startProcess('worker', env);
  const run = await items.start(JOB);
  await vi.waitFor(async () => expect(await toldOf(items)).toBeGreaterThan(100), WAIT);

  await first.kill();
  const processed = log().length;
  const told = await toldOf(items);
  await startProcess('worker', env);
  const result = await run.result();

  expect(result).toMatchObject({ total: COUNT, succeeded: 900, failed: 100 });
  await expectFailures(items, result.failures);
  expect(new Set(log()).size).toBe(COUNT);
  // Only what was processed after the last heartbeat is processed again.
  expect(log().length - COUNT).toBeLessThanOrEqual(processed - told);
});

test('a worker that is told to stop hands its chunks over, and no item is processed twice', async () => {
  const items = await itemsCase();
  const { env, log } = await logged(items);
  const first = await startProcess('worker', env);
  const rows = Array.from({ length: COUNT }, (_, index) => `1-${index},0\n`);
  const source = await items.put('items.csv', `id,value\n${rows.join('')}`);
  const run = await items.start({ ...JOB, source });
  await vi.waitFor(() => expect(log().length).toBeGreaterThan(100), WAIT);

  const stopped = first.stop();
  await startProcess('worker', env);
  await stopped;
  const result = await run.result();

  expect(result).toMatchObject({ total: COUNT, succeeded: 900, failed: 100 });
  await expectFailures(items, result.failures);
  expect(log().toSorted()).toEqual(allIds());
});

test('a Temporal server that is stopped in the middle and started again', async () => {
  const temporal = await privateTemporal();
  const items = await itemsCase(temporal.stack, await temporal.connect());
  const { env, log } = await logged(items);
  await startProcess('worker', env, temporal.stack);
  const { workflowId } = await items.start(JOB);
  await vi.waitFor(() => expect(log().length).toBeGreaterThan(100), WAIT);

  await temporal.server.stop();
  await temporal.server.start();
  const run = (await temporal.connect()).workflow.getHandle(workflowId);
  const result = await run.result();

  expect(result).toMatchObject({ total: COUNT, succeeded: 900, failed: 100 });
  await expectFailures(items, result.failures);
  expect(new Set(log()).size).toBe(COUNT);
});

test('two workers share a batch', async () => {
  const items = await itemsCase();
  const both = [0, 1].map(() => Promise.withResolvers<void>());
  for (const [index, met] of both.entries()) {
    const process = () => {
      met.resolve();
      // Each waits until the other one has an item, too.
      return both[1 - index]?.promise;
    };
    const processor = { name: 'shared', process };
    await items.worker({ processors: [processor], env: { MAX_CONCURRENT_ACTIVITIES: '1' } });
  }

  const run = await items.start({ ...JOB, processor: 'shared' });

  expect(await run.result()).toMatchObject({ total: COUNT, succeeded: COUNT });
});

test('failures that S3 does not take are neither lost nor told twice', async () => {
  const items = await itemsCase();
  const proxy = await s3Proxy();
  let refused = 0;
  proxy.intercept = ({ operation, key }) => {
    // The first attempt ends here: the SDK gives up after three tries.
    const isRefused = operation === 'PutObject' && key.includes('/failures/') && refused < 3;
    if (!isRefused) return undefined;
    refused += 1;
    return { status: 503, code: 'SlowDown' };
  };
  const fails = {
    name: 'fails',
    process({ id }: { id: string }) {
      if (id.endsWith('7')) throw new Error(`${id} is unlucky`);
    },
  };
  await items.worker({ processors: [fails], stack: proxy.stack });

  const run = await items.start({ ...JOB, processor: 'fails' });
  const result = await run.result();

  expect(refused).toBe(3);
  expect(result).toMatchObject({ total: COUNT, succeeded: 900, failed: 100 });
  await expectFailures(items, result.failures);
});

/** Settings of a worker process that notes what it has processed, and what it has noted. */
async function logged({ settings, taskQueue }: ItemsCase) {
  const file = join(await tempFolder(), 'processed');
  writeFileSync(file, '');
  const PROCESSORS = fileURLToPath(new URL('../support/logged-processor.ts', import.meta.url));
  return {
    env: { ...settings, TASK_QUEUE: taskQueue, PROCESSORS, ITEMS_LOG: file },
    log: () => readFileSync(file, 'utf8').split('\n').filter(Boolean),
  };
}

/** Items of the chunks under way that the last heartbeats have told. */
async function toldOf({ client, batchId }: ItemsCase): Promise<number> {
  const checkpoints = await readCheckpoints<ChunkRecord>(client, `items-${batchId}/1`);
  return checkpoints.reduce((sum, { next }) => sum + next, 0);
}

async function expectFailures(items: ItemsCase, url: string | null): Promise<void> {
  const expected = Array.from({ length: COUNT }, (_, index) => `1-${index}`)
    .filter((id) => id.endsWith('7'))
    .map((id) => ({ id, error: `${id} is unlucky` }));
  expect(await items.failures(url)).toEqual(expected);
}

function allIds(): string[] {
  return Array.from({ length: COUNT }, (_, index) => `1-${index}`).toSorted();
}
