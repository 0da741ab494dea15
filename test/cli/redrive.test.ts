import { beforeAll, describe, expect, test } from 'vitest';
import { zipRequest } from '../../src/runs/request.ts';
import type { RedriveOutcome } from '../../src/starter/redrive.ts';
import { startRun } from '../../src/starter/start-run.ts';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { testClient, uniqueName, uniqueQueue, uniqueTaskQueue } from '../support/harness.ts';
import { startProcess } from '../support/processes.ts';
import { countMessages, phpBody, receiveAll, sendBody } from '../support/queues.ts';
import { sheaf } from '../support/sheaf.ts';

const TRACE = { trace: { DataType: 'String', StringValue: 'a b' } };

/** Nobody works on what is started here. */
let taskQueue: string;

beforeAll(() => {
  taskQueue = uniqueTaskQueue();
});

describe.each([
  ['standard', false],
  ['FIFO', true],
])('dead letters of a %s queue', (_, fifo) => {
  test('become runs, but for those that can not be read: they stay as they came', async () => {
    const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3, fifo });
    await startProcess('starter', { SPLIT_QUEUE_URL: url, TASK_QUEUE: taskQueue });
    const jobs = [someJob(), someJob()];
    for (const job of jobs) await sendBody(deadLetterUrl, phpBody(job));
    const broken = '{"downloadId":  1,\n"file":"a.zip"';
    const brokenId = await sendBody(deadLetterUrl, broken, TRACE);

    const { code, stdout, stderr } = await redrive(url);

    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const [title, ...lines] = stdout.trimEnd().split('\n');
    expect(title).toBe('  3 dead letters of split: 2 taken, 1 failed again, 0 waiting');
    const ids = jobs.map(splitWorkflowId);
    const runs = lines.slice(0, 2).map((line) => /^ {2}taken {9}\S+ {2}(\S+)$/.exec(line)?.[1]);
    expect(runs.toSorted()).toEqual(ids.toSorted());
    expect(lines.slice(2)).toEqual([
      expect.stringMatching(new RegExp(`^  failed again  ${brokenId}  Not a split message: `)),
    ]);
    const client = await testClient();
    for (const id of ids) {
      expect(await client.workflow.getHandle(id).describe()).toMatchObject({ taskQueue });
    }
    // At once: they are not hidden.
    expect(await receiveAll(deadLetterUrl)).toEqual([
      expect.objectContaining({
        MessageId: brokenId,
        Body: broken,
        MessageAttributes: { trace: expect.objectContaining({ StringValue: 'a b' }) },
      }),
    ]);
  });
});

test('dead letters that a starter refuses again are told apart, and sent once more with --again alone', async () => {
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  await startProcess('starter', { ROUTE_QUEUE_URL: url, TASK_QUEUE: taskQueue });
  // The command line has a default that the starter lacks.
  await sendBody(deadLetterUrl, '{"bucket":"nobody"}', TRACE);
  const call = (...options: string[]) =>
    sheaf(
      { ROUTE_QUEUE_URL: url, ROUTE_KEY: 'a' },
      'redrive',
      'route',
      '--json',
      '--wait',
      '20',
      ...options,
    );

  const first = await call();
  const second = await call();
  const third = await call('--again');

  const reasons = [first, second, third].map(({ code, stdout }) => {
    const { taken, waiting, failedAgain }: RedriveOutcome = JSON.parse(stdout);
    expect({ code, taken, waiting }).toEqual({ code: 1, taken: [], waiting: [] });
    return failedAgain.map(({ reason }) => reason);
  });
  const refused = 'a starter refused it again; its log says why, at "message refused"';
  expect(reasons).toEqual([
    [refused],
    ['it was sent back before, and came again; --again sends it once more'],
    [refused],
  ]);
  const [message, ...others] = await receiveAll(deadLetterUrl);
  expect(message?.MessageAttributes).toMatchObject({ trace: { StringValue: 'a b' } });
  expect(others).toEqual([]);
});

test('without a starter they wait in their queue', async () => {
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  const job = someJob();
  await sendBody(deadLetterUrl, phpBody(job));

  const { code, stdout } = await redrive(url, '--wait', '0');

  expect(code).toBe(1);
  const [title, line] = stdout.split('\n');
  expect(title).toBe('  1 dead letter of split: 0 taken, 0 failed again, 1 waiting');
  expect(line).toMatch(
    /^ {2}waiting {7}\S+ {2}no run has it yet: are a starter and a worker up\?$/,
  );
  expect(await countMessages(deadLetterUrl)).toEqual({ waiting: 0, inHand: 0 });
  expect((await receiveAll(url)).map(({ Body }) => Body)).toEqual([phpBody(job)]);
});

