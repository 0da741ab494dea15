import type { WorkflowHandle } from '@temporalio/client';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { ZipJob } from '../../src/messages/zip.ts';
import type { zipFiles } from '../../src/workflows/zip-files.ts';
import { type Held, hold, partsMade, WAIT } from '../support/holds.ts';
import { startProcess } from '../support/processes.ts';
import { type S3Call, type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { type ZipCase, zipCase } from '../support/zip-case.ts';
import {
  expectArchive,
  filesOf,
  type ObjectsOptions,
  type PutObjects,
  putObjects,
  repetitive,
} from '../support/zip-objects.ts';

const MIB = 1024 * 1024;

/** All runs at once on one worker. */
const SETTINGS = { MAX_PARALLEL_SHARDS: '1', MAX_BYTES_IN_FLIGHT: `${256 * MIB}` };

/** A run of objects of its own, some of whose calls to S3 are held. */
interface HeldZip {
  readonly objects: PutObjects;
  /** The key of its archive. */
  readonly key: string;
  readonly run: WorkflowHandle<typeof zipFiles>;
  readonly held: Held;
}

describe('a worker that dies in the middle of archives', () => {
  let zip: ZipCase;
  let proxy: S3Proxy;
  let joining: HeldZip;
  let copying: HeldZip;
  let deflating: HeldZip;
  let keys: string[];

  // A dead worker is missed after 15 s, so one death serves all of them.
  beforeAll(async () => {
    zip = await zipCase();
    proxy = await s3Proxy();
    const env = { ...zip.settings, ...SETTINGS, TASK_QUEUE: zip.taskQueue };
    const first = await startProcess('worker', env, proxy.stack);
    joining = await startHeld('joining', { count: 24, mib: 1 }, uploads('UploadPart', 3));
    copying = await startHeld('copying', { count: 4, mib: 12 }, uploads('UploadPartCopy', 5));
    deflating = await startHeld(
      'deflating',
      { count: 3, mib: 40, checksum: true, content: repetitive },
      ({ operation, key }) => operation === 'GetObject' && key === 'deflating/2.bin',
      'deflate',
    );
    const runs = [joining, copying, deflating];
    keys = runs.map(({ key }) => key).toSorted();

    await vi.waitFor(() => {
      for (const { held, key } of runs) expect(held.calls, key).not.toEqual([]);
      expect(partsMade(proxy, joining.key)).toEqual([1, 2]);
      expect(partsMade(proxy, copying.key)).toEqual([2, 4]);
    }, WAIT);
    await first.kill();
    for (const { held } of runs) held.release();
    await startProcess('worker', env, proxy.stack);
    for (const { run } of runs) await run.result();
  }, 180_000);

  async function startHeld(
    name: string,
    options: ObjectsOptions,
    matches: (call: S3Call) => boolean,
    compression: ZipJob['compression'] = 'store',
  ): Promise<HeldZip> {
    const objects = await putObjects(zip, { ...options, folder: name });
    const key = `download/${name}.zip`;
    const held = hold(proxy, (call) => call.key.includes(name) && matches(call));
    const run = await zip.start({ files: filesOf(objects), archiveName: name, compression });
    return { objects, key, run, held };
  }

  test.each([
    ['joins small objects', () => joining],
    ['lets S3 copy big ones that it reads for their CRC-32s', () => copying],
  ])('while it %s: another makes only the parts that S3 lacks', async (_, which) => {
    const { key, objects, run } = which();

    const made = partsMade(proxy, key);
    expect(made).toEqual(made.map((_, index) => index + 1));
    const begun = proxy.succeeded('CreateMultipartUpload').map((call) => call.key);
    expect(begun.filter((begun) => begun === key || begun.includes(run.workflowId))).toEqual([key]);
    await expectArchive(zip, key, objects, keys);
  });

  test('deflated groups that are done are not deflated again', async () => {
    const { key, objects } = deflating;
    const sources = objects.map(([source]) => source);

    const reads = proxy.calls
      .filter(({ operation, key }) => operation === 'GetObject' && sources.includes(key))
      .map(({ key }) => key);
    expect(reads).toEqual([...sources, sources.at(-1)]);
    await expectArchive(zip, key, objects, keys);
  });
});

test('a worker that is told to stop hands its shards over, and no part is made twice', async () => {
  const zip = await zipCase();
  const objects = await putObjects(zip, { count: 40, mib: 1 });
  const proxy = await s3Proxy();
  const env = { ...zip.settings, TASK_QUEUE: zip.taskQueue, SHARD_PARTS: '2' };
  const first = await startProcess('worker', env, proxy.stack);
  const held = hold(proxy, uploads('UploadPart', 3));
  const run = await zip.start({ files: filesOf(objects), archiveName: 'a' });
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

function uploads(operation: string, from: number): (call: S3Call) => boolean {
  return (call) => call.operation === operation && call.part >= from;
}
