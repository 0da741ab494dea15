import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { zipProgressQuery } from '../../src/workflows/zip-progress.ts';
import { hold, partsMade, WAIT } from '../support/holds.ts';
import { startProcess } from '../support/processes.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { hashesByPython, sha256 } from '../support/split-case.ts';
import { type ZipCase, zipCase } from '../support/zip-case.ts';

const MIB = 1024 * 1024;

describe('a worker that dies in the middle of an archive', () => {
  test.each([
    ['joins small objects', 24, 1, false, 'UploadPart', [1, 2]],
    [
      'lets S3 copy big ones that it reads for their CRC-32s',
      4,
      12,
      false,
      'UploadPartCopy',
      [2, 4],
    ],
  ])(
    'while it %s: another makes only the parts that S3 lacks',
    async (_, count, mib, checksum, operation, before) => {
      const zip = await zipCase();
      const objects = await putObjects(zip, count, mib, checksum);
      const proxy = await s3Proxy();
      const env = { ...zip.settings, TASK_QUEUE: zip.taskQueue };
      const first = await startProcess('worker', env, proxy.stack);
      const isLater = (part: number) => part > (operation === 'UploadPart' ? 2 : 4);
      const held = hold(proxy, (call) => call.operation === operation && isLater(call.part));

      const run = await zip.start({
        files: objects.map(([source]) => ({ source })),
        archiveName: 'a',
      });
      const key = 'download/a.zip';
      await vi.waitFor(() => {
        expect(held.calls.length).toBeGreaterThan(0);
        expect(partsMade(proxy, key)).toEqual(before);
      }, WAIT);
      await first.kill();
      held.release();
      await startProcess('worker', env, proxy.stack);
      await run.result();

      const made = partsMade(proxy, key);
      expect(made).toEqual(made.map((_, index) => index + 1));
      expect(proxy.succeeded('CreateMultipartUpload')).toHaveLength(1);
      await expectArchive(zip, key, objects);
    },
  );

  test('deflated groups that are done are not deflated again', async () => {
    const zip = await zipCase();
    const objects = await putObjects(zip, 3, 40, true, repetitive);
    const proxy = await s3Proxy();
    const env = { ...zip.settings, TASK_QUEUE: zip.taskQueue, MAX_PARALLEL_SHARDS: '1' };
    const first = await startProcess('worker', env, proxy.stack);
    const [, , third = ''] = objects.map(([source]) => source);
    const held = hold(proxy, ({ operation, key }) => operation === 'GetObject' && key === third);

    const run = await zip.start({
      files: objects.map(([source]) => ({ source })),
      archiveName: 'a',
      compression: 'deflate',
    });
    await vi.waitFor(() => expect(held.calls).toHaveLength(1), WAIT);
    await first.kill();
    held.release();
    await startProcess('worker', env, proxy.stack);
    await run.result();

    const reads = proxy.calls.filter(
      ({ operation, key }) => operation === 'GetObject' && key.endsWith('.bin'),
    );
    expect(reads.map(({ key }) => key)).toEqual([...objects.map(([source]) => source), third]);
    await expectArchive(zip, 'download/a.zip', objects);
  });
});

test('a worker that is told to stop hands its shards over, and no part is made twice', async () => {
  const zip = await zipCase();
  const objects = await putObjects(zip, 40, 1, false);
  const proxy = await s3Proxy();
  const env = { ...zip.settings, TASK_QUEUE: zip.taskQueue, SHARD_PARTS: '2' };
  const first = await startProcess('worker', env, proxy.stack);
  const held = hold(proxy, ({ operation, part }) => operation === 'UploadPart' && part > 2);
  const run = await zip.start({ files: objects.map(([source]) => ({ source })), archiveName: 'a' });
  await vi.waitFor(() => expect(held.calls.length).toBeGreaterThan(1), WAIT);

  const stopped = first.stop();
  await startProcess('worker', env, proxy.stack);
  await stopped;
  held.release();
  await run.result();

  const made = partsMade(proxy, 'download/a.zip');
  expect(made).toEqual(made.map((_, index) => index + 1));
  await expectArchive(zip, 'download/a.zip', objects);
});

