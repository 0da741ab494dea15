import { describe, expect, test, vi } from 'vitest';
import { itemsRequest } from '../../src/runs/request.ts';
import { startRun } from '../../src/starter/start-run.ts';
import { itemsWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { uniqueQueue } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { type ItemsCase, itemsCase } from '../support/items-case.ts';
import { startProcess } from '../support/processes.ts';
import { countMessages, expectDeadLetters, sendBody } from '../support/queues.ts';

test('a message becomes a run, and then a result message', async () => {
  const items = await itemsCase();
  const { url } = await uniqueQueue();
  await items.worker();
  await startStarter(items, url);

  await sendBody(url, messageOf(items).replaceAll('/', '\\/'));

  const told: unknown[] = [];
  const result = { total: 100, succeeded: 100, failed: 0, failures: null };
  await vi.waitFor(async () => {
    told.push(...(await items.results()));
    expect(told).toEqual([{ batchId: items.batchId, ...result }]);
  }, WAIT);
  await vi.waitFor(async () => {
    expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 0 });
  }, WAIT);
});

test('messages that can not be read are dead letters as they came; senders are told where one can', async () => {
  const items = await itemsCase();
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  await startStarter(items, url);
  const broken = [
    '{"batchId": "a", ',
    '[]',
    messageOf(items, { batchId: '../a' }),
    messageOf(items, { notifyQueueUrl: 'results' }),
    messageOf(items, { itemsPerChunk: '5', source: { generate: { count: -1 } } }),
  ];

  const sentAt = Date.now();
  for (const body of broken) await sendBody(url, body);
  await sendBody(url, messageOf(items));

  await expectDeadLetters(deadLetterUrl, broken, sentAt);
  const told: unknown[] = [];
  await vi.waitFor(async () => {
    told.push(...(await items.results()));
    expect(told).toEqual([
      {
        batchId: items.batchId,
        status: 'failed',
        error:
          'Not a message for a batch of items: source.generate.count: expected a whole number from 0 to 1000000000, got -1; ' +
          'itemsPerChunk: expected a whole number from 1 to 1000000, got "5"',
      },
    ]);
    // The next message is taken.
    expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 0 });
  }, WAIT);
  const run = items.client.workflow.getHandle(itemsWorkflowId(items.batchId));
  expect((await run.describe()).type).toBe('processItems');
});

describe('a batch that is open', () => {
  test('is joined by other messages of its id: one run, one result', async () => {
    const items = await itemsCase();

    const outcomes = await Promise.all(['A', 'B', 'A'].map((id) => deliver(items, id)));
    await items.worker();
    await items.client.workflow.getHandle(itemsWorkflowId(items.batchId)).result();

    expect(outcomes.toSorted()).toEqual(['joined', 'joined', 'started']);
    expect(await items.results()).toHaveLength(1);
    expect(await deliver(items, 'A')).toBe('answered before');
    expect(await deliver(items, 'B')).toBe('answered before');
  });

  test('and has ended is processed again by another message, not by one that SQS delivers again', async () => {
    const items = await itemsCase();
    await items.worker();
    const { client, batchId } = items;
    const outcomes: string[] = [];
    for (const messageId of ['A', 'A', 'B', 'A', 'B']) {
      outcomes.push(await deliver(items, messageId));
      await client.workflow.getHandle(itemsWorkflowId(batchId)).result();
    }

    expect(outcomes).toEqual([
      ...['started', 'answered before', 'started', 'answered before', 'answered before'],
    ]);
    expect(await items.results()).toHaveLength(2);
  });
});

test('a message whose batch has a file that is wrong is answered with the reason', async () => {
  const items = await itemsCase();
  await items.worker();
  const source = await items.put('items.csv', 'id,value\na,1001\n');

  await deliver(items, 'A', { source });

  const run = items.client.workflow.getHandle(itemsWorkflowId(items.batchId));
  await expect(run.result()).rejects.toThrow();
  expect(await items.results()).toEqual([
    {
      batchId: items.batchId,
      status: 'failed',
      error: `s3://${items.bucket}/items.csv, line 2: the value 1001 is not a whole number from 0 to 1000`,
    },
  ]);
});

/** What the starter does with a message. */
function deliver(items: ItemsCase, messageId: string, fields: object = {}) {
  const request = itemsRequest(JSON.parse(messageOf(items, fields)));
  return startRun(items.client, items.taskQueue, request, messageId);
}

function messageOf({ batchId, resultsUrl }: ItemsCase, fields: object = {}): string {
  return JSON.stringify({
    batchId,
    source: { generate: { count: 100 } },
    processor: 'sleep',
    timeScale: 0,
    notifyQueueUrl: resultsUrl,
    ...fields,
  });
}

function startStarter(items: ItemsCase, queue: string) {
  return startProcess('starter', {
    ...items.settings,
    ITEMS_QUEUE_URL: queue,
    TASK_QUEUE: items.taskQueue,
  });
}
