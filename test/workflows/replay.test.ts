import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { describe, expect, inject, test, vi } from 'vitest';
import { deliveredSignal } from '../../src/workflows/deliveries.ts';
import * as workflows from '../../src/workflows/index.ts';
import { pauseSignal, resumeSignal } from '../../src/workflows/items-progress.ts';
import { sampleArchive } from '../support/faults.ts';
import { hold, WAIT } from '../support/holds.ts';
import { type ItemsCase, itemsCase } from '../support/items-case.ts';
import { routeCase } from '../support/route-case.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { putArchive, type SplitCase, splitCase, startWorker } from '../support/split-case.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { zipCase } from '../support/zip-case.ts';

/**
 * Histories of finished runs, one a file, named `<workflow>-<how it went>.json`. They stand for the
 * runs that are open when a new version is deployed, so they are recorded anew only together with a
 * change that breaks those on purpose: RECORD_HISTORIES=1 npx vitest run test/workflows/replay.test.ts,
 * with `-t zip` for those of zip jobs alone.
 */
const HISTORIES = fileURLToPath(new URL('../fixtures/histories/', import.meta.url));

const recording = process.env.RECORD_HISTORIES === '1';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** Fails every item. */
const fails = {
  name: 'fails',
  process() {
    throw new Error('no');
  },
};

const SAMPLE = { rows: 5, imageBytes: 0, seed: 1 };

