import { expect, test, vi } from 'vitest';
import { objectCreatedEvent } from '../../src/messages/s3-event.ts';
import { uniqueQueue } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { startProcess } from '../support/processes.ts';
import { countMessages, expectDeadLetters, sendBody } from '../support/queues.ts';
import { type RouteCase, routeCase } from '../support/route-case.ts';

test("S3's events become runs, one an object, whatever its key; other events do not", async () => {
  const route = await routeCase();
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  await route.worker();
  await startStarter(route, url);
  const keys = ['with space+plus.txt', 'año/日本 🎈.txt', 'a%2Fb.txt'];
  for (const key of keys) await route.put(key, Buffer.from(key));

  const created = keys.map((key, index) => eventOf(route, key, index));
  const [first, ...others] = created as [Event, ...Event[]];
  const removed = { ...others[0]?.Records[0], eventName: 'ObjectRemoved:Delete' };
  const ours = ['batch/a-part1.zip', 'sheaf/route-a/1'].map((key) => eventOf(route, key, 9));
  await sendBody(url, JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' }));
  await sendBody(url, JSON.stringify({ Records: [removed, ...ours.flatMap(recordsOf)] }));
  await sendBody(url, JSON.stringify(first));
  await sendBody(url, JSON.stringify({ Records: others.flatMap(recordsOf) }));

  const told: unknown[] = [];
  await vi.waitFor(async () => {
    told.push(...(await route.notices()));
    expect(told).toHaveLength(keys.length);
    expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 0 });
  }, WAIT);
  const notice = { status: 'too-small', message: 'File not big enough', threshold: 2_000_000 };
  expect(new Set(told)).toEqual(
    new Set(
      keys.map((key) => ({ ...notice, bucket: route.bucket, key, size: Buffer.byteLength(key) })),
    ),
  );
  const run = route.client.workflow.getHandle(
    `route-${route.bucket}/with space+plus.txt-${sequencerOf(first)}`,
  );
  // It writes its memo once the notice is out.
  await run.result();
  const { type, memo } = await run.describe();
  expect(type).toBe('routeFile');
  expect(memo).toMatchObject({
    summary: `Route s3://${route.bucket}/with space+plus.txt by its size`,
    states: ['CheckFileSize', 'ChoiceState', 'NotifyFileTooSmall'],
  });
  expect(await countMessages(deadLetterUrl)).toEqual({ waiting: 0, inHand: 0 });
});

test('an event that comes twice is one run; a plain message that is sent twice is two', async () => {
  const route = await routeCase();
  const { url } = await uniqueQueue();
  await route.worker();
  await route.put('a.txt', Buffer.from('a'));
  await startStarter(route, url);
  const event = JSON.stringify(eventOf(route, 'a.txt', 1));

  await sendBody(url, event);
  const told: unknown[] = [];
  await vi.waitFor(async () => {
    told.push(...(await route.notices()));
    expect(told).toHaveLength(1);
  }, WAIT);
  // Its run has ended.
  await sendBody(url, event);
  await vi.waitFor(async () => {
    expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 0 });
  }, WAIT);
  const job = JSON.stringify({ bucket: route.bucket, key: 'a.txt', threshold: 0 });
  const ids = [await sendBody(url, job), await sendBody(url, job)];

  await vi.waitFor(async () => {
    told.push(...(await route.notices()));
    expect(told).toHaveLength(3);
  }, WAIT);
  for (const id of ids) {
    const run = route.client.workflow.getHandle(`route-${route.bucket}/a.txt-${id}`);
    expect((await run.describe()).memo).toMatchObject({ messageIds: [id] });
  }
});

test('messages that can not be read are dead letters as they came; senders are told where one can', async () => {
  const route = await routeCase();
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  await startStarter(route, url, { ROUTE_BUCKET: '' });
  const { noticesUrl: notifyQueueUrl } = route;
  const broken = [
    '{"bucket":',
    '{"Records":[{"s3":{}}]}',
    JSON.stringify({ Records: [{ s3: { bucket: { name: 'bucket' }, object: { key: '%' } } }] }),
    JSON.stringify({ key: 'a', notifyQueueUrl }),
    JSON.stringify({ bucket: 'bucket', key: 'a', threshold: 'big', notifyQueueUrl }),
  ];

  const sentAt = Date.now();
  for (const body of broken) await sendBody(url, body);

  await expectDeadLetters(deadLetterUrl, broken, sentAt);
  const told: unknown[] = [];
  await vi.waitFor(async () => {
    told.push(...(await route.notices()));
    expect(told).toHaveLength(2);
  }, WAIT);
  const failed = { status: 'failed', size: null, threshold: 2_000_000, key: 'a' };
  expect(new Set(told)).toEqual(
    new Set([
      {
        ...failed,
        bucket: null,
        message:
          'Not a route message: bucket: expected text, got nothing; ROUTE_BUCKET would be the default',
      },
      {
        ...failed,
        bucket: 'bucket',
        message: 'Not a route message: threshold: expected a size in bytes, from 0 up, got "big"',
      },
    ]),
  );
});

type Event = ReturnType<typeof objectCreatedEvent>;

function eventOf({ bucket }: RouteCase, key: string, second: number): Event {
  const time = new Date(1_700_000_000_000 + second * 1000);
  return objectCreatedEvent({ bucket, key, size: 5, etag: '"e"', time });
}

function recordsOf({ Records }: Event) {
  return Records;
}

function sequencerOf({ Records }: Event): string | undefined {
  return Records[0]?.s3.object.sequencer;
}

function startStarter(route: RouteCase, queue: string, settings: Record<string, string> = {}) {
  return startProcess('starter', {
    ...route.settings,
    ...settings,
    ROUTE_QUEUE_URL: queue,
    TASK_QUEUE: route.taskQueue,
  });
}
