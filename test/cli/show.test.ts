import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { splitRequest } from '../../src/runs/request.ts';
import { startRun } from '../../src/starter/start-run.ts';
import { afterwards } from '../support/afterwards.ts';
import { sampleArchive } from '../support/faults.ts';
import { uniqueName } from '../support/harness.ts';
import { hold, WAIT } from '../support/holds.ts';
import { type RouteCase, routeCase } from '../support/route-case.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { sheaf } from '../support/sheaf.ts';
import { type SplitCase, splitCase } from '../support/split-case.ts';

const TIME = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/.source;
const ISO_TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

let route: RouteCase;
let proxy: S3Proxy;
let archive: Buffer;

beforeAll(async () => {
  route = await routeCase();
  proxy = await s3Proxy();
  await route.worker({ env: { BATCH_SIZE: '2' }, stack: proxy.stack });
  archive = await sampleArchive({ rows: 3, imageBytes: 0, seed: 1 });
});

describe('a split that is done', () => {
  let split: SplitCase;
  let run: WorkflowHandle;
  beforeAll(async () => {
    split = await splitCase(archive, {}, route.taskQueue);
    run = await start(split);
    await run.result();
  });

  test('is shown with its batch zips, and its parts with whose they are', async () => {
    const part = `${run.workflowId}/${partOf(split, 1)}`;

    const [whole, child] = await Promise.all([show(run.workflowId), show(part)]);

    expect(whole.slice(0, 6)).toEqual([
      `  ${run.workflowId}`,
      expect.stringMatching(new RegExp(`^  completed, started ${TIME}, took \\d+\\.\\d s$`)),
      `  Split s3://${split.job.s3Bucket}/${split.job.exportPath}`,
      `  ${linkOf(run.workflowId)}`,
      '',
      expect.stringMatching(/^ {2}done, batches 2 of 2, images 3 of 3, built .* of .*, verified /),
    ]);
    expect(whole[7]).toBe(`  s3://${split.job.s3Bucket}/batch/`);
    const table = whole.slice(8, 10);
    expect(table[0]).toMatch(new RegExp(`^  ${partOf(split, 1)}  2 rows  2 images  .* kB$`));
    expect(table[1]).toMatch(new RegExp(`^  ${partOf(split, 2)}   1 row   1 image  .* kB$`));
    expect(child.slice(0, 5)).toEqual([
      `  ${part}`,
      expect.stringMatching(/^ {2}completed, started /),
      `  ${partOf(split, 1)}: 2 rows, 2 images`,
      `  ${linkOf(part)}`,
      `  a part of ${run.workflowId}`,
    ]);
    expect([...whole, ...child].join('\n')).not.toContain('sheaf retry');
  });

  test('is one line of JSON with --json', async () => {
    const { runId } = await run.describe();

    const { stdout } = await sheaf({}, 'show', run.workflowId, '--json');

    expect(stdout.endsWith('}\n')).toBe(true);
    const { progress, ...shown } = JSON.parse(stdout);
    expect(shown).toEqual({
      ...{ workflowId: run.workflowId, runId, job: 'split', status: 'completed' },
      ...{ startTime: ISO_TIME, closeTime: ISO_TIME },
      summary: `Split s3://${split.job.s3Bucket}/${split.job.exportPath}`,
      link: linkOf(run.workflowId),
      result: await run.result(),
      ...{ failing: [], children: [], retryable: false },
    });
    expect(progress).toMatchObject({ stage: 'done', ended: true });
  });
});

