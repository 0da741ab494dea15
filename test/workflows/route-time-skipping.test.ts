import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import type { CheckedFile } from '../../src/activities/route-file.ts';
import type { RouteNotice } from '../../src/messages/route.ts';
import type { routeFile } from '../../src/workflows/route-file.ts';
import { runToEnd, startTimeSkipping } from '../support/time-skipping.ts';

const HOUR_MS = 3_600_000;

const FILE: CheckedFile = {
  bucket: 'bucket',
  key: 'a.bin',
  threshold: 10,
  notifyQueueUrl: 'https://sqs/1/notices',
  rules: [{ comparison: '>', size: 'threshold', action: 'ProcessFile', processor: 'mine' }],
  size: 11,
  etag: '"1"',
  splitId: 'route-bucket/a.bin/ProcessFile',
};

describe('routeFile over hours', () => {
  let env: TestWorkflowEnvironment;

  beforeAll(async () => {
    env = await startTimeSkipping();
  });

  afterAll(() => env.teardown());

  test('S3 and SQS down for hours: the file is looked at, and the notice sent, once they are back', async () => {
    const start = await env.currentTimeMs();
    const downUntil = (hours: number) => async () => {
      if ((await env.currentTimeMs()) < start + hours * HOUR_MS) throw new Error('down');
    };
    const s3 = downUntil(3);
    const sqs = downUntil(8);

    const { result, notices } = await run({
      checkFileSize: async () => {
        await s3();
        return FILE;
      },
      processFile: async () => 'done',
      sendResult: async () => sqs(),
    });

    expect(await result).toMatchObject({ status: 'processed', result: 'done' });
    // Tried, in vain, until the queue is back.
    expect(notices.length).toBeGreaterThan(10);
    expect(new Set(notices.map((notice) => JSON.stringify(notice))).size).toBe(1);
    expect(await env.currentTimeMs()).toBeGreaterThanOrEqual(start + 8 * HOUR_MS);
  });

  test('a processor that fails five times is not called again: the notice has its error', async () => {
    let calls = 0;

    const { result, notices } = await run({
      checkFileSize: async () => FILE,
      processFile: async () => {
        calls += 1;
        throw new Error(`no, for the ${calls}. time`);
      },
      sendResult: async () => {},
    });

    await expect(result).rejects.toThrow();
    expect(calls).toBe(5);
    expect(notices).toEqual([
      {
        status: 'failed',
        message: 'no, for the 5. time',
        ...{ bucket: 'bucket', key: 'a.bin', size: 11, threshold: 10 },
      },
    ]);
  });

  test('a file that can not be looked at for a day fails, and says so where its message says whom to tell', async () => {
    const { result, notices } = await run({
      checkFileSize: async () => {
        throw new Error('S3 answers 503');
      },
      sendResult: async () => {},
    });

    await expect(result).rejects.toThrow();
    expect(notices).toEqual([
      {
        status: 'failed',
        message: expect.stringContaining('S3 answers 503'),
        ...{ bucket: 'bucket', key: 'a.bin', size: null, threshold: null },
      },
    ]);
  });

  /** Runs a file with these activities; gives what it ended with, and each notice that it tried to send. */
  async function run(stubs: Partial<Activities>) {
    const notices: RouteNotice[] = [];
    const activities: Partial<Activities> = {
      ...stubs,
      sendResult: async (message) => {
        notices.push(JSON.parse(message.body));
        await stubs.sendResult?.(message);
      },
    };
    const job = { bucket: 'bucket', key: 'a.bin', notifyQueueUrl: 'https://sqs/1/notices' };
    return { ...(await runToEnd<typeof routeFile>(env, activities, 'routeFile', [job])), notices };
  }
});
