import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { UnpackProgress } from '../../src/storage/unpack.ts';
import { progressQuery } from '../../src/workflows/split-progress.ts';
import { type DiskStage, diskStage, LOCAL, SHARED, workspaceOf } from '../support/disk-stage.ts';
import { plainExport } from '../support/export-fixtures.ts';
import { uniqueTaskQueue } from '../support/harness.ts';
import {
  archiveReads,
  expectSplit,
  type HeldRun,
  type HeldStage,
  startHeld,
} from '../support/held-run.ts';
import { heartbeatOf, hold, WAIT } from '../support/holds.ts';
import { startProcess } from '../support/processes.ts';
import { type S3Call, s3Proxy } from '../support/s3-proxy.ts';
import { tarGzArchive, zipArchive } from '../support/test-archives.ts';

const MIB = 1024 * 1024;

/** 77 MB, in images that are put into a batch zip fast: a checkpoint comes at 64 MiB. */
const LARGE = { rows: 193, imageBytes: 400_000 };
const BEHIND_CHECKPOINT = 72 * MIB;

/** 13 MB, read by four GETs; the batch zip has two parts. */
const SMALL = { rows: 33, imageBytes: 400_000 };

/** All runs at once on one worker. */
const SETTINGS = { MAX_PARALLEL_UNPACKS: '5', MAX_BYTES_IN_FLIGHT: `${256 * MIB}` };

describe('a run on a disk whose worker is killed for good', () => {
  let extracting: HeldRun;
  let building: HeldRun;
  let extractingShared: HeldRun;
  let downloadingShared: HeldRun;
  /** A run of a worker that lives, in the temp folder of the one that is killed. */
  let neighbour: HeldRun;
  let disk: DiskStage;
  let deadRoot: string;
  /** The folders of runs that were on the mount when the worker was killed. */
  let shared: string[];
  const resumed = new Map<HeldRun, UnpackProgress>();
  let callsOnResume: readonly S3Call[];

  // A dead worker is missed after 15 s, so one death serves all of them.
  beforeAll(async () => {
    const proxy = await s3Proxy();
    const stage: HeldStage = { proxy, taskQueue: uniqueTaskQueue() };
    const elsewhere: HeldStage = { proxy, taskQueue: uniqueTaskQueue() };
    disk = await diskStage();
    const startWorker = ({ taskQueue }: HeldStage) =>
      startProcess('worker', { ...disk.env, ...SETTINGS, TASK_QUEUE: taskQueue }, proxy.stack);
    const [first] = await Promise.all([startWorker(stage), startWorker(elsewhere)]);
    const large = plainExport(LARGE.rows, LARGE.imageBytes);
    const small = tarGzArchive(plainExport(SMALL.rows, SMALL.imageBytes));
    extractingShared = await startHeld(
      stage,
      tarGzArchive(large),
      readsFrom(BEHIND_CHECKPOINT),
      SHARED,
    );
    downloadingShared = await startHeld(
      stage,
      zipArchive(large),
      readsFrom(BEHIND_CHECKPOINT),
      SHARED,
    );
    extracting = await startHeld(stage, small, readsFrom(8 * MIB), LOCAL);
    building = await startHeld(stage, small, uploadsSecondPart, LOCAL);
    neighbour = await startHeld(elsewhere, small, readsFrom(8 * MIB), LOCAL);
    const runs = [extractingShared, downloadingShared, extracting, building, neighbour];

    for (const { held } of runs) {
      await vi.waitFor(() => expect(held.calls).not.toEqual([]), WAIT);
    }
    await vi.waitFor(async () => {
      expect(await heartbeatOf(extractingShared.run)).toMatchObject({ stretches: 1 });
      const downloaded = await heartbeatOf<UnpackProgress>(downloadingShared.run);
      expect(downloaded?.bytesDone).toBeGreaterThanOrEqual(64 * MIB);
    }, WAIT);
    deadRoot = dirname((await workspaceOf(extracting, disk)) as string);
    shared = await readdir(disk.shared);
    await first.kill();
    expect(existsSync(deadRoot)).toBe(true);

    const callsBefore = proxy.calls.length;
    for (const { held } of [extractingShared, downloadingShared, extracting, building])
      held.release();
    const heldAgain = hold(
      proxy,
      (call) => (extractingShared.owns(call) || downloadingShared.owns(call)) && readsArchive(call),
    );
    await startWorker(stage);
    for (const held of [extractingShared, downloadingShared]) {
      await vi.waitFor(async () => {
        const told = (await heartbeatOf<UnpackProgress>(held.run)) as UnpackProgress;
        expect(told.resumedAt).toBeGreaterThan(0);
        resumed.set(held, told);
      }, WAIT);
    }
    callsOnResume = proxy.calls.slice(callsBefore);
    heldAgain.release();
    for (const { run } of runs.slice(0, -1)) await run.result();
  }, 180_000);

  test.each([
    ['extracts', () => extracting],
    ['builds', () => building],
  ])(
    'while it %s on its own disk: starts over on another one, and is told once',
    async (_, which) => {
      const { startedOver } = await which().run.query(progressQuery);

      expect(startedOver).toBe('The worker that has the files is gone');
      await expectSplit(which());
    },
  );

  test.each([
    ['extracts', () => extractingShared],
    ['downloads', () => downloadingShared],
  ])('while it %s on a shared mount: another one goes on in the same folder', async (_, which) => {
    const held = which();
    const { resumedAt = 0, bytesDone = 0 } = resumed.get(held) ?? {};

    const reads = archiveReads(held, callsOnResume);
    expect(Math.min(...reads)).toBe(resumedAt);
    expect(bytesDone).toBeGreaterThanOrEqual(resumedAt);
    const { startedOver, unpacked } = await held.run.query(progressQuery);
    expect({ startedOver, unpacked }).toMatchObject({
      startedOver: undefined,
      unpacked: { resumedAt },
    });
    await expectSplit(held);
  });

  test('leaves no folder on the mount, and none on its disk once a worker starts there', async () => {
    expect(shared).toHaveLength(2);
    expect(await readdir(disk.shared)).toEqual([]);
    expect(existsSync(deadRoot)).toBe(false);
  });

  test('takes nothing from a worker that lives in the same temp folder', async () => {
    const folder = (await workspaceOf(neighbour, disk)) as string;
    expect(await readdir(folder)).toContain('records');

    neighbour.held.release();

    await expectSplit(neighbour);
    expect((await neighbour.run.query(progressQuery)).startedOver).toBeUndefined();
    expect(await workspaceOf(neighbour, disk)).toBeUndefined();
  });
});

