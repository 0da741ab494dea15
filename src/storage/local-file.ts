import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { RangeReader } from '../archive/range-reader.ts';
import { WorkspaceLostError } from './errors.ts';
import { onFile } from './file-errors.ts';
import { readAhead } from './read-ahead.ts';

/** One read of a stream (bytes): what a network mount sends at once; longer ones were no faster. */
const STREAM_READ_BYTES = 1024 * 1024;

/** Reads of a stream at once: one goes on while the reader works on the chunk before it. */
const STREAM_LANES = 2;

/** What a stream of a file holds at most (bytes). */
export const FILE_STREAM_BYTES = STREAM_READ_BYTES * STREAM_LANES;

/** Writes to one file at any offset. */
export interface FileWriter {
  /** Writes all of the bytes from `position` on. Rejects with NoSpaceError where they do not fit. */
  write(bytes: Buffer, position: number): Promise<void>;
  /**
   * Resolves once everything whose `write` has resolved is on the disk, and the file is still where
   * it was: one that was removed meanwhile takes bytes like any other. Rejects with
   * WorkspaceLostError where it was removed.
   */
  sync(): Promise<void>;
}

/** Reads of a file that has `size` bytes, for code that knows nothing of files; see {@link readFileRange}. */
export function fileReader(path: string, size: number): RangeReader {
  return { size, read: (start, end) => readFileRange(path, start, end) };
}

/**
 * The bytes of a local file from `start` up to, not including, `end`. `room`, where it is given, is the
 * buffer that they are read into; the result is a view of it.
 *
 * @throws WorkspaceLostError where the file is gone, or ends before `end`
 */
export function readFileRange(
  path: string,
  start: number,
  end: number,
  room?: Buffer,
): Promise<Buffer> {
  const bytes = room?.subarray(0, end - start) ?? Buffer.allocUnsafe(end - start);
  return withFile(path, constants.O_RDONLY, (handle) => readAll(handle, path, start, bytes));
}

/**
 * The bytes of a local file from `start` up to, not including, `end`, in chunks of 1 MiB, read ahead
 * of the reader by one. Throws as {@link readFileRange} does.
 */
export async function* streamFileRange(
  path: string,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const handle = await onFile(path, open(path, constants.O_RDONLY));
  try {
    yield* readAhead({
      start,
      end,
      chunkBytes: STREAM_READ_BYTES,
      lanes: STREAM_LANES,
      signal,
      read: (from, to) => readAll(handle, path, from, Buffer.allocUnsafe(to - from)),
    });
  } finally {
    await handle.close();
  }
}

/**
 * Runs `task` with a writer on a local file, and closes the file whatever happens. The file is made
 * where nothing of it is to be kept and it is not there. It is never cut: an attempt that was given up
 * but still runs may begin after its successor, and would take from it what it has written.
 *
 * @param keep bytes from the file's start that earlier attempts have written
 * @throws WorkspaceLostError where the file's folder is gone, or the file does not have those bytes
 * @throws NoSpaceError where the disk is full
 */
export function withFileWriter<T>(
  path: string,
  keep: number,
  task: (writer: FileWriter) => Promise<T>,
): Promise<T> {
  const flags = constants.O_RDWR | (keep > 0 ? 0 : constants.O_CREAT);
  return withFile(path, flags, async (handle) => {
    const { size } = await onFile(path, handle.stat());
    if (size < keep) throw new WorkspaceLostError(path, `has ${size} bytes instead of ${keep}`);
    return task({
      write: (bytes, position) => writeAll(handle, path, bytes, position),
      sync: async () => {
        await onFile(path, handle.datasync());
        const { nlink } = await onFile(path, handle.stat());
        if (nlink === 0) throw new WorkspaceLostError(path, 'is gone');
      },
    });
  });
}

async function withFile<T>(
  path: string,
  flags: number,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await onFile(path, open(path, flags, 0o600));
  let result: T;
  try {
    result = await use(handle);
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
  // A network mount may say only now that what was written has no room.
  await onFile(path, handle.close());
  return result;
}

/** Fills `bytes` from `start` on: one read may give fewer than asked for before the end of the file. */
async function readAll(
  handle: FileHandle,
  path: string,
  start: number,
  bytes: Buffer,
): Promise<Buffer> {
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await onFile(
      path,
      handle.read(bytes, filled, bytes.length - filled, start + filled),
    );
    if (bytesRead === 0) {
      const end = start + bytes.length;
      throw new WorkspaceLostError(path, `ends at ${start + filled}, before byte ${end}`);
    }
    filled += bytesRead;
  }
  return bytes;
}

/** One write may take fewer bytes than given, when a disk is about to be full. */
async function writeAll(
  handle: FileHandle,
  path: string,
  bytes: Buffer,
  position: number,
): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await onFile(
      path,
      handle.write(bytes, written, bytes.length - written, position + written),
    );
    written += bytesWritten;
  }
}
