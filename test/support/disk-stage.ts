import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { HeldRun } from './held-run.ts';
import { tempFolder } from './temp-folder.ts';

/** Bytes of an archive up to which the workers of a {@link DiskStage} take their own disk. */
const MAX_TMP_SIZE = 1_000_000_000;

/** The job's field that sends a run to the disk of one worker, or to the mount that all share. */
export const LOCAL = { totalSize: MAX_TMP_SIZE };
export const SHARED = { totalSize: MAX_TMP_SIZE + 1 };

/** Folders of a test's own, and what tells a worker to use them. */
export interface DiskStage {
  readonly shared: string;
  /** Where each worker has a folder for its own disk. */
  readonly local: string;
  readonly env: Record<string, string>;
}

export async function diskStage(): Promise<DiskStage> {
  const [tmpDir, shared] = [await tempFolder(), await tempFolder()];
  return {
    shared,
    local: join(tmpDir, 'sheaf'),
    env: {
      WORKSPACE: 'disk',
      TMPDIR: tmpDir,
      EFS_PATH: shared,
      MAX_TMP_SIZE: `${MAX_TMP_SIZE}`,
      LOST_WORKER_SECONDS: '5',
    },
  };
}

/** The folder of a run, on whichever disk; undefined where there is none. */
export async function workspaceOf(
  { name }: Pick<HeldRun, 'name'>,
  { local, shared }: DiskStage,
): Promise<string | undefined> {
  // The folder's name has the run's, but for doubled hyphens; its last eight digits are no other run's.
  const digits = name.slice(-8);
  const roots = (await readdir(local)).map((root) => join(local, root));
  for (const root of [shared, ...roots]) {
    const found = (await readdir(root)).find((folder) => folder.includes(digits));
    if (found) return join(root, found);
  }
  return undefined;
}
