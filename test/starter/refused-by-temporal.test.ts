import { beforeAll, expect, test, vi } from 'vitest';
import type { Finding } from '../../src/doctor/finding.ts';
import { stackEnvironment } from '../../src/local/endpoints.ts';
import { objectCreatedEvent } from '../../src/messages/s3-event.ts';
import { splitFailure } from '../../src/messages/split.ts';
import { uniqueQueue, uniqueTaskQueue } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { type PrivateTemporal, privateTemporal } from '../support/private-temporal.ts';
import { startProcess } from '../support/processes.ts';
import { countMessages, expectDeadLetters, phpBody, sendBody } from '../support/queues.ts';
import { sheaf } from '../support/sheaf.ts';
import { splitCase } from '../support/split-case.ts';

/** One whose database has columns of so many characters for ids, as PostgreSQL's have 255. */
let temporal: PrivateTemporal;
beforeAll(async () => {
  temporal = await privateTemporal(undefined, ['limit.maxIDLength=100']);
});

test('a message whose run Temporal refuses is a dead letter, its sender is told, and others are taken', async () => {
  const split = await splitCase(undefined, { file: `${'long-name-'.repeat(12)}.zip` });
  const next = await splitCase(undefined, { file: 'next.zip' });
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  await startProcess('starter', { SPLIT_QUEUE_URL: url }, temporal.stack);

  const sentAt = Date.now();
  await sendBody(url, phpBody(split.job));
  await sendBody(url, phpBody(next.job));

  await expectDeadLetters(deadLetterUrl, [phpBody(split.job)], sentAt);
  await vi.waitFor(async () => {
    expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 0 });
  }, WAIT);
  const told = splitFailure(split.job.downloadId, '');
  expect(await split.results()).toEqual([
    { ...told, error: expect.stringMatching(/^Temporal refuses the run: .*length/) },
  ]);
});

test('an object of an event whose run is refused holds up none behind it', async () => {
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  const taskQueue = uniqueTaskQueue();
  const env = { ROUTE_QUEUE_URL: url, TASK_QUEUE: taskQueue };
  await startProcess('starter', env, temporal.stack);
  const records = ['long-key-'.repeat(12), 'next'].flatMap((key) => {
    const object = { bucket: 'bucket', key, size: 1, etag: '"1"' };
    return objectCreatedEvent({ ...object, time: new Date(1_700_000_000_000) }).Records;
  });
  const body = JSON.stringify({ Records: records });

  const sentAt = Date.now();
  await sendBody(url, body);

  await expectDeadLetters(deadLetterUrl, [body], sentAt);
  const run = (await temporal.connect()).workflow.getHandle('route-bucket/next-0000018BCFE56800');
  expect(await run.describe()).toMatchObject({ type: 'routeFile', taskQueue });
});

test('sheaf doctor warns of it, and of a namespace that forgets runs before SQS does messages', async () => {
  const { url } = await uniqueQueue({ maxReceiveCount: 3 });
  const settings = { ...stackEnvironment(temporal.stack), SPLIT_QUEUE_URL: url };

  const { code, stdout } = await sheaf(settings, 'doctor', '--json');

  expect(code).toBe(0);
  const findings: Finding[] = JSON.parse(stdout);
  const warnings = findings.filter(
    ({ area, verdict }) => area === 'Temporal' && verdict === 'warn',
  );
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining(
      'namespace default keeps closed runs for 24 h, SQS keeps messages for 4 days',
    ),
    expect.stringContaining('workflow ids of 1000 bytes are not taken: '),
    expect.stringContaining('nobody polls for workflows'),
    expect.stringContaining('nobody polls for activities'),
  ]);
});
