import {
  type ApplicationFailure,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { objectCreatedEvent } from '../../src/messages/s3-event.ts';
import { routeProgressQuery } from '../../src/workflows/route-progress.ts';
import { uniqueQueue } from '../support/harness.ts';
import { hold, WAIT } from '../support/holds.ts';
import { archiveOf, type RouteCase, routeCase } from '../support/route-case.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { hashesByPython, takeMessages } from '../support/split-case.ts';

describe('a file is routed by its size', () => {
  let route: RouteCase;
  beforeAll(async () => {
    route = await routeCase();
    await route.worker({ env: { BATCH_SIZE: '3' } });
  });

  test('an archive above the threshold is split, and the notice has the batch zips', async () => {
    const key = 'año 2026/a+b/export.zip';
    await route.put(key, await archiveOf(2_000_001));
    const { run, notifyQueueUrl, notices } = await start({ bucket: route.bucket, key });

    const { states, ...notice } = await run.result();

    expect(states).toEqual(['CheckFileSize', 'ChoiceState', 'ProcessFile', 'NotifyFileOk']);
    const names = ['año 2026/a+b/export-part1.zip', 'año 2026/a+b/export-part2.zip'];
    expect(notice).toEqual({
      status: 'processed',
      message: 'File processed OK',
      bucket: route.bucket,
      key,
      size: 2_000_001,
      threshold: 2_000_000,
      result: {
        workflowId: `route-${route.bucket}/${key}/ProcessFile`,
        batches: names.map((name) => expect.objectContaining({ name, reused: false })),
      },
    });
    expect(await notices()).toEqual([notice]);
    expect(notifyQueueUrl).not.toBe(route.noticesUrl);
    const entries = await Promise.all(
      names.map(async (name) => hashesByPython(await route.read(`batch/${name}`)).length),
    );
    // Three and two images, and a manifest each.
    expect(entries).toEqual([4, 3]);
    expect((await route.keys()).filter((other) => other.startsWith('sheaf/'))).toEqual([]);
  });

  test.each([
    ['below the threshold', 1_999_999, {}],
    ['of no bytes', 0, {}],
    ['below a threshold that its message names', 10, { threshold: 11 }],
  ])('a file %s is too small', async (_, size, fields) => {
    const key = `small-${size}`;
    await route.put(key, Buffer.alloc(size));
    const { run, notices } = await start({ bucket: route.bucket, key, ...fields });

    const { states, ...notice } = await run.result();

    expect(states).toEqual(['CheckFileSize', 'ChoiceState', 'NotifyFileTooSmall']);
    expect(notice).toEqual({
      status: 'too-small',
      message: 'File not big enough',
      bucket: route.bucket,
      key,
      size,
      threshold: 2_000_000,
      ...fields,
    });
    expect(await notices()).toEqual([notice]);
  });

  test('a file of just the threshold is neither', async () => {
    await route.put('equal', Buffer.alloc(2_000_000));
    await expectNoMatch(
      { bucket: route.bucket, key: 'equal' },
      `s3://${route.bucket}/equal has 2,000,000 bytes, exactly the threshold, and no rule holds; give another threshold, or add a rule (ROUTE_RULES)`,
      2_000_000,
    );
  });

  test('an object that is not there has no size', async () => {
    const problem = `s3://${route.bucket}/absent does not exist`;
    await expectNoMatch({ bucket: route.bucket, key: 'absent' }, problem, null);
  });

  test('a job that names no object, without a default, says what is missing', async () => {
    const problem = 'No key is given; name one, or set ROUTE_KEY';
    await expectNoMatch({ bucket: route.bucket }, problem, null);
  });

  test('a large file that is no archive fails by what is wrong with it', async () => {
    await route.put('large', Buffer.alloc(2_000_001));
    const { run, notices } = await start({ bucket: route.bucket, key: 'large' });

    const error = await failureOf(run);

    const message = `s3://${route.bucket}/large is not a ZIP, TAR or TAR.GZ archive: it begins with the bytes 0000000000000000`;
    expect(error).toMatchObject({ type: 'ArchiveError', message });
    expect(await notices()).toEqual([expect.objectContaining({ status: 'failed', message })]);
    expect(await run.query(routeProgressQuery)).toMatchObject({ stage: 'failed', error: message });
  });

  test("S3's event of one object is an input, too", async () => {
    await route.put('an event+.bin', Buffer.from('small'));
    const object = { bucket: route.bucket, key: 'an event+.bin', size: 5, etag: '"1"' };
    const event = objectCreatedEvent({ ...object, time: new Date() });

    const { states, status, key } = await (await route.start(event)).result();
    const several = await route.start({ Records: [...event.Records, ...event.Records] });

    expect({ states: states.length, status, key }).toEqual({
      states: 3,
      status: 'too-small',
      key: 'an event+.bin',
    });
    expect(await failureOf(several)).toMatchObject({
      type: 'MessageError',
      message:
        'A run routes one file, and this event tells of 2; send it to the route queue, and each becomes a run',
    });
  });

  test('an input that is wrong fails by its field, and its sender is told', async () => {
    const { run, notices } = await start({ bucket: route.bucket, key: 'a', threshold: -1 });

    const message = 'Not a route message: threshold: expected a size in bytes, from 0 up, got -1';
    expect(await failureOf(run)).toMatchObject({ type: 'MessageError', message });
    const named = { bucket: route.bucket, key: 'a', size: null, threshold: -1 };
    expect(await notices()).toEqual([{ status: 'failed', message, ...named }]);
  });

  /** Expects that a run fails as the reference's DefaultState does. */
  async function expectNoMatch(job: object, problem: string, size: number | null) {
    const { run, notices } = await start(job);

    const error = await failureOf(run);

    expect(error).toMatchObject({ type: 'DefaultStateError', message: 'No Matches!' });
    expect(error.cause?.message).toBe(problem);
    const { bucket, key = null } = job as { bucket: string; key?: string };
    expect(await notices()).toEqual([
      {
        status: 'failed',
        message: `No Matches! ${problem}`,
        ...{ bucket, key, size, threshold: 2_000_000 },
      },
    ]);
    const { states } = await run.query(routeProgressQuery);
    expect(states.map(({ state }) => state)).toEqual([
      ...['CheckFileSize', 'ChoiceState', 'DefaultState'],
    ]);
    expect((await run.describe()).memo).toEqual({
      states: ['CheckFileSize', 'ChoiceState', 'DefaultState'],
      ...(size !== null && { size }),
    });
  }

  /** Starts a run whose notice goes to a queue of its own. */
  async function start(job: object) {
    const { url: notifyQueueUrl } = await uniqueQueue();
    const run = await route.start({ ...job, notifyQueueUrl });
    return { run, notifyQueueUrl, notices: () => takeMessages(notifyQueueUrl) };
  }
});

test('what a job leaves out is the settings of the worker', async () => {
  const route = await routeCase();
  await route.put('by default', Buffer.alloc(7));
  const queue = new URL(route.noticesUrl).pathname.split('/').at(-1) ?? '';
  const settings = { ROUTE_KEY: 'by default', ROUTE_THRESHOLD: '8', ROUTE_NOTIFY_QUEUE: queue };
  await route.worker({ env: { ROUTE_BUCKET: route.bucket, ...settings } });

  const { states, ...notice } = await (await route.start({})).result();

  expect(states.at(-1)).toBe('NotifyFileTooSmall');
  expect(notice).toMatchObject({ key: 'by default', size: 7, threshold: 8 });
  expect(await route.notices()).toEqual([notice]);
});

test('a file that may not be looked at is one without a size', async () => {
  const route = await routeCase();
  const proxy = await s3Proxy();
  proxy.intercept = () => ({ status: 403, code: 'AccessDenied' });
  await route.worker({ stack: proxy.stack });

  const error = await failureOf(await route.start({ bucket: route.bucket, key: 'a' }));

  expect(error).toMatchObject({ type: 'DefaultStateError', message: 'No Matches!' });
  expect(error.cause?.message).toBe(
    `S3 denies HeadObject on s3://${route.bucket}/a; allow it for the worker's credentials`,
  );
});

test('a run that is cancelled cancels the split, and says so', async () => {
  const route = await routeCase();
  const proxy = await s3Proxy();
  const held = hold(proxy, ({ operation }) => operation === 'UploadPart');
  await route.worker({ stack: proxy.stack });
  await route.put('a.zip', await archiveOf(2_000_001));
  const run = await route.start({ bucket: route.bucket, key: 'a.zip' });
  await vi.waitFor(() => expect(held.calls.length).toBeGreaterThan(0), WAIT);

  await run.cancel();

  await expect(run.result()).rejects.toThrow();
  expect((await run.describe()).status.name).toBe('CANCELLED');
  const child = route.client.workflow.getHandle(`route-${route.bucket}/a.zip/ProcessFile`);
  expect((await child.describe()).status.name).toBe('CANCELLED');
  expect(await route.notices()).toEqual([
    expect.objectContaining({ status: 'failed', message: 'The run was cancelled', key: 'a.zip' }),
  ]);
  expect(await route.keys()).toEqual(['a.zip']);
});

test('an archive that is replaced after it was looked at is not split: its new version is another event', async () => {
  const route = await routeCase();
  const proxy = await s3Proxy();
  await route.worker({ stack: proxy.stack });
  await route.put('a.zip', await archiveOf(2_000_001));
  const looks = () => proxy.calls.filter(({ operation }) => operation === 'HeadObject').length;
  proxy.intercept = async ({ operation }) => {
    // The second look is that of the split.
    if (operation === 'HeadObject' && looks() === 2) await route.put('a.zip', Buffer.from('new'));
    return undefined;
  };

  const error = await failureOf(await route.start({ bucket: route.bucket, key: 'a.zip' }));

  expect(error).toMatchObject({ type: 'ObjectChangedError' });
  expect(await route.notices()).toEqual([
    expect.objectContaining({ status: 'failed', message: error.message, size: 2_000_001 }),
  ]);
  expect(await route.keys()).toEqual(['a.zip']);
});

test('two runs of one key split it one after the other', async () => {
  const route = await routeCase();
  const proxy = await s3Proxy();
  const held = hold(proxy, ({ operation }) => operation === 'UploadPart');
  await route.worker({ stack: proxy.stack });
  await route.put('dir/a.zip', await archiveOf(2_000_001));
  const job = { bucket: route.bucket, key: 'dir/a.zip' };
  const first = await route.start(job);
  await vi.waitFor(() => expect(held.calls.length).toBeGreaterThan(0), WAIT);
  const second = await route.start(job);
  await vi.waitFor(async () => {
    const { events = [] } = await second.fetchHistory();
    expect(events?.some((event) => event.timerStartedEventAttributes)).toBe(true);
  }, WAIT);
  expect(held.calls).toHaveLength(1);

  held.release();

  const results = [await first.result(), await second.result()];
  expect(results.map(({ result }) => result)).toEqual([
    expect.objectContaining({ batches: [expect.objectContaining({ reused: false })] }),
    expect.objectContaining({ batches: [expect.objectContaining({ reused: true })] }),
  ]);
});

/** The error that a run ends with. */
async function failureOf(run: WorkflowHandle): Promise<ApplicationFailure> {
  const error = await run.result().catch((failure) => failure);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  return error.cause;
}
