import { expect, test, vi } from 'vitest';
import { zipProgressQuery } from '../../src/workflows/zip-progress.ts';
import { hold, WAIT } from '../support/holds.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { zipCase } from '../support/zip-case.ts';
import { expectArchive, filesOf, putObjects } from '../support/zip-objects.ts';

test('two workers build one archive', async () => {
  const zip = await zipCase();
  const objects = await putObjects(zip, { count: 24, mib: 1 });
  const settings = { SHARD_PARTS: '1', MAX_CONCURRENT_ACTIVITIES: '1' };
  const proxies = [await s3Proxy(), await s3Proxy()];
  for (const { stack } of proxies) await zip.worker(settings, stack);
  // Each is given a part, and gives it back only once the other one has one, too.
  const [one, other] = proxies.map((proxy) =>
    hold(proxy, ({ operation }) => operation === 'UploadPart'),
  );

  const run = await zip.start({ files: filesOf(objects), archiveName: 'a' });
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
    const objects = await putObjects(zip, { count: 12, mib: 1 });
    const proxy = await s3Proxy();
    let lost = 0;
    proxy.intercept = (call) =>
      call.operation === operation && lost++ === 0 ? 'lose the answer' : undefined;
    await zip.worker({}, proxy.stack);

    const run = await zip.start({
      files: filesOf(objects),
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
