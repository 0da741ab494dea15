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

/**
 * Runs `work` on a fresh embedded stack, which is stopped and removed at the end, whatever happens.
 * Throws, before it starts anything, where fewer than `diskBytes` are free on the disk.
 */
export async function inArena<T>(
  diskBytes: number,
  signal: AbortSignal,
  work: (arena: Arena) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  try {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < diskBytes) {
      throw new Error(
        `Expected ${formatBytes(diskBytes)} free in ${tmpdir()}, got ${formatBytes(bavail * bsize)}; set TMPDIR, or measure with less`,
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
