import { gzipSync } from 'node:zlib';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { filesOf, plainExport, tarByPython, zipByPython } from '../support/export-fixtures.ts';
import { testS3, uniqueName } from '../support/harness.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
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

interface Case {
  kind: string;
  workspace: WorkspaceKind;
}

const missing = new Map(
  WORKSPACES.map((workspace) => [
    workspace,
    ['.tar.gz', '.tar'].map((kind): Case => ({ kind, workspace })),
  ]),
);
const builtAgain = runsAtOnce([...missing.values()].flat(), jobOf, async (split, made) => {
  expect(await reusedBy(split)).toEqual([false, false, false]);
  const name = split.job.file.replace(made.kind, '-part2.zip');
  const before = await split.part(name);
  await testS3().send(
    new DeleteObjectCommand({ Bucket: split.job.s3Bucket, Key: `batch/${name}` }),
  );

  expect(await reusedBy(split)).toEqual([true, false, true]);

  expect(await split.part(name)).toEqual(before);
  const [told, ...others] = await split.results();
  expect(others).toEqual([told]);
  expect(await workers[made.workspace].foldersOf(split)).toEqual([]);
});

describe.each([...missing])('a job that is run again, workspace %s:', (_, cases) => {
  test.each(cases)('$kind builds only the batch zip that is missing', builtAgain);
});

const moved = ['.tar.gz', '.zip'].map((kind): Case => ({ kind, workspace: 's3' }));
const allReused = runsAtOnce(
  moved,
  async (made) => {
    const split = await jobOf(made);
    const again = (['disk, local', 'disk, shared', 's3'] as const).map((workspace) =>
      splitCase(undefined, split.job, workers[workspace].taskQueue),
    );
    return { split, again: await Promise.all(again) };
  },
  async ({ split, again }) => {
    expect(await reusedBy(split)).toEqual([false, false, false]);
    await expectBatchZips(split, CONTENT, BATCH_SIZE);

    for (const its of again) {
      expect(await reusedBy(its)).toEqual([true, true, true]);
      await expectBatchZips(its, CONTENT, BATCH_SIZE);
    }
  },
);

describe('a job that is run again where the workspace is another', () => {
  test.each(moved)('$kind: uses every batch zip of the first run', allReused);
});

test.each(WORKSPACES)('none of them leaves a folder, workspace %s', async (workspace) => {
  expect(await workers[workspace].folders()).toEqual([]);
});

async function jobOf({ kind, workspace }: Case): Promise<SplitCase> {
  const file = `${uniqueName()}${kind}`;
  return splitCase(ARCHIVES[kind], { file }, workers[workspace].taskQueue);
}

/** Runs a job, and says of each batch zip whether it was there already. */
async function reusedBy(split: SplitCase): Promise<boolean[]> {
  const { batches } = await (await split.start({ batchSize: BATCH_SIZE })).result();
  return batches.map(({ reused }) => reused);
}
