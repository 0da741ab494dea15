import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RouteResult } from '../../src/messages/route.ts';
import { sampleArchive } from '../support/faults.ts';
import { uniqueQueue } from '../support/harness.ts';
import { startProcess } from '../support/processes.ts';
import { type RouteCase, routeCase } from '../support/route-case.ts';
import { sheaf } from '../support/sheaf.ts';
import { takeMessages } from '../support/split-case.ts';
import { tempFolder } from '../support/temp-folder.ts';

let route: RouteCase;
let archive: Buffer;
/** The route queue, which a starter polls. */
let queue: string;
/** For the files of this machine. */
let folder: string;

beforeAll(async () => {
  route = await routeCase();
  archive = await sampleArchive({ rows: 3, imageBytes: 0, seed: 1 });
  await route.worker({ env: { BATCH_SIZE: '2' } });
  folder = await tempFolder();
  queue = (await uniqueQueue({ maxReceiveCount: 3 })).url;
  await startProcess('starter', { ROUTE_QUEUE_URL: queue, TASK_QUEUE: route.taskQueue });
});

describe('an object', () => {
  test('above the threshold is split: its states and batch zips are printed', async () => {
    await route.put('dir/export.zip', archive);

    const { code, stdout, stderr } = await call(urlOf('dir/export.zip'), '--threshold', '1000');

    expect(code).toBe(0);
    const size = archive.length.toLocaleString('en');
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      `  ${urlOf('dir/export.zip')}, ${size} bytes, threshold 1,000 bytes`,
      '  CheckFileSize > ChoiceState > ProcessFile > NotifyFileOk',
      '  File processed OK',
      '',
    ]);
    expect(stdout).toMatch(/\n {2}dir\/export-part1\.zip {2}2 rows {2}2 images .*\n/);
    expect(stdout).toMatch(/\n {2}dir\/export-part2\.zip {3}1 row {3}1 image .*\n$/);
    expect(stderr).toContain(`  route-${route.bucket}/dir/export.zip-`);
    expect(stderr).toContain('  done, batches 2 of 2, images 3 of 3');
    expect(await route.keys()).toEqual(
      expect.arrayContaining(['batch/dir/export-part1.zip', 'batch/dir/export-part2.zip']),
    );
  });

  test('below it is too small; --json prints the result in a line, --notify sends the notice', async () => {
    await route.put('small.txt', Buffer.from('small'));
    const { url } = await uniqueQueue();

    const { code, stdout } = await call(
      ...[urlOf('small.txt'), '--threshold', '6', '--notify', url, '--json'],
    );

    expect(code).toBe(0);
    expect(stdout.endsWith('}\n')).toBe(true);
    const { states, ...notice }: RouteResult = JSON.parse(stdout);
    expect(states).toEqual(['CheckFileSize', 'ChoiceState', 'NotifyFileTooSmall']);
    expect(notice).toEqual({
      ...{ status: 'too-small', message: 'File not big enough' },
      ...{ bucket: route.bucket, key: 'small.txt', size: 5, threshold: 6 },
    });
    expect(await takeMessages(url)).toEqual([notice]);
  });

  test('that is not there fails, and says so', async () => {
    const { code, stdout, stderr } = await call(urlOf('absent'));

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const [, reason] = /\nsheaf: route-\S+ failed: (.*)\n$/.exec(stderr) ?? [];
    expect(reason).toBe(`No Matches! ${urlOf('absent')} does not exist`);
  });

  test('is not waited for with --no-wait', async () => {
    await route.put('no-wait', Buffer.from('a'));

    const { stdout, stderr } = await call(urlOf('no-wait'), '--no-wait');

    expect(stderr).toBe('');
    const result = await route.client.workflow.getHandle(stdout.trim()).result();
    expect(result).toMatchObject({ key: 'no-wait', status: 'too-small' });
  });
});

describe('a file of this machine', () => {
  test('is uploaded, and its event becomes a run, which is followed', async () => {
    const file = join(folder, 'a file+.txt');
    await writeFile(file, 'from here');

    const { code, stdout, stderr } = await drop(file, '--prefix', 'in/');

    expect(code).toBe(0);
    const url = urlOf('in/a file+.txt');
    expect(stdout.split('\n')).toEqual([
      `  ${url}, 9 bytes, threshold 2,000,000 bytes`,
      '  CheckFileSize > ChoiceState > NotifyFileTooSmall',
      '  File not big enough',
      '',
    ]);
    expect(stderr).toContain(`uploaded 9 B to ${url}`);
    expect(`${await route.read('in/a file+.txt')}`).toBe('from here');
    expect(await route.notices()).toContainEqual(
      expect.objectContaining({ key: 'in/a file+.txt', status: 'too-small' }),
    );
  });

  test('dropped twice is routed twice; --json prints the result, or the id', async () => {
    const file = join(folder, 'twice');
    await writeFile(file, 'twice');

    const first = await drop(file, '--json');
    const second = await drop(file, '--json', '--no-wait');

    expect(JSON.parse(first.stdout)).toMatchObject({ key: 'twice', states: expect.any(Array) });
    const { workflowId } = JSON.parse(second.stdout);
    expect(await route.client.workflow.getHandle(workflowId).result()).toMatchObject({
      key: 'twice',
      status: 'too-small',
    });
  });

  test('that is none, or without a queue for its event, is wrong usage', async () => {
    const absent = join(folder, 'absent');
    const file = join(folder, 'there');
    await writeFile(file, 'there');

    const calls = await Promise.all([
      drop(absent),
      drop(file, '--threshold', '5'),
      drop(file, '--notify', queue),
      drop(file, '--threshold', '5 MB'),
      sheaf({ ROUTE_QUEUE_URL: '' }, 'route', file, '--bucket', route.bucket),
    ]);

    const together =
      'sheaf: --threshold and --notify go with s3://bucket/key: an event has no place for them';
    const problems = [
      `sheaf: There is no file ${absent}; give a file, or s3://bucket/key`,
      together,
      together,
      "error: option '--threshold <bytes>' argument '5 MB' is invalid. Expected a number of bytes from 0 up.",
      'sheaf: ROUTE_QUEUE_URL: expected the queue that the event goes to, got nothing',
    ];
    expect(calls).toEqual(
      problems.map((problem) => ({ code: 2, stdout: '', stderr: `${problem}\n` })),
    );
    expect(await route.keys()).not.toContain('there');
  });

  function drop(file: string, ...options: readonly string[]) {
    const settings = { ROUTE_QUEUE_URL: queue, TASK_QUEUE: route.taskQueue };
    return sheaf(settings, 'route', file, '--bucket', route.bucket, ...options);
  }
});

function call(...args: readonly string[]) {
  return sheaf(route.taskQueue, 'route', ...args);
}

function urlOf(key: string): string {
  return `s3://${route.bucket}/${key}`;
}
