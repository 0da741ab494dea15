import type { S3Client } from '@aws-sdk/client-s3';
import type { TarReader } from '../archive/tar-reader.ts';
import type { UnpackedStretch, UnpackTally } from '../archive/unpacked-stretch.ts';
import type { Config } from '../config.ts';
import type { Budget } from '../storage/budget.ts';
import type { ByteOrigin } from '../storage/byte-origin.ts';
import { type IndexStore, type UnpackProgress, unpack } from '../storage/unpack.ts';
import { archiveLimits } from './archive-limits.ts';
import type { Work } from './heartbeat.ts';
import type { InspectedArchive } from './inspect-archive.ts';
import type { SourceFiles } from './plan-split.ts';

/** An archive whose files can be taken as byte ranges, and what that took. */
export interface UnpackedArchive extends SourceFiles {
  /** Files that were unpacked; 0 for a ZIP, which stays as it is. */
  readonly files: number;
  /** Bytes that were moved, over all attempts; a killed attempt's are counted up to its last heartbeat. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Where in the archive the last attempt went on; 0 where it began at the start. */
  readonly resumedAt: number;
}

export interface UnpackDependencies {
  readonly s3: S3Client;
  /** Archives that the process may unpack at once: each takes memory of its own until its end. */
  readonly unpacks: Budget;
  readonly config: Config;
}

/** What becomes of an archive's files, and where that is written down. */
export interface UnpackTarget<Stretch extends UnpackedStretch> {
  readonly place: (tar: TarReader, from: UnpackTally) => AsyncIterable<Stretch>;
  readonly keep: (stretch: Stretch, signal: AbortSignal) => Promise<number>;
  readonly index: IndexStore;
}

/** One pass over a TAR or TAR.GZ, when its turn comes. */
export function unpackPass<Stretch extends UnpackedStretch>(
  { s3, unpacks, config }: UnpackDependencies,
  { source, container }: InspectedArchive,
  work: Work<UnpackProgress>,
  target: UnpackTarget<Stretch>,
): Promise<UnpackProgress> {
  const { signal, resumeFrom, checkpoint: onProgress } = work;
  const limits = archiveLimits(config);
  const gzip = container === 'gzip';
  return unpacks.spend(1, signal, () =>
    unpack({ s3, source, gzip, limits, ...target, signal, resumeFrom, onProgress }),
  );
}

/** What a run goes on with once its archive has been unpacked. */
export function unpackedArchive(origin: ByteOrigin, done: UnpackProgress): UnpackedArchive {
  const { stretches, files, bytesRead, bytesWritten, resumedAt } = done;
  return { origin, stretches, files, bytesRead, bytesWritten, resumedAt };
}
