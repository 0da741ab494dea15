import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** `stat` counts in blocks of this size (bytes), whatever the file system's own is. */
const BLOCK_BYTES = 512;

/** Time between two looks at a folder (ms): short beside what it takes to fill one. */
const LOOK_INTERVAL_MS = 500;

/**
 * Watches the space on the disk that the files in a folder take, until the function that it returns
 * is called, which tells the most that it was (bytes).
 */
export function watchDisk(folder: string): () => Promise<number> {
  const stopped = new AbortController();
  const { signal } = stopped;
  const watch = async () => {
    let most = 0;
    while (!signal.aborted) {
      await sleep(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => {});
      most = Math.max(most, await diskUsage(folder));
    }
    return most;
  };
  const watched = watch();
  // Told to whoever asks for the figure.
  watched.catch(() => {});
  return () => {
    stopped.abort();
    return watched;
  };
}

/** Files and folders that go while they are looked at count as gone. In bytes. */
async function diskUsage(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ifGone([]));
  let bytes = 0;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await diskUsage(path);
    else if (entry.isFile()) {
      const { blocks } = await stat(path).catch(ifGone({ blocks: 0 }));
      bytes += blocks * BLOCK_BYTES;
    }
  }
  return bytes;
}

function ifGone<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}

/** Waits until everything written so far is on the disk: what one has written must not slow down the next. */
export async function settleDisk(): Promise<void> {
  await promisify(execFile)('sync');
}
