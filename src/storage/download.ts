import type { S3Client } from '@aws-sdk/client-s3';
import type { Budget } from './budget.ts';
import type { ObjectVersion } from './errors.ts';
import { inLanes } from './lanes.ts';
import { withFileWriter } from './local-file.ts';
import { readRange } from './objects.ts';
import { PREFETCH_CHUNK_BYTES, PREFETCH_LANES } from './prefetch.ts';

/** Bytes between two flushes to the disk: what an attempt that dies may lose. A flush a chunk is too dear. */
const FLUSH_BYTES = 64 * 1024 * 1024;

export interface DownloadOptions {
  readonly s3: S3Client;
  readonly source: ObjectVersion;
  /** The file that is written; its folder is there. */
  readonly path: string;
  /** The last mark that an earlier attempt reported for this version and file; 0 for a first one. */
  readonly resumeFrom: number;
  /** Bytes that this process may hold in buffers. */
  readonly bytes: Budget;
  readonly signal: AbortSignal;
  /** Told a mark: all bytes before it are on the disk, and stay there if this machine fails. */
  readonly onProgress: (mark: number) => void;
}

/**
 * Writes one version of an object to a local file, with several ranged GETs side by side. What lies
 * before `resumeFrom` is neither read nor written again. Two attempts may write to one file at the
 * same time: both write the same bytes.
 *
 * @throws ObjectChangedError where the object is no longer this version
 * @throws WorkspaceLostError where the file is gone, or shorter than `resumeFrom`
 * @throws NoSpaceError where the disk is full
 */
export async function downloadObject(options: DownloadOptions): Promise<void> {
  const { s3, source, path, resumeFrom, bytes, signal, onProgress } = options;
  await withFileWriter(path, resumeFrom, async (writer) => {
    /** Starts of the chunks that are written beyond `written`, up to which there is no gap. */
    const beyond = new Set<number>();
    let written = resumeFrom;
    let mark = resumeFrom;
    let isFlushing = false;

    const flush = async () => {
      const reached = written;
      await writer.sync();
      mark = reached;
      onProgress(mark);
    };

    await inLanes(chunkStarts(options), PREFETCH_LANES, signal, async (start, either) => {
      const end = endOfChunk(start, source);
      await bytes.spend(end - start, either, async () => {
        await writer.write(await readRange(s3, source, start, end, either), start);
      });
      beyond.add(start);
      while (beyond.delete(written)) written = endOfChunk(written, source);
      if (isFlushing || written - mark < FLUSH_BYTES) return;
      isFlushing = true;
      await flush();
      isFlushing = false;
    });
    await flush();
  });
}

function* chunkStarts({ resumeFrom, source }: DownloadOptions): Generator<number> {
  for (let start = resumeFrom; start < source.size; start += PREFETCH_CHUNK_BYTES) yield start;
}

function endOfChunk(start: number, { size }: ObjectVersion): number {
  return Math.min(start + PREFETCH_CHUNK_BYTES, size);
}
