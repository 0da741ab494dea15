import { beforeAll, expect, test, vi } from 'vitest';
import type { SampleOptions } from '../../src/local/sample-export.ts';
import { sampleArchive } from '../support/faults.ts';
import {
  testClient,
  testS3,
  testSqs,
  uniqueBucket,
  uniqueName,
  uniqueQueue,
  uniqueTaskQueue,
} from '../support/harness.ts';
import { hold } from '../support/holds.ts';
import { startProcess, type TestProcess } from '../support/processes.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { LOAD_LIMIT_MS, type LoadArchive, SplitLoad, UNDER_LOAD } from '../support/split-load.ts';

const JOBS = 200;

/** Activities that a worker runs at once. */
const SLOTS = 3;

/** Activities that are held: two workers have no room for all of them, so that each of three has one. */
const HELD = 2 * SLOTS + 1;

/** Takes the way of every job, and hardly more. */
let small: LoadArchive;
/** Becomes a batch zip of three parts, which a worker puts together. */
let joined: LoadArchive;
/** Is staged in S3, in two parts. */
let staged: LoadArchive;

beforeAll(async () => {
  const bytes = (options: Omit<SampleOptions, 'seed'>) => sampleArchive({ ...options, seed: 1 });
  const imageBytes = 100_000;
  small = { suffix: '.zip', bytes: await bytes({ rows: 3, imageBytes: 4_000 }) };
  joined = { suffix: '.zip', bytes: await bytes({ rows: 170, imageBytes, shuffle: true }) };
  staged = { suffix: '.tar.gz', bytes: await bytes({ rows: 100, imageBytes, format: 'tar.gz' }) };
});

test(
  'a deploy while 200 jobs run: none is lost, none is told twice, and no part is made twice',
  async () => {
    const bucket = await uniqueBucket();
    const { url: queueUrl, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
    const { url: updatesQueueUrl } = await uniqueQueue();
    const load = new SplitLoad({
      ...{ name: uniqueName(), bucket, queueUrl, deadLetterUrl, updatesQueueUrl },
      ...{ s3: testS3(), sqs: testSqs() },
    });
    const env = {
      TASK_QUEUE: uniqueTaskQueue(),
      SPLIT_QUEUE_URL: queueUrl,
      MAX_CONCURRENT_ACTIVITIES: `${SLOTS}`,
    };
    const proxies: S3Proxy[] = [];
    const startWorker = async () => {
      const proxy = await s3Proxy();
      proxies.push(proxy);
      return startProcess('worker', env, proxy.stack);
    };
    const startStarter = () => startProcess('starter', env);
    const stopUnderLoad = async (member: TestProcess) => {
      await load.send([...Array.from({ length: 30 }, () => small), joined, staged]);
      await member.stop();
    };

    const [worker1, worker2, worker3] = await Promise.all([
      startWorker(),
      startWorker(),
      startWorker(),
    ]);
    const [starter1, starter2] = await Promise.all([startStarter(), startStarter()]);
    const held = proxies.map((proxy) =>
      hold(proxy, ({ operation, part }) => operation === 'UploadPart' && part > 1),
    );
    await load.send(Array.from({ length: HELD }, () => joined));
    await load.send(Array.from({ length: 33 }, () => small));
    await vi.waitFor(() => {
      for (const { calls } of held) expect(calls.length).toBeGreaterThan(0);
    }, UNDER_LOAD);

    // Some get their successor before they are stopped, as deployments with one too many do; others after.
    await startWorker();
    await stopUnderLoad(worker1);
    await startStarter();
    await stopUnderLoad(starter1);
    await stopUnderLoad(worker2);
    await startWorker();
    await stopUnderLoad(starter2);
    await startStarter();
    await stopUnderLoad(worker3);
    await startWorker();

    await load.expectAllDone(await testClient());
    expect(load.sent).toBe(JOBS);
    // Each of the first three was stopped in the middle of parts, which others have made.
    for (const { calls } of held) expect(calls.some(({ isAbandoned }) => isAbandoned)).toBe(true);
    const made = proxies.flatMap((proxy) => [
      ...proxy.succeeded('UploadPart'),
      ...proxy.succeeded('UploadPartCopy'),
    ]);
    const parts = made.map(({ key, part }) => `part ${part} of ${key}`).toSorted();
    expect(parts).toEqual([...new Set(parts)]);
  },
  LOAD_LIMIT_MS,
);
