import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { UnpackProgress } from '../../src/storage/unpack.ts';
import { progressQuery } from '../../src/workflows/split-progress.ts';
import { plainExport } from '../support/export-fixtures.ts';
import { uniqueTaskQueue } from '../support/harness.ts';
import {
  archiveReads,
  expectSplit,
  type HeldRun,
  type HeldStage,
  startHeld,
} from '../support/held-run.ts';
import { failuresOf, heartbeatOf, hold, partsMade, WAIT } from '../support/holds.ts';
import { startProcess } from '../support/processes.ts';
import { type S3Call, s3Proxy } from '../support/s3-proxy.ts';
import {
  compressibleExport,
  type TestArchive,
  tarArchive,
  tarGzArchive,
} from '../support/test-archives.ts';

const MIB = 1024 * 1024;

/** A TAR of 77 MB: eight parts of records come before its one checkpoint, two behind it. */
const LARGE = { rows: 193, imageBytes: 400_000 };
const LAST_PART = 10;

/** One of 81 MB, whose images S3 copies by itself: the checkpoint comes with the eighth. */
const HUGE_IMAGES = { rows: 9, imageBytes: 9_000_000 };
const BEHIND_CHECKPOINT = 76 * MIB;

/** One of 18 MB: three parts, and no checkpoint but the one at its end. */
const SMALL = { rows: 45, imageBytes: 400_000 };

/** Where the first place is looked for from which inflating can be taken up again, in bytes of the TAR. */
const FIRST_INFLATE_CHECKPOINT = 32 * MIB;

/** All runs at once on one worker. */
const SETTINGS = { MAX_PARALLEL_UNPACKS: '5', MAX_BYTES_IN_FLIGHT: `${256 * MIB}` };

let compressible: TestArchive;

beforeAll(() => {
  compressible = tarGzArchive(compressibleExport(LARGE.rows, LARGE.imageBytes), 1);
});

