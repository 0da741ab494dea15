import { ApplicationFailure } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import type { InspectedFiles } from '../../src/activities/inspect-files.ts';
import type { ZipPlan } from '../../src/activities/plan-zip.ts';
import type { ZipJob } from '../../src/messages/zip.ts';
import type { zipFiles } from '../../src/workflows/zip-files.ts';
import { runToEnd, startTimeSkipping } from '../support/time-skipping.ts';

const HOUR_MS = 3_600_000;

const JOB: ZipJob = { files: [{ source: 'a.txt' }], metadata: 'm' };

const TARGET = { bucket: 'zips', key: 'download/a.zip' };

const INSPECTED: InspectedFiles = {
  target: TARGET,
  files: 1,
  bytes: 900,
  stretches: 1,
  groups: 0,
  fingerprint: 'f',
  builtSize: undefined,
  renamed: [],
  lanes: 2,
};

const PLAN: ZipPlan = {
  target: TARGET,
  fingerprint: 'f',
  size: 1000,
  files: 1,
  stretches: 1,
  parts: 6,
  shards: 3,
  lanes: 2,
  bytesWritten: 1,
};

const MOVED = { bytesCopied: 1, bytesRead: 1, bytesWritten: 1 };

describe('zipFiles over hours', () => {
  let env: TestWorkflowEnvironment;

  beforeAll(async () => {
    env = await startTimeSkipping();
  });

  afterAll(() => env.teardown());

  test('S3 down for an hour in the middle: shards that are done stay done, the rest is tried again', async () => {
    const built: number[] = [];
    let end: number | undefined;

    const { result, told, removed } = await run({
      buildZipShard: async (_plan, _upload, number) => {
        const now = await env.currentTimeMs();
        end ??= now + HOUR_MS;
        if (number > 1 && now < end) throw new Error('down');
        built.push(number);
        return { ...MOVED, bytesDone: 300 };
      },
    });

    await expect(result).resolves.toEqual({
      ...TARGET,
      size: 1000,
      files: 1,
      renamed: [],
      reused: false,
      bytesCopied: 4,
      bytesRead: 4,
      bytesWritten: 5,
    });
    expect(built.toSorted()).toEqual([1, 2, 3]);
    expect(told).toEqual([
      [{ status: 'success', zip: { ...TARGET, size: 1000, files: 1, renamed: [] } }, 'm'],
    ]);
    expect(removed).toBe(1);
  });

  test('S3 down for days: the run gives up, aborts its upload, and tells so', async () => {
    const { result, told, aborted, removed } = await run({
      completeZip: async () => {
        throw new Error('down');
      },
    });

    await expect(result).rejects.toThrow();
    expect(told).toMatchObject([[{ status: 'failed', missing: [] }, 'm']]);
    expect(JSON.stringify(told)).toContain('down');
    expect(aborted).toEqual(['upload']);
    expect(removed).toBe(1);
  });

  test('SQS down for an hour: the result is told once it is back', async () => {
    let end: number | undefined;
    let sent = 0;

    const { result } = await run({
      sendZipResult: async () => {
        const now = await env.currentTimeMs();
        end ??= now + HOUR_MS;
        if (now < end) throw new Error('down');
        sent += 1;
      },
    });

    await expect(result).resolves.toMatchObject({ size: 1000 });
    expect(sent).toBe(1);
  });

  test('an upload that is aborted from outside is begun again, all of it', async () => {
    let completions = 0;
    const built: number[] = [];

    const { result, aborted } = await run({
      buildZipShard: async (_plan, _upload, number) => {
        built.push(number);
        return { ...MOVED, bytesDone: 300 };
      },
      completeZip: async () => {
        if (completions++ === 0) throw ApplicationFailure.nonRetryable('gone', 'UploadGoneError');
        return MOVED;
      },
    });

    await expect(result).resolves.toMatchObject({ size: 1000 });
    expect(built.toSorted()).toEqual([1, 1, 2, 2, 3, 3]);
    expect(aborted).toEqual(['upload']);
  });

  test('groups are deflated before the archive is planned', async () => {
    const done: string[] = [];

    const { result } = await run({
      inspectFiles: async () => ({ ...INSPECTED, groups: 3 }),
      deflateGroup: async (_inspected, number) => {
        done.push(`group ${number}`);
        return { bytesRead: 300, bytesWritten: 100 };
      },
      planZip: async () => {
        done.push('plan');
        return PLAN;
      },
    });

    await result;
    expect(done.slice(0, 3).toSorted()).toEqual(['group 1', 'group 2', 'group 3']);
    expect(done.slice(3)).toEqual(['plan']);
  });

  /** Runs a job to its end on activities that do nothing but these. */
  async function run(own: Partial<Activities>) {
    const told: unknown[] = [];
    const aborted: string[] = [];
    let removed = 0;
    const activities: Partial<Activities> = {
      inspectFiles: async () => INSPECTED,
      planZip: async () => PLAN,
      openZip: async () => ({ ...TARGET, uploadId: 'upload' }),
      buildZipShard: async () => ({ ...MOVED, bytesDone: 300 }),
      completeZip: async () => MOVED,
      confirmZip: async () => {},
      abandonUpload: async ({ uploadId }) => void aborted.push(uploadId),
      sendZipResult: async (...args) => void told.push(args),
      removeWorkingObjects: async () => {
        removed += 1;
      },
      ...own,
    };
    const { result } = await runToEnd<typeof zipFiles>(env, activities, 'zipFiles', [JOB]);
    return { result, told, aborted, removed };
  }
});
