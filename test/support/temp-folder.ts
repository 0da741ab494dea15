import { lutimes, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterwards } from './afterwards.ts';

/** A folder of the test's own, removed when the test ends. */
export async function tempFolder(): Promise<string> {
  // Short: there are sockets below it.
  const path = await mkdtemp(join(tmpdir(), 'sheaf-'));
  afterwards(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Sets the times of a folder, and of everything in it, to so many minutes ago. */
export async function makeOld(path: string, minutes: number): Promise<void> {
  const then = new Date(Date.now() - minutes * 60_000);
  for (const name of await readdir(path, { recursive: true })) {
    await lutimes(join(path, name), then, then);
  }
  await lutimes(path, then, then);
}
