import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { formatBytes } from '../../src/cli/format.ts';
import { stackS3 } from '../../src/local/clients.ts';
import { type Stack, startStack } from '../../src/local/stack.ts';

/** The embedded stack on data of its own, where competitors meet. */
export interface Arena {
  /** For everything that is kept on disk; gone at the end. */
  readonly folder: string;
  readonly stack: Stack;
  readonly s3: S3Client;
  readonly signal: AbortSignal;
}

/** The archive as a file, the same in S3 with its batch zips, and three times more for those who work on disk; with air. */
const DISK_PER_ARCHIVE_BYTE = 8;

/**
 * Runs `work` on a fresh embedded stack, which is stopped and removed at the end, whatever happens.
 * Throws, before it starts anything, where the disk is too small for archives of `archiveBytes`.
 */
export async function inArena<T>(
  archiveBytes: number,
  signal: AbortSignal,
  work: (arena: Arena) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  try {
    const { bavail, bsize } = await statfs(folder);
    const needed = DISK_PER_ARCHIVE_BYTE * archiveBytes;
    if (bavail * bsize < needed) {
      throw new Error(
        `Expected ${formatBytes(needed)} free in ${tmpdir()}, got ${formatBytes(bavail * bsize)}; set TMPDIR, or take smaller --images`,
      );
    }
    const stack = await startStack({
      dataDir: join(folder, 'stack'),
      report: console.error,
      signal,
    });
    const s3 = stackS3(stack.endpoints);
    try {
      return await work({ folder, stack, s3, signal });
    } finally {
      s3.destroy();
      // Nothing in it is to be kept.
      await stack.kill();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
