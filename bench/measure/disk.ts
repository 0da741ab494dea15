import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** `stat` counts in blocks of this size (bytes), whatever the file system's own is. */
const BLOCK_BYTES = 512;

/** The space on the disk that the files in a folder take, in bytes. */
export async function diskUsage(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { blocks } = await stat(join(entry.parentPath, entry.name));
    bytes += blocks * BLOCK_BYTES;
  }
  return bytes;
}

/** Waits until everything written so far is on the disk: what one has written must not slow down the next. */
export async function settleDisk(): Promise<void> {
  await promisify(execFile)('sync');
}
