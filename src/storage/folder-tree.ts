import type { Stats } from 'node:fs';
import { lstat, lutimes, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isGone } from './file-errors.ts';

/**
 * Sets the times of a folder and of everything in it to now.
 *
 * @returns false where the folder is not there
 */
export async function touchTree(path: string): Promise<boolean> {
  const now = new Date();
  let isThere = false;
  for await (const found of walk(path)) {
    isThere = true;
    await lutimes(found.path, now, now).catch(unlessGone);
  }
  return isThere;
}

/** True for a folder of which nothing was written or touched for so long (ms). */
export async function isIdle(path: string, forMs: number): Promise<boolean> {
  let latest: number | undefined;
  for await (const { stats } of walk(path)) latest = Math.max(latest ?? 0, stats.mtimeMs);
  return latest !== undefined && latest < Date.now() - forMs;
}

/** Bytes of all files in a folder together; 0 where it is not there. */
export async function sizeOfTree(path: string): Promise<number> {
  let size = 0;
  for await (const { stats } of walk(path)) if (stats.isFile()) size += stats.size;
  return size;
}

/** Removes a folder with all that is in it; one that is not there, or that others are removing as well, is fine. */
export function removeFolder(path: string): Promise<void> {
  // A network mount keeps a file's name while somebody has it open: its folder is not empty until then.
  return rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** A path and all below it, without following links. What vanishes meanwhile is passed over. */
async function* walk(path: string): AsyncGenerator<{ path: string; stats: Stats }> {
  const stats = await lstat(path).catch(unlessGone);
  if (!stats) return;
  yield { path, stats };
  if (!stats.isDirectory()) return;
  for (const name of (await readdir(path).catch(unlessGone)) ?? []) yield* walk(join(path, name));
}

function unlessGone(error: unknown): undefined {
  if (!isGone(error)) throw error;
}