test('a route that failed is shown with the reason, and with how it is run again', async () => {
  const run = await route.start({ bucket: route.bucket, key: 'absent' });
  await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);

  const [lines, { stdout }] = await Promise.all([
    show(run.workflowId),
    sheaf({}, 'show', run.workflowId, '--json'),
  ]);

  const error = `No Matches! s3://${route.bucket}/absent does not exist`;
  expect(lines[1]).toMatch(/^ {2}failed, started /);
  expect(lines.slice(-4)).toEqual([
    `  ${error}`,
    '',
    `  to run it again: npx sheaf retry ${run.workflowId}`,
    '',
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', error, retryable: true });
});

test('an id that a shell would take apart is quoted in how it is run again', async () => {
  const workflowId = `split-${uniqueName()}-it's a $HOME.zip`;
  const { client } = route;
  const run = await client.workflow.start('splitArchive', {
    ...{ workflowId, taskQueue: `${route.taskQueue}-nobody`, args: [] },
  });
  await run.terminate('by hand');

  const lines = await show(workflowId);

  expect(lines).toContain('  it was terminated: by hand');
  expect(lines.at(-2)).toBe(
    `  to run it again: npx sheaf retry '${workflowId.replace("'", "'\\''")}'`,
  );
});

test('an activity that is failing now is shown, with its error and how often it was tried', async () => {
  const split = await splitCase(archive, {}, route.taskQueue);
  const before = proxy.intercept;
  proxy.intercept = (call) =>
    call.key === split.job.exportPath ? { status: 503, code: 'SlowDown' } : before?.(call);
  const run = await start(split);
  afterwards(() => run.terminate());
  await vi.waitFor(async () => {
    const { raw } = await run.describe();
    expect(raw.pendingActivities?.[0]?.attempt).toBeGreaterThan(1);
  }, WAIT);

  const [lines, { stdout }] = await Promise.all([
    show(run.workflowId),
    sheaf({}, 'show', run.workflowId, '--json'),
  ]);
  proxy.intercept = before;

  expect(lines[1]).toMatch(/^ {2}running, started .*, for \d+\.\d s$/);
  const at = lines.indexOf('  failing now, and tried again');
  expect(lines[at + 1]).toMatch(
    /^ {4}inspectArchive, attempt \d: S3 answers 503 after 3 attempt\(s\)$/,
  );
  expect(JSON.parse(stdout)).toMatchObject({
    status: 'running',
    failing: [
      {
        activity: 'inspectArchive',
        attempt: expect.any(Number),
        error: expect.stringContaining('S3 answers'),
      },
    ],
    retryable: false,
  });
});

test('a run with parts under way says in which', async () => {
  const split = await splitCase(archive, {}, route.taskQueue);
  const held = hold(
    proxy,
    ({ operation, key }) =>
      operation === 'CompleteMultipartUpload' && key.includes(split.job.file.replace('.zip', '')),
  );
  const run = await start(split);
  await vi.waitFor(() => expect(held.calls).toHaveLength(2), WAIT);

  const [lines, { stdout }] = await Promise.all([
    show(run.workflowId),
    sheaf({}, 'show', run.workflowId, '--json'),
  ]);
  held.release();
  await run.result();

  const parts = [1, 2].map((number) => `${run.workflowId}/${partOf(split, number)}`);
  const at = lines.indexOf('  under way in');
  const shown = lines.slice(at + 1, -1).toSorted();
  expect(shown).toEqual(parts.map((id) => `    ${linkOf(id)}`));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}building, batches 0 of 2, images /));
  const { children, progress } = JSON.parse(stdout);
  expect(children.toSorted()).toEqual(parts);
  expect(progress).toMatchObject({ stage: 'building', ended: false });
});

/** Starts a split as a message does. */
async function start(split: SplitCase): Promise<WorkflowHandle> {
  const { client } = route;
  const request = splitRequest(split.job);
  await startRun(client, split.taskQueue, request, 'message');
  return client.workflow.getHandle(request.workflowId);
}

/** The lines that are shown of a run. */
async function show(workflowId: string): Promise<string[]> {
  const { code, stdout, stderr } = await sheaf({}, 'show', workflowId);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n');
}

function linkOf(workflowId: string): string {
  const { ui, namespace } = inject('stack').temporal;
  return `${ui}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;
}

function partOf({ job }: SplitCase, number: number): string {
  return job.file.replace('.zip', `-part${number}.zip`);
}
