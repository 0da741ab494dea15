import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { splitRequest } from '../../src/runs/request.ts';
import { startRun } from '../../src/starter/start-run.ts';
import { abortUpload } from '../../src/storage/multipart.ts';
import { plainExport } from '../support/export-fixtures.ts';
import { testS3, uniqueTaskQueue } from '../support/harness.ts';
import {
  expectSplit,
  expectTold,
  type HeldRun,
  type HeldStage,
  startHeld,
} from '../support/held-run.ts';
import { hold, partsMade, WAIT } from '../support/holds.ts';
import { type S3Call, s3Proxy } from '../support/s3-proxy.ts';
import { putArchive, startWorker } from '../support/split-case.ts';
import { type TestArchive, tarArchive, tarGzArchive } from '../support/test-archives.ts';

const MIB = 1024 * 1024;

const IMAGES = { rows: 33, imageBytes: 400_000 };

/** What stores other than S3 answer to a completion that they have carried out before. */
const NO_SUCH_UPLOAD = { status: 404, code: 'NoSuchUpload' };

let stage: HeldStage;
/** Both have 13 MB, read by four GETs; the records fill two parts. */
let tarGz: TestArchive;
let tar: TestArchive;

beforeAll(async () => {
  const proxy = await s3Proxy();
  stage = { proxy, taskQueue: uniqueTaskQueue() };
  await startWorker(stage.taskQueue, {}, proxy.stack);
  const content = plainExport(IMAGES.rows, IMAGES.imageBytes);
  tarGz = tarGzArchive(content);
  tar = tarArchive(content);
});

describe('an upload', () => {
  test('of staged files that somebody aborts is begun again, once', async () => {
    const held = await startHeld(stage, tarGz, uploadsPart(2));
    await vi.waitFor(() => {
      expect(partsMade(stage.proxy, held.records)).toEqual([1]);
      expect(held.held.calls).toHaveLength(1);
    }, WAIT);

    await abortUploads(held);
    held.held.release();

    await expectSplit(held);
    expect(partsMade(stage.proxy, held.records)).toEqual([1, 1, 2]);
    expect(stage.proxy.succeeded('CreateMultipartUpload', held.records)).toHaveLength(2);
  });

  test.each([
    ['staged files', 'that it completes it', () => tarGz, 'records', undefined],
    ['staged files', 'that there is no such upload', () => tarGz, 'records', NO_SUCH_UPLOAD],
    ['a batch zip', 'that there is no such upload', () => tar, 'batch', NO_SUCH_UPLOAD],
  ] as const)(
    'of %s is not undone where the answer to its completion is lost, and a second try is told %s',
    async (_, __, archive, object, answer) => {
      const completes = ({ operation, key }: S3Call) =>
        operation === 'CompleteMultipartUpload' &&
        key.startsWith('batch/') === (object === 'batch');
      const held = await startHeld(stage, archive(), completes);
      await vi.waitFor(() => expect(held.held.calls).toHaveLength(1), WAIT);
      const again = hold(stage.proxy, (call) => held.owns(call) && completes(call));
      held.held.release('lose the answer');
      await vi.waitFor(() => expect(again.calls).toHaveLength(1), WAIT);

      again.release(answer);

      await expectSplit(held);
      expect(partsMade(stage.proxy, held[object])).toEqual([1, 2]);
      expect(stage.proxy.succeeded('CreateMultipartUpload', held[object])).toHaveLength(1);
      const { bytesRead, bytesWritten } = await held.run.result();
      expect(bytesRead).toBeGreaterThan(archive().bytes.length);
      expect(bytesWritten).toBeGreaterThan(IMAGES.rows * IMAGES.imageBytes);
    },
  );
});

describe('an archive that is replaced', () => {
  test.each([
    ['TAR.GZ', 'staged', () => tarGz],
    ['TAR', 'indexed', () => tar],
  ])('while it is a %s that is being %s: the run fails and says so', async (_, __, archive) => {
    const held = await startHeld(
      stage,
      archive(),
      ({ operation, rangeStart }) => operation === 'GetObject' && rangeStart >= 8 * MIB,
    );
    await vi.waitFor(() => expect(held.held.calls).toHaveLength(2), WAIT);

    await replaceArchive(held);
    held.held.release();

    await expectTold(held, changed(held));
  });

  test('once it has been staged: the batch zips are those of the version that the run began with', async () => {
    const held = await startHeld(stage, tarGz, beginsBatch);
    await vi.waitFor(() => expect(held.held.calls).toHaveLength(1), WAIT);

    await replaceArchive(held);
    held.held.release();

    await expectSplit(held);
  });

  test('once it has been indexed in place: the run fails and says so', async () => {
    const held = await startHeld(stage, tar, beginsBatch);
    await vi.waitFor(() => expect(held.held.calls).toHaveLength(1), WAIT);

    await replaceArchive(held);
    held.held.release();

    await expectTold(held, changed(held));
  });
});

describe('a run that is staging', () => {
  test('is cancelled: tells so, gives up the upload, and leaves nothing behind', async () => {
    const held = await startHeld(stage, tarGz, uploadsPart(2));
    await vi.waitFor(() => expect(held.held.calls).toHaveLength(1), WAIT);

    await held.run.cancel();

    await expectTold(held, 'The run was cancelled');
    expect((await held.run.describe()).status.name).toBe('CANCELLED');
  });

  test('answers all messages of its job', async () => {
    const held = await startHeld(stage, tarGz, uploadsPart(2));
    await vi.waitFor(() => expect(held.held.calls).toHaveLength(1), WAIT);
    const { client, job } = held.split;
    const request = splitRequest(job);
    const deliver = (messageId: string) => startRun(client, stage.taskQueue, request, messageId);

    expect(await Promise.all(['A', 'A', 'B'].map(deliver))).toEqual(Array(3).fill('joined'));
    held.held.release();

    await expectSplit(held);
    expect(await Promise.all(['A', 'B'].map(deliver))).toEqual(Array(2).fill('answered before'));
  });
});

function uploadsPart(from: number): (call: S3Call) => boolean {
  return ({ operation, part }) => operation === 'UploadPart' && part >= from;
}

function beginsBatch({ operation, key }: S3Call): boolean {
  return operation === 'CreateMultipartUpload' && key.startsWith('batch/');
}

/** Puts other bytes in the place of a run's archive. */
function replaceArchive({ split: { job } }: HeldRun): Promise<void> {
  return putArchive(job, Buffer.alloc(job.totalSize));
}

function changed({ split: { job } }: HeldRun): string {
  return expect.stringMatching(
    `^s3://${job.s3Bucket}/${job.exportPath} changed while the run was reading it \\(its ETag was "[0-9a-f-]+"\\); send the job again once it is final$`,
  );
}

async function abortUploads({ split: { job } }: HeldRun): Promise<void> {
  const bucket = job.s3Bucket;
  const { Uploads = [] } = await testS3().send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  for (const { Key: key = '', UploadId: uploadId = '' } of Uploads) {
    await abortUpload(testS3(), { bucket, key, uploadId });
  }
}
