import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { zipRequest } from '../../src/runs/request.ts';
import { startRun } from '../../src/starter/start-run.ts';
import { uniqueQueue } from '../support/harness.ts';
import { startProcess } from '../support/processes.ts';
import { countMessages, expectDeadLetters, sendBody } from '../support/queues.ts';
import { takeMessages } from '../support/split-case.ts';
import { type ZipCase, zipCase } from '../support/zip-case.ts';

const WAIT = { timeout: 15_000, interval: 50 };

test.each([
  ['standard', false],
  ['FIFO', true],
])('a message to a %s queue becomes a run, an archive and a result message', async (_, fifo) => {
  const zip = await zipCase();
  const { url } = await uniqueQueue({ fifo });
  await zip.put({ 'dir/a.png': randomBytes(100), 'c.png': randomBytes(50) });
  await zip.worker();
  await startStarter(zip, url);

  const messageId = await sendBody(
    url,
    '{"files":[{"source":"dir\\/a.png","destination":"album_1"},{"source":"c.png"}],"metadata":{"key":"value"}}',
  );

  const key = `download/${messageId}.zip`;
  await expect
    .poll(() => takeMessages(zip.resultsUrl), WAIT)
    .toMatchObject([{ status: 'success', key, files: 2, metadata: { key: 'value' } }]);
  await expect.poll(() => countMessages(url), WAIT).toEqual({ waiting: 0, inHand: 0 });
});

test('the queues may be given by name', async () => {
  const zip = await zipCase();
  const { url } = await uniqueQueue();
  await zip.put({ 'a.png': randomBytes(100) });
  const SQS_DESTINATION_QUEUE = nameOf(zip.resultsUrl);
  await zip.worker({ SQS_DESTINATION_QUEUE });
  await startStarter(zip, nameOf(url), { SQS_DESTINATION_QUEUE });

  await sendBody(url, '{"files":[{"source":"a.png"}]}');

  await expect
    .poll(() => takeMessages(zip.resultsUrl), WAIT)
    .toMatchObject([{ status: 'success', files: 1 }]);
});

test('messages that can not be read are dead letters within 5 s; their senders are told where one can', async () => {
  const zip = await zipCase();
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  await startStarter(zip, url);
  const broken = [
    '{"files": [',
    '[]',
    '{"files":[],"metadata":{"id":1}}',
    '{"files":[{"source":"a.png","destination":"..\\/x"}],"metadata":{"id":2}}',
  ];

  const sentAt = Date.now();
  for (const body of broken) await sendBody(url, body);

  await expectDeadLetters(deadLetterUrl, broken, sentAt);
  const told: { metadata?: { id: number } }[] = [];
  await vi.waitFor(async () => {
    told.push(...((await takeMessages(zip.resultsUrl)) as typeof told));
    expect(told).toHaveLength(2);
  }, WAIT);
  expect(told.toSorted((a, b) => (a.metadata?.id ?? 0) - (b.metadata?.id ?? 0))).toEqual([
    {
      status: 'failed',
      error: 'Not a zip message: files: expected one file or more, got []',
      missing: [],
      metadata: { id: 1 },
    },
    {
      status: 'failed',
      error:
        'Not a zip message: files.0.destination: expected a folder in the archive: the name climbs with "..", got "../x"',
      missing: [],
      metadata: { id: 2 },
    },
  ]);
});

describe('a message that SQS delivers again', () => {
  test('has one run and one result, while the run is open and when it has ended', async () => {
    const zip = await zipCase();
    await zip.put({ 'a.png': randomBytes(100) });
    const deliver = () => {
      const request = zipRequest('M', { files: [{ source: 'a.png' }] });
      const workflowId = `${request.workflowId}-${zip.taskQueue}`;
      return startRun(zip.client, zip.taskQueue, { ...request, workflowId }, 'M');
    };

    const outcomes = await Promise.all([deliver(), deliver(), deliver()]);
    await zip.worker();
    await zip.client.workflow.getHandle(`zip-M-${zip.taskQueue}`).result();

    expect(outcomes.toSorted()).toEqual(['joined', 'joined', 'started']);
    expect(await deliver()).toBe('answered before');
    expect(await zip.results()).toHaveLength(1);
  });

  test('is another job where it was sent again: each has its own archive', async () => {
    const zip = await zipCase();
    const { url } = await uniqueQueue();
    await zip.put({ 'a.png': randomBytes(100) });
    await zip.worker();
    await startStarter(zip, url);
    const body = '{"files":[{"source":"a.png"}]}';

    const ids = [await sendBody(url, body), await sendBody(url, body)];

    await expect
      .poll(async () => (await zip.keys()).toSorted(), WAIT)
      .toEqual(ids.map((id) => `download/${id}.zip`).toSorted());
  });
});

function startStarter(zip: ZipCase, queue: string, env: Record<string, string> = {}) {
  return startProcess('starter', {
    ...zip.settings,
    SQS_SOURCE_QUEUE: queue,
    TASK_QUEUE: zip.taskQueue,
    ...env,
  });
}

function nameOf(queueUrl: string): string {
  return new URL(queueUrl).pathname.split('/').at(-1) as string;
}
