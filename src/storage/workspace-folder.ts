import { createHash } from 'node:crypto';
import { mkdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NoSpaceError } from './errors.ts';
import { codeOf, isGone, onFile } from './file-errors.ts';
import { removeFolder, sizeOfTree } from './folder-tree.ts';

/** The run that a workspace belongs to, as Temporal names it. */
export interface WorkspaceRun {
  readonly workflowId: string;
  readonly runId: string;
}

/** Bytes of a disk that workspaces leave free: logs and other programs write to it, too. */
const RESERVE_BYTES = 256 * 1024 * 1024;

/** Characters of the workflow's id in a folder's name: enough to know it by, and far below what file systems allow. */
const SLUG_LENGTH = 60;

/** Hexadecimal digits of the hash of both ids: 80 bits, no two runs share them. */
const HASH_LENGTH = 20;

/** The file in a workspace that says whose it is. */
const RUN_FILE = 'run.json';

/** How {@link workspaceName} names a folder. */
const WORKSPACE_NAME = new RegExp(`^sheaf-[\\w.-]{1,${SLUG_LENGTH}}-[0-9a-f]{${HASH_LENGTH}}$`);

const runSchema = z.object({ workflowId: z.string(), runId: z.string() });

/** Where the workspace of a run lies below a root: always one level below it, whatever the ids hold. */
export function workspacePath(root: string, run: WorkspaceRun): string {
  return join(root, workspaceName(run));
}

/** True for a name that {@link workspacePath} gives to a folder. */
export function isWorkspaceName(name: string): boolean {
  return WORKSPACE_NAME.test(name);
}

/**
 * Makes the folder of a run, for the user of this process only, or finds the one that an earlier
 * attempt has made, with all that is in it.
 *
 * @param root the folder for workspaces, which is there
 * @param neededBytes bytes of all files that the workspace will hold; what is there of them counts
 * @returns the folder's path
 * @throws NoSpaceError where the disk has less free than that and a reserve
 */
export async function createWorkspace(
  root: string,
  run: WorkspaceRun,
  neededBytes: number,
): Promise<string> {
  const path = workspacePath(root, run);
  await assertSpace(root, neededBytes - (await sizeOfTree(path)));
  const { workflowId, runId } = run;
  await onFile(path, makeFolder(path));
  const whose = JSON.stringify({ workflowId, runId });
  await onFile(path, writeFile(join(path, RUN_FILE), whose, { mode: 0o600 }));
  return path;
}

/** Removes the folder of a run with all that is in it; one that is not there is fine. */
export function removeWorkspace(root: string, run: WorkspaceRun): Promise<void> {
  return removeFolder(workspacePath(root, run));
}

/** The run that a workspace belongs to; undefined where the folder doesn't say. */
export async function readWorkspaceRun(path: string): Promise<WorkspaceRun | undefined> {
  try {
    return runSchema.parse(JSON.parse(await readFile(join(path, RUN_FILE), 'utf8')));
  } catch (error) {
    if (isGone(error) || error instanceof SyntaxError || error instanceof z.ZodError) {
      return undefined;
    }
    throw error;
  }
}

function workspaceName({ workflowId, runId }: WorkspaceRun): string {
  const slug = workflowId
    .match(/[\w.]+/g)
    ?.join('-')
    .slice(0, SLUG_LENGTH);
  const hash = createHash('sha256')
    .update(JSON.stringify([workflowId, runId]))
    .digest('hex');
  return `sheaf-${slug ?? 'run'}-${hash.slice(0, HASH_LENGTH)}`;
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

/** Throws `NoSpaceError` unless so many more bytes fit on the disk of `root`. */
async function assertSpace(root: string, neededBytes: number): Promise<void> {
  const { bavail, blocks, bsize, frsize } = await statfs(root).catch((error) => {
    if (!isGone(error)) throw error;
    throw new Error(`The folder for workspaces, ${root}, is not there; mount it or make it`, {
      cause: error,
    });
  });
  // Blocks are counted in units of `frsize` (POSIX, fstatvfs), which older versions of Node leave out.
  const freeBytes = bavail * (frsize ?? bsize);
  const isCounted = blocks > 0;
  if (neededBytes <= 0 || !isCounted || neededBytes + RESERVE_BYTES <= freeBytes) return;
  throw new NoSpaceError(
    `The disk of ${root} has ${freeBytes} bytes free, ` +
      `the job needs ${neededBytes} more and leaves ${RESERVE_BYTES} to others`,
  );
}
