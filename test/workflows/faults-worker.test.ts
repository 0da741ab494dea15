import { beforeAll, describe, expect, test, vi } from 'vitest';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { sampleArchive } from '../support/faults.ts';
import { startProcess } from '../support/processes.ts';
import { type S3Call, type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { type SplitCase, splitCase, startWorker } from '../support/split-case.ts';
import { testByUnzip } from '../support/zip-fixtures.ts';

const WAIT = { timeout: 30_000, interval: 20 };

describe('a worker that ends in the middle of a batch zip', () => {
  /** One batch zip: a run of the source in three or more copies, then a part of literals. */
  let copied: Buffer;
  /** Two batch zips of 300 rows, in four or more parts each that are put together in memory. */
  let joined: Buffer;

  beforeAll(async () => {
    copied = await sampleArchive({ rows: 210, imageBytes: 400_000, seed: 1 });
    joined = await sampleArchive({ rows: 600, imageBytes: 100_000, seed: 2, shuffle: true });
  });

  test('killed with SIGKILL: another worker makes only the parts that S3 lacks', async () => {
    const split = await splitCase(copied);
    const proxy = await s3Proxy();
    const env = { TASK_QUEUE: split.taskQueue };
    const first = await startProcess('worker', env, proxy.stack);
    const held = holdFrom(
      proxy,
      ({ operation, part }) => operation === 'UploadPartCopy' && part > 2,
    );

    const run = await split.start();
    await vi.waitFor(() => {
      expect(held.length).toBeGreaterThan(0);
      expect(partsMade(proxy)).toEqual(expect.arrayContaining([1, 2]));
    }, WAIT);
    await first.kill();
    proxy.intercept = undefined;
    await startProcess('worker', env, proxy.stack);
    const { batches } = await run.result();

    const made = partsMade(proxy);
    expect(made).toEqual(made.map((_, index) => index + 1));
    expect(proxy.succeeded('CreateMultipartUpload')).toHaveLength(1);
    await expectGoodZips(split, [batches[0]?.name ?? '']);
  });

  test('stopped with SIGTERM: another worker goes on at once, and no part is made twice', async () => {
    const split = await splitCase(joined);
    const proxy = await s3Proxy();
    const env = { TASK_QUEUE: split.taskQueue, BATCH_SIZE: '300' };
    const first = await startProcess('worker', env, proxy.stack);
    const held = holdFrom(proxy, ({ operation, part }) => operation === 'UploadPart' && part >= 3);

    const run = await split.start();
    await vi.waitFor(() => {
      expect(held.length).toBeGreaterThan(1);
      expect(partsMade(proxy)).toEqual([1, 1, 2, 2]);
    }, WAIT);
    const stopped = first.stop();
    await startProcess('worker', env, proxy.stack);
    await stopped;
    proxy.intercept = undefined;
    const { batches } = await run.result();

    const names = batches.map(({ name }) => name);
    for (const name of names) {
      const made = partsMade(proxy, `batch/${name}`);
      expect(made).toEqual(made.map((_, index) => index + 1));
      expect(await endsOfAttempts(split, name)).toEqual(['WorkerShutdown']);
    }
    expect(proxy.succeeded('CreateMultipartUpload')).toHaveLength(2);
    await expectGoodZips(split, names);
  });

  test('an answer to the completion that never arrives does not undo a batch zip', async () => {
    const split = await splitCase(await sampleArchive({ rows: 20, imageBytes: 20_000, seed: 3 }));
    const proxy = await s3Proxy();
    let lost = 0;
    proxy.intercept = ({ operation }) =>
      operation === 'CompleteMultipartUpload' && lost++ === 0 ? 'lose the answer' : undefined;
    await startWorker(split.taskQueue, {}, proxy.stack);

    const { batches } = await (await split.start()).result();

    expect(lost).toBeGreaterThan(1);
    expect(proxy.succeeded('CreateMultipartUpload')).toHaveLength(1);
    await expectGoodZips(split, [batches[0]?.name ?? '']);
  });
});

/** Holds the calls that match for as long as their caller lives; gives them as they come. */
function holdFrom(proxy: S3Proxy, matches: (call: S3Call) => boolean): readonly S3Call[] {
  const held: S3Call[] = [];
  proxy.intercept = (call) => {
    if (!matches(call)) return undefined;
    held.push(call);
    return new Promise(() => {});
  };
  return held;
}

/** The numbers of the parts that were made, in order, each as often as it was. */
function partsMade(proxy: S3Proxy, key?: string): number[] {
  const calls = [...proxy.succeeded('UploadPart', key), ...proxy.succeeded('UploadPartCopy', key)];
  return calls.map(({ part }) => part).sort((a, b) => a - b);
}

/** The types of the failures after which a batch zip was taken up again. */
async function endsOfAttempts({ client, job }: SplitCase, name: string) {
  const child = client.workflow.getHandle(`${splitWorkflowId(job)}/${name}`);
  const { events } = await child.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) =>
    started?.lastFailure ? [started.lastFailure.applicationFailureInfo?.type] : [],
  );
}

/** The bucket holds the archive and these batch zips, whole, and nothing else; the client was told once. */
async function expectGoodZips(split: SplitCase, names: string[]) {
  expect(await split.results()).toEqual([
    expect.objectContaining({ status: 'success', batchFiles: names }),
  ]);
  for (const name of names) testByUnzip(await split.part(name));
  const zips = names.map((name) => `batch/${name}`);
  expect((await split.keys()).sort()).toEqual([...zips, split.job.exportPath]);
}
