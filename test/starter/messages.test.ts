import { describe, expect, test, vi } from 'vitest';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { sampleArchive } from '../support/faults.ts';
import { testClient, uniqueName, uniqueQueue, uniqueTaskQueue } from '../support/harness.ts';
import { startProcess } from '../support/processes.ts';
import {
  countMessages,
  expectDeadLetters,
  phpBody,
  receiveAll,
  sendBody,
} from '../support/queues.ts';
import { splitCase, startWorker, takeMessages } from '../support/split-case.ts';

const WAIT = { timeout: 15_000, interval: 50 };

test('a trigger as the client sends it becomes a run, and then a result message', async () => {
  const split = await splitCase(await sampleArchive({ rows: 3, imageBytes: 0, seed: 1 }));
  const { url } = await uniqueQueue();
  await startWorker(split.taskQueue);
  await startProcess('starter', { SPLIT_QUEUE_URL: url, TASK_QUEUE: split.taskQueue });

  await sendBody(url, phpBody(split.job));

  const results: unknown[] = [];
  await vi.waitFor(async () => {
    results.push(...(await split.results()));
    expect(results).toEqual([expect.objectContaining({ status: 'success', downloadId: 4711 })]);
  }, WAIT);
  await vi.waitFor(async () => {
    expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 0 });
  }, WAIT);
});

describe('messages that can not be read', () => {
  describe.each([
    ['standard', false],
    ['FIFO', true],
  ])('in a %s queue', (_kind, fifo) => {
    test('are in its dead-letter queue within 5 s as they came; the next is taken', async () => {
      const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3, fifo });
      const taskQueue = uniqueTaskQueue();
      await startProcess('starter', { SPLIT_QUEUE_URL: url, TASK_QUEUE: taskQueue });
      const job = await someJob();
      const broken = [
        'not JSON at all \\/ {',
        '[]',
        'null',
        '{"downloadId":  1,\n"file":"a.zip"}',
        `{"downloadId":[],"file":"a.zip","exportPath":"export\\/ä.zip"}`,
        phpBody({ ...job, file: '../a.zip', downloadId: 'no address', updatesQueueUrl: '' }),
      ];

      const sentAt = Date.now();
      for (const body of broken) await sendBody(url, body);
      await sendBody(url, phpBody(job));

      await expectDeadLetters(deadLetterUrl, broken, sentAt);
      const run = (await testClient()).workflow.getHandle(splitWorkflowId(job));
      await vi.waitFor(async () => {
        expect((await run.describe()).taskQueue).toBe(taskQueue);
        expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 0 });
      }, WAIT);
    });
  });

  test('but name where to answer are answered, once, with each fault by its path', async () => {
    const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
    await startProcess('starter', { SPLIT_QUEUE_URL: url });
    const { file: _, ...job } = await someJob();

    await sendBody(url, JSON.stringify({ ...job, downloadId: 'abc', totalSize: '5' }));

    await vi.waitFor(async () => {
      expect(await receiveAll(deadLetterUrl)).toHaveLength(1);
    }, WAIT);
    await expect
      .poll(() => takeMessages(job.updatesQueueUrl), WAIT)
      .toEqual([
        {
          function: 'BiospexBatchCreator',
          status: 'failed',
          downloadId: 'abc',
          error:
            'Not a split message: file: expected string, got nothing; totalSize: expected number, got "5"',
        },
      ]);
  });

  test('keep their message attributes on the way to the dead-letter queue', async () => {
    const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
    await startProcess('starter', { SPLIT_QUEUE_URL: url });
    await sendBody(url, 'broken', { trace: { DataType: 'String', StringValue: 'a b' } });

    await expect
      .poll(() => receiveAll(deadLetterUrl), WAIT)
      .toEqual([
        expect.objectContaining({
          Body: 'broken',
          MessageAttributes: { trace: expect.objectContaining({ StringValue: 'a b' }) },
        }),
      ]);
  });

  test('whose answer can not be delivered are dead letters all the same', async () => {
    const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
    await startProcess('starter', { SPLIT_QUEUE_URL: url });
    const gone = new URL('no-such-queue', url).href;
    const body = JSON.stringify({ downloadId: 1, updatesQueueUrl: gone });
    await sendBody(url, body);

    await expect
      .poll(async () => (await receiveAll(deadLetterUrl)).map(({ Body }) => Body), WAIT)
      .toEqual([body]);
    await expect.poll(() => countMessages(url), WAIT).toEqual({ waiting: 0, inHand: 0 });
  });

  test('stay where they are when there is no dead-letter queue; the next is taken', async () => {
    const { url } = await uniqueQueue();
    const taskQueue = uniqueTaskQueue();
    const job = await someJob();
    await startProcess('starter', { SPLIT_QUEUE_URL: url, TASK_QUEUE: taskQueue });
    await sendBody(url, 'broken');
    await sendBody(url, phpBody(job));

    const run = (await testClient()).workflow.getHandle(splitWorkflowId(job));
    await vi.waitFor(async () => {
      expect((await run.describe()).taskQueue).toBe(taskQueue);
      expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 1 });
    }, WAIT);
  });
});

/** A job that nobody is going to work on. */
async function someJob() {
  const { url: updatesQueueUrl } = await uniqueQueue();
  const file = `${uniqueName()}.zip`;
  const exportPath = `export/${file}`;
  return { downloadId: 1, file, exportPath, totalSize: 1, s3Bucket: 'nobody', updatesQueueUrl };
}