describe.runIf(recording)('recording', () => {
  const archive = sampleArchive(SAMPLE);

  test('empties the folder', async () => {
    await rm(HISTORIES, { recursive: true, force: true });
    await mkdir(HISTORIES, { recursive: true });
  });

  test('success, joined by a second message', async () => {
    const split = await splitCase(await archive);
    const run = await split.start();
    await run.signal(deliveredSignal, 'another message');
    await startWorker(split.taskQueue, { BATCH_SIZE: '2', MAX_PARALLEL_BATCHES: '2' });
    const { batches } = await run.result();
    await record(run, 'splitArchive-success');
    await record(childOf(split, run, batches[0]?.name), 'buildBatch-success');
  });

  test('reuse', async () => {
    const split = await splitCase(await archive);
    await startWorker(split.taskQueue, { BATCH_SIZE: '2' });
    await (await split.start()).result();
    const run = await split.start();
    const { batches } = await run.result();
    await record(run, 'splitArchive-reuse');
    await record(childOf(split, run, batches[0]?.name), 'buildBatch-reuse');
  });

  test.each(['tar', 'tar.gz'] as const)('success of a %s', async (format) => {
    const split = await splitCase(await sampleArchive({ ...SAMPLE, format }));
    await startWorker(split.taskQueue, { BATCH_SIZE: '2' });
    const run = await split.start();
    await run.result();
    await record(run, `splitArchive-${format}`);
  });

  test('success of a ZIP on the disk of a worker', async () => {
    const split = await splitCase(await archive);
    await startWorker(split.taskQueue, { BATCH_SIZE: '2', WORKSPACE: 'disk' });
    const run = await split.start();
    const { batches } = await run.result();
    await record(run, 'splitArchive-local-disk-zip');
    await record(childOf(split, run, batches[0]?.name), 'buildBatch-local-disk');
  });

  test('success of a TAR.GZ on a shared disk', async () => {
    const split = await splitCase(await sampleArchive({ ...SAMPLE, format: 'tar.gz' }));
    const EFS_PATH = await tempFolder();
    const settings = { WORKSPACE: 'disk', MAX_TMP_SIZE: '0', EFS_PATH };
    await startWorker(split.taskQueue, { BATCH_SIZE: '2', ...settings });
    const run = await split.start();
    await run.result();
    await record(run, 'splitArchive-shared-disk-tar.gz');
  });

  test('the worker with the files gone', async () => {
    const split = await splitCase(await sampleArchive({ ...SAMPLE, format: 'tar.gz' }));
    const proxy = await s3Proxy();
    const settings = { BATCH_SIZE: '2', WORKSPACE: 'disk', LOST_WORKER_SECONDS: '1' };
    const worker = await startWorker(split.taskQueue, settings, proxy.stack);
    let held = 0;
    proxy.intercept = ({ operation }) => {
      if (operation !== 'UploadPart') return undefined;
      held += 1;
      return new Promise(() => {});
    };
    const run = await split.start();
    await vi.waitFor(() => expect(held).toBe(3), { timeout: 20_000 });
    await worker.stop();
    await startWorker(split.taskQueue, settings);
    await run.result();
    await record(run, 'splitArchive-worker-gone');
  });

  test('no archive', async () => {
    const split = await splitCase(undefined);
    await startWorker(split.taskQueue);
    const run = await split.start();
    await expect(run.result()).rejects.toThrow();
    await record(run, 'splitArchive-no-archive');
  });

  test('archive replaced', async () => {
    const split = await splitCase(await archive);
    const proxy = await s3Proxy();
    await startWorker(split.taskQueue, { BATCH_SIZE: '2' }, proxy.stack);
    const other = await sampleArchive({ ...SAMPLE, seed: 2 });
    proxy.intercept = async ({ operation }) => {
      if (operation === 'CreateMultipartUpload') await putArchive(split.job, other);
      return undefined;
    };
    const run = await split.start();
    await expect(run.result()).rejects.toThrow();
    await record(run, 'splitArchive-archive-replaced');
    await record(childOf(split, run, partName(split, 1)), 'buildBatch-archive-replaced');
  });

  test('cancellation', async () => {
    const split = await splitCase(await archive);
    const proxy = await s3Proxy();
    let held = 0;
    proxy.intercept = ({ operation }) => {
      if (operation !== 'UploadPart') return undefined;
      held += 1;
      return new Promise(() => {});
    };
    await startWorker(split.taskQueue, { BATCH_SIZE: '2' }, proxy.stack);
    const run = await split.start();
    await vi.waitFor(() => expect(held).toBe(3), { timeout: 20_000 });
    await run.cancel();
    await expect(run.result()).rejects.toThrow();
    await record(run, 'splitArchive-cancelled');
    await record(childOf(split, run, partName(split, 1)), 'buildBatch-cancelled');
  });

  test('zip: success, deflated and in shards', async () => {
    const zip = await zipCase();
    await zip.put({ 'a.txt': Buffer.from('a'), 'b/a.txt': Buffer.alloc(6_000_000) });
    await zip.worker({ SHARD_PARTS: '1' });
    const files = [{ source: 'a.txt' }, { source: 'b/a.txt' }];
    for (const compression of ['store', 'deflate'] as const) {
      const run = await zip.start({ files, compression, metadata: { a: 1 } });
      await run.signal(deliveredSignal, 'another message');
      await run.result();
      await record(run, `zipFiles-${compression}`);
    }
  });

  test('zip: reuse', async () => {
    const zip = await zipCase();
    await zip.put({ 'a.txt': Buffer.from('a') });
    await zip.worker();
    const job = { files: [{ source: 'a.txt' }], archiveName: 'same' };
    await (await zip.start(job)).result();
    const run = await zip.start(job);
    await run.result();
    await record(run, 'zipFiles-reuse');
  });

  test('zip: files that are missing, and that change', async () => {
    const zip = await zipCase();
    await zip.put({ 'a.txt': Buffer.from('a') });
    const proxy = await s3Proxy();
    await zip.worker({}, proxy.stack);
    const missing = await zip.start({ files: [{ source: 'a.txt' }, { source: 'b.txt' }] });
    await expect(missing.result()).rejects.toThrow();
    await record(missing, 'zipFiles-missing');
    proxy.intercept = async ({ operation }) => {
      if (operation === 'CreateMultipartUpload') await zip.put({ 'a.txt': Buffer.from('b') });
      return undefined;
    };
    const changed = await zip.start({ files: [{ source: 'a.txt' }] });
    await expect(changed.result()).rejects.toThrow();
    await record(changed, 'zipFiles-changed');
  });

  test('zip: cancellation', async () => {
    const zip = await zipCase();
    await zip.put({ 'a.txt': Buffer.from('a') });
    const proxy = await s3Proxy();
    const held = hold(proxy, ({ operation }) => operation === 'UploadPart');
    await zip.worker({}, proxy.stack);
    const run = await zip.start({ files: [{ source: 'a.txt' }] });
    await vi.waitFor(() => expect(held.calls).toHaveLength(1), { timeout: 20_000 });
    await run.cancel();
    await expect(run.result()).rejects.toThrow();
    await record(run, 'zipFiles-cancelled');
  });

  test('items: success, joined by a second message, paused, and with failures', async () => {
    const items = await itemsCase();
    await items.worker({ processors: [fails] });
    const source = { generate: { count: 5, seed: 1 } };
    const run = await items.start({ source, processor: 'fails', itemsPerChunk: 2 });
    await run.signal(pauseSignal);
    await run.signal(deliveredSignal, 'another message');
    await run.signal(resumeSignal);
    await run.result();
    await record(run, 'processItems-failures');
    await record(shardOf(items), 'processShard-failures');
  });

  test('items: a limited batch', async () => {
    const items = await itemsCase();
    await items.worker();
    const run = await items.start({ source: { generate: { count: 4 } }, itemsPerSecond: 2 });
    await run.result();
    await record(run, 'processItems-limited');
    await record(shardOf(items), 'processShard-limited');
  });

  test('items: cancellation, and the run that goes on', async () => {
    const items = await itemsCase();
    let isHeld = true;
    const held = { name: 'held', process: () => (isHeld ? new Promise(() => {}) : undefined) };
    await items.worker({ processors: [held] });
    const job = { source: { generate: { count: 5 } }, processor: 'held', itemsPerChunk: 2 };
    const run = await items.start(job);
    await vi.waitFor(async () => {
      const { raw } = await shardOf(items).describe();
      expect(raw.pendingActivities?.length).toBe(3);
    }, WAIT);
    await run.cancel();
    await expect(run.result()).rejects.toThrow();
    await record(run, 'processItems-cancelled');
    await record(shardOf(items), 'processShard-cancelled');
    isHeld = false;
    const again = await items.start(job);
    await again.result();
    await record(again, 'processItems-resumed');
    await record(shardOf(items), 'processShard-resumed');
  });

  test('items: a file that is wrong', async () => {
    const items = await itemsCase();
    await items.worker();
    const run = await items.start({ source: await items.put('a.csv', 'id\n1\n') });
    await expect(run.result()).rejects.toThrow();
    await record(run, 'processItems-wrong-file');
  });

  test('route: a file that is split, one that is too small, and none', async () => {
    const route = await routeCase();
    await route.put('a/large.zip', await archive);
    await route.put('small', Buffer.from('small'));
    await route.worker();
    const { bucket } = route;
    const large = await route.start({ bucket, key: 'a/large.zip', threshold: 0 });
    await large.signal(deliveredSignal, 'another message');
    await large.result();
    await record(large, 'routeFile-split');
    const small = await route.start({ bucket, key: 'small' });
    await small.result();
    await record(small, 'routeFile-too-small');
    const absent = await route.start({ bucket, key: 'absent' });
    await expect(absent.result()).rejects.toThrow();
    await record(absent, 'routeFile-absent');
  });

  test('route: a processor that fails at first, and cancellation', async () => {
    const route = await routeCase();
    await route.put('a', Buffer.from('a'));
    const rules = [{ comparison: '=', size: 1, action: 'ProcessFile', processor: 'held' }];
    const file = `${await tempFolder()}/rules.json`;
    await writeFile(file, JSON.stringify(rules));
    let calls = 0;
    const held = {
      name: 'held',
      processFile() {
        calls += 1;
        if (calls === 1) throw new Error('not yet');
        return calls === 2 ? { done: true } : new Promise(() => {});
      },
    };
    await route.worker({ env: { ROUTE_RULES: file }, processors: [held] });
    const run = await route.start({ bucket: route.bucket, key: 'a' });
    await run.result();
    await record(run, 'routeFile-processor');
    const cancelled = await route.start({ bucket: route.bucket, key: 'a' });
    await vi.waitFor(() => expect(calls).toBe(3), WAIT);
    await cancelled.cancel();
    await expect(cancelled.result()).rejects.toThrow();
    await record(cancelled, 'routeFile-cancelled');
  });

  function shardOf({ client, batchId }: ItemsCase) {
    return client.workflow.getHandle(`items-${batchId}/1`);
  }

  function childOf({ client }: SplitCase, { workflowId }: WorkflowHandle, name = '') {
    return client.workflow.getHandle(`${workflowId}/${name}`);
  }

  function partName({ job }: SplitCase, number: number): string {
    return job.file.replace('.zip', `-part${number}.zip`);
  }

  async function record(run: WorkflowHandle, name: string): Promise<void> {
    await writeFile(`${HISTORIES}${name}.json`, encodeHistory(await run.fetchHistory()));
  }
});