test('a dead letter whose run there is, though SQS has moved it, is not done twice', async () => {
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  const id = await sendBody(deadLetterUrl, '{"files":[{"source":"a.png"}]}');
  const request = zipRequest(id, { files: [{ source: 'a.png' }] });
  await startRun(await testClient(), taskQueue, request, id);

  const { code, stdout } = await sheaf(
    { SQS_SOURCE_QUEUE: url, SQS_DESTINATION_QUEUE: '' },
    ...['redrive', 'zip'],
  );

  expect({ code, stdout }).toEqual({
    code: 0,
    stdout:
      '  1 dead letter of zip: 1 taken, 0 failed again, 0 waiting\n' +
      `  taken         ${id}  zip-${id}\n`,
  });
  expect(await countMessages(url)).toEqual({ waiting: 0, inHand: 0 });
  expect(await countMessages(deadLetterUrl)).toEqual({ waiting: 0, inHand: 0 });
});

test('a dead letter with no place for another attribute stays, and holds up no other', async () => {
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  const attributes = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [`a${index}`, TRACE.trace]),
  );
  const id = await sendBody(deadLetterUrl, phpBody(someJob()), attributes);
  await sendBody(deadLetterUrl, phpBody(someJob()));

  const { stdout } = await redrive(url, '--wait', '0', '--json');

  const { failedAgain, waiting }: RedriveOutcome = JSON.parse(stdout);
  expect(failedAgain).toEqual([
    { messageId: id, reason: expect.stringContaining('it has 10 attributes') },
  ]);
  expect(waiting).toHaveLength(1);
});

test('more dead letters than SQS gives at once are all sent back', async () => {
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  const bodies = Array.from({ length: 12 }, () => phpBody(someJob()));
  await Promise.all(bodies.map((body) => sendBody(deadLetterUrl, body)));

  const { stdout } = await redrive(url, '--wait', '0', '--json');

  const { queue, taken, failedAgain, waiting } = JSON.parse(stdout);
  expect({ queue, taken, failedAgain }).toEqual({ queue: 'split', taken: [], failedAgain: [] });
  expect(waiting).toHaveLength(12);
  expect((await receiveAll(url)).map(({ Body }) => Body).toSorted()).toEqual(bodies.toSorted());
});

test('a queue may be called by its URL or its name, and so may its dead-letter queue', async () => {
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  const nameOf = (queueUrl: string) => queueUrl.split('/').at(-1) ?? '';
  const settings = { SPLIT_QUEUE_URL: url };

  const called = await Promise.all(
    [url, nameOf(url), deadLetterUrl, nameOf(deadLetterUrl)].map((queue) =>
      sheaf(settings, 'redrive', queue),
    ),
  );

  const nothing = { code: 0, stdout: '  no dead letters of split\n', stderr: '' };
  expect(called).toEqual([nothing, nothing, nothing, nothing]);
});

test('of an empty queue there is nothing to do; without a queue it is wrong usage', async () => {
  const { url } = await uniqueQueue({ maxReceiveCount: 3 });
  const { url: alone } = await uniqueQueue();

  const [empty, noDeadLetters, noSetting, noQueue, noJob] = await Promise.all([
    redrive(url),
    redrive(alone),
    sheaf({ ITEMS_QUEUE_URL: '' }, 'redrive', 'items'),
    redrive(uniqueName()),
    sheaf({}, 'redrive', 'unzip'),
  ]);

  expect(empty).toEqual({ code: 0, stdout: '  no dead letters of split\n', stderr: '' });
  expect(noDeadLetters).toEqual({
    ...{ code: 2, stdout: '' },
    stderr: `sheaf: The queue ${alone} has no dead-letter queue; give it a redrive policy\n`,
  });
  expect(noSetting).toEqual({
    ...{ code: 2, stdout: '' },
    stderr:
      'sheaf: The settings name no queue items; those that they name are of split, zip, route; see npx sheaf doctor\n',
  });
  expect(noQueue).toMatchObject({ code: 1, stdout: '' });
  expect(noQueue?.stderr).toMatch(/^sheaf: The queue of split messages, \S+, can't be used: .*\n$/);
  expect(noJob).toMatchObject({ code: 2, stdout: '' });
});

function redrive(queue: string, ...options: readonly string[]) {
  const settings = { SPLIT_QUEUE_URL: queue, TASK_QUEUE: taskQueue };
  return sheaf(settings, 'redrive', 'split', ...options);
}

function someJob() {
  const file = `${uniqueName()}.zip`;
  return {
    ...{ downloadId: 1, file, exportPath: `export/${file}`, totalSize: 1, s3Bucket: 'nobody' },
    updatesQueueUrl: 'http://127.0.0.1/nobody',
  };
}