test('a run on the disk of a worker that gets SIGTERM starts over on another one, and its folder is gone', async () => {
  const proxy = await s3Proxy();
  const taskQueue = uniqueTaskQueue();
  const [disk, otherDisk] = [await diskStage(), await diskStage()];
  const env = { ...disk.env, TASK_QUEUE: taskQueue, LOST_WORKER_SECONDS: '3' };
  const first = await startProcess('worker', env, proxy.stack);
  const archive = tarGzArchive(plainExport(SMALL.rows, SMALL.imageBytes));
  const held = await startHeld({ proxy, taskQueue }, archive, readsFrom(8 * MIB), LOCAL);
  await vi.waitFor(() => expect(held.held.calls).not.toEqual([]), WAIT);
  expect(await workspaceOf(held, disk)).toBeDefined();
  const other = startProcess('worker', { ...env, ...otherDisk.env }, proxy.stack);

  await Promise.all([first.stop(), other]);

  expect(await readdir(disk.local)).toEqual([]);
  held.held.release();
  await held.run.result();
  const { startedOver } = await held.run.query(progressQuery);
  expect(startedOver).toBe('The worker that has the files is gone');
  await expectSplit(held);
  expect(await workspaceOf(held, otherDisk)).toBeUndefined();
});

function readsArchive({ operation, key }: S3Call): boolean {
  return operation === 'GetObject' && key.startsWith('export/');
}

/** The last four bytes of a TAR.GZ are asked for when its folder is made. */
function readsFrom(start: number): (call: S3Call) => boolean {
  return (call) => readsArchive(call) && call.rangeStart >= start && call.rangeStart < start + MIB;
}

function uploadsSecondPart({ operation, part }: S3Call): boolean {
  return operation === 'UploadPart' && part === 2;
}
