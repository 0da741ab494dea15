import { expect, test, vi } from 'vitest';
import { gate, sampleArchive } from '../support/faults.ts';
import { hold, WAIT } from '../support/holds.ts';
import { startProcess } from '../support/processes.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { splitCase } from '../support/split-case.ts';
import { sqsProxy } from '../support/sqs-proxy.ts';

test('a worker that is told to stop hears the answers to what must not be done twice', async () => {
  const sqs = await sqsProxy();
  const s3 = await s3Proxy(sqs.stack);
  const long = await splitCase(await sampleArchive({ rows: 60, imageBytes: 200_000, seed: 1 }));
  const short = await sampleArchive({ rows: 3, imageBytes: 2_000, seed: 2 });
  const begins = await splitCase(short, { file: 'begins.zip' }, long.taskQueue);
  const tells = await splitCase(short, { file: 'tells.zip' }, long.taskQueue);
  const answered = gate();
  const awaited = new Set<string>();
  const holdAnswer = (what: string) => {
    awaited.add(what);
    return answered.opened;
  };
  s3.beforeAnswer = ({ operation, key }) =>
    operation === 'CreateMultipartUpload' && key.includes('begins')
      ? holdAnswer('begun')
      : undefined;
  sqs.beforeAnswer = ({ operation, body }) =>
    operation === 'SendMessage' && body.includes(tells.job.updatesQueueUrl)
      ? holdAnswer('told')
      : undefined;
  const copies = hold(s3, ({ operation }) => operation === 'UploadPartCopy');
  const env = { TASK_QUEUE: long.taskQueue };
  const first = await startProcess('worker', env, s3.stack);
  const runs = await Promise.all([long, begins, tells].map((split) => split.start()));
  await vi.waitFor(() => {
    expect([...awaited].sort()).toEqual(['begun', 'told']);
    expect(copies.calls).toHaveLength(1);
  }, WAIT);

  const stopped = first.stop();
  // The time in which what runs may end is over: the long run's part has been given up.
  await vi.waitFor(() => expect(copies.calls[0]?.isAbandoned).toBe(true), WAIT);
  answered.open();
  await stopped;
  copies.release();
  await startProcess('worker', env, s3.stack);
  await Promise.all(runs.map((run) => run.result()));

  for (const split of [long, begins, tells]) {
    expect(await split.results()).toEqual([expect.objectContaining({ status: 'success' })]);
    expect(await split.uploads()).toEqual([]);
  }
});

test('a worker that is told to stop ends, though SQS does not answer it', async () => {
  const sqs = await sqsProxy();
  const split = await splitCase(await sampleArchive({ rows: 3, imageBytes: 2_000, seed: 2 }));
  const asked = gate();
  sqs.beforeAnswer = ({ operation, body }) => {
    if (operation !== 'SendMessage' || !body.includes(split.job.updatesQueueUrl)) return undefined;
    asked.open();
    return new Promise(() => {});
  };
  const worker = await startProcess('worker', { TASK_QUEUE: split.taskQueue }, sqs.stack);
  await split.start();
  await asked.opened;

  await expect(worker.stop()).resolves.toBeUndefined();
});
