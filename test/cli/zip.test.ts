import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, expect, test } from 'vitest';
import { testEnvironment } from '../support/harness.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { type ZipCase, zipCase } from '../support/zip-case.ts';
import { judgeZip } from '../support/zip-judges.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const run = promisify(execFile);

let zip: ZipCase;
let folder: string;

beforeEach(async () => {
  zip = await zipCase();
  folder = await tempFolder();
  await zip.put({ 'dir/a.png': Buffer.from('a'), 'dir/b.png': Buffer.alloc(1000, 'b') });
  await zip.worker();
});

test('sheaf zip puts the files of a list into an archive, and prints a link that works', async () => {
  const name = zip.taskQueue;
  const list = { files: [{ source: 'dir/a.png', destination: 'x' }, { source: 'dir/b.png' }] };

  const { stdout, stderr } = await sheafZip(`${name}.json`, JSON.stringify(list));

  const archive = await zip.archive(`download/${name}.zip`);
  expect(await judgeZip(archive)).toEqual(['x/a.png', 'b.png']);
  expect(stdout).toContain(`s3://${zip.destination}/download/${name}.zip`);
  expect(stdout).toContain('2 files');
  const link = /http\S+/.exec(stdout)?.[0] ?? '';
  const download = await fetch(link);
  expect(Buffer.from(await download.arrayBuffer()).equals(archive)).toBe(true);
  expect(stderr).toContain(`zip-${name}`);
});

test('a list may be the files alone, and options name the job and the archive', async () => {
  const list = [{ source: `s3://${zip.source}/dir/b.png` }];

  const { stdout } = await sheafZip('list.json', JSON.stringify(list), [
    ...['--id', zip.taskQueue, '--archive-name', 'my album', '--deflate', '--json'],
  ]);

  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ key: 'download/my album.zip', files: 1, reused: false });
  expect(result.archiveUrl).toContain('X-Amz-Signature');
  expect(result.size).toBeLessThan(500);
});

test('a list that is too long for an input goes through S3', async () => {
  const files = Array.from({ length: 1_500 }, (_, index) => ({
    source: 'dir/a.png',
    destination: `${'folder-with-a-long-name/'.repeat(8)}${index}`,
  }));

  const { stdout } = await sheafZip('list.json', JSON.stringify({ files }), [
    ...['--id', zip.taskQueue, '--json'],
  ]);

  expect(JSON.parse(stdout)).toMatchObject({ files: 1_500 });
  const { workflowId } = zip.client.workflow.getHandle(`zip-${zip.taskQueue}`);
  const { events } = await zip.client.workflow.getHandle(workflowId).fetchHistory();
  const [started] = events ?? [];
  const [input] = started?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  expect(Buffer.from(input?.data ?? []).toString()).toContain('"fileList":"s3://');
});

test.each([
  ['{"files":', /^sheaf: Not a zip message \(.*list\.json\): the body is not JSON/],
  ['[{"source":""}]', /^sheaf: Not a list of files \(.*\): files\.0\.source: expected text/],
])('a list that is none is an error: %s', async (list, message) => {
  await expect(sheafZip('list.json', list)).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(message),
  });
});

async function sheafZip(name: string, list: string, options: readonly string[] = []) {
  const file = join(folder, name);
  await writeFile(file, list);
  const env = {
    ...testEnvironment(),
    ...zip.settings,
    TASK_QUEUE: zip.taskQueue,
  };
  return run(process.execPath, [MAIN, 'zip', file, ...options], { env });
}