test("today's workflows replay the histories of finished runs", async () => {
  const files = await readdir(HISTORIES);
  const histories = await Promise.all(
    files.map(async (file) => decodeHistory(await readFile(`${HISTORIES}${file}`, 'utf8'))),
  );
  const replays = Worker.runReplayHistories(
    { workflowBundle: { codePath: inject('workflowBundle') } },
    histories.map((history) => ({ workflowId: workflowIdOf(history), history })),
  );

  const errors: string[] = [];
  let replayed = 0;
  for await (const { workflowId, error } of replays) {
    replayed += 1;
    if (error) errors.push(`${workflowId}: ${error.message}`);
  }

  expect(errors).toEqual([]);
  expect(replayed).toBe(files.length);
  expect(new Set(files.map((file) => file.split('-')[0]))).toEqual(new Set(Object.keys(workflows)));
});

function workflowIdOf({ events }: History): string {
  return events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? '';
}

/**
 * A history as JSON: the message's own fields, with bytes in base64. Not the form that the Temporal CLI
 * writes, for which the SDK needs a single copy of protobufjs to be installed.
 */
function encodeHistory(history: History): string {
  // A clone has no toJSON, which would write the CLI's form.
  const text = JSON.stringify(
    structuredClone(history),
    (key, value) => {
      // It names folders of the machine that recorded it, and no replay reads it.
      if (key === 'stackTrace') return undefined;
      return value instanceof Uint8Array
        ? { base64: Buffer.from(value).toString('base64') }
        : value;
    },
    1,
  );
  return `${text}\n`;
}

function decodeHistory(text: string): History {
  return JSON.parse(text, (_key, value) =>
    typeof value?.base64 === 'string' ? Buffer.from(value.base64, 'base64') : value,
  );
}