describe('a run whose worker is killed', () => {
  let stage: HeldStage;
  let stored: HeldRun;
  let compressed: HeldRun;
  let indexing: HeldRun;
  let early: HeldRun;
  let complete: HeldRun;
  let building: HeldRun;
  /** The calls since the kill; and those up to when the second attempts had told where they went on. */
  let callsAfter: () => readonly S3Call[];
  let callsOnResume: readonly S3Call[];
  const resumed = new Map<HeldRun, UnpackProgress>();

  // A dead worker is missed after 15 s, so one death serves all of them.
  beforeAll(async () => {
    stage = { proxy: await s3Proxy(), taskQueue: uniqueTaskQueue() };
    const first = await startProcess('worker', settings(stage), stage.proxy.stack);
    const huge = plainExport(HUGE_IMAGES.rows, HUGE_IMAGES.imageBytes);
    const small = plainExport(SMALL.rows, SMALL.imageBytes);
    const smallTarGz = tarGzArchive(small);
    const large = tarGzArchive(plainExport(LARGE.rows, LARGE.imageBytes));
    stored = await startHeld(stage, large, uploadsPart(LAST_PART));
    compressed = await startHeld(stage, compressible, uploadsPart(LAST_PART));
    indexing = await startHeld(stage, tarArchive(huge), readsBehindCheckpoint);
    early = await startHeld(stage, smallTarGz, uploadsPart(3));
    complete = await startHeld(stage, smallTarGz, looksAtRecords);
    building = await startHeld(stage, tarArchive(small), uploadsPart(3));
    const runs = [stored, compressed, indexing, early, complete, building];

    await untilHeld(runs);
    await first.kill();

    const callsBefore = stage.proxy.calls.length;
    callsAfter = () => stage.proxy.calls.slice(callsBefore);
    for (const { held } of runs) held.release();
    await takeUp();
    for (const { run } of runs) await run.result();
  }, 180_000);

  async function untilHeld(runs: readonly HeldRun[]): Promise<void> {
    const { proxy } = stage;
    await vi.waitFor(() => {
      for (const { held, split } of runs) expect(held.calls, split.job.file).not.toEqual([]);
      for (const { records } of [stored, compressed]) {
        expect(partsMade(proxy, records)).toEqual(numbersTo(LAST_PART - 1));
      }
      expect(partsMade(proxy, early.records)).toEqual([1, 2]);
      expect(partsMade(proxy, building.batch)).toEqual([1, 2]);
    }, WAIT);
    for (const { run } of [stored, compressed, indexing]) {
      await vi.waitFor(
        async () => expect(await heartbeatOf(run)).toMatchObject({ stretches: 1 }),
        WAIT,
      );
    }
  }

  /** Starts another worker, and holds the runs that have a checkpoint until they say where they go on. */
  async function takeUp(): Promise<void> {
    const { proxy } = stage;
    const behind = [stored, compressed, indexing];
    const isBehind = (call: S3Call) => uploadsPart(LAST_PART)(call) || readsBehindCheckpoint(call);
    const held = hold(proxy, (call) => isBehind(call) && behind.some((run) => run.owns(call)));
    await startProcess('worker', settings(stage), proxy.stack);
    for (const one of behind) {
      await vi.waitFor(async () => {
        const told = (await heartbeatOf<UnpackProgress>(one.run)) as UnpackProgress;
        expect(told.resumedAt).toBeGreaterThan(0);
        resumed.set(one, told);
      }, WAIT);
    }
    callsOnResume = callsAfter();
    held.release();
  }

  test.each([
    ['stored', () => stored],
    ['compressed', () => compressed],
  ])('while it stages bytes that are %s: goes on at the checkpoint', async (_, which) => {
    const held = which();
    const { resumedAt = 0, bytesDone = 0, bytesTotal = 0 } = resumed.get(held) ?? {};

    expect(resumedAt / bytesTotal).toBeGreaterThan(FIRST_INFLATE_CHECKPOINT / (80 * MIB));
    expect(bytesDone).toBeGreaterThanOrEqual(resumedAt);
    expect(Math.min(...archiveReads(held, callsAfter()))).toBe(resumedAt);
    expect(partsMade(stage.proxy, held.records)).toEqual(numbersTo(LAST_PART));
    expect(stage.proxy.succeeded('CreateMultipartUpload', held.records)).toHaveLength(1);
    await expectSplit(held);
  });

  test('while it indexes a TAR: goes on at the checkpoint', async () => {
    const { resumedAt = 0 } = resumed.get(indexing) ?? {};

    expect(resumedAt).toBeGreaterThan(64 * MIB);
    expect(Math.min(...archiveReads(indexing, callsOnResume))).toBe(resumedAt);
    await expectSplit(indexing);
  });

  test('says in its progress and in the Web UI where it went on', async () => {
    for (const held of [stored, compressed, indexing]) {
      const { resumedAt } = resumed.get(held) ?? {};
      const files = held.content.rows.length + 1;

      const { unpacked } = await held.run.query(progressQuery);
      expect(unpacked).toMatchObject({ resumedAt, files });
      const shown = await held.run.query<{ currentDetails: string }>(
        '__temporal_workflow_metadata',
      );
      expect(shown.currentDetails).toContain(
        `: ${files} files; the last attempt went on at byte ${resumedAt}\n`,
      );
    }
  });

  test('before the first checkpoint: begins anew, and makes only the parts that S3 lacks', async () => {
    const { unpacked } = await early.run.query(progressQuery);

    expect(unpacked.resumedAt).toBe(0);
    expect(archiveReads(early, callsAfter())).toContain(0);
    expect(partsMade(stage.proxy, early.records)).toEqual([1, 2, 3]);
    expect(stage.proxy.succeeded('CreateMultipartUpload', early.records)).toHaveLength(1);
    await expectSplit(early);
  });

  test('once the staged object is complete: goes on with it, and unpacks nothing again', async () => {
    expect(archiveReads(complete, callsAfter())).toEqual([]);
    expect(partsMade(stage.proxy, complete.records)).toEqual([1, 2, 3]);
    expect(stage.proxy.succeeded('CreateMultipartUpload', complete.records)).toHaveLength(1);
    await expectSplit(complete);
  });

  test('while it builds from a TAR: makes only the parts that S3 lacks, and indexes nothing again', async () => {
    expect(partsMade(stage.proxy, building.batch)).toEqual([1, 2, 3]);
    expect(await failuresOf(building.run)).toEqual([]);
    await expectSplit(building);
  });
});

test('a worker that gets SIGTERM while it stages hands on at once, and no part is made twice', async () => {
  const proxy = await s3Proxy();
  const own = { proxy, taskQueue: uniqueTaskQueue() };
  const first = await startProcess('worker', settings(own), proxy.stack);
  const held = await startHeld(own, compressible, uploadsPart(LAST_PART));
  await vi.waitFor(() => {
    expect(held.held.calls).toHaveLength(1);
    expect(partsMade(proxy, held.records)).toEqual(numbersTo(LAST_PART - 1));
  }, WAIT);

  const callsBefore = proxy.calls.length;
  await Promise.all([first.stop(), startProcess('worker', settings(own), proxy.stack)]);
  held.held.release();
  await held.run.result();

  expect(await failuresOf(held.run)).toEqual(['WorkerShutdown']);
  expect(partsMade(proxy, held.records)).toEqual(numbersTo(LAST_PART));
  expect(Math.min(...archiveReads(held, proxy.calls.slice(callsBefore)))).toBeGreaterThan(0);
  await expectSplit(held);
});

function settings({ taskQueue }: HeldStage): Record<string, string> {
  return { ...SETTINGS, TASK_QUEUE: taskQueue };
}

function uploadsPart(from: number): (call: S3Call) => boolean {
  return ({ operation, part }) => operation === 'UploadPart' && part >= from;
}

function readsBehindCheckpoint({ operation, rangeStart }: S3Call): boolean {
  return operation === 'GetObject' && rangeStart >= BEHIND_CHECKPOINT;
}

/** What an attempt does between completing the staged object and saying so. */
function looksAtRecords({ operation, key }: S3Call): boolean {
  return operation === 'HeadObject' && key.endsWith('/records');
}

function numbersTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
