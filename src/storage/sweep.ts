import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder } from './folder-tree.ts';

/** What a sweep has removed, and what it could not judge or remove: both for the log. */
export interface Swept {
  readonly removed: readonly string[];
  readonly failed: readonly { readonly path: string; readonly error: unknown }[];
}

/**
 * Removes the folders right below `root` that `isLeft` says nobody will use again. Never rejects: a
 * folder that can't be judged or removed, or is being removed by somebody else, stops neither the
 * sweep nor whoever asked for it.
 */
export async function sweep(
  root: string,
  isLeft: (path: string, name: string) => Promise<boolean>,
): Promise<Swept> {
  const removed: string[] = [];
  const failed: { path: string; error: unknown }[] = [];
  const attempt = async (path: string, task: () => Promise<void>) => {
    try {
      await task();
    } catch (error) {
      failed.push({ path, error });
    }
  };
  await attempt(root, async () => {
    for (const name of await readdir(root)) {
      const path = join(root, name);
      await attempt(path, async () => {
        if (!(await isLeft(path, name))) return;
        await removeFolder(path);
        removed.push(path);
      });
    }
  });
  return { removed, failed };
}
