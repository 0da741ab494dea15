import { gzipSync } from 'node:zlib';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { filesOf, plainExport, tarByPython, zipByPython } from '../support/export-fixtures.ts';
import { testS3, uniqueName } from '../support/harness.ts';
import { type SplitCase, splitCase } from '../support/split-case.ts';
import { expectBatchZips } from '../support/split-expectations.ts';
import {
  startWorkersWithEach,
  WORKSPACES,
  type WorkspaceKind,
  type WorkspaceWorker,
} from '../support/workspaces.ts';

const BATCH_SIZE = 2;
const CONTENT = plainExport(6);
const TAR = tarByPython(filesOf(CONTENT));
const ARCHIVES: Readonly<Record<string, Buffer>> = {
  '.tar.gz': gzipSync(TAR),
  '.tar': TAR,
  '.zip': zipByPython(filesOf(CONTENT)),
};

let workers: Record<WorkspaceKind, WorkspaceWorker>;
beforeAll(async () => {
  workers = await startWorkersWithEach();
});

describe.each(WORKSPACES)('a job that is run again, workspace %s:', (workspace) => {
  test.each(['.tar.gz', '.tar'])('%s builds only the batch zip that is missing', async (kind) => {
    const split = await jobOf(kind, workspace);
    expect(await reusedBy(split)).toEqual([false, false, false]);
    const name = split.job.file.replace(kind, '-part2.zip');
    const before = await split.part(name);
    await testS3().send(
      new DeleteObjectCommand({ Bucket: split.job.s3Bucket, Key: `batch/${name}` }),
    );

    expect(await reusedBy(split)).toEqual([true, false, true]);

    expect(await split.part(name)).toEqual(before);
    const [told, ...others] = await split.results();
    expect(others).toEqual([told]);
    expect(await workers[workspace].folders()).toEqual([]);
  });
});

describe('a job that is run again where the workspace is another', () => {
  test.each(['.tar.gz', '.zip'])('%s: uses every batch zip of the first run', async (kind) => {
    const split = await jobOf(kind, 's3');
    expect(await reusedBy(split)).toEqual([false, false, false]);
    await expectBatchZips(split, CONTENT, BATCH_SIZE);

    for (const workspace of ['disk, local', 'disk, shared', 's3'] as const) {
      const again = await splitCase(undefined, split.job, workers[workspace].taskQueue);
      expect(await reusedBy(again)).toEqual([true, true, true]);
      await expectBatchZips(again, CONTENT, BATCH_SIZE);
    }
  });
});

async function jobOf(kind: string, workspace: WorkspaceKind): Promise<SplitCase> {
  const file = `${uniqueName()}${kind}`;
  return splitCase(ARCHIVES[kind], { file }, workers[workspace].taskQueue);
}

/** Runs a job, and says of each batch zip whether it was there already. */
async function reusedBy(split: SplitCase): Promise<boolean[]> {
  const { batches } = await (await split.start({ batchSize: BATCH_SIZE })).result();
  return batches.map(({ reused }) => reused);
}
