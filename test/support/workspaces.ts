import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { isWorkspaceName } from '../../src/storage/workspace-folder.ts';
import type { SplitResult } from '../../src/workflows/split-archive.ts';
import type { ExportContent } from './export-fixtures.ts';
import { uniqueName, uniqueTaskQueue } from './harness.ts';
import { type SplitCase, splitCase, startWorker } from './split-case.ts';
import { expectBatchZips, expectFailure } from './split-expectations.ts';
import { tempFolder } from './temp-folder.ts';

/** The workspaces that a worker can have, as titles of tests. */
export const WORKSPACES = ['s3', 'disk, local', 'disk, shared'] as const;

export type WorkspaceKind = (typeof WORKSPACES)[number];

/** A worker with a workspace of one kind, and a task queue and folders of its own. */
export interface WorkspaceWorker {
  readonly taskQueue: string;
  /** Names of the folders of runs that there are, wherever they may lie. */
  folders(): Promise<string[]>;
  /** Those of a case's run, while others may be under way. */
  foldersOf(split: SplitCase): Promise<string[]>;
}

/** Runs such a worker until the test, or the file where a hook asks, ends; `env` holds settings more. */
export async function startWorkerWith(
  workspace: WorkspaceKind,
  env: Record<string, string> = {},
): Promise<WorkspaceWorker> {
  const taskQueue = uniqueTaskQueue();
  const folder = await tempFolder();
  const disk = { WORKSPACE: 'disk', TMPDIR: folder, EFS_PATH: folder };
  const settings = {
    s3: { WORKSPACE: 's3' },
    'disk, local': disk,
    'disk, shared': { ...disk, MAX_TMP_SIZE: '0' },
  }[workspace];
  await startWorker(taskQueue, { ...settings, ...env });
  const folders = async () => {
    const paths = await readdir(folder, { recursive: true });
    return paths.map((path) => basename(path)).filter(isWorkspaceName);
  };
  return {
    taskQueue,
    folders,
    foldersOf: async ({ job }) => {
      // What follows the last hyphen of `uniqueName` is no other run's, and in the folder's name.
      const [digits = ''] = /[0-9a-f]{8}(?=\.)/.exec(job.file) ?? [];
      return (await folders()).filter((name) => name.includes(digits));
    },
  };
}

/** Runs a worker of each kind until the file ends. To be called by its `beforeAll`. */
export async function startWorkersWithEach(): Promise<Record<WorkspaceKind, WorkspaceWorker>> {
  const workers = WORKSPACES.map(async (kind) => [kind, await startWorkerWith(kind)] as const);
  return Object.fromEntries(await Promise.all(workers)) as Record<WorkspaceKind, WorkspaceWorker>;
}

/** An archive that can be split, as the end of its name has it or not. */
export interface GoodArchive {
  readonly title: string;
  readonly content: ExportContent;
  readonly archive: Buffer;
  readonly extension: string;
}

/** Puts an archive where a worker can split it. */
export function putGood(
  { taskQueue }: WorkspaceWorker,
  { archive, extension }: GoodArchive,
): Promise<SplitCase> {
  return splitCase(archive, { file: `${uniqueName()}${extension}` }, taskQueue);
}

/** Splits an archive, which may have been put already, and asserts that it left what it should, and no folder. */
export async function expectSplit(
  worker: WorkspaceWorker,
  good: GoodArchive,
  batchSize: number,
  put?: SplitCase,
): Promise<SplitResult> {
  const split = put ?? (await putGood(worker, good));
  const result = await (await split.start({ batchSize })).result();
  await expectBatchZips(split, good.content, batchSize);
  expect(await worker.foldersOf(split)).toEqual([]);
  return result;
}

/** An archive that can't be split. */
export interface BadArchive {
  readonly title: string;
  /** Undefined where there is none. */
  readonly archive: Buffer | undefined;
  /** What the client is told. */
  readonly error: string | ((job: SplitCase['job']) => string);
}

/** Puts an archive where a worker can refuse it. */
export function putBad(
  { taskQueue }: WorkspaceWorker,
  { archive }: BadArchive,
): Promise<SplitCase> {
  return splitCase(archive, { file: `${uniqueName()}.tar.gz` }, taskQueue);
}

/** The same of an archive that can't be split: the run fails with its error and leaves nothing, no folder either. */
export async function expectRefusal(
  worker: WorkspaceWorker,
  bad: BadArchive,
  put?: SplitCase,
): Promise<void> {
  const { error } = bad;
  const split = put ?? (await putBad(worker, bad));
  await expectFailure(split, typeof error === 'function' ? error(split.job) : error);
  expect(await worker.foldersOf(split)).toEqual([]);
}

/** The same archive in a gzip stream. */
export function gzipped<T extends { readonly archive: Buffer | undefined }>(made: T): T {
  return { ...made, archive: made.archive && gzipSync(made.archive, { level: 1 }) };
}