test('two workers build one archive', async () => {
  const zip = await zipCase();
  const objects = await putObjects(zip, 24, 1, false);
  const settings = { SHARD_PARTS: '1', MAX_CONCURRENT_ACTIVITIES: '1' };
  const proxies = [await s3Proxy(), await s3Proxy()];
  for (const { stack } of proxies) await zip.worker(settings, stack);
  // Each is given a part, and gives it back only once the other one has one, too.
  const [one, other] = proxies.map((proxy) =>
    hold(proxy, ({ operation }) => operation === 'UploadPart'),
  );

  const run = await zip.start({ files: objects.map(([source]) => ({ source })), archiveName: 'a' });
  await vi.waitFor(() => {
    expect(one?.calls).toHaveLength(1);
    expect(other?.calls).toHaveLength(1);
  }, WAIT);
  one?.release();
  other?.release();
  await run.result();

  await expectArchive(zip, 'download/a.zip', objects);
});

test.each(['CompleteMultipartUpload', 'UploadPart', 'CreateMultipartUpload'])(
  'an answer to %s that never arrives changes nothing',
  async (operation) => {
    const zip = await zipCase();
    const objects = await putObjects(zip, 12, 1, false);
    const proxy = await s3Proxy();
    let lost = 0;
    proxy.intercept = (call) =>
      call.operation === operation && lost++ === 0 ? 'lose the answer' : undefined;
    await zip.worker({}, proxy.stack);

    const run = await zip.start({
      files: objects.map(([source]) => ({ source })),
      archiveName: 'a',
    });
    await run.result();

    expect(lost).toBeGreaterThan(1);
    expect(await zip.results()).toMatchObject([{ status: 'success' }]);
    await expectArchive(zip, 'download/a.zip', objects);
  },
);

test('a retry does not ask again for files that are written down', async () => {
  const zip = await zipCase();
  await zip.put({ 'objects/a.bin': Buffer.from('a') });
  const proxy = await s3Proxy();
  let heads = 0;
  proxy.intercept = ({ operation, key }) => {
    if (operation !== 'HeadObject' || key !== 'objects/a.bin') return undefined;
    heads += 1;
    // The first attempt ends here: the SDK gives up after three tries.
    return heads > 5050 && heads <= 5053 ? { status: 503, code: 'SlowDown' } : undefined;
  };
  await zip.worker({}, proxy.stack);
  const source = 'objects/a.bin';
  const files = Array.from({ length: 5100 }, (_, index) => ({ source, destination: `${index}` }));

  const run = await zip.start({ files });
  await vi.waitFor(async () => {
    expect(await run.query(zipProgressQuery)).toMatchObject({ files: { total: 5100 } });
  }, WAIT);

  expect(heads).toBeLessThan(5100 + 200);
  await run.cancel();
  await run.result().catch(() => {});
});

/** Bytes that are deflated in no time. */
function repetitive(size: number): Buffer {
  return Buffer.alloc(size, randomBytes(64));
}

async function putObjects(
  zip: ZipCase,
  count: number,
  mib: number,
  checksum: boolean,
  content: (size: number) => Buffer = randomBytes,
) {
  const objects = Array.from(
    { length: count },
    (_, index) => [`objects/${index}.bin`, content(mib * MIB)] as const,
  );
  await zip.put(objects, { checksum });
  return objects;
}

async function expectArchive(
  zip: ZipCase,
  key: string,
  objects: readonly (readonly [string, Buffer])[],
): Promise<void> {
  const archive = await zip.archive(key);
  expect(hashesByPython(archive)).toEqual(
    objects.map(([name, data]) => [name.slice('objects/'.length), sha256(data)]),
  );
  expect(await zip.keys()).toEqual([key]);
}
