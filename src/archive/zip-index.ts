import {
  type ArchiveLimits,
  assertDirectoryWithinLimits,
  assertEntryWithinLimits,
  assertTotalWithinLimits,
} from './archive-limits.ts';
import { ArchiveError } from './errors.ts';
import type { RangeReader } from './range-reader.ts';
import { type CentralEntry, readCentralDirectory } from './zip-central.ts';
import { MAX_END_LENGTH, readEndRecords } from './zip-end.ts';
import type { ZipEntry } from './zip-entry.ts';
import { type CentralDirectoryExtent, END_LENGTH, LOCAL_HEADER_SIGNATURE } from './zip-records.ts';
import { assertSupported } from './zip-rules.ts';
import { locateData } from './zip-samples.ts';
import { readSpans } from './zip-spans.ts';

/**
 * The first read, from the archive's end: it has to hold the end record with the longest comment (64
 * KiB), and at 1 MiB it holds the whole central directory of some 10,000 entries, too. That takes
 * about 12 ms at the 90 MB/s of one request to S3, less than a second request would.
 */
const TAIL_BYTES = 1024 * 1024;

/**
 * The entries of a ZIP archive in the order in which their records lie in it, directories included.
 *
 * Every byte of the archive is accounted for: records from offset 0 on, each ending exactly where the
 * next begins, the last one where the central directory does; the directory with exactly the headers
 * and the length that are claimed, up to the end records; the end record's comment up to the end of
 * the archive. Local headers are read for a sample of the entries (see `locateData`); `verifyRecords`
 * checks all of them, and the data.
 *
 * Reads: the tail, the rest of the central directory where it is longer, and a few samples, whatever
 * the number of entries. Memory: the central directory and some 500 bytes an entry.
 *
 * Throws `ArchiveError` where the archive breaks a rule, `LimitError` where it is over a limit, and
 * what the reader rejects with.
 */
export async function readZipIndex(
  reader: RangeReader,
  limits: ArchiveLimits,
): Promise<ZipEntry[]> {
  const tail = await reader.read(Math.max(0, reader.size - TAIL_BYTES), reader.size);
  const directory = readEndRecords(tail, reader.size) ?? (await refuse(reader, tail));
  assertDirectoryWithinLimits(directory, limits);
  const window = await withWholeDirectory(reader, tail, directory);
  const entries = await readEntries(window, reader.size, directory, limits);
  entries.sort((a, b) => a.recordStart - b.recordStart);
  const spans = [...readSpans(entries, directory.offset)];
  const dataStarts = await locateData(readerOver(reader, window), spans);
  return spans.map(({ entry, recordEnd }, index) => ({
    ...entry,
    recordName: entry.name,
    verified: false,
    dataStart: dataStarts[index] as number,
    recordEnd,
  }));
}

async function readEntries(
  window: Buffer,
  size: number,
  directory: CentralDirectoryExtent,
  limits: ArchiveLimits,
): Promise<CentralEntry[]> {
  const entries: CentralEntry[] = [];
  let totalBytes = 0;
  for await (const entry of readCentralDirectory(window, size, directory)) {
    assertSupported(entry);
    assertEntryWithinLimits(entry, limits);
    totalBytes += entry.uncompressedSize;
    assertTotalWithinLimits(totalBytes, limits);
    entries.push(entry);
  }
  return entries;
}

/** The archive's last bytes from the central directory on, or more. */
async function withWholeDirectory(
  reader: RangeReader,
  tail: Buffer,
  directory: CentralDirectoryExtent,
): Promise<Buffer> {
  const tailStart = reader.size - tail.length;
  if (directory.offset >= tailStart) return tail;
  return Buffer.concat([await reader.read(directory.offset, tailStart), tail]);
}

/** A reader that answers from memory what lies in `window`, the archive's last bytes. */
function readerOver(reader: RangeReader, window: Buffer): RangeReader {
  const windowStart = reader.size - window.length;
  return {
    size: reader.size,
    read: async (start, end) =>
      start >= windowStart
        ? window.subarray(start - windowStart, end - windowStart)
        : reader.read(start, end),
  };
}

/** Says what an archive without an end record is: a ZIP that was cut off, or none at all. */
async function refuse(reader: RangeReader, tail: Buffer): Promise<never> {
  const { size } = reader;
  const head = size > tail.length ? await reader.read(0, 4) : tail;
  if (head.length < 4 || head.readUInt32LE(0) !== LOCAL_HEADER_SIGNATURE) {
    throw new ArchiveError(
      size < END_LENGTH
        ? `Not a ZIP archive: it has ${size} bytes, the smallest has ${END_LENGTH}`
        : 'Not a ZIP archive: it has neither a ZIP signature nor an end of central directory record',
    );
  }
  throw new ArchiveError(
    `The ZIP archive is truncated: there is no end of central directory record in its last ${Math.min(size, MAX_END_LENGTH)} bytes`,
  );
}
