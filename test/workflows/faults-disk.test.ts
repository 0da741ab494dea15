import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { progressQuery } from '../../src/workflows/split-progress.ts';
import { type DiskStage, diskStage, LOCAL, SHARED, workspaceOf } from '../support/disk-stage.ts';
import { plainExport } from '../support/export-fixtures.ts';
import { uniqueTaskQueue } from '../support/harness.ts';
import {
  expectSplit,
  expectTold,
  type HeldRun,
  type HeldStage,
  startHeld,
} from '../support/held-run.ts';
import { WAIT } from '../support/holds.ts';
import { type S3Call, s3Proxy } from '../support/s3-proxy.ts';
import { startWorker } from '../support/split-case.ts';
import { makeOld } from '../support/temp-folder.ts';
import { type TestArchive, tarGzArchive, zipArchive } from '../support/test-archives.ts';

const MIB = 1024 * 1024;

/** One part of a batch zip is put together at a time, so that one that is held keeps others from being read. */
const SETTINGS = { MAX_BYTES_IN_FLIGHT: `${16 * MIB}` };

let stage: HeldStage;
let disk: DiskStage;
/** Each of 13 MB, read by four GETs; its batch zip has two parts. */
let tarGz: TestArchive;
let zip: TestArchive;

beforeAll(async () => {
  const proxy = await s3Proxy();
  stage = { proxy, taskQueue: uniqueTaskQueue() };
  disk = await diskStage();
  await startWorker(stage.taskQueue, { ...disk.env, ...SETTINGS }, proxy.stack);
  const content = plainExport(33, 400_000);
  tarGz = tarGzArchive(content);
  zip = zipArchive(content);
});

describe.each([
  ['downloads', 'its own disk', () => zip, readsMiddle, LOCAL],
  ['downloads', 'a shared mount', () => zip, readsMiddle, SHARED],
  ['extracts', 'its own disk', () => tarGz, readsMiddle, LOCAL],
  ['extracts', 'a shared mount', () => tarGz, readsMiddle, SHARED],
  ['builds', 'its own disk', () => tarGz, uploads, LOCAL],
  ['builds', 'a shared mount', () => zip, uploads, SHARED],
] as const)('a run that %s on %s', (_, __, archive, at, where) => {
  test('is cancelled: tells so, and leaves nothing behind, its folder included', async () => {
    const { held } = await startUntilHeld();

    await held.run.cancel();

    await expectTold(held, 'The run was cancelled');
    expect((await held.run.describe()).status.name).toBe('CANCELLED');
    expect(await workspaceOf(held, disk)).toBeUndefined();
  });

  test('and whose folder is swept away: starts over, and says why', async () => {
    const { held, folder } = await startUntilHeld();

    await rm(folder, { recursive: true });
    held.held.release();

    await expectSplit(held);
    const { startedOver } = await held.run.query(progressQuery);
    expect(startedOver).toContain(folder);
    expect(startedOver).toContain('it was swept');
    expect(await workspaceOf(held, disk)).toBeUndefined();
  });

  async function startUntilHeld(): Promise<{ held: HeldRun; folder: string }> {
    const held = await startHeld(stage, archive(), at, where);
    await vi.waitFor(() => expect(held.held.calls).not.toEqual([]), WAIT);
    const folder = (await workspaceOf(held, disk)) as string;
    expect(folder.startsWith(where === LOCAL ? disk.local : disk.shared)).toBe(true);
    return { held, folder };
  }
});

test('a folder on the shared mount is removed by the next worker once its run is closed, not before', async () => {
  const { proxy } = stage;
  const taskQueue = uniqueTaskQueue();
  const own = await diskStage();
  const first = await startWorker(taskQueue, { ...own.env, ...SETTINGS }, proxy.stack);
  const closed = await startHeld({ proxy, taskQueue }, zip, readsMiddle, SHARED);
  const open = await startHeld({ proxy, taskQueue }, zip, readsMiddle, SHARED);
  for (const { held } of [closed, open]) {
    await vi.waitFor(() => expect(held.calls).not.toEqual([]), WAIT);
  }
  await closed.run.terminate();
  await first.stop();
  const folders = {
    closed: (await workspaceOf(closed, own)) as string,
    open: (await workspaceOf(open, own)) as string,
  };
  expect([existsSync(folders.closed), existsSync(folders.open)]).toEqual([true, true]);
  await makeOld(own.shared, 61);

  await startWorker(taskQueue, { ...own.env, ...SETTINGS }, proxy.stack);

  expect([existsSync(folders.closed), existsSync(folders.open)]).toEqual([false, true]);
  open.held.release();
  await expectSplit(open);
  expect(existsSync(folders.open)).toBe(false);
});

function readsMiddle({ operation, key, rangeStart }: S3Call): boolean {
  return operation === 'GetObject' && key.startsWith('export/') && rangeStart === 8 * MIB;
}

function uploads({ operation }: S3Call): boolean {
  return operation === 'UploadPart';
}
