import { expect, test, vi } from 'vitest';
import { splitRequest } from '../../src/runs/request.ts';
import { uniqueQueue } from '../support/harness.ts';
import { privateTemporal } from '../support/private-temporal.ts';
import { startProcess } from '../support/processes.ts';
import { countMessages, phpBody, receiveAll, sendBody } from '../support/queues.ts';
import { splitCase } from '../support/split-case.ts';

const WAIT = { timeout: 30_000, interval: 50 };

test('a starter that is told to stop while it waits for messages ends by itself', async () => {
  const { url } = await uniqueQueue();
  const starter = await startProcess('starter', { SPLIT_QUEUE_URL: url });

  await expect(starter.stop()).resolves.toBeUndefined();
});

test('while Temporal is down, messages are held without being used up, then started', async () => {
  const split = await splitCase(undefined);
  const temporal = await privateTemporal();
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 1 });
  const env = { SPLIT_QUEUE_URL: url, TASK_QUEUE: split.taskQueue };
  await startProcess('starter', env, temporal.stack);
  await temporal.server.stop();

  await sendBody(url, phpBody(split.job));
  await expect.poll(() => countMessages(url), WAIT).toEqual({ waiting: 0, inHand: 1 });
  await temporal.server.start();

  await expect.poll(() => countMessages(url), WAIT).toEqual({ waiting: 0, inHand: 0 });
  expect(await receiveAll(deadLetterUrl)).toEqual([]);
  const { workflowId } = splitRequest(split.job);
  const run = (await temporal.connect()).workflow.getHandle(workflowId);
  expect((await run.describe()).status.name).toBe('RUNNING');
});

test('a starter that is told to stop while Temporal is down gives its messages back', async () => {
  const split = await splitCase(undefined);
  const temporal = await privateTemporal();
  const { url } = await uniqueQueue();
  const starter = await startProcess('starter', { SPLIT_QUEUE_URL: url }, temporal.stack);
  await temporal.server.stop();
  await sendBody(url, phpBody(split.job));
  await expect.poll(() => countMessages(url), WAIT).toEqual({ waiting: 0, inHand: 1 });

  await starter.stop();

  expect(await countMessages(url)).toEqual({ waiting: 1, inHand: 0 });
});

test('several starters on one queue start each job once', async () => {
  const { url } = await uniqueQueue();
  const jobs = await Promise.all(Array.from({ length: 8 }, () => splitCase(undefined)));
  const taskQueue = jobs[0]?.taskQueue ?? '';
  const env = { SPLIT_QUEUE_URL: url, TASK_QUEUE: taskQueue };
  for (const { job } of [...jobs, ...jobs]) await sendBody(url, phpBody(job));

  await Promise.all([1, 2, 3].map(() => startProcess('starter', env)));
  await vi.waitFor(async () => {
    expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 0 });
  }, WAIT);

  for (const { client, job } of jobs) {
    const { workflowId } = splitRequest(job);
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes);
    expect(signals).toHaveLength(1);
  }
});
