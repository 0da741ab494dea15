import { dirname, join } from 'node:path';
import { ApplicationFailure } from '@temporalio/activity';
import { estimatedInflatedSize } from '../archive/gzip-size.ts';
import { type RecordPart, recordParts } from '../archive/record-parts.ts';
import type { Budget } from '../storage/budget.ts';
import type { ByteOrigin } from '../storage/byte-origin.ts';
import { downloadObject } from '../storage/download.ts';
import { NoSpaceError } from '../storage/errors.ts';
import { whileFresh } from '../storage/keep-fresh.ts';
import { type FileWriter, withFileWriter } from '../storage/local-file.ts';
import { readRange } from '../storage/objects.ts';
import type { IndexStore, UnpackProgress } from '../storage/unpack.ts';
import { createWorkspace, removeWorkspace } from '../storage/workspace-folder.ts';
import { archiveLimits } from './archive-limits.ts';
import { heartbeating } from './heartbeat.ts';
import { indexStore } from './index-store.ts';
import type { InspectedArchive } from './inspect-archive.ts';
import {
  type UnpackDependencies,
  type UnpackedArchive,
  unpackedArchive,
  unpackPass,
} from './unpack-pass.ts';
import { currentRun } from './working-objects.ts';

/** ISIZE, at the end of a gzip file (RFC 1952 section 2.3.1). */
const ISIZE_BYTES = 4;

/** The disk of a worker, and the task queue that it alone polls; only a worker with WORKSPACE=disk has one. */
export interface LocalDisk {
  readonly root: string;
  readonly taskQueue: string;
}

/** The folder of a run. */
export interface Workspace {
  readonly path: string;
  /** Where activities that need the folder are carried out; undefined where every worker has it. */
  readonly place: WorkerPlace | undefined;
}

/** The one worker that can carry out a run's activities, because the run's files are on its disk. */
export interface WorkerPlace {
  /** The worker's own task queue. */
  readonly taskQueue: string;
  /** Time after which a worker that takes nothing up counts as gone. */
  readonly startTimeoutSeconds: number;
}

/** Runs an activity's work on an origin; a folder that it lies in is kept from being swept meanwhile. */
export function onOrigin<T>(origin: ByteOrigin, task: () => Promise<T>): Promise<T> {
  return origin.kind === 'file' ? whileFresh(dirname(origin.path), task) : task();
}

/** Activities that bring an archive to a disk, and clear up there. */
export function createWorkspaceActivities(
  dependencies: UnpackDependencies & {
    /** Bytes that the process may hold in buffers. */
    readonly bytes: Budget;
    readonly disk: LocalDisk | undefined;
  },
) {
  const { s3, config, bytes, disk } = dependencies;
  const limits = archiveLimits(config);

  /** Bytes that the archive will take on the disk. */
  async function neededBytes({ source, container }: InspectedArchive, signal: AbortSignal) {
    if (container !== 'gzip' || source.size < ISIZE_BYTES) return source.size;
    const trailer = await readRange(s3, source, source.size - ISIZE_BYTES, source.size, signal);
    return estimatedInflatedSize(source.size, trailer.readUInt32LE(0));
  }

  return {
    /**
     * Makes the folder of a run: on the worker's own disk, or on the shared mount where the job says
     * that the archive is large. Tried again where there is no room: other jobs end.
     */
    async openWorkspace(archive: InspectedArchive, totalSize: number): Promise<Workspace> {
      return heartbeating(async ({ signal }) => {
        const isLocal = totalSize <= config.MAX_TMP_SIZE;
        const { root, taskQueue } = localDisk(disk);
        const needed = await neededBytes(archive, signal);
        const path = await createWorkspace(
          isLocal ? root : config.EFS_PATH,
          currentRun(),
          needed,
        ).catch((error) => {
          if (!(error instanceof NoSpaceError)) throw error;
          throw ApplicationFailure.retryable(error.message, error.name);
        });
        const startTimeoutSeconds = config.LOST_WORKER_SECONDS;
        return { path, place: isLocal ? { taskQueue, startTimeoutSeconds } : undefined };
      });
    },

    /** Downloads a ZIP as it is. */
    async downloadArchive(
      { source }: InspectedArchive,
      workspace: Workspace,
    ): Promise<UnpackedArchive> {
      return heartbeating<UnpackProgress, UnpackedArchive>(async (work) => {
        const path = join(workspace.path, 'archive');
        const { size } = source;
        const resumeFrom = work.resumeFrom?.bytesDone ?? 0;
        const progressAt = (mark: number): UnpackProgress => ({
          ...{ stretches: 0, files: 0, resumedAt: resumeFrom },
          ...{ bytesDone: mark, bytesTotal: size, bytesRead: mark, bytesWritten: mark },
        });
        const onProgress = (mark: number) => work.checkpoint(progressAt(mark));
        const { signal } = work;
        onProgress(resumeFrom);
        await whileFresh(workspace.path, () =>
          downloadObject({ s3, source, path, resumeFrom, bytes, signal, onProgress }),
        );
        return unpackedArchive({ kind: 'file', path, size }, progressAt(size));
      });
    },

    /** Unpacks a TAR or TAR.GZ into a file of records. */
    async extractArchive(
      archive: InspectedArchive,
      workspace: Workspace,
    ): Promise<UnpackedArchive> {
      return heartbeating<UnpackProgress, UnpackedArchive>(async (work) => {
        const { source } = archive;
        const path = join(workspace.path, 'records');
        const index = indexStore(s3, source.bucket);
        const kept = await bytesKept(index, work.resumeFrom, work.signal);
        const extract = async (file: FileWriter) => {
          const done = await unpackPass(dependencies, archive, work, {
            place: (tar, from) => recordParts(tar, { archiveSize: source.size, limits, from }),
            keep: async (part: RecordPart) => {
              await file.write(part.bytes, part.start);
              return part.bytes.length;
            },
            index: afterSync(file, index),
          });
          return unpackedArchive(
            { kind: 'file', path, size: await bytesKept(index, done, work.signal) },
            done,
          );
        };
        return whileFresh(workspace.path, () => withFileWriter(path, kept, extract));
      });
    },

    /** Removes the folder of a run with all that is in it. */
    async removeWorkspace({ place }: Workspace): Promise<void> {
      return heartbeating(() =>
        removeWorkspace(place ? localDisk(disk).root : config.EFS_PATH, currentRun()),
      );
    },
  };
}

function localDisk(disk: LocalDisk | undefined): LocalDisk {
  if (disk) return disk;
  throw new Error(
    'This worker runs with WORKSPACE=s3, but the job wants a disk: set WORKSPACE=disk for all workers of the task queue',
  );
}

/** Bytes of the file of records that an attempt which told this has written. */
async function bytesKept(
  index: IndexStore,
  progress: UnpackProgress | undefined,
  signal: AbortSignal,
): Promise<number> {
  if (!progress || progress.stretches === 0) return 0;
  return (await index.load(progress.stretches, signal)).resume.tally.partBytes;
}

/** What the index says is in the file has to be on the disk first, for whoever reads it elsewhere. */
function afterSync(file: FileWriter, index: IndexStore): IndexStore {
  return {
    ...index,
    save: async (number, stretch, signal) => {
      await file.sync();
      await index.save(number, stretch, signal);
    },
  };
}
