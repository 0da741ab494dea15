import { randomBytes } from 'node:crypto';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { describe, expect, test, vi } from 'vitest';
import type { ZipJob } from '../../src/messages/zip.ts';
import type { zipFiles } from '../../src/workflows/zip-files.ts';
import { testS3 } from '../support/harness.ts';
import { hold, WAIT } from '../support/holds.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { type ZipCase, zipCase } from '../support/zip-case.ts';

const MIB = 1024 * 1024;

test('one object missing among 100 fails the job, and every missing one is named', async () => {
  const zip = await zipCase();
  const keys = Array.from({ length: 100 }, (_, index) => `files/${index}.txt`);
  await zip.put(keys.filter((key) => !key.includes('7')).map((key) => [key, Buffer.from(key)]));
  await zip.worker();

  const run = await zip.start({
    files: keys.map((source) => ({ source })),
    metadata: { id: 1 },
  });

  const missing = keys.filter((key) => key.includes('7')).map((key) => `s3://${zip.source}/${key}`);
  await expectFailed(zip, run, {
    error: `19 of 100 files are not there: ${missing.slice(0, 10).join(', ')}, and 9 more; upload them, then send the job again`,
    missing,
    metadata: { id: 1 },
  });
});

test.each<[string, ZipJob, string]>([
  [
    'a destination that climbs',
    { files: [{ source: 'a', destination: 'x/../../y' }] },
    'Not a zip job: files.0.destination: expected a folder in the archive: the name climbs with "..", got "x/../../y"',
  ],
  ['no files', { files: [] }, 'Not a zip job: files: expected one file or more, got []'],
  [
    'a file that is a folder as well',
    {
      files: [{ source: 'a' }, { source: 'b', destination: 'a' }],
    },
    'Entry "a": is a file, and the folder of "a/b" as well',
  ],
  [
    'too many files',
    { files: [{ source: 'a' }, { source: 'b' }, { source: 'c' }] },
    'The job has 3 files, the limit is 2 (MAX_FILES)',
  ],
  [
    'a list that is not there',
    { fileList: 's3://no-such-bucket/list.json' },
    's3://no-such-bucket/list.json does not exist; upload it, then send the job again',
  ],
])('%s fails the job', async (_, job, error) => {
  const zip = await zipCase();
  await zip.worker({ MAX_FILES: '2' });

  await expectFailed(zip, await zip.start(job), { error, missing: [] });
});

test('a worker without a bucket for archives says which setting it lacks', async () => {
  const zip = await zipCase();
  await zip.worker({ S3_DESTINATION_BUCKET: '' });

  await expectFailed(zip, await zip.start({ files: [{ source: 'a' }] }), {
    error:
      'S3_DESTINATION_BUCKET: expected the name of a bucket, got nothing; set it for all workers of the task queue',
    missing: [],
  });
});

describe('objects that change under the run', () => {
  test.each([
    ['while they are read', 'GetObject', { checksum: false }, 1],
    ['while S3 copies them', 'UploadPartCopy', { checksum: true }, 12],
  ])('%s fail it, and each is named', async (_, operation, options, mib) => {
    const zip = await zipCase();
    const keys = ['a.bin', 'b.bin', 'c.bin'];
    const [changed = '', gone = ''] = keys;
    const contents = () => randomBytes(mib * MIB);
    await zip.put(
      keys.map((key) => [key, contents()]),
      options,
    );
    const proxy = await s3Proxy();
    const held = hold(proxy, (call) =>
      operation === 'GetObject'
        ? keys.includes(call.key) && call.operation === operation
        : call.operation === operation,
    );
    await zip.worker({}, proxy.stack);

    const run = await zip.start({ files: keys.map((source) => ({ source })) });
    await vi.waitFor(() => expect(held.calls.length).toBeGreaterThan(0), WAIT);
    await zip.put([[changed, contents()]], options);
    await testS3().send(new DeleteObjectCommand({ Bucket: zip.source, Key: gone }));
    held.release();

    const urlOf = (key: string) => `s3://${zip.source}/${key}`;
    await expectFailed(zip, run, {
      error: `2 of 3 files are not what they were when the run began: ${urlOf(changed)} changed; ${urlOf(gone)} vanished; upload them, then send the job again`,
      missing: [urlOf(gone)],
    });
  });
});

test('a cancelled run tells so, and leaves nothing behind', async () => {
  const zip = await zipCase();
  await zip.put({ 'a.bin': randomBytes(12 * MIB) }, { checksum: true });
  const proxy = await s3Proxy();
  const held = hold(proxy, ({ operation }) => operation === 'UploadPartCopy');
  await zip.worker({}, proxy.stack);
  const run = await zip.start({ files: [{ source: 'a.bin' }] });
  await vi.waitFor(() => expect(held.calls).toHaveLength(1), WAIT);

  await run.cancel();

  await expectFailed(zip, run, { error: 'The run was cancelled', missing: [] });
  expect((await run.describe()).status.name).toBe('CANCELLED');
});

test('an archive that another job has replaced is not reported as made', async () => {
  const zip = await zipCase();
  await zip.put({ 'a.txt': Buffer.from('a') });
  const proxy = await s3Proxy();
  const key = 'download/same.zip';
  proxy.intercept = async (call) => {
    const isConfirming =
      call.operation === 'HeadObject' && proxy.succeeded('CompleteMultipartUpload').length > 0;
    if (isConfirming) {
      await testS3().send(new DeleteObjectCommand({ Bucket: zip.destination, Key: key }));
    }
    return undefined;
  };
  await zip.worker({}, proxy.stack);

  const run = await zip.start({ files: [{ source: 'a.txt' }], archiveName: 'same' });

  await expectFailed(zip, run, {
    error: `s3://${zip.destination}/${key} is not the archive that this run built: it has been deleted; send the job again`,
    missing: [],
  });
});

/** The run fails, its sender is told this, once, and nothing is left in the bucket. */
async function expectFailed(
  zip: ZipCase,
  run: WorkflowHandle<typeof zipFiles>,
  told: { error: string; missing: string[]; metadata?: unknown },
): Promise<void> {
  await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);
  expect(await zip.results()).toEqual([{ status: 'failed', ...told }]);
  expect(await zip.keys()).toEqual([]);
  expect(await zip.uploads()).toEqual([]);
}
