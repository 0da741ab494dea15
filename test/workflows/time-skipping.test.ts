import { ApplicationFailure } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import type { SplitPlan } from '../../src/activities/plan-split.ts';
import type { UnpackedArchive } from '../../src/activities/unpack-pass.ts';
import type { splitArchive } from '../../src/workflows/split-archive.ts';
import { runToEnd, startTimeSkipping } from '../support/time-skipping.ts';

const HOUR_MS = 3_600_000;

const JOB = {
  downloadId: 4711,
  file: 'a.zip',
  exportPath: 'export/a.zip',
  totalSize: 1000,
  s3Bucket: 'bucket',
  updatesQueueUrl: 'http://queues/updates',
};

const SOURCE = { bucket: 'bucket', key: 'export/a.zip', etag: '"1"', size: 1000 };

const PLAN: SplitPlan = {
  batches: [1, 2, 3].map((number) => ({
    name: `a-part${number}.zip`,
    key: `batch/a-part${number}.zip`,
    rows: 10,
    images: 10,
    bytes: 300,
    bytesToVerify: 250,
    layoutKey: `sheaf/layout-${number}`,
    fingerprint: `${number}`,
  })),
  lanes: 2,
  verify: true,
  bytesRead: 1,
  bytesWritten: 1,
};

describe('splitArchive and buildBatch over hours', () => {
  let env: TestWorkflowEnvironment;

  beforeAll(async () => {
    env = await startTimeSkipping();
  });

  afterAll(() => env.teardown());

  test('S3 down for an hour, then back: the run succeeds, and tells so once', async () => {
    const s3 = outage(HOUR_MS);

    const { result, told } = await run({
      planSplit: async () => s3.unless(() => PLAN),
      assembleBatch: async () => s3.unless(() => MOVED),
    });

    await expect(result).resolves.toMatchObject({ rows: 30, bytesCopied: 3, bytesRead: 4 });
    expect(told).toEqual([SUCCESS]);
    expect(s3.failures).toBeGreaterThan(0);
  });

  test('S3 down in the middle: what is done stays done, the rest is tried again', async () => {
    const s3 = outage(HOUR_MS);
    const assembled: string[] = [];

    const { result, told } = await run({
      assembleBatch: async ({ fingerprint }) => {
        if (fingerprint !== '1') await s3.unless(() => {});
        assembled.push(fingerprint);
        return MOVED;
      },
    });

    await result;
    expect(assembled.toSorted()).toEqual(['1', '2', '3']);
    expect(told).toEqual([SUCCESS]);
  });

  test('the result queue down for five hours: the result is told once it is back', async () => {
    const queue = outage(5 * HOUR_MS);
    const told: string[] = [];

    const { result } = await run({
      sendResult: async ({ body }) => queue.unless(() => void told.push(body)),
    });

    await result;
    expect(told.map((body) => JSON.parse(body))).toEqual([SUCCESS]);
  });

  test('a fault that lasts longer than a day: the run fails, and tells what the fault was', async () => {
    const { result, told, removed } = await run({
      planSplit: async () => {
        throw new Error('S3 answers SlowDown (503)');
      },
    });

    await expect(result).rejects.toThrow();
    expect(told).toEqual([failed(expect.stringContaining('S3 answers SlowDown (503)'))]);
    expect(removed).toEqual([1]);
  });

  test('an upload that somebody aborts is begun again', async () => {
    const uploads: string[] = [];
    const { result, told, aborted } = await run({
      openBatch: async ({ target, fingerprint }) => {
        uploads.push(fingerprint);
        return { ...target, uploadId: `${uploads.length}` };
      },
      assembleBatch: async ({ fingerprint }) => {
        const begun = uploads.filter((upload) => upload === fingerprint).length;
        if (fingerprint === '2' && begun < 3) throw gone();
        return MOVED;
      },
    });

    await result;
    expect(uploads.toSorted()).toEqual(['1', '2', '2', '2', '3']);
    expect(aborted).toHaveLength(2);
    expect(told).toEqual([SUCCESS]);
  });

  test('an upload that is aborted over and over fails the run', async () => {
    const { result, told } = await run({
      assembleBatch: async ({ fingerprint }) => {
        if (fingerprint === '2') throw gone();
        return MOVED;
      },
    });

    await expect(result).rejects.toThrow();
    expect(told).toEqual([
      failed(
        "The upload of s3://bucket/batch/a-part2.zip was aborted from outside 3 times; see the bucket's lifecycle rules",
      ),
    ]);
  });

  test('a fault of one batch zip ends the others, and begins no more', async () => {
    const opened: string[] = [];
    const { result, told, aborted } = await run({
      openBatch: async ({ target, fingerprint }) => {
        opened.push(fingerprint);
        return { ...target, uploadId: fingerprint };
      },
      assembleBatch: async ({ fingerprint }) => {
        if (fingerprint === '1') throw ApplicationFailure.nonRetryable('broken', 'ArchiveError');
        throw new Error('S3 is slow');
      },
    });

    await expect(result).rejects.toThrow();
    expect(told).toEqual([failed('broken')]);
    expect(opened.toSorted()).toEqual(['1', '2']);
    expect(aborted.toSorted()).toEqual(['1', '2']);
  });

  describe('an archive on a disk', () => {
    const onDisk = async () => ({ source: SOURCE, container: 'gzip', workspace: 'disk' }) as const;
    /** A worker that was there once: nobody polls its task queue. */
    const gonePlace = { taskQueue: 'gone', startTimeoutSeconds: 1 };

    test('of a worker that is gone for good: the run starts over on another one', async () => {
      let opened = 0;
      const { result, told, foldersRemoved } = await run({
        inspectArchive: onDisk,
        openWorkspace: async () => {
          opened += 1;
          return { path: `folder-${opened}`, place: opened < 3 ? gonePlace : undefined };
        },
      });

      await expect(result).resolves.toMatchObject({ rows: 30 });
      expect(told).toEqual([SUCCESS]);
      expect(foldersRemoved).toEqual(['folder-3']);
    });

    test('whose workers are gone over and over: the run fails, and says so', async () => {
      const { result, told } = await run({
        inspectArchive: onDisk,
        openWorkspace: async () => ({ path: 'folder', place: gonePlace }),
      });

      await expect(result).rejects.toThrow();
      expect(told).toEqual([
        failed(
          'The run began anew 5 times, the last time because: The worker that has the files is gone; look at the workers and their disks, then send the job again',
        ),
      ]);
    });

    test('that is swept away while batch zips are built: the run starts over', async () => {
      let extracted = 0;
      const { result, told, foldersRemoved, aborted } = await run({
        inspectArchive: onDisk,
        extractArchive: async () => {
          extracted += 1;
          return UNPACKED;
        },
        assembleBatch: async ({ fingerprint }) => {
          if (extracted === 1 && fingerprint === '3') throw lost();
          return MOVED;
        },
      });

      await expect(result).resolves.toMatchObject({ rows: 30 });
      expect(extracted).toBe(2);
      expect(aborted).toEqual(['3']);
      expect(foldersRemoved).toHaveLength(2);
      expect(told).toEqual([SUCCESS]);
    });

    test('is removed when the run fails', async () => {
      const { result, foldersRemoved } = await run({
        inspectArchive: onDisk,
        planSplit: async () => {
          throw ApplicationFailure.nonRetryable('no manifest', 'ArchiveError');
        },
      });

      await expect(result).rejects.toThrow();
      expect(foldersRemoved).toEqual(['folder']);
    });
  });

  test('an input that is no split job fails the run at once', async () => {
    const { result, told } = await run({}, { ...JOB, totalSize: -1 });

    await expect(result).rejects.toMatchObject({
      cause: { message: 'Not a split job: totalSize: expected a size in bytes, from 0 up, got -1' },
    });
    expect(told).toEqual([]);
  });

  /** Runs a job to its end on activities that do nothing but these. */
  async function run(own: Partial<Activities>, job = JOB) {
    const told: unknown[] = [];
    const aborted: string[] = [];
    const removed: number[] = [];
    const foldersRemoved: string[] = [];
    const activities: Partial<Activities> = {
      inspectArchive: async () => ({ source: SOURCE, container: 'zip', workspace: 's3' }),
      indexTar: async () => UNPACKED,
      openStaging: async () => ({ bucket: 'bucket', key: 'records', uploadId: 'records' }),
      stageArchive: async () => UNPACKED,
      openWorkspace: async () => ({ path: 'folder', place: undefined }),
      downloadArchive: async () => UNPACKED,
      extractArchive: async () => UNPACKED,
      removeWorkspace: async ({ path }) => void foldersRemoved.push(path),
      planSplit: async () => PLAN,
      openBatch: async ({ target, fingerprint }) => ({ ...target, uploadId: fingerprint }),
      assembleBatch: async () => MOVED,
      abandonUpload: async ({ uploadId }) => void aborted.push(uploadId),
      confirmBatches: async () => {},
      sendResult: async ({ body }) => void told.push(JSON.parse(body)),
      removeWorkingObjects: async () => void removed.push(1),
      ...own,
    };
    const { result } = await runToEnd<typeof splitArchive>(env, activities, 'splitArchive', [job]);
    return { result, told, aborted, removed, foldersRemoved };
  }

  /** A service that fails for so long (ms) from when it is asked first, by the clock of the server. */
  function outage(lengthMs: number) {
    let end: number | undefined;
    const service = {
      failures: 0,
      async unless<T>(task: () => T): Promise<T> {
        const now = await env.currentTimeMs();
        end ??= now + lengthMs;
        if (now >= end) return task();
        service.failures += 1;
        throw new Error('down');
      },
    };
    return service;
  }
});

const UNPACKED: UnpackedArchive = {
  origin: { kind: 'object', object: SOURCE },
  stretches: 1,
  files: 30,
  bytesRead: 5,
  bytesWritten: 5,
  resumedAt: 0,
};

const MOVED = { bytesCopied: 1, bytesRead: 1, bytesWritten: 1 };

const SUCCESS = {
  function: 'BiospexBatchCreator',
  status: 'success',
  downloadId: 4711,
  batchFiles: ['a-part1.zip', 'a-part2.zip', 'a-part3.zip'],
};

function failed(error: unknown) {
  return { function: 'BiospexBatchCreator', status: 'failed', downloadId: 4711, error };
}

function gone(): ApplicationFailure {
  return ApplicationFailure.nonRetryable('gone', 'UploadGoneError');
}

function lost(): ApplicationFailure {
  return ApplicationFailure.nonRetryable('swept', 'WorkspaceLostError');
}
